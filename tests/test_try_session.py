"""An edit made by hand is judged as one experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED, git

if TYPE_CHECKING:
    from tests.projects import Project

#: A conftest that proposes something else, and must not be asked.
PROPOSES = """
        def pytest_autoloop_propose(config, brief):
            raise AssertionError("an edit made by hand is what is judged")
"""

NOISY = """
        def pytest_collection_finish():
            print("printed by a conftest")
"""


def test_edits_made_by_hand_are_one_campaign(project: Project) -> None:
    """Each try goes on from the last keep; the user's file is left alone, kept or not."""
    conftest = str(COUNTED["conftest.py"]) + PROPOSES
    project.commit({**COUNTED, "conftest.py": conftest, "other.txt": "x\n"})
    head = git(project.root, "rev-parse", "HEAD")

    project.write({"words.txt": "alpha beta\n"})
    kept = project.pytest("--autoloop-try", "drop gamma", "--autoloop-json")
    assert kept.returncode == 0, kept.output
    told = json.loads(kept.stdout)
    assert (told["status"], told["number"], told["metrics"]) == ("keep", 1, {"letters": 11.0})
    assert told["effect"]["gain"] == pytest.approx(17 / 11)
    assert "as you left it" in told["message"]
    assert git(project.root, "show", f"{told['branch']}:words.txt") == "alpha beta\n"

    project.write({"words.txt": "beta\n"})
    refused = project.pytest("--autoloop-try", "drop alpha")
    assert refused.returncode == 0, refused.output
    assert "not kept: discard (guard); words.txt in your checkout is as you left it" in (
        refused.stdout
    )
    assert f"git restore --source {told['branch']} :/words.txt" in refused.stdout

    assert refused.decisions == [("keep", ""), ("discard", "guard")]
    assert refused.journal[2]["parent"] == refused.journal[1]["commit"]
    assert [row["experiment"] for row in refused.results] == ["0", "1", "2"]
    assert (project.root / "words.txt").read_text() == "beta\n"
    assert git(project.root, "rev-parse", "HEAD") == head
    assert git(project.root, "status", "--porcelain").split("\n")[0] == " M words.txt"


def test_without_an_edit_there_is_nothing_to_try(project: Project) -> None:
    """It is a usage error, as JSON too, and nothing is written."""
    project.commit(COUNTED)
    session = project.pytest("--autoloop-try", "nothing", "--autoloop-json")
    assert session.returncode == 4
    assert "words.txt has no uncommitted change to judge" in json.loads(session.stdout)["error"]
    assert git(project.root, "status", "--porcelain", "--ignored=no") == ""


def test_another_file_must_not_be_edited(project: Project) -> None:
    """A changed harness would judge in the user's favour: it has to be committed first."""
    project.commit(COUNTED)
    project.write({"words.txt": "alpha\n", "test_words.py": "def test_it(): pass\n"})
    session = project.pytest("--autoloop-try", "both")
    assert session.returncode == 4
    assert "uncommitted changes in test_words.py:" in session.stderr


def test_a_tag_of_another_commit_is_refused(project: Project) -> None:
    """A campaign belongs to the commit from which it began."""
    project.commit(COUNTED)
    project.write({"words.txt": "alpha beta\n"})
    assert project.pytest("--autoloop-try=x", "--autoloop-tag=mine").returncode == 0
    project.commit({"words.txt": "alpha beta\n"})
    project.write({"words.txt": "alpha\n"})
    session = project.pytest("--autoloop-try=y", "--autoloop-tag=mine")
    assert session.returncode == 4
    assert "--autoloop-tag=mine: that campaign began from commit" in session.stderr


def test_standard_output_is_one_document_whatever_goes_wrong(project: Project) -> None:
    """A wrong spec, a module that cannot be collected, a conftest that prints: still JSON."""
    noisy = str(COUNTED["conftest.py"]) + NOISY
    project.commit({**COUNTED, "conftest.py": noisy, "test_broken.py": "import nowhere\n"})

    wrong = project.autoloop(1, "--autoloop-proposer=magic", "--autoloop-json")
    broken = project.autoloop(1, "--autoloop-proposer=replay:words.txt", "--autoloop-json")
    missing = project.autoloop(1, "--autoloop-json", "no/such/path")

    told = [json.loads(session.stdout) for session in (wrong, broken, missing)]
    assert [session.returncode for session in (wrong, broken, missing)] == [4, 2, 4]
    assert "'magic', which names no proposer" in told[0]["error"]
    assert told[1] == {"error": "1 error during collection"}
    assert "no/such/path" in told[2]["error"]
    assert "printed by a conftest" in broken.stderr
