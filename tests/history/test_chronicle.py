"""What a campaign knows of its experiments is what the journal says, however it came to know it."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import JournalError
from pytest_autoloop.history import index
from pytest_autoloop.history.chronicle import Chronicle
from pytest_autoloop.history.journal import Journal, Place
from pytest_autoloop.history.records import lean
from pytest_autoloop.history.rows import Row
from pytest_autoloop.model import Effect, Experiment, GuardReport, Pair, Sample
from pytest_autoloop.usage import Spending, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.model import Status

STATUSES: tuple[Status, ...] = ("keep", "discard", "crash", "timeout", "explore")


def experiment_of(number: int) -> Experiment:
    """Return one of many experiments, each different and all of them reproducible."""
    chance = random.Random(number)
    status = STATUSES[chance.randrange(5)] if number else "baseline"
    sample = Sample({"bench": chance.random()}, {"bench": chance.random()})
    gain = chance.gauss(0.0, 0.1)
    return Experiment(
        number=number,
        status=status,
        reason="no-gain" if status == "discard" else "",
        description=f'idea {number} \udcff "naïve"\n日本',
        proposer="rules",
        commit=f"{chance.getrandbits(160):040x}",
        parent=f"{chance.randrange(3):040x}",
        timestamp="2030-01-02T03:04:05+00:00",
        seconds=chance.random(),
        metrics={"time": chance.random(), "accuracy": None},
        diff="+x = 1\n" * 5,
        diff_lines=5,
        tokens_used=chance.choice((None, 10, 20)),
        cost_usd=chance.choice((None, 0.1, 0.2, 0.3)),
        effect=Effect(gain, gain - 0.1, float("inf")) if chance.random() < 0.8 else None,
        guard=GuardReport(False, "discard", "guard", "test_a", "no", 1.0, "out" * 9),
        pairs=(Pair(sample, sample, "ICCI", (sample,) * 4),),
        stages={"guard": 1.0},
        target=chance.choice(("src/a.py", "src/b\udcff.py", "")),
        search=chance.choice(("improve", "draft")),
        fingerprint=f"{chance.randrange(40):064x}" if number % 3 else "",
        elapsed=float(number),
    )


ALL = [experiment_of(number) for number in range(120)]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Make an empty journal."""
    return Journal.create(tmp_path, "nov20")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Place]]:
    """Journal every experiment once; return the file and the place of each."""
    journal = Journal.create(tmp_path_factory.mktemp("written"), "nov20")
    places = [journal.append(experiment) for experiment in ALL]
    return journal.path.read_bytes(), places


@pytest.fixture
def chronicle(journal: Journal, written: tuple[bytes, list[Place]]) -> Iterator[Chronicle]:
    """Make a chronicle that was told of every experiment when it was journaled."""
    chronicle = Chronicle.open(journal)
    content, places = written
    journal.path.write_bytes(content)
    for experiment, place in zip(ALL, places, strict=True):
        chronicle.add(experiment, *place)
    yield chronicle
    chronicle.close()


def facts(chronicle: Chronicle) -> dict[str, object]:
    """Return everything that a chronicle tells."""
    targets = (None, "src/a.py", "src/b\udcff.py")
    return {
        "rows": list(chronicle.rows),
        "length": len(chronicle),
        "last": (chronicle.last_number, chronicle.elapsed, chronicle.head),
        "spent": chronicle.spent,
        "lean": list(chronicle.all_lean()),
        "costs": chronicle.costs(),
        "statuses": [chronicle.statuses(target) for target in targets],
        "reasons": [chronicle.reasons(target) for target in targets],
        "keeps": [chronicle.keeps(target) for target in targets],
        "biggest": [chronicle.biggest(target, 7) for target in targets],
        "latest": [chronicle.latest(target, 7) for target in targets],
        "found": [chronicle.find(e.fingerprint) for e in ALL],
        "whole": [chronicle.experiment(row.number) for row in chronicle.rows],
    }


def test_it_tells_what_the_journal_holds(chronicle: Chronicle) -> None:
    """Each answer is what going through all experiments would give."""
    told = facts(chronicle)
    assert told["whole"] == ALL
    assert told["lean"] == [lean(e) for e in ALL]
    assert told["rows"] == [Row.of(e) for e in ALL]
    assert told["spent"] == Spending.of(Usage.of(e.tokens_used, e.cost_usd) for e in ALL)
    assert told["last"] == (119, 119.0, [e for e in ALL if e.status == "keep"][-1].commit)
    assert told["costs"] == [e.cost_usd for e in ALL if e.cost_usd is not None]
    first: dict[str, int] = {}
    for e in ALL:
        first.setdefault(e.fingerprint, e.number)
    assert told["found"] == [first[e.fingerprint] if e.fingerprint else None for e in ALL]


