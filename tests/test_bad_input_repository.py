"""A campaign does not start in a repository whose state it cannot build on."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED, Project, git
from tests.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMIT = 'git add -A && git commit --allow-empty -m "start"'


def another_repository(path: Path) -> Project:
    """Make an empty repository beside the project."""
    path.mkdir()
    git(path, "init", "-q")
    return Project(path)


def test_without_a_repository_git_init_is_the_next_step(project: Project) -> None:
    """A directory that git does not know is named, with the command that makes a repository."""
    project.write(COUNTED)
    shutil.rmtree(project.root / ".git")

    refused(project, says=(f"{project.root} is not inside a git repository", "git init", COMMIT))


def test_without_a_commit_the_first_commit_is_the_next_step(project: Project) -> None:
    """A repository that holds nothing yet is named, with the command that makes a commit."""
    project.write(COUNTED)

    refused(project, says=(f"the repository at {project.root} has no commit yet", COMMIT))


def stage(project: Project) -> None:
    """Change a test and add it to the index."""
    project.write({"test_words.py": "def test_nothing():\n    pass\n"})
    git(project.root, "add", "-A")


def conflict(project: Project) -> None:
    """Leave a merge half done."""
    git(project.root, "switch", "-q", "-c", "other")
    project.commit({"words.txt": "alpha delta\n"})
    git(project.root, "switch", "-q", "main")
    project.commit({"words.txt": "alpha epsilon\n"})
    with pytest.raises(subprocess.CalledProcessError):
        git(project.root, "merge", "other")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(
            lambda p: p.write({"words.txt": "alpha\n"}), "changes in words.txt:", id="tracked"
        ),
        pytest.param(stage, "changes in test_words.py:", id="staged"),
        pytest.param(conflict, "changes in words.txt:", id="conflict"),
        pytest.param(
            lambda p: p.write({"test_more.py": "def test_nothing():\n    pass\n"}),
            "changes in test_more.py (untracked):",
            id="untracked-test",
        ),
        pytest.param(
            lambda p: p.write({"sub/conftest.py": "", "sub/test_sub.py": "def test_it(): pass\n"}),
            "changes in sub/conftest.py (untracked), sub/test_sub.py (untracked):",
            id="untracked-conftest",
        ),
        pytest.param(
            lambda p: p.write({"pytest.ini": "[pytest]\n"}),
            "changes in pytest.ini (untracked):",
            id="untracked-ini",
        ),
    ],
)
def test_a_dirty_tree_is_named_file_by_file(
    project: Project, change: Callable[[Project], object], named: str
) -> None:
    """Uncommitted changes of the harness are listed, with how to put them out of the way."""
    project.commit(COUNTED)
    change(project)

    refused(project, says=(named, "commit them, or put them aside with `git stash -u`"))


def test_submodules_are_refused_by_name(project: Project) -> None:
    """A submodule would be empty in a worktree, so the message names it and two ways out."""
    library = another_repository(project.root.parent / "library")
    library.commit({"a.txt": "a\n"})
    project.commit(COUNTED)
    git(
        project.root,
        *("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.root), "lib"),
    )
    project.commit()

    refused(project, says=("contains submodules (lib)", "Run inside the submodule"))


def test_a_bare_repository_has_no_files_to_judge(project: Project) -> None:
    """Without a checkout the message asks for a clone that has one."""
    project.commit(COUNTED)
    git(project.root, "config", "core.bare", "true")

    refused(project, says=(f"{project.root} is a bare git repository", "Start in a clone"))


@pytest.mark.parametrize("ini", [False, True], ids=["root-outside", "root-inside"])
def test_pytest_has_to_be_called_inside_the_repository(project: Project, ini: bool) -> None:
    """Called from its parent directory, pytest says which directory it should be called in."""
    project.commit({**COUNTED, **({"pytest.ini": "[pytest]\n"} if ini else {})})
    outside = project.root.parent
    called = f"pytest was called in {outside}"

    refused(project, str(project.root), cwd=outside, says=(called, str(project.root)))


def test_a_root_directory_outside_the_repository_is_named(project: Project) -> None:
    """When --rootdir leaves the repository, the message names both directories and the option."""
    project.commit(COUNTED)
    outside = project.root.parent

    refused(
        project,
        *("--rootdir", str(outside), "-c", "/dev/null"),
        says=(f"the root directory {outside}, which is not in", str(project.root), "--rootdir"),
    )


def test_a_temporary_directory_inside_the_repository_is_refused(project: Project) -> None:
    """Worktrees may not lie in the project, so the message asks for another TMPDIR."""
    project.commit(COUNTED)

    refused(
        project,
        environment={"TMPDIR": str(project.root)},
        says=(f"the temporary directory {project.root} lies inside", "Set TMPDIR"),
    )


def test_a_branch_that_blocks_the_namespace_is_named(project: Project) -> None:
    """Git cannot hold autoexp and autoexp/TAG, so the command that renames the first is given."""
    project.commit(COUNTED)
    git(project.root, "branch", "autoexp")

    refused(project, says=("the branch autoexp is in the way", "git branch -m autoexp"))


def test_a_file_in_the_place_of_the_records_is_named(project: Project) -> None:
    """A file called .pytest_autoloop is not replaced: the user is asked to move it."""
    project.commit({**COUNTED, ".pytest_autoloop": "mine\n"})

    refused(project, says=(f"{project.root / '.pytest_autoloop'} is not a directory", "move it"))
