"""`pytest-autoloop plot` on records of campaigns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.cli import main
from pytest_autoloop.history.journal import Journal
from tests.reporting.test_chart_draw import FEW, HEADER, size, texts

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import Json


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a campaign, the current directory."""
    journal = Journal.create(tmp_path, "nov20")
    journal.write_header(HEADER)
    for experiment in FEW:
        journal.append(experiment)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> set[str]:
    """Return the names of all files below a directory."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_both_pictures_lie_beside_the_record(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which git ignores; drawn again they are replaced."""
    before = files(folder)
    assert main(["plot"]) == 0
    record = ".pytest_autoloop/nov20"
    assert files(folder) - before == {f"{record}/progress.svg", f"{record}/progress.png"}
    assert "progress.svg: 8 experiments" in capsys.readouterr().out
    assert main(["plot", "nov20", "--dark"]) == 0


def test_files_are_named_by_the_user(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The suffix says what they are."""
    command = ["plot", "--output", "a.PNG", "--output", "b.svg", "--width", "600", "--json"]
    assert main(command) == 0
    assert size((folder / "a.PNG").read_bytes())[0] == 1200
    found = json.loads(capsys.readouterr().out)
    assert found["tag"] == "nov20"
    assert [(one["path"], one["bytes"]) for one in found["files"]] == [
        (name, (folder / name).stat().st_size) for name in ("a.PNG", "b.svg")
    ]


def test_the_values_of_a_metric_are_drawn_when_asked_for(folder: Path) -> None:
    """With a word on what they are worth."""
    assert main(["plot", "--metric", "time", "--output", "a.svg"]) == 0
    written = texts((folder / "a.svg").read_bytes())
    assert "a: time 4 ms → 444 µs" in written
    assert any("as measured at the time" in line for line in written)


def test_an_audit_that_is_recorded_is_drawn(folder: Path) -> None:
    """It is the figure to believe."""
    effect: Json = {"log_gain": 0.4, "low": 0.3, "high": 0.5}
    audit: Json = {"commit": FEW[-1].commit, "effect": effect}
    Journal(folder, "nov20").write_header({**HEADER, "targets": ["a"], "audits": {"a": audit}})
    assert main(["plot", "--output", "a.svg"]) == 0
    assert "audited" in texts((folder / "a.svg").read_bytes())


def test_a_file_of_others_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless `--force` says so; one of ours is replaced."""
    mine = folder / "mine.svg"
    mine.write_bytes(b"<svg/>")
    assert main(["plot", "--output", "new.png", "--output", "mine.svg"]) == 2
    assert "mine.svg exists and was not drawn by this command" in capsys.readouterr().err
    assert mine.read_bytes() == b"<svg/>"
    assert not (folder / "new.png").exists()
    assert main(["plot", "--output", "mine.svg", "--force"]) == 0
    assert main(["plot", "--output", "mine.svg"]) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "no campaign 'nope'"),
        (["--metric", "speed"], "no metric 'speed'; there is: time"),
        (["--output", "a.pdf"], "a.pdf: the name of a chart ends with .svg or .png"),
        (["--output", "no/a.svg"], "there is no directory no; make it first"),
        (["--output", "folder.svg"], "folder.svg is a directory"),
        (["--width", "12"], "--width 12: write a whole number of pixels from 320 to 8000"),
        (["--height", "tall"], "--height tall: write a whole number"),
        (["--height", "٤٠٠"], "write a whole number"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """And nothing is written."""
    (folder / "folder.svg").mkdir()
    before = files(folder)
    assert main(["plot", *arguments]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert files(folder) == before


def test_a_damaged_journal_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names file and line."""
    path = Journal(folder, "nov20").path
    path.write_bytes(path.read_bytes() + b"{\n")
    assert main(["plot"]) == 2
    assert f"experiments.jsonl, line {len(FEW) + 1} is damaged" in capsys.readouterr().err
