"""What the tests of the commands share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.cli import main
from tests.cli.campaigns import Made
from tests.projects import COUNTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


@pytest.fixture
def made(project: Project, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Return a campaign with a keep, a discard, a keep and an answer that was no edit."""
    project.commit(COUNTED)
    campaign = Made(project, "nov20")
    campaign.keep("alpha beta\n", "drop gamma")
    campaign.discard("beta\n", "drop alpha")
    campaign.keep("alpha b\n", "shorten beta")
    campaign.discard(None, "an answer", reason="invalid-edit", detail="no block fits", guard=None)
    monkeypatch.chdir(project.root)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return campaign


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what runs a command that succeeds, and gives what it printed."""

    def command(*arguments: str, code: int = 0) -> str:
        status = main(list(arguments))
        printed = capsys.readouterr()
        assert status == code, printed.err
        return printed.out

    return command


@pytest.fixture
def document(run: Callable[..., str]) -> Callable[..., Any]:
    """Return what runs a command with `--json`, and gives the document."""
    return lambda *arguments, **keywords: json.loads(run(*arguments, "--json", **keywords))


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what runs a command that is refused, and gives its one sentence."""

    def command(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert line.startswith("pytest-autoloop: ")
        return line

    return command
