"""A red baseline is explained: which guards fail, and what a clean worktree lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED
from tests.refusals import RED, refused

if TYPE_CHECKING:
    from tests.projects import Project

READS_DATA = """
    from pathlib import Path

    def test_the_words_are_known(target):
        known = Path(__file__).with_name("data").joinpath("known.txt").read_text()
        assert set(target.read_text().split()) <= set(known.split())
"""


def test_guards_that_fail_are_listed(project: Project) -> None:
    """Every failing node id is listed, the first with its assertion, and passing ones are not."""
    project.commit(
        {
            **COUNTED,
            "test_words.py": """
                def test_passes(target):
                    assert target.exists()

                def test_first():
                    assert "red" == "green"

                def test_second():
                    assert False
            """,
        }
    )

    session = refused(
        project,
        status=RED,
        says=(
            "2 guards fail on the untouched words.txt, in a clean worktree of commit",
            "  test_words.py::test_first\n  test_words.py::test_second\n",
            "assert 'red' == 'green'",
            "make the guards pass there first",
        ),
    )

    assert "test_passes" not in session.output


@pytest.mark.parametrize("ignored", [True, False], ids=["ignored", "untracked"])
def test_data_that_a_clean_worktree_lacks_is_named(project: Project, ignored: bool) -> None:
    """When the guards pass in the checkout alone, the files that make the difference are listed."""
    files = {**COUNTED, "test_words.py": READS_DATA}
    project.commit({**files, ".gitignore": "data/\n"} if ignored else files)
    project.write({"data/known.txt": "alpha beta gamma\n"})
    name = "data/" if ignored else "data/known.txt"

    refused(
        project,
        status=RED,
        says=(
            "1 guard fails on the untouched words.txt",
            "The guards pass in your checkout.",
            f"these are not in it:\n  {name}\n",
            f"autoloop_copy = {name}\n",
        ),
    )


def test_a_metric_that_lacks_data_gets_the_same_hint(project: Project) -> None:
    """A metric may read what git ignores, too: the message says how to have it copied."""
    project.commit(
        {
            **COUNTED,
            ".gitignore": "known.txt\n",
            "conftest.py": COUNTED["conftest.py"].replace(
                "len(target.read_text())", 'len(target.with_name("known.txt").read_text())'
            ),
        }
    )
    project.write({"known.txt": "alpha\n"})

    refused(
        project,
        status=RED,
        says=(
            "metric 'letters' failed:",
            "The metrics pass in your checkout.",
            "autoloop_copy = known.txt",
        ),
    )


def test_named_in_autoloop_copy_the_data_is_there(project: Project) -> None:
    """The hint is right: with the setting it names, the same project's baseline is green."""
    project.commit(
        {
            **COUNTED,
            "test_words.py": READS_DATA,
            ".gitignore": "data/\n",
            "pytest.ini": "[pytest]\nautoloop_copy = data/\n",
        }
    )
    project.write({"data/known.txt": "alpha beta gamma\n"})

    session = project.autoloop(0)

    assert session.returncode == 0, session.output
    assert session.results[0]["letters"] == "17"


def test_without_a_missing_file_the_place_is_suspected(project: Project) -> None:
    """No list of files is shown when there is none that could make the difference."""
    project.commit(
        {
            **COUNTED,
            "test_words.py": f"""
                from pathlib import Path

                def test_it_lives_here(target):
                    assert Path(__file__).parent == Path({str(project.root)!r})
            """,
        }
    )

    refused(
        project,
        status=RED,
        says=("which has no other files than a clean worktree", "look for an absolute path"),
    )


def test_a_module_that_cannot_be_collected_is_named(project: Project) -> None:
    """A test module that needs ignored data at import time is shown as what fails."""
    module = 'from pathlib import Path\nPath(__file__).with_name("known.txt").read_text()\n'
    project.commit(
        {**COUNTED, ".gitignore": "known.txt\n", "test_more.py": module + "def test_it(): pass\n"}
    )
    project.write({"known.txt": "alpha\n"})

    refused(
        project,
        status=RED,
        says=("1 guard fails", "\n  test_more.py\n", "autoloop_copy = known.txt"),
    )


def test_a_guard_that_ends_the_process_is_suspected(project: Project) -> None:
    """A session that ends without a word is no green one, whatever its exit status."""
    project.commit(
        {**COUNTED, "test_words.py": "import os\n\ndef test_it(target):\n    os._exit(0)\n"}
    )

    refused(
        project,
        status=RED,
        says=("ended its process with status 0 before pytest could report", "words.txt"),
    )


def test_a_guard_that_hangs_is_named(project: Project) -> None:
    """A guard that outlasts the limit is named, with the option that gives it more time."""
    project.commit(
        {**COUNTED, "test_words.py": "import time\n\ndef test_it(target):\n    time.sleep(99)\n"}
    )

    refused(
        project,
        "--autoloop-timeout=2",
        status=RED,
        says=("\n  test_words.py::test_it\n", "give it more time with --autoloop-timeout"),
    )
