"""`pytest-autoloop resume`: the command of a campaign, once more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.cli import main
from tests.cli.campaigns import Made
from tests.projects import COUNTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Json
    from tests.projects import Project

    Run = Callable[..., str]


def called(project: Project, *arguments: str, place: str = ".") -> Made:
    """Return a campaign with one experiment that was begun with some arguments."""
    project.commit(COUNTED)
    campaign = Made(project, "nov20", header={"arguments": [*arguments], "directory": place})
    campaign.keep("alpha beta\n")
    return campaign


@pytest.mark.parametrize(
    ("given", "command"),
    [
        (["--autoloop", "5"], "pytest --autoloop 5 --autoloop-tag nov20"),
        (["--autoloop=1", "-k", "a b"], "pytest --autoloop 2 -k 'a b' --autoloop-tag nov20"),
        (["--autoloop", "inf", "--", "-x"], "pytest --autoloop inf --autoloop-tag nov20 -- -x"),
        (
            ["--autoloop", "3", "--autoloop-tag", "x", "--autoloop-rebaseline"],
            "pytest --autoloop 3",
        ),
    ],
)
def test_the_command_is_that_of_the_record(
    project: Project, given: list[str], command: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many experiments again where all are done."""
    called(project, *given)
    monkeypatch.chdir(project.root)
    assert f"cd {project.root} && {command}" in run("resume", "--print")


def test_it_is_run_where_it_was_begun(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By this interpreter; the exit code is pytest's."""
    below = project.root / "below"
    below.mkdir()
    called(project, "--autoloop", "5", "-p", "no:cacheprovider", "--collect-only", place="below")
    monkeypatch.chdir(project.root)
    assert main(["resume", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["directory"] == str(below)
    assert found["command"][:3] == ["pytest", "--autoloop", "5"]
    assert main(["resume"]) == 5
    assert "no tests collected" in capfd.readouterr().out


def test_what_is_not_recorded_cannot_be_run(made: Made, refused: Run) -> None:
    """It says how to go on all the same; edits by hand go on by hand."""
    assert "pytest --autoloop N --autoloop-tag nov20 and the options" in refused("resume")
    header = made.journal.read_header() or {}
    tried: list[Json] = ["--autoloop-try", "an idea"]
    made.journal.write_header({**header, "arguments": tried, "directory": "."})
    assert "pytest --autoloop-try DESCRIPTION --autoloop-tag nov20" in refused("resume")
    masked: list[Json] = ["--autoloop-proposer", "http://***@host/v1#m"]
    made.journal.write_header({**header, "arguments": masked, "directory": "."})
    assert "held a key, which is not recorded" in refused("resume")
    made.journal.write_header({**header, "arguments": [], "directory": "gone"})
    assert "which is gone" in refused("resume")
