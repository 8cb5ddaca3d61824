"""The `pytest-autoloop` command: what it tells of a campaign."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_autoloop.cli import main
from pytest_autoloop.history.journal import Journal
from tests.projects import COUNTED

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.projects import Project


def campaign(project: Project, *, tag: str, ideas: tuple[str, ...]) -> None:
    """Run a campaign on a file whose letters are counted."""
    spec = project.ideas(*ideas, suffix=".txt")
    session = project.autoloop(len(ideas), "--autoloop-proposer", spec, "--autoloop-tag", tag)
    assert session.returncode == 0, session.output


def test_history_best_and_their_json(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both find the newest campaign from any directory of the project."""
    project.commit({**COUNTED, "below/note.txt": "here\n"})
    campaign(project, tag="one", ideas=("alpha b\n", "beta\n"))
    monkeypatch.chdir(project.root / "below")

    assert main(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["000", "001", "002"]
    assert "keep" in lines[1]
    assert "letters=8" in lines[1]
    assert "discard (guard)" in lines[2]

    assert main(["best"]) == 0
    told = capsys.readouterr().out
    assert "campaign one, experiment 001: idea 1" in told
    assert "git merge autoexp/one" in told

    assert main(["history", "one", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["status"] for row in rows] == ["baseline", "keep", "discard"]
    assert main(["best", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == {"letters": 8.0}


def test_nothing_kept_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A campaign without a keep has no best version to take."""
    project.commit(COUNTED)
    campaign(project, tag="one", ideas=("beta\n",))
    monkeypatch.chdir(project.root)

    assert main(["best"]) == 0
    assert capsys.readouterr().out == "campaign one: nothing was kept\n"

    assert main(["history", "two"]) == 2
    assert "no campaign 'two'" in capsys.readouterr().err


def test_without_a_campaign_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit 2."""
    monkeypatch.chdir(tmp_path)
    assert main(["history"]) == 2
    assert "start one with pytest --autoloop N" in capsys.readouterr().err


def test_a_corrupt_journal_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and the line are in the message, and nothing is written."""
    directory = project.root / ".pytest_autoloop" / "one"
    directory.mkdir(parents=True)
    (directory / "experiments.jsonl").write_text('{"broken": \n{}\n', encoding="utf-8")
    monkeypatch.chdir(project.root)

    assert main(["history"]) == 2
    error = capsys.readouterr().err
    assert "experiments.jsonl" in error
    assert "line 1" in error


def test_export_writes_a_protocol_that_names_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any agent can follow it with the one command it names; a file is never overwritten."""
    monkeypatch.chdir(tmp_path)
    assert main(["export"]) == 0
    program = tmp_path / "program.md"
    assert "the `target` fixture in conftest.py" in program.read_text(encoding="utf-8")

    journal = Journal.create(tmp_path, "nov20")
    journal.write_header({"target": "src/parser.py"})
    journal.path.touch()
    assert main(["export"]) == 2
    assert f"{program} exists and is not overwritten" in capsys.readouterr().err
    assert main(["export", "--force"]) == 0
    text = program.read_text(encoding="utf-8")
    assert "Edit `src/parser.py`, and no other file." in text
    assert 'pytest --autoloop-try "what you changed' in text
    capsys.readouterr()
    assert main(["export", "--output", "-"]) == 0
    assert capsys.readouterr().out == text
    assert main(["export", "--output", "missing/a.md"]) == 2
    assert "cannot be written" in capsys.readouterr().err
