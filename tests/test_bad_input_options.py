"""A command line or an ini file that asks for something impossible is refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED, git
from tests.refusals import refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project


@pytest.fixture
def counted(project: Project) -> Project:
    """Return the sample project, committed."""
    project.commit(COUNTED)
    return project


@pytest.mark.parametrize("count", ["-1", "many"])
def test_the_number_of_experiments_is_a_number(counted: Project, count: str) -> None:
    """A value that counts nothing is shown, with what may be written instead."""
    says = f"--autoloop: {count!r} is not a number of experiments: write 0 (baseline only) or more"

    refused(counted, count=count, says=(says,))


@pytest.mark.parametrize("option", ["--pdb", "--trace"])
def test_nobody_answers_a_debugger(counted: Project, option: str) -> None:
    """An unattended loop refuses options that wait for somebody."""
    refused(counted, option, says=("--autoloop runs unattended: leave out --pdb and --trace",))


SECONDS = "is not a time: write for example 8h"
FRACTION = "is not a positive relative gain; write 0.01 for 1%"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("timeout", "0", SECONDS),
        ("timeout", "soon", SECONDS),
        ("timeout", "nan", SECONDS),
        ("min-gain", "0", FRACTION),
        ("min-gain", "1%", FRACTION),
        ("min-gain", "2", "is not below 1: write 0.01 for 1%"),
        ("tag", "a b", "cannot name a campaign and its branch: use up to 100 letters"),
        ("tag", "../x", "cannot name a campaign and its branch: use up to 100 letters"),
        ("tag", "x.lock", "cannot name a campaign and its branch: use up to 100 letters"),
        ("tag", "", "cannot name a campaign and its branch: use up to 100 letters"),
    ],
)
def test_an_option_that_makes_no_sense_is_shown(
    counted: Project, option: str, value: str, says: str
) -> None:
    """The message names the option, the value and an example that works."""
    refused(
        counted,
        f"--autoloop-{option}={value}",
        says=(f"argument --autoloop-{option}: {value!r} {says}",),
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("autoloop_timeout", "0", "'0' is not a time"),
        ("autoloop_min_gain", "1%", f"'1%' {FRACTION}"),
        ("autoloop_proposers", "magic", "autoloop_proposers) is 'magic', which names no proposer"),
        ("autoloop_results", "words.txt", "words.txt exists and is not a table"),
        ("autoloop_program", "none.md", "none.md, the standing orders for the proposer, does not"),
        ("autoloop_copy", "data/*.csv", "autoloop_copy: no file matches 'data/*.csv'"),
        ("autoloop_copy", "../data", "autoloop_copy in the ini file: '../data' does not name"),
    ],
)
def test_an_ini_key_that_makes_no_sense_is_shown(
    project: Project, key: str, value: str, says: str
) -> None:
    """What an option refuses is refused in the ini file as well, by the key's own name."""
    project.commit({**COUNTED, "pytest.ini": f"[pytest]\n{key} = {value}\n"})

    refused(project, proposer="" if key == "autoloop_proposers" else None, says=(says,))


def test_an_ini_value_is_located(project: Project) -> None:
    """The message says which file holds the value, or that it came with -o."""
    project.commit({**COUNTED, "pytest.ini": "[pytest]\nautoloop_timeout = 0\n"})
    ini = project.root / "pytest.ini"

    refused(project, says=(f"the ini option autoloop_timeout ({ini}): '0' is",))
    refused(
        project,
        *("-o", "autoloop_timeout=-3"),
        says=("the ini option autoloop_timeout (-o autoloop_timeout=): '-3' is",),
    )


def test_a_tag_without_a_record_is_refused(counted: Project) -> None:
    """Nobody knows how such a campaign went, and its refs are not written over."""
    git(counted.root, "update-ref", "refs/autoloop/taken/001", "HEAD")

    refused(
        counted,
        "--autoloop-tag=taken",
        says=(
            "--autoloop-tag=taken: the branch autoexp/taken or refs/autoloop/taken exist",
            "no record of that campaign to go on with",
        ),
    )


def test_a_tag_with_branches_below_it_is_refused(counted: Project) -> None:
    """Git cannot hold a branch and a directory of one name, so it is taken as well."""
    git(counted.root, "branch", "autoexp/taken/below")

    refused(counted, "--autoloop-tag=taken", says=("autoexp/taken or refs/autoloop/taken exist",))


