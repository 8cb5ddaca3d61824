"""Where and how pytest is called, and what the machine has or lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE, clean_environment, git

if TYPE_CHECKING:
    from pytest_autoloop.model import LauncherName
    from tests.projects import Project

WRONG = "def double(n):\n    return n\n"
SAME = "def double(n):\n    return 2 * n  # longer than it was\n"
HOOKS = ("pre-commit", "commit-msg", "post-checkout", "reference-transaction", "post-commit")


def test_dirty_tree_is_refused(project: Project) -> None:
    """Files that a clean worktree would not hold are named before anything runs."""
    project.commit({**MODULE, "helper.py": "x = 1\n", "unchanged.py": ""})
    project.write({"helper.py": "x = 2\n", "test_new.py": "def test_new(): pass\n"})

    session = project.autoloop(1, "--autoloop-proposer", project.ideas(WRONG))

    assert session.returncode == 4, session.output
    assert "uncommitted changes in helper.py, test_new.py (untracked)" in session.output
    assert not (project.root / "results.tsv").exists()


def test_neither_identity_nor_hooks(project: Project, tmp_path: Path) -> None:
    """Commits need no git identity or key, and a project's failing hooks are not run."""
    project.commit(MODULE)
    git(project.root, "config", "user.useConfigOnly", "true")
    git(project.root, "config", "commit.gpgSign", "true")
    ran = tmp_path / "ran"
    for name in HOOKS:
        hook = project.root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >> '{ran}'\nexit 1\n")
        hook.chmod(0o755)
    (tmp_path / "home").mkdir()

    session = project.autoloop(
        1,
        *("--autoloop-proposer", project.ideas(WRONG), "--autoloop-tag", "one"),
        environment={
            "HOME": str(tmp_path / "home"),
            "XDG_CONFIG_HOME": str(tmp_path / "home"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        },
    )

    assert session.returncode == 0, session.output
    assert session.decisions == [("discard", "guard")]
    assert not ran.exists()
    assert git(project.root, "show", "refs/autoloop/one/001:double.py") == WRONG


def test_subdirectory_and_foreign_variables(project: Project, tmp_path: Path) -> None:
    """The `pytest` script works below the root, with a relative path and -k, in any shell."""
    project.commit(
        {
            **MODULE,
            "below/test_below.py": """
                import os

                from double import double

                def test_double():
                    assert "GIT_DIR" not in os.environ
                    assert double(4) == 8

                def test_broken():
                    assert False
            """,
        }
    )
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    script = str(Path(sys.executable).with_name("pytest"))
    done = subprocess.run(
        [
            *(script, "test_below.py", "-k", "double and not broken", "--rootdir=.."),
            *("--autoloop=1", "--autoloop-proposer", project.ideas(WRONG)),
        ],
        cwd=project.root / "below",
        env={
            **clean_environment(),
            "PYTEST_XDIST_WORKER": "gw0",
            "PYTEST_XDIST_WORKER_COUNT": "2",
            "PYTEST_CURRENT_TEST": "elsewhere.py::test (call)",
            "GIT_DIR": str(other / ".git"),
            "GIT_WORK_TREE": str(other),
            "GIT_INDEX_FILE": str(other / "index"),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 guard · " in done.stdout
    assert "guard failed: below/test_below.py::test_double" in done.stdout
    assert git(other, "for-each-ref") == ""


def test_file_named_like_a_module_of_python(project: Project, launcher: LauncherName) -> None:
    """A child starts with the modules it needs, not with files that lie where it starts."""
    project.commit({**MODULE, "json.py": "raise RuntimeError('not the real module')\n"})
    with open_bench(project, launcher=launcher) as bench:
        report = bench.guard(SAME, "test_double.py::test_double")

    assert report.passed, report.message


def test_plugins_loaded_by_hand(project: Project) -> None:
    """Without plugin discovery, and without pytest's cache, the loop needs no other plugin."""
    project.commit(MODULE)

    session = project.autoloop(
        1,
        *("-p", "pytest_autoloop.plugin", "-p", "no:cacheprovider", "--strict-config"),
        *("--autoloop-proposer", project.ideas(WRONG)),
        environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )

    assert session.returncode == 0, session.output
    assert session.decisions == [("discard", "guard")]
