"""results.tsv is read by people, spreadsheets and programs that split at tabs."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.results import ResultsFile, is_ours
from pytest_autoloop.model import Experiment

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = Experiment(
    number=0,
    status="baseline",
    reason="",
    description="baseline",
    proposer="",
    commit="0123456789abcdef",
    parent="fedcba9876543210",
    timestamp="",
    seconds=1.5,
    metrics={"time": 0.25, "accuracy": 90.0},
)
NASTY = 'a\tb\nc\r\nd "quoted" \x00\x1b[31m\x85\u2028\u202e end'


def rows(path: Path) -> list[dict[str, str]]:
    r"""Read the table as pandas does with sep="\t": csv rules, quotation marks included."""
    text = path.read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))


@pytest.fixture
def results(tmp_path: Path) -> ResultsFile:
    """Make a table with two metrics."""
    return ResultsFile(tmp_path / "results.tsv", ["time", "accuracy"])


def test_columns_and_values(results: ResultsFile):
    """The first columns are those that readers expect, and the baseline counts as kept."""
    results.write([BASELINE, replace(BASELINE, number=1, status="crash", metrics={"time": None})])
    header = results.path.read_text().splitlines()[0]
    assert header == (
        "commit\ttime\taccuracy\tstatus\tdescription\texperiment\tparent\tcost_usd\tseconds"
    )
    first, second = rows(results.path)
    assert first == {
        "commit": "0123456789",
        "time": "0.25",
        "accuracy": "90",
        "status": "keep",
        "description": "baseline",
        "experiment": "0",
        "parent": "fedcba9876",
        "cost_usd": "",
        "seconds": "1.500",
    }
    assert second["status"] == "crash"


def test_unknown_is_empty(results: ResultsFile):
    """A metric that was not measured and a cost that nobody knows are empty, never 0."""
    results.write([replace(BASELINE, metrics={"time": None})])
    (row,) = rows(results.path)
    assert row["time"] == row["accuracy"] == row["cost_usd"] == ""


def test_cost_is_cumulative(results: ResultsFile):
    """Each row says what the campaign has cost so far; a row of unknown cost says nothing."""
    costs = [None, 0.1, 0.2, None, 0.0, 0.3]
    results.write([replace(BASELINE, cost_usd=cost) for cost in costs])
    shown = [row["cost_usd"] for row in rows(results.path)]
    assert shown == ["", "0.100000", "0.300000", "", "0.300000", "0.600000"]


@pytest.mark.parametrize("description", [NASTY, '"', '"open', "\t", "", "x" * 500, "\udcff ü 日"])
def test_any_description_is_one_cell(results: ResultsFile, description: str):
    """Whatever a model writes as description, the table keeps its rows and columns."""
    nasty = replace(BASELINE, number=1, description=description)
    results.write([nasty, BASELINE])
    first, second = rows(results.path)
    assert len(first["description"]) <= 200
    assert first["description"].isprintable()
    assert first["experiment"] == "1"
    assert second["description"] == "baseline"
    assert len(results.path.read_text(encoding="utf-8").splitlines()) == 3


def test_appends_equal_a_rebuild(results: ResultsFile, tmp_path: Path):
    """A table written again from the journal has the same bytes as the one that grew."""
    journal = Journal.create(tmp_path, "t")
    results.write([])
    for number in range(12):
        experiment = replace(
            BASELINE, number=number, cost_usd=number / 7, description=NASTY, seconds=number / 3
        )
        journal.append(experiment)
        results.append(experiment)
    grown = results.path.read_bytes()
    ResultsFile(results.path, results.metric_names).write(journal.read())
    assert results.path.read_bytes() == grown


def test_resumed_table_goes_on(results: ResultsFile):
    """After a restart, the rebuilt table takes further rows with the right cumulative cost."""
    history = [replace(BASELINE, number=number, cost_usd=0.5) for number in range(3)]
    again = ResultsFile(results.path, results.metric_names)
    again.write(history[:2])
    again.append(history[2])
    results.write(history)
    assert rows(results.path)[-1]["cost_usd"] == "1.500000"


@pytest.mark.parametrize("meddling", ["removed", "emptied", "edited"])
def test_row_is_not_lost_when_the_file_was_changed(results: ResultsFile, meddling: str):
    """A table that an editor or a script changed meanwhile takes no row: it is to be rewritten."""
    results.write([BASELINE])
    if meddling == "removed":
        results.path.unlink()
    elif meddling == "emptied":
        results.path.write_text("")
    else:
        results.path.write_text(results.path.read_text() + "torn")
    second = replace(BASELINE, number=1)
    assert not results.append(second)
    results.write([BASELINE, second])
    assert [row["experiment"] for row in rows(results.path)] == ["0", "1"]


def test_somebody_elses_file_is_not_overwritten(results: ResultsFile):
    """A results.tsv of another tool is left alone, and the user is asked to move it."""
    results.path.write_text("commit\tval_bpb\tmemory_gb\tstatus\tdescription\nabc\t1\t2\tkeep\tx\n")
    before = results.path.read_bytes()
    assert not is_ours(results.path)
    with pytest.raises(UsageError, match=r"results\.tsv was not written by.*Move it"):
        results.write([BASELINE])
    assert results.path.read_bytes() == before


def test_is_ours_knows_our_tables(results: ResultsFile, tmp_path: Path):
    """Tables of any metrics are ours; a missing or empty file is not."""
    assert not is_ours(results.path)
    results.path.touch()
    assert not is_ours(results.path)
    results.write([])
    assert is_ours(results.path)
    other = ResultsFile(tmp_path / "other.tsv", [])
    other.write([])
    assert is_ours(other.path)


@pytest.mark.parametrize("dangling", [True, False])
def test_link_is_not_followed(results: ResultsFile, tmp_path: Path, dangling: bool):
    """A link in place of the table is refused, and the file it leads to is not written."""
    victim = tmp_path / "victim"
    if not dangling:
        ResultsFile(victim, []).write([])
    before = None if dangling else victim.read_bytes()
    results.path.symlink_to(victim)
    with pytest.raises(JournalError, match="it is a link"):
        results.write([BASELINE])
    with pytest.raises(JournalError, match="it is a link"):
        results.append(BASELINE)
    assert (victim.read_bytes() if victim.exists() else None) == before


def test_directory_in_its_place_is_an_error(results: ResultsFile):
    """What cannot be written is named, with what to do."""
    results.path.mkdir()
    with pytest.raises((JournalError, UsageError), match=r"results\.tsv"):
        results.write([BASELINE])


def test_existing_mode_is_kept_and_no_temporary_stays(results: ResultsFile):
    """A table that others may read stays so, and nothing else is left beside it."""
    results.write([])
    results.path.chmod(0o640)
    results.write([BASELINE])
    assert results.path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in results.path.parent.glob("*.t*")] == ["results.tsv"]
    assert list(results.path.parent.glob(".autoloop*")) == []


@pytest.mark.parametrize("names", [["status"], ["a", "a"], ["tab\tbed"], [""], ["commit"]])
def test_metric_names_must_be_columns_of_their_own(tmp_path: Path, names: list[str]):
    """A metric that would hide a column, or another metric, is refused by name."""
    with pytest.raises(UsageError, match="its own name"):
        ResultsFile(tmp_path / "results.tsv", names)


HISTORY = [replace(BASELINE, number=n, cost_usd=n / 7, description=f"idea {n}") for n in range(4)]
COSTS = [n / 7 for n in range(4)]


def test_a_whole_table_is_gone_on_with(results: ResultsFile) -> None:
    """Nothing is written when it is what it should be, and the next row has the right cost."""
    results.write(HISTORY[:3])
    found = results.path.stat()
    again = ResultsFile(results.path, results.metric_names)
    assert again.resume(results.size, HISTORY[2], COSTS[:3])
    assert results.path.stat().st_mtime_ns == found.st_mtime_ns
    assert again.append(HISTORY[3])
    grown = results.path.read_bytes()
    results.write(HISTORY)
    assert results.path.read_bytes() == grown
    assert again.size == results.size == len(grown)


@pytest.mark.parametrize(
    "meddling", ["removed", "emptied", "longer", "last row", "header", "link", "unknown", "metrics"]
)
def test_a_table_that_is_another_is_not_gone_on_with(
    results: ResultsFile, tmp_path: Path, meddling: str
) -> None:
    """It is to be written anew, and the sum of the costs is right then."""
    results.write(HISTORY[:3])
    size: int | None = results.size
    content = results.path.read_bytes()
    again = ResultsFile(results.path, results.metric_names)
    if meddling == "removed":
        results.path.unlink()
    elif meddling == "emptied":
        results.path.write_bytes(b"")
    elif meddling == "longer":
        results.path.write_bytes(content + b"x\n")
    elif meddling == "last row":
        results.path.write_bytes(content.replace(b"idea 2", b"idea x"))
    elif meddling == "header":
        results.path.write_bytes(content.replace(b"commit", b"Commit"))
    elif meddling == "link":
        results.path.rename(tmp_path / "elsewhere")
        results.path.symlink_to(tmp_path / "elsewhere")
    elif meddling == "unknown":
        size = None
    else:
        again = ResultsFile(results.path, ["time", "accurate"])
    assert not again.resume(size, HISTORY[2], COSTS[:3])
    if meddling in {"header", "link"}:
        return
    again.write(HISTORY)
    assert rows(again.path)[-1]["cost_usd"] == f"{6 / 7:.6f}"


def test_the_sum_of_costs_is_exact(results: ResultsFile) -> None:
    """Thousands of costs add up to what they are, in whatever order they come."""
    costs = [0.1, 1e17, 0.2, 1e-300, 3.0] * 30
    results.write([replace(BASELINE, cost_usd=cost) for cost in costs])
    assert rows(results.path)[-1]["cost_usd"] == f"{math.fsum(costs):.6f}"