def test_a_target_has_its_own_experiments_and_nameless_ones(chronicle: Chronicle) -> None:
    """Experiments of another target are not told of."""
    own = [lean(e) for e in ALL if e.target in {"src/a.py", ""}]
    keeps = [e for e in own if e.status == "keep"]
    gains = sorted((e.effect.log_gain for e in keeps if e.effect), reverse=True)
    assert chronicle.keeps("src/a.py") == keeps
    assert chronicle.latest("src/a.py", 5) == own[-5:]
    assert chronicle.latest("src/a.py", 1000) == own
    biggest = chronicle.biggest("src/a.py", 3)
    assert [e.effect.log_gain for e in biggest if e.effect] == gains[:3]
    assert chronicle.statuses("src/a.py") == Counter(e.status for e in own)
    assert chronicle.reasons("src/a.py") == Counter(e.reason for e in own if e.reason)


def test_what_is_not_there(chronicle: Chronicle, tmp_path: Path) -> None:
    """An unknown number or commit is a KeyError, an unknown fingerprint is None."""
    for call in (chronicle.experiment, lambda n: chronicle.lean([n])):
        with pytest.raises(KeyError):
            call(120)
    with pytest.raises(KeyError):
        chronicle.made("f" * 40)
    assert chronicle.find("f" * 64) is chronicle.find("") is None
    empty = Chronicle.open(Journal.create(tmp_path, "empty"))
    assert (len(empty), empty.last_number, empty.head) == (0, -1, "")
    assert empty.spent == Spending(None, None, 0)
    assert empty.latest() == empty.keeps() == empty.biggest() == list(empty.all_lean()) == []
    empty.close()


def test_a_fingerprint_may_be_looked_for_from_a_number_on(chronicle: Chronicle) -> None:
    """What was tried before the last baseline does not count."""
    same = [e.number for e in ALL if e.fingerprint == ALL[1].fingerprint]
    assert len(same) > 1
    assert chronicle.find(ALL[1].fingerprint) == same[0]
    assert chronicle.find(ALL[1].fingerprint, since=same[0] + 1) == same[1]
    assert chronicle.find(ALL[1].fingerprint, since=1000) is None


def test_the_last_experiment_of_a_commit_is_told(chronicle: Chronicle, journal: Journal) -> None:
    """The baseline of a second target has the commit of the first target's last keep."""
    again = replace(ALL[3], number=120, status="baseline")
    chronicle.add(again, *journal.append(again))
    assert chronicle.made(ALL[3].commit) == lean(again)


def test_unbilled_costs_are_added(chronicle: Chronicle) -> None:
    """What came to no experiment counts, and a cost without a price is told apart."""
    parts = [Usage.of(e.tokens_used, e.cost_usd) for e in ALL]
    for more in (Usage(), Usage.of(5, 0.5), Usage.of(5, None), Usage.of(None, 0.5)):
        assert chronicle.spent_with(more) == Spending.of([*parts, more])


