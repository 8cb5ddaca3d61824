"""Campaigns that are killed, disturbed or run out of room: the same command goes on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.recovery import reopen
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.results import ResultsFile
from tests.chat_server import ChatServer
from tests.history.test_disk import contained
from tests.history.test_ledger import experiment_of
from tests.kills.scene import TAG, idea, lines_of, staged
from tests.projects import git

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.history.ledger import Ledger
    from tests.chat_server import Reply

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what is left is looked for in /proc"
)

#: Pages that are left on a small disk: a few experiments fit.
ROOM = 8
#: Where a session is killed, one after another, before it is left alone; `#2` is in the mending.
CHAIN = ("half of a line", "git update-ref refs/heads/autoexp/t", "#2", "half of a row")


def test_killed_again_and_again(tmp_path: Path) -> None:
    """At boundaries and at a random instant: it comes to what an uncut campaign comes to."""
    scene = staged(tmp_path / "scene", 6)
    for number, boundary in enumerate(CHAIN):
        assert scene.killed_at(boundary, group=number % 2 == 0), (boundary, scene.output)
    chance = random.Random(7)
    scene.killed_after(chance.uniform(0.0, 1.0), experiments=True, group=True)
    assert scene.finish() == []


def test_every_boundary_can_be_mended(tmp_path: Path) -> None:
    """What is on the disk at each one is taken up, judged and told alike everywhere."""
    scene, copies = staged(tmp_path / "scene", 2), tmp_path / "copies"
    copies.mkdir()
    assert scene.run({"KILLS_COPIES": str(copies), "KILLS_LOG": str(tmp_path / "log")}) == 0
    assert scene.violations() == []
    names = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    found = sorted(copies.iterdir())
    assert len(found) == len(names) > 80
    whole = {row["number"]: row for row in scene.journal}
    for name, root in zip(names, found, strict=True):
        if not has_begun(root):
            # It begins anew, so nothing may be in its way.
            assert not git(root, "for-each-ref", f"refs/heads/autoexp/{TAG}"), name
            continue
        mended(root, whole, name)


def has_begun(root: Path) -> bool:
    """Tell whether the baseline is in the journal."""
    path = Journal(root, TAG).path
    return path.exists() and b"\n" in path.read_bytes()


def mended(root: Path, whole: dict[int, dict[str, Any]], name: str) -> None:
    """Take a copy up, record what is pending as it was decided, and compare all records."""
    repository, journal = Repository.open(root), Journal(root, TAG)
    before = journal.read()
    found = reopen(repository, journal, results=root / "results.tsv", metric_names=["letters"])
    ledger = found.ledger
    try:
        assert [one.number for one in before] == list(range(len(before))), name
        assert journal.read() == before, name
        pending = [answer.number for answer in found.pending]
        assert pending in ([], [len(before)]), name
        for answer in found.pending:
            judged(ledger, whole[answer.number], answer.proposal.edits[0].content)
        assert ledger.take_number() == len(before) + len(pending), name
        recorded = journal.read()
        assert repository.ref(f"refs/heads/autoexp/{TAG}") == ledger.chronicle.head, name
        assert [row.commit for row in ledger.chronicle.rows] == [e.commit for e in recorded], name
        assert all(ledger.chronicle.experiment(e.number) == e for e in recorded), name
        refs = repository.refs(f"refs/autoloop/{TAG}/")
        assert all(refs[ledger.ref_of(e.number)] == e.commit for e in recorded[1:]), name
        grown = (root / "results.tsv").read_bytes()
        ResultsFile(root / "results.tsv", ["letters"]).write(recorded)
        assert (root / "results.tsv").read_bytes() == grown, name
        assert list(root.rglob(".autoloop-*.tmp")) == [], name
    finally:
        ledger.close()


def judged(ledger: Ledger, row: dict[str, Any], content: bytes) -> None:
    """Commit and record a candidate with the decision of the uncut campaign."""
    experiment = experiment_of(row["number"], row["status"], row["parent"])
    ledger.record(ledger.commit(experiment, "words.txt", content))


def test_an_answer_that_was_paid_for_is_judged_again(tmp_path: Path) -> None:
    """Nobody is asked once more; its cost, and that of a refusal before it, are counted once."""
    scene = staged(tmp_path / "scene", 1)
    better = idea(lines_of(1), 1)
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    refusal: Reply = {"refusal": "No.", "text": None, "usage": usage}
    answer: Reply = {"text": f"DESCRIPTION: shorter\n\n```\n{better}```\n", "usage": usage}
    scene.command = ("--autoloop=1", f"--autoloop-tag={TAG}", "--autoloop-proposer=openai:scripted")
    with ChatServer([refusal, answer]) as server:
        place = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none"}
        # Before what the refusal cost is no longer open, which the answer is charged with.
        killed = scene.run({**place, "KILLS_AT": "remove t/unbilled.json"})
        assert killed == -signal.SIGKILL, scene.output
        assert scene.pending == {2: 1}  # the refusal was 001
        assert scene.run(place) == 0, scene.output
    assert len(server.requests) == 2
    (row,) = scene.journal[1:]
    assert (row["number"], row["description"], row["tokens_used"]) == (2, "shorter", 240)
    assert not (scene.records / "unbilled.json").exists()
    scene.expected = [(0, "baseline", "baseline", ""), (2, "shorter", "keep", "")]
    # A number that came to nothing is not given again.
    assert scene.violations() == ["records: numbers [0, 2]"]


def test_a_second_session_is_refused_at_once(tmp_path: Path) -> None:
    """Before its baseline is measured, also while the first one still measures its own."""
    scene = staged(tmp_path / "scene", 2)
    first = scene.start({"KILLS_STOP": "git worktree add"})
    try:
        wait_until_stopped(first.pid)
        before = {p: p.read_bytes() for p in scene.project.root.rglob("*") if p.is_file()}
        process = scene.start()
        assert process.wait(60) == 4
        assert f"is being run by another session (process {first.pid})" in scene.output
        assert "BASELINE" not in scene.output
        now = {p: p.read_bytes() for p in scene.project.root.rglob("*") if p.is_file()}
        assert now == before
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(60) == 0
    assert scene.finish() == []


def wait_until_stopped(process: int) -> None:
    """Return when a child process has been stopped by a signal."""
    _, status = os.waitpid(process, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status


def test_a_table_that_cannot_be_written_ends_the_session(tmp_path: Path) -> None:
    """With one sentence and exit status 1; the next one makes the row up."""
    scene = staged(tmp_path / "scene", 3)
    scene.killed_at("git update-ref refs/autoloop/t/NUMBER")
    table = scene.project.root / "results.tsv"
    scene.around = contained("--ro-bind", str(table), str(table))
    assert scene.run() == 1, scene.output
    assert f"{table} cannot be written: Read-only file system" in scene.output
    assert "then the same command with --autoloop-tag" in scene.output
    assert "Traceback" not in scene.output
    assert (len(scene.journal), table.read_text(encoding="utf-8").count("\n")) == (2, 2)
    scene.around = []
    assert scene.finish() == []


def test_a_full_disk_ends_the_session(tmp_path: Path) -> None:
    """What was recorded is whole, and the campaign goes on where there is room."""
    scene = staged(tmp_path / "scene", 9)
    records = scene.project.root / ".pytest_autoloop"
    assert scene.killed_at("after an entry")
    copied = tmp_path / "copied"
    shutil.copytree(records, copied)
    # The small file system is gone with its command, so what it holds is copied back at the end.
    script = f'cp -r "{copied}/." "{records}"; "$@"; s=$?; cp -r "{records}/." "{copied}"; exit $s'
    used = sum(-(-path.stat().st_size // 4096) for path in copied.rglob("*") if path.is_file())
    small = ("--size", str(4096 * (used + ROOM)), "--tmpfs", str(records))
    scene.around = [*contained(*small), "sh", "-c", script, "sh"]
    assert scene.run() == 1, scene.output
    assert "No space left on device" in scene.output or "full" in scene.output
    assert f"then the same command with --autoloop-tag={TAG} goes on" in scene.output
    assert "Traceback" not in scene.output
    shutil.rmtree(records)
    copied.rename(records)
    assert 0 < len(scene.journal) < 10
    scene.around = []
    assert scene.finish() == []
