"""The workflows of `examples/ci` name commands and options that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_autoloop.cli import parser
from pytest_autoloop.option_table import OPTIONS

FOLDER = Path(__file__).parent.parent / "examples" / "ci"
GITHUB = yaml.safe_load((FOLDER / "github.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((FOLDER / "gitlab.yml").read_text(encoding="utf-8"))


def scripts(job: dict[str, Any]) -> list[str]:
    """Return what a job runs, of either system."""
    steps = [step["run"] for step in job.get("steps", ()) if "run" in step]
    lines = (job.get(name, ()) for name in ("before_script", "script", "after_script"))
    return steps + [line for found in lines for line in found]


SCRIPTS = [script for job in GITHUB["jobs"].values() for script in scripts(job)]
SCRIPTS += scripts(GITLAB["autoloop"])


def commands(name: str) -> list[list[str]]:
    """Return the words of each command that begins with a name, without what follows it."""
    found = []
    for script in SCRIPTS:
        for line in script.replace("\\\n", " ").splitlines():
            words = shlex.split(re.split(r"\|\||&&", line)[0], comments=True)
            if words and words[0] == name:
                found.append(words[1:])
    return found


@pytest.mark.parametrize("words", commands("pytest-autoloop"), ids=" ".join)
def test_each_command_takes_its_arguments(words: list[str]) -> None:
    """The command's own parser accepts them."""
    assert callable(parser().parse_args(words).run)


@pytest.mark.parametrize("words", commands("pytest"), ids=["github", "gitlab"])
def test_each_option_takes_its_value(words: list[str]) -> None:
    """Options of pytest's own aside."""
    options = {option.flag: option for option in OPTIONS}
    pairs = dict(pairwise(words))
    ours = {word: value for word, value in pairs.items() if word.startswith("--autoloop")}
    assert len(ours) >= 6
    for flag, value in ours.items():
        # A variable's value is the job's affair.
        options[flag].type(value.replace("$TAG", "nightly-1"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_is_one(script: str) -> None:
    """A shell can read it."""
    subprocess.run(["bash", "-n", "-c", script], check=True)


def test_nobody_who_may_write_runs_candidates() -> None:
    """The job with the token has no campaign in it, and the campaign's has no token."""
    assert GITHUB["permissions"] == {}
    jobs = GITHUB["jobs"]
    assert jobs["campaign"]["permissions"] == {"contents": "read"}
    checkout = jobs["campaign"]["steps"][0]
    assert checkout["with"] == {"persist-credentials": False}
    assert not re.search(r"\bpytest|\bpython", "\n".join(scripts(jobs["pull-requests"])))
    # What a model wrote reaches no script but by a file.
    assert not any("${{" in script for script in SCRIPTS)


def test_both_systems_get_a_report_for_people_and_one_for_machines() -> None:
    """As files that are kept with the job."""
    assert len(commands("pytest")) == 2
    for words in commands("pytest"):
        assert {"--autoloop-report", "--junitxml", "--autoloop-fail-under"} <= set(words)
    assert GITLAB["autoloop"]["artifacts"]["reports"] == {"junit": "campaign/junit.xml"}
    assert {words[0] for words in commands("pytest-autoloop")} == {"plot", "finalize"}
