"""`pytest-autoloop verify` and `finalize`: what they measure again, in sessions of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.campaigns import Made
from tests.projects import clean_environment, git, new_project

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [f"alpha{number}" for number in range(9)]
#: Nine lines of a word; the last one may be short only beside a first one that is.
FILES = {
    "words.txt": "\n".join(WORDS) + "\n",
    "conftest.py": '''
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            """Make it shorter."""
            return "words.txt"

        @autoloop.metric(direction="lower", unit="letters")
        def letters(target):
            return len(target.read_text())
    ''',
    "test_words.py": """
        def test_the_last_needs_the_first(target):
            words = target.read_text().split()
            assert words[-1] != "al" or words[0] == "a"
    """,
    "pytest.ini": "[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n",
}
#: As the sessions of `tests.projects` are started.
PLUGINS = ["-ppytest_autoloop.plugin", "-ppytest_benchmark.plugin", "-ppytest_timeout"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a campaign with a gain, one that needs it, and one that is none."""
    project = new_project(tmp_path_factory.mktemp("measuring"))
    project.commit(FILES)
    called: list[Any] = ["--autoloop", "3", *PLUGINS, "--autoloop-proposer", "no/such"]
    campaign = Made(project, "nov20", header={"arguments": called, "directory": "."})
    words = [*WORDS]
    for place, word in ((0, "a"), (8, "al"), (4, "alphabetic")):
        words[place] = word
        campaign.keep("\n".join(words) + "\n", f"write {word}, @everyone")
    return campaign


def command(made: Made, *arguments: str) -> tuple[int, Any, str]:
    """Run a command with `--json`; return exit code, document and what it told meanwhile."""
    called = "import sys; from pytest_autoloop.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", called, arguments[0], "--json", *arguments[1:]],
        cwd=made.project.root,
        env={**clean_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **identity()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def identity() -> dict[str, str]:
    """Return what git knows of the user."""
    return {
        f"GIT_{who}_{what}": f"{who.lower()}@example.invalid"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }


def state(made: Made) -> tuple[str, str, str]:
    """Return what is checked out, what is changed there, and all worktrees."""
    root = made.project.root
    told = ("rev-parse", "HEAD"), ("status", "--porcelain"), ("worktree", "list")
    head, changed, worktrees = (git(root, *arguments) for arguments in told)
    return head, changed, worktrees


def test_verify_says_which_keeps_hold(made: Made) -> None:
    """Each against the one before, by the tests that are named; exit code 1 when one fails."""
    before = state(made)

    code, found, told = command(made, "verify", "--", *PLUGINS, "test_words.py")

    (target,) = found["targets"]
    assert [keep["finding"] for keep in target["keeps"]] == ["holds", "holds", "fails"]
    assert target["keeps"][2]["reason"] == "no-gain"
    assert target["gain"]["gain"] == pytest.approx(63 / 58)
    assert (code, found["holds"], target["guards"]) == (1, False, 1)
    assert "measuring 003" in told
    # The record of this campaign tells of no guards at all.
    assert target["differences"] == ["what it was is not recorded"]
    assert state(made) == before


def test_finalize_makes_a_branch_of_each_part_that_holds(made: Made, tmp_path: Path) -> None:
    """What does not hold alone, nor all of that together, is left out and named."""
    before = state(made)

    code, found, told = command(made, "finalize", "--output", str(tmp_path / "texts"))

    assert code == 0, told
    (branch,) = found["branches"]
    assert branch["experiments"] == [1]
    assert branch["name"] == "autoloop/nov20/1-write-a-everyone"
    root = made.project.root
    assert git(root, "diff", "--stat", made.first, branch["name"]).startswith(" words.txt | 2 +-")
    assert git(root, "rev-parse", f"{branch['name']}^").strip() == made.first
    message = git(root, "log", "-1", "--format=%an%n%B", branch["name"])
    assert message.startswith("author@example.invalid\nwrite a, @ everyone\n\nletters: -7.9%")
    assert "Autoloop-Experiment: nov20/001" in message
    (file,) = (tmp_path / "texts").iterdir()
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# write a, @ everyone\n\n| letters | tests |")
    assert "- write a, @\u200beveryone (nov20/001)" in text
    assert "| -7.9% | 1 pass |" in text
    assert [part["experiments"] for part in found["left_out"]] == [[3], [2]]
    assert "measuring 2 parts of words.txt together" in told
    assert state(made) == before
    # It would make them once more only when told to.
    done = subprocess.run(
        [sys.executable, "-c", "from pytest_autoloop.cli import main; main(['finalize'])"],
        cwd=root,
        env={**os.environ, **identity()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "there are review branches of campaign nov20 already" in done.stderr
