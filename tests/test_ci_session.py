"""What a CI system gets from a session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.projects import COUNTED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

FINISHED = '''
def pytest_autoloop_campaign_finished(config, outcome):
    """Keep what a CI job may ask for, then fail as anybody's code may."""
    import json, pathlib
    pathlib.Path({log!r}).write_text(json.dumps(outcome))
    raise LookupError("no such channel")
'''


def test_a_job_on_github(project: Project, tmp_path: Path) -> None:
    """It gets a summary, a page, properties, an error that it shows, and red for too small a gain.

    No line of a candidate can be a command to it.
    """
    log, xml, page = tmp_path / "outcome.json", tmp_path / "report.xml", tmp_path / "report.html"
    summary, own = tmp_path / "summary.md", tmp_path / "own.md"
    summary.write_text("# What another step wrote\n", encoding="utf-8")
    conftest = str(COUNTED["conftest.py"]).replace("\n        ", "\n")
    project.commit({**COUNTED, "conftest.py": conftest + FINISHED.format(log=str(log))})
    ideas = project.ideas("alpha beta\n", "::error::x\n", suffix=".txt")

    session = project.autoloop(
        2,
        *("-v", f"--autoloop-proposer={ideas}", "--autoloop-tag=ci", f"--junitxml={xml}"),
        *(f"--autoloop-summary={own}", f"--autoloop-report={page}", "--autoloop-fail-under=2"),
        environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)},
    )

    assert session.returncode == 1, session.output
    assert "autoloop::fail-under FAILED" in session.stdout
    missed = "words.txt: the audited gain is 1.55×, --autoloop-fail-under=2 asks for 2×"
    assert f"GainMissed: {missed}" in session.stdout
    failed = "the hook pytest_autoloop_campaign_finished failed: LookupError: no such channel"
    # What is printed of candidates stands between the two commands.
    token = re.search(r"^::stop-commands::([0-9a-f]{32})$", session.stdout, re.MULTILINE)
    assert token is not None
    before, _, after = session.stdout.partition(f"\n::{token[1]}::\n")
    assert "autoloop::002" in before
    assert [line.partition("::")[2] for line in after.splitlines() if line] == [
        f"error title=pytest-autoloop::{missed}",
        f"warning title=pytest-autoloop::{failed}",
    ]
    assert failed in before
    told = own.read_text(encoding="utf-8")
    assert "## pytest-autoloop: audited gain 1.55×" in told
    assert "<code>1 guard" not in told
    added = summary.read_text(encoding="utf-8")
    assert added == f"# What another step wrote\n{told}"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not page.with_name("report.html.live.js").exists()
    assert '"audited": {"gain": 1.54' in log.read_text(encoding="utf-8")
    suite = ElementTree.parse(xml).getroot().find("testsuite")
    assert suite is not None
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert properties["autoloop_tag"] == "ci"
    assert str(properties["autoloop_audited_gain"]).startswith("1.54")
    assert properties["autoloop_cost_usd"] == ""
    assert suite.get("failures") == "1"


def test_a_job_that_came_to_nothing(project: Project, tmp_path: Path) -> None:
    """The error is the summary; GitLab has no commands."""
    project.commit({**COUNTED, "words.txt": "beta\n"})
    own = tmp_path / "summary.md"
    session = project.autoloop(
        0, f"--autoloop-summary={own}", environment={"GITLAB_CI": "true", "CI_JOB_URL": "https://x"}
    )
    assert session.returncode == 1, session.output
    told = own.read_text(encoding="utf-8")
    assert "pytest-autoloop: no result" in told
    assert "1 guard fails on the untouched words.txt" in told
    assert "](https://x/artifacts/browse)" in told
    assert "::stop-commands" not in session.stdout


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--autoloop-summary=.", "is a directory; name a file in it"),
        ("--autoloop-summary=no/such.md", "there is no directory"),
        ("--autoloop-summary=words.txt", "exists and is no summary of pytest-autoloop"),
        ("--autoloop-report=words.txt", "exists and is no report"),
        ("--autoloop-fail-under=10%", "'10%' is not a gain as a factor: write 1.1 for 10% better"),
        ("--autoloop-fail-under=0", "'0' is not a gain as a factor"),
        ("--autoloop-export=csv", "'csv' is none of mlflow, wandb"),
    ],
)
def test_what_cannot_be_told_is_refused_first(
    pytester: pytest.Pytester, argument: str, told: str
) -> None:
    """Before anything is collected."""
    pytester.path.joinpath("words.txt").write_text("alpha\n", encoding="utf-8")
    with pytest.raises(pytest.UsageError, match=re.escape(told)):
        pytester.parseconfigure("--autoloop=1", argument)
