"""A conftest takes part in a campaign through hooks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.projects import COUNTED, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

HOOKS = '''
import json
import pathlib
import pytest_autoloop as autoloop

LOG = pathlib.Path({log!r})

def pytest_autoloop_propose(config, brief):
    """Suggest two candidates, then leave it to the configured proposer."""
    text = {{1: "alpha beta\\n", 2: "alpha veto\\n"}}.get(brief.number)
    if text is None:
        return None
    return autoloop.Proposal(
        f"candidate {{brief.number}}",
        (autoloop.Edit(brief.target.path, text.encode()),),
        proposer="the conftest",
        usage=autoloop.Usage(prompt_tokens=5, cost_usd=0.25),
    )

def pytest_autoloop_check(config, proposal):
    """Refuse one word, whoever proposes it."""
    if b"veto" in proposal.edits[0].content:
        return "that word is taken"

def pytest_autoloop_experiment_finished(config, experiment):
    """Keep a log outside of the repository."""
    with LOG.open("a") as stream:
        row = [experiment.number, experiment.status, experiment.reason, config.rootpath.name]
        stream.write(json.dumps(row) + "\\n")
'''


def test_hooks_propose_veto_and_are_told(project: Project, tmp_path: Path) -> None:
    """Its proposals come first, its veto costs no run, and it hears of each experiment."""
    log = tmp_path / "finished.jsonl"
    conftest = str(COUNTED["conftest.py"]).replace("\n        ", "\n") + HOOKS.format(log=str(log))
    project.commit({**COUNTED, "conftest.py": conftest})
    configured = project.ideas("alpha veto too\n", suffix=".txt")

    session = project.autoloop(4, "--autoloop-proposer", configured, "--autoloop-tag", "hooks")

    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("discard", "vetoed"), ("discard", "vetoed")]
    baseline, kept, vetoed, configured_one = session.journal
    assert (kept["proposer"], kept["tokens_used"], kept["cost_usd"]) == ("the conftest", 5, 0.25)
    assert kept["description"] == "candidate 1"
    assert configured_one["proposer"] != "the conftest"
    assert vetoed["detail"] == "that word is taken"
    # Refused before it runs, but recorded: its commit can be looked at.
    assert not vetoed["pairs"]
    assert vetoed["guard"] is None
    assert git(project.root, "show", f"{vetoed['commit']}:words.txt") == "alpha veto\n"
    assert [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] == [
        [0, "baseline", "", project.root.name],
        [1, "keep", "", project.root.name],
        [2, "discard", "vetoed", project.root.name],
        [3, "discard", "vetoed", project.root.name],
    ]
    assert "that word is taken" in session.stdout
    assert "no further idea after 3 experiments" in session.stdout
    assert baseline["number"] == 0


def test_a_hook_that_fails_is_shown_alone(project: Project) -> None:
    """What led to it through pytest is of no use to whoever wrote it."""
    failing = (
        "\ndef pytest_autoloop_propose(config, brief):\n    raise LookupError('no idea at all')\n"
    )
    conftest = str(COUNTED["conftest.py"]).replace("\n        ", "\n") + failing
    project.commit({**COUNTED, "conftest.py": conftest})

    session = project.autoloop(2, "-vv")

    assert session.returncode == 1, session.output
    assert "raise LookupError('no idea at all')" in session.stdout
    assert "_multicall" not in session.stdout
    # With -vv pytest adds where a test is, if not where its name says.
    assert "<-" not in session.stdout
