"""The journal loses nothing it has accepted and accepts nothing it would lose."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.history.records import lean
from pytest_autoloop.model import Effect, Experiment, GuardReport, Pair, Sample

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Experiment(
    number=0,
    status="baseline",
    reason="",
    description="baseline",
    proposer="",
    commit="a" * 40,
    parent="a" * 40,
    timestamp="2030-01-02T03:04:05+00:00",
    seconds=3.0,
    metrics={"time": 0.1 + 0.2, "accuracy": None},
)
FULL = replace(
    PLAIN,
    number=7,
    status="keep",
    reason="gain",
    description='naïve 日本 \udcff "quoted"\tand\nlines\u2028',
    proposer="rules",
    detail="why",
    diff="--- a\n+++ b\n",
    diff_lines=2,
    tokens_used=1234,
    cost_usd=0.0123,
    effect=Effect(log_gain=0.3, low=0.1, high=0.5, pairs=2, basis="metric"),
    guard=GuardReport(passed=True, seconds=1.5),
    pairs=(
        Pair(
            incumbent=Sample(warm={"b": 1e-9}, first={"b": 2e-9}, metrics={"accuracy": 1.0}),
            candidate=Sample(),
            order="CI",
        ),
        Pair(incumbent=Sample(), candidate=Sample()),
    ),
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Make an empty journal."""
    return Journal.create(tmp_path, "nov20")


def test_experiments_come_back_exactly(journal: Journal):
    """What is read is equal to what was written, to the last digit and character."""
    journal.append(PLAIN)
    journal.append(FULL)
    assert journal.read() == [PLAIN, FULL]
    assert isinstance(journal.read()[1].pairs, tuple)


def test_line_has_the_published_fields(journal: Journal):
    """Other programs read one object per line with the documented names."""
    journal.append(FULL)
    record = json.loads(journal.path.read_text().splitlines()[0])
    names = (
        "number commit parent timestamp metrics status reason description detail diff diff_lines "
        "wall_time_s tokens_used cost_usd proposer guard pairs effect"
    )
    assert set(names.split()) <= set(record)
    assert "seconds" not in record
    assert record["wall_time_s"] == 3.0
    assert record["pairs"][0]["order"] == "CI"


