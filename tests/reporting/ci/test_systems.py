"""What CI systems understand."""

from __future__ import annotations

from pathlib import Path

from pytest_autoloop.reporting.ci.systems import System

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_STEP_SUMMARY": "/tmp/summary",
    "GITHUB_SERVER_URL": "https://github.invalid",
    "GITHUB_REPOSITORY": "a/b",
    "GITHUB_RUN_ID": "7",
}


def test_github_is_known_by_its_variables() -> None:
    """It offers a summary, and shows the files of a job on the page of its run."""
    system = System.of(GITHUB)
    assert (system.name, system.summary) == ("github", Path("/tmp/summary"))
    assert system.artifacts == "https://github.invalid/a/b/actions/runs/7#artifacts"
    assert System.of({"GITHUB_ACTIONS": "true"}).artifacts == ""


def test_gitlab_is_known_by_its_variables() -> None:
    """It has no commands in its log."""
    system = System.of({"GITLAB_CI": "true", "CI_JOB_URL": "https://lab.invalid/-/jobs/7"})
    assert (system.name, system.summary) == ("gitlab", None)
    assert system.artifacts == "https://lab.invalid/-/jobs/7/artifacts/browse"
    assert system.annotated("error", "bad") == system.muted() == system.unmuted() == []
    assert System.of({"GITHUB_ACTIONS": "false"}).name == ""


def test_a_message_stays_one_command() -> None:
    """Its lines cannot begin another."""
    (line,) = System.of(GITHUB).annotated("error", "50% red\n::add-path::/evil\r")
    assert line == "::error title=pytest-autoloop::50%25 red%0A::add-path::/evil"


def test_nobody_can_guess_what_makes_github_obey_again() -> None:
    """Each session has a token of its own."""
    first, second = System.of(GITHUB), System.of(GITHUB)
    assert first.muted() == [f"::stop-commands::{first.token}"]
    assert first.unmuted() == [f"::{first.token}::"]
    assert first.token != second.token
    assert len(first.token) == 32
