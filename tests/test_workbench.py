"""The checkout that a proposer may edit, and what is left of it afterwards."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.proposers.base import Found
from pytest_autoloop.workbench import CampaignWorkbench
from tests.projects import git

if TYPE_CHECKING:
    from tests.projects import Project

FILES = {"a.py": "x = 1\n", "tests/test_a.py": "def test_a(): pass\n", ".gitignore": "*.log\n"}


def lend(project: Project, pool: WorktreePool) -> CampaignWorkbench:
    """Return a workbench over a fresh checkout."""
    pool.add("candidate", Repository.open(project.root).head())
    pool.add("incumbent", Repository.open(project.root).head())
    records = project.root / ".pytest_autoloop" / "t"
    return CampaignWorkbench(pool, Repository.open(project.root), "a.py", records)


def test_edits_of_the_target_are_found_and_all_others_named(project: Project) -> None:
    """Changed, removed and new files are named; ignored ones are nobody's concern."""
    project.commit(FILES)
    with WorktreePool(Repository.open(project.root), targets=("a.py",)) as pool:
        bench = lend(project, pool)
        with bench.checkout(b"x = 2\n") as checkout:
            assert checkout.found() == Found(b"x = 2\n")
            (checkout.path / "a.py").write_bytes(b"x = 3\n")
            (checkout.path / "tests" / "test_a.py").write_bytes(b"")
            (checkout.path / ".gitignore").unlink()
            (checkout.path / "new notes.txt").write_bytes(b"thoughts")
            (checkout.path / "run.log").write_bytes(b"")
            assert checkout.found() == Found(
                b"x = 3\n", (".gitignore", "new notes.txt", "run.log", "tests/test_a.py")
            )
        with bench.checkout(b"x = 4\n") as checkout:
            (checkout.path / ".gitignore").write_text("*\n")
            (checkout.path / "new.txt").write_text("hidden by the line above\n")
            assert checkout.found().elsewhere == (".gitignore", "new.txt")
        with bench.checkout(b"x = 4\n") as checkout:
            assert checkout.found() == Found(b"x = 4\n")
            assert not (checkout.path / "run.log").exists()


def test_a_target_that_is_gone_or_a_link_has_no_content(project: Project) -> None:
    """Nothing is read through a link, and a removed file is not an empty one."""
    project.commit(FILES)
    with WorktreePool(Repository.open(project.root), targets=("a.py",)) as pool:
        bench = lend(project, pool)
        with bench.checkout(b"x = 2\n") as checkout:
            (checkout.path / "a.py").unlink()
            assert checkout.found().content is None
            (checkout.path / "a.py").symlink_to("/etc/hostname")
            assert checkout.found().content is None


def test_commits_of_an_agent_are_put_back(project: Project) -> None:
    """What an agent commits or stages in the checkout is neither kept nor seen again."""
    project.commit(FILES)
    head = git(project.root, "rev-parse", "HEAD")
    with WorktreePool(Repository.open(project.root), targets=("a.py",)) as pool:
        bench = lend(project, pool)
        with bench.checkout(b"x = 2\n") as checkout:
            (checkout.path / "tests" / "test_a.py").write_bytes(b"")
            git(checkout.path, "commit", "-q", "-am", "cheat")
            assert checkout.found() == Found(b"x = 2\n", ("tests/test_a.py",))
        with bench.checkout(b"x = 2\n") as checkout:
            assert checkout.found() == Found(b"x = 2\n")
            assert git(checkout.path, "rev-parse", "HEAD") == head
    assert git(project.root, "rev-parse", "HEAD") == head


def test_a_checkout_that_is_gone_comes_back(project: Project) -> None:
    """Whoever removes both worktrees has proposed nothing; the next one finds them whole."""
    project.commit(FILES)
    with WorktreePool(Repository.open(project.root), targets=("a.py",)) as pool:
        bench = lend(project, pool)
        with bench.checkout(b"x = 2\n") as checkout:
            shutil.rmtree(checkout.path.parent / "incumbent")
            shutil.rmtree(checkout.path)
            assert checkout.found() == Found(None)
        assert (pool.path("incumbent") / "a.py").read_bytes() == b"x = 1\n"
        with bench.checkout(b"x = 2\n") as checkout:
            assert checkout.found() == Found(b"x = 2\n")


def test_what_happens_to_the_user_s_own_files_and_branches_is_noticed(project: Project) -> None:
    """An agent runs as the user; what it did there is told, once, and left as it is."""
    project.commit(FILES)
    git(project.root, "branch", "feature")
    with WorktreePool(Repository.open(project.root), targets=("a.py",)) as pool:
        bench = lend(project, pool)
        with bench.checkout(b"x = 2\n") as checkout:
            git(checkout.path, "branch", "-D", "feature")
            git(checkout.path, "tag", "evil")
            project.write({"tests/test_a.py": "\n"})
        assert bench.take_notices() == (
            "moved meanwhile, and not put back: refs/heads/feature, refs/tags/evil",
            "edited in your checkout meanwhile: tests/test_a.py",
        )
        with bench.checkout(b"x = 2\n"):
            pass
        assert bench.take_notices() == ()


def test_another_target_is_somebody_else_s_file(project: Project) -> None:
    """While one target is improved, an edit of another one is named and put back."""
    project.commit({**FILES, "b.py": "y = 1\n"})
    with WorktreePool(Repository.open(project.root), targets=("a.py", "b.py")) as pool:
        bench = lend(project, pool)
        pool.write("candidate", "b.py", b"y = 1\n")
        with bench.checkout(b"x = 2\n") as checkout:
            assert checkout.found() == Found(b"x = 2\n")
            (checkout.path / "b.py").write_bytes(b"y = 2\n")
            assert checkout.found() == Found(b"x = 2\n", ("b.py",))
        assert (pool.path("candidate") / "b.py").read_bytes() == b"y = 1\n"