MISPLACED = "cannot hold the table of experiments: name a file elsewhere"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("results.tsv", "exists and is not a table of pytest-autoloop: move it away"),
        ("link.tsv", "is a symbolic link, which is not followed: remove it"),
        ("sub", MISPLACED),
        (".git/results.tsv", MISPLACED),
        (".pytest_autoloop/results.tsv", MISPLACED),
        ("none/results.tsv", "there is no directory"),
    ],
)
def test_a_table_that_is_not_ours_stays_as_it_is(project: Project, name: str, says: str) -> None:
    """The message names the file in the way, and the option that chooses another."""
    project.write({"results.tsv": "mine\n", "sub/a.txt": "a\n"})
    (project.root / "link.tsv").symlink_to("results.tsv")
    project.commit(COUNTED)

    refused(
        project,
        f"--autoloop-results={name}",
        says=(f"{project.root / name} ", says, "--autoloop-results"),
    )


def test_standing_orders_that_are_missing_are_named(project: Project) -> None:
    """A file of orders has to be there; it is told before a score that it may have named."""
    project.commit({"test_nothing.py": "def test_nothing(): pass\n"})
    refused(
        project,
        "--autoloop-program=orders.md",
        says=(f"{project.root / 'orders.md'}, the standing orders", "--autoloop-program"),
    )


UNKNOWN = "which names no proposer: write rules, sweep, replay:FOLDER"


@pytest.mark.parametrize(
    ("specification", "says"),
    [
        ("magic", ("is 'magic', which", UNKNOWN)),
        ("rules:all", ("is 'rules:all', which", UNKNOWN)),
        ("replay:", ("the proposer 'replay:' names no queue: write replay:FOLDER",)),
        ("sweep:all", ("'sweep:all'",)),
        ("anthropic:any", ("set ANTHROPIC_API_KEY",)),
        ("http://localhost:1/v1", ("is no address and model: write for example http://",)),
        ("command:", ("names no program: write command:CMD",)),
        ("agent:nobody", ("'agent:nobody' names no coding agent: write one of claude",)),
        ("replay:missing", ("missing does not exist; name a folder", "one file for each version")),
        ("replay:../empty", ("empty holds no files; put one file into it",)),
        ("openai:", ("names no model: write openai:MODEL",)),
        (
            "openai:any",
            ("the proposer openai:any needs a key: set OPENAI_API_KEY, or OPENAI_BASE",),
        ),
    ],
)
def test_a_proposer_that_cannot_work_is_refused(
    counted: Project, specification: str, says: tuple[str, ...]
) -> None:
    """What is missing is told before any test is collected."""
    (counted.root.parent / "empty").mkdir()

    session = refused(counted, proposer=specification, says=says)

    assert "collected" not in session.output


@pytest.mark.parametrize(
    ("specification", "says"),
    [
        ("replay:git:nope", ("'nope' names no commit, branch or tag",)),
        ("sweep", ("the proposer 'sweep' finds no knobs in words.txt", "# autoloop: ")),
        ("rules", ("the proposer 'rules' rewrites Python files, the target is words.txt",)),
        ("http://127.0.0.1:9/v1#any", ("http://127.0.0.1:9/v1 cannot be reached",)),
        ("command:no-such-agent --fast", ("needs the program no-such-agent, which is not on",)),
        ("fixture:mine", ("'fixture:mine' asks for a fixture", "@autoloop.proposer")),
    ],
)
def test_a_proposer_that_does_not_fit_the_target_is_refused(
    counted: Project, specification: str, says: tuple[str, ...]
) -> None:
    """The target has to be known for it, so tests are collected; nothing is run or spent."""
    session = refused(counted, proposer=specification, says=says)

    assert "BASELINE" not in session.output


def test_the_extra_that_rules_need_is_named(counted: Project, tmp_path: Path) -> None:
    """Without libcst the message gives the command that installs it."""
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "libcst.py").write_text('raise ImportError("No module named libcst")\n')

    refused(
        counted,
        proposer="rules",
        environment={"PYTHONPATH": str(stub)},
        says=("the proposer 'rules' needs libcst", "pip install 'pytest-autoloop[rules]'"),
    )