def test_record_ignores_itself(journal: Journal, tmp_path: Path):
    """The record never shows up as a change in the user's repository."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    journal.append(PLAIN)
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ".pytest_autoloop" not in status.stdout
    assert (tmp_path / ".pytest_autoloop/.gitignore").read_text() == "*\n"


def test_empty_journal_has_no_experiments(journal: Journal):
    """A campaign that has just begun reads as empty, not as an error."""
    assert journal.read() == []
    assert Journal.create(journal.directory.parent.parent, "nov20").read() == []


@pytest.mark.parametrize("kept", [1, 10, 200])
def test_torn_last_line_is_dropped(journal: Journal, kept: int):
    """A crash in the middle of a line loses that line only, and the next one is whole."""
    journal.append(PLAIN)
    journal.append(FULL)
    first, second, _ = journal.path.read_bytes().split(b"\n")
    journal.path.write_bytes(first + b"\n" + second[:kept])
    assert journal.read() == [PLAIN]
    journal.append(FULL)
    assert journal.read() == [PLAIN, FULL]


def test_torn_first_line_is_dropped(journal: Journal):
    """Also when nothing but part of a long line was ever written, the journal goes on."""
    journal.path.write_bytes(b'{"number": 1' + b" " * 200_000)
    assert journal.read() == []
    journal.append(FULL)
    assert journal.read() == [FULL]
    assert journal.path.read_bytes().endswith(b"}\n")


def test_a_torn_line_is_put_aside_and_told(journal: Journal):
    """Taking a campaign up again says what was cut off, and keeps it."""
    assert journal.repair() == ""
    journal.append(PLAIN)
    assert journal.repair() == ""
    whole = journal.path.read_bytes()
    for torn, whose in ((b'{"number": 8, "sta', " of experiment 8"), (b"\0" * 70_000, "")):
        journal.path.write_bytes(whole + torn)
        told = journal.repair()
        assert told.startswith(f"{journal.path} ended in {len(torn)} bytes of an unfinished line")
        assert f"line{whose};" in told
        assert journal.path.read_bytes() == whole
        assert (journal.directory / told.rpartition(" ")[2]).read_bytes() == torn
    assert len(list(journal.directory.glob("torn-*"))) == 2


def test_an_append_puts_a_torn_line_aside_too(journal: Journal):
    """Nothing is ever written over."""
    journal.path.write_bytes(b'{"number": 1')
    journal.append(FULL)
    (torn,) = journal.directory.glob("torn-*")
    assert torn.read_bytes() == b'{"number": 1'


def test_lines_are_found_again_by_their_place(journal: Journal):
    """Each place is told when its line is written, and again when the file is gone through."""
    records = [replace(FULL, number=number, detail="x" * number) for number in range(5)]
    places = [journal.append(record) for record in records]
    assert [journal.at(*place) for place in places] == records
    assert list(journal.scan()) == [(*p, r) for p, r in zip(places, records, strict=True)]
    assert [line.experiment for line in journal.scan(places[3].offset)] == records[3:]
    assert places[-1].offset + places[-1].length == journal.path.stat().st_size
    assert [line.experiment for line in journal.scan(lean=True)] == [lean(r) for r in records]
    assert lean(FULL).guard == FULL.guard
    assert lean(FULL).pairs == ()


def test_a_place_that_holds_no_line_is_damage(journal: Journal):
    """A line that moved is not taken for another one."""
    first, second = journal.append(PLAIN), journal.append(FULL)
    for place in ((first.offset, 20), (second.offset + 1, second.length - 1), (10**6, 10)):
        with pytest.raises(JournalError, match=r"line \d is damaged"):
            journal.at(*place)


def test_line_without_its_end_never_happened(journal: Journal):
    """A complete object without its line break is a torn line too, to reader and writer alike."""
    journal.append(PLAIN)
    journal.path.write_bytes(journal.path.read_bytes().rstrip(b"\n"))
    assert journal.read() == []
    journal.append(FULL)
    assert journal.read() == [FULL]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"not json", "Expecting value"),
        (b"[]", "expected an object"),
        (b"", "Expecting value"),
        (b"\xff\xfe", "decode"),
        (b'{"number": NaN}', "NaN is no number"),
        (b'{"number": 1}', "status is missing"),
        (b'{"number": "1"}', "expected a int"),
        (b'{"number": 1, "status": "won"}', "status is 'won'"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_damaged_line_is_named(journal: Journal, line: bytes, message: str):
    """Damage in the middle is reported with file and line, and never skipped in silence."""
    journal.append(PLAIN)
    with journal.path.open("ab") as stream:
        stream.write(line + b"\n")
    journal.append(FULL)
    with pytest.raises(JournalError, match=message) as caught:
        journal.read()
    assert f"{journal.path}, line 2" in str(caught.value)


def test_unknown_fields_are_skipped(journal: Journal):
    """A journal written by a later version can still be read."""
    journal.append(PLAIN)
    record = json.loads(journal.path.read_text())
    journal.path.write_text(json.dumps({**record, "novelty": [1]}) + "\n")
    assert journal.read() == [PLAIN]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(journal: Journal, value: float):
    """NaN and infinity are no measurements: they are refused by name, and nothing is written."""
    with pytest.raises(JournalError, match="experiment 0, metrics, time"):
        journal.append(replace(PLAIN, metrics={"time": value}))
    assert journal.read() == []


def test_effect_without_a_bound_is_kept(journal: Journal):
    """An effect that is open on one side is null in the file and infinite in memory."""
    effect = Effect(log_gain=0.1, low=-math.inf, high=math.inf)
    journal.append(replace(PLAIN, effect=effect))
    assert "Infinity" not in journal.path.read_text()
    assert journal.read()[0].effect == effect


def test_failed_write_leaves_the_file_as_it_was(journal: Journal):
    """When the disk is full the user is told, and what was recorded can still be read."""
    journal.append(PLAIN)
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from pytest_autoloop.errors import JournalError\n"
        "from pytest_autoloop.history.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), 'nov20')\n"
        "size = journal.path.stat().st_size\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))\n"
        "try: journal.append(journal.read()[0])\n"
        "except JournalError as error: print(error)\n"
    )
    before = journal.path.read_bytes()
    root = journal.directory.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=False
    )
    assert f"{journal.path} cannot be written" in done.stdout, done.stderr
    assert "with room; then the same command with --autoloop-tag=nov20 goes on" in done.stdout
    assert journal.path.read_bytes() == before


def test_link_in_place_of_the_journal_is_not_followed(journal: Journal, tmp_path: Path):
    """A link planted where the journal should be is refused, and its end is not written."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    journal.path.symlink_to(victim)
    with pytest.raises(JournalError, match=r"experiments\.jsonl cannot be written"):
        journal.append(PLAIN)
    assert victim.read_text() == "precious"