@pytest.mark.parametrize(
    "damage",
    ["none", "missing", "behind", "emptied", "no database", "torn", "scribbled", "other version"],
)
def test_reopened_it_tells_the_same(chronicle: Chronicle, journal: Journal, damage: str) -> None:
    """Missing, behind or damaged in whatever way, it is what it was."""
    expected = facts(chronicle)
    chronicle.close()
    content = chronicle.path.read_bytes()
    if damage == "missing":
        chronicle.path.unlink()
    elif damage == "behind":
        with sqlite3.connect(chronicle.path) as database:
            database.execute("DELETE FROM experiments WHERE number > 50")
        database.close()
    elif damage == "emptied":
        chronicle.path.write_bytes(b"")
    elif damage == "no database":
        chronicle.path.write_bytes(b"x" * 10_000)
    elif damage == "torn":
        chronicle.path.write_bytes(content[: len(content) // 2])
    elif damage == "scribbled":
        middle = len(content) // 4
        chronicle.path.write_bytes(content[:middle] + b"\x07" * 9000 + content[middle + 9000 :])
    elif damage == "other version":
        with sqlite3.connect(chronicle.path) as database:
            database.execute("UPDATE experiments SET reason = x'41'")
            database.execute("PRAGMA user_version = 7")
        database.close()
    again = Chronicle.open(journal)
    assert facts(again) == expected
    again.close()


def test_a_journal_that_was_cut_or_restored_is_read_again(
    chronicle: Chronicle, journal: Journal
) -> None:
    """Lines that somebody removed are forgotten, and those of another journal are not believed."""
    chronicle.close()
    lines = journal.path.read_bytes().splitlines(keepends=True)
    edited = [*lines[:-1], lines[-1].replace(b"idea 119", b"idea xyz")]
    for kept in (edited, lines[:60], [*lines[:30], *lines[31:]], []):
        journal.path.write_bytes(b"".join(kept))
        again = Chronicle.open(journal)
        assert [again.experiment(row.number) for row in again.rows] == journal.read()
        assert list(again.all_lean()) == [lean(e) for e in journal.read()]
        again.close()


def test_a_file_that_breaks_meanwhile_is_made_anew(chronicle: Chronicle) -> None:
    """A bit that flips while the campaign runs does not end it."""
    expected = facts(chronicle)
    assert chronicle._index is not None
    chronicle._index.ask("UPDATE experiments SET lean = '{' WHERE number = 7")
    assert facts(chronicle) == expected


def test_killed_while_it_writes_it_catches_up(
    journal: Journal, written: tuple[bytes, list[Place]]
) -> None:
    """A process that is killed leaves a file that the next one goes on with."""
    journal.path.write_bytes(written[0])
    program = (
        "import os, sys; from pathlib import Path\n"
        "from pytest_autoloop.history.journal import Journal\n"
        "from pytest_autoloop.history.chronicle import Chronicle\n"
        "journal = Journal(Path(sys.argv[1]), 'nov20')\n"
        "lines = list(journal.scan())\n"
        "journal.size = lambda: 0\n"
        "journal.scan = lambda *a, **k: iter(())\n"
        "chronicle = Chronicle.open(journal)\n"
        "for line in lines[:90]: chronicle.add(line.experiment, line.offset, line.length)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = journal.directory.parent.parent
    done = subprocess.run([sys.executable, "-c", program, str(root)], check=False)
    assert done.returncode == -9
    assert (journal.directory / "chronicle.sqlite-wal").stat().st_size > 0
    chronicle = Chronicle.open(journal)
    assert [chronicle.experiment(row.number) for row in chronicle.rows] == ALL
    chronicle.close()
    assert [file.name for file in journal.directory.glob("chronicle*")] == ["chronicle.sqlite"]


def test_a_torn_last_line_is_not_taken_in(chronicle: Chronicle, journal: Journal) -> None:
    """A line without its end never happened, and is taken in when it is written."""
    chronicle.close()
    content = journal.path.read_bytes()
    late = replace(ALL[1], number=120)
    journal.append(late)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-20])
    again = Chronicle.open(journal)
    assert len(again) == 120
    journal.repair()
    assert journal.path.read_bytes() == content
    again.add(late, *journal.append(late))
    assert again.experiment(120) == late
    again.close()


def test_experiments_may_end_in_another_order(chronicle: Chronicle, journal: Journal) -> None:
    """Of parallel workers the last to begin may be the first to end."""
    for number in (122, 121):
        late = replace(ALL[1], number=number)
        chronicle.add(late, *journal.append(late))
    assert [row.number for row in chronicle.rows][-2:] == [122, 121]
    assert chronicle.last_number == 122
    assert [e.number for e in chronicle.latest(None, 2)] == [122, 121]


@pytest.mark.parametrize(
    ("field", "value"),
    [("tokens_used", 2**70), ("commit", "\ud800"), ("metrics", {"time": 10**400})],
)
def test_what_no_experiment_can_have_is_damage(
    chronicle: Chronicle, journal: Journal, field: str, value: object
) -> None:
    """A journal that somebody wrote in is named; it ends no session in a fault of ours."""
    chronicle.close()
    record = {**json.loads(journal.path.read_bytes().splitlines()[-1]), "number": 200, field: value}
    with journal.path.open("a", encoding="ascii") as stream:
        stream.write(json.dumps(record) + "\n")
    with pytest.raises(JournalError, match=r"experiments\.jsonl.*start again"):
        Chronicle.open(journal)


def test_a_number_that_comes_twice_is_damage(chronicle: Chronicle, journal: Journal) -> None:
    """Two lines of one number are named; nobody can tell which of them happened."""
    with pytest.raises(JournalError, match=r"experiments\.jsonl holds two experiments of one"):
        chronicle.add(ALL[5], *journal.append(ALL[5]))


def test_a_damaged_line_is_named(chronicle: Chronicle, journal: Journal) -> None:
    """A chronicle is never made of a journal that cannot be read."""
    chronicle.close()
    chronicle.path.unlink()
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([*lines[:70], b"{}\n", *lines[70:]]))
    with pytest.raises(JournalError, match="line 71 is damaged"):
        Chronicle.open(journal)


def test_a_directory_in_its_place_is_named(journal: Journal) -> None:
    """What can be neither opened nor made is an error with what to do."""
    (journal.directory / "chronicle.sqlite").mkdir()
    with pytest.raises(JournalError, match=r"chronicle\.sqlite cannot be made.*goes on from there"):
        Chronicle.open(journal)


def test_a_second_one_is_refused(chronicle: Chronicle, journal: Journal) -> None:
    """Two sessions do not write the same file; the campaign's lock comes before that."""
    with pytest.raises(JournalError, match="locked"):
        Chronicle.open(journal)
    assert len(chronicle.latest()) == 120


def test_other_threads_may_ask(chronicle: Chronicle, journal: Journal) -> None:
    """Proposals are prepared while an experiment is recorded."""
    found: list[object] = []

    def look() -> None:
        for experiment in ALL:
            found.append(chronicle.find(experiment.fingerprint))
            found.append(chronicle.experiment(experiment.number))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(120, 130):
        late = replace(ALL[2], number=number)
        chronicle.add(late, *journal.append(late))
    for thread in threads:
        thread.join()
    assert len(found) == 3 * 2 * 120
    assert len(chronicle) == 130


def test_the_format_follows_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """An experiment with a new field makes every older file out of date."""
    before = index._version()
    monkeypatch.setattr(index, "Effect", Sample)
    assert index._version() != before