def test_directory_that_cannot_be_made_is_named(tmp_path: Path):
    """A file in the place of the directory is an error with its path and what to do."""
    (tmp_path / ".pytest_autoloop").write_text("")
    with pytest.raises(JournalError, match=r"\.pytest_autoloop/nov20 cannot be made.*directory"):
        Journal.create(tmp_path, "nov20")


def test_linked_directory_is_refused(tmp_path: Path):
    """The record is not written somewhere else through a link."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".pytest_autoloop").symlink_to(elsewhere)
    with pytest.raises(JournalError, match="behind a link"):
        Journal.create(tmp_path, "nov20")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "tag",
    ["", "..", ".hidden", "a/b", "a b", "-x", "a..b", "x.lock", "end.", "a\n", "ü", "a" * 101],
)
def test_tag_must_fit_path_and_ref(tmp_path: Path, tag: str):
    """A tag that git or a file system would choke on is refused before anything is made."""
    with pytest.raises(UsageError, match="cannot name a campaign"):
        Journal.create(tmp_path, tag)
    assert list(tmp_path.glob(".pytest_autoloop")) == []


@pytest.mark.parametrize("tag", ["nov20", "a", "v1.2-rc_3", "locker", "x.locked"])
def test_ordinary_tags_are_good(tmp_path: Path, tag: str):
    """Dots, dashes and underscores are welcome, and git takes the ref."""
    Journal.create(tmp_path, tag)
    ref = f"refs/heads/autoexp/{tag}"
    subprocess.run(["git", "check-ref-format", ref], check=True)


def test_header_is_replaced_whole(journal: Journal):
    """The campaign's header is there or not, and the later one wins."""
    assert journal.read_header() is None
    journal.write_header({"target": "src/a.py", "base": None, "levels": [0.95]})
    journal.write_header({"target": "src/b.py"})
    assert journal.read_header() == {"target": "src/b.py"}
    assert {file.name for file in journal.directory.iterdir()} == {"campaign.json"}
    with pytest.raises(JournalError, match=r"campaign\.json cannot hold"):
        journal.write_header({"value": math.nan})
    assert journal.read_header() == {"target": "src/b.py"}


@pytest.mark.parametrize("text", ["{", "[]"])
def test_damaged_header_is_named(journal: Journal, text: str):
    """A header that cannot be read is an error with its path."""
    journal.header_path.write_text(text)
    with pytest.raises(JournalError, match=r"campaign\.json is damaged"):
        journal.read_header()


def test_campaigns_lists_tags_with_a_record(tmp_path: Path):
    """Only directories that hold a campaign count, in alphabetical order."""
    assert campaigns(tmp_path) == []
    for tag in ("second", "first", "unused"):
        Journal.create(tmp_path, tag)
    Journal(tmp_path, "second").append(PLAIN)
    Journal(tmp_path, "first").write_header({})
    copy = tmp_path / ".pytest_autoloop" / "second (copy)"
    shutil.copytree(copy.with_name("second"), copy)
    assert campaigns(tmp_path) == ["first", "second"]
