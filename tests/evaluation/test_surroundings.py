"""How a child is pointed at its worktree."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from pytest_autoloop.evaluation import surroundings
from pytest_autoloop.evaluation.runner import Project
from pytest_autoloop.evaluation.surroundings import child_environment, map_argument

CHECKOUT = Path("/home/me/project")
WORKTREE = Path("/tmp/work/candidate")


@pytest.mark.parametrize(
    ("argument", "mapped"),
    [
        ("/home/me/project", "/tmp/work/candidate"),
        ("/home/me/project/", "/tmp/work/candidate/"),
        ("/home/me/project/tests/a.py::b[c]", "/tmp/work/candidate/tests/a.py::b[c]"),
        ("--rootdir=/home/me/project", "--rootdir=/tmp/work/candidate"),
        ("-c/home/me/project/a.ini", "-c/tmp/work/candidate/a.ini"),
        ("-opythonpath=/home/me/project/src", "-opythonpath=/tmp/work/candidate/src"),
        (
            "pythonpath=/home/me/project/a /home/me/project/b",
            "pythonpath=/tmp/work/candidate/a /tmp/work/candidate/b",
        ),
        ("/home/me/project:/x", "/tmp/work/candidate:/x"),
    ],
)
def test_paths_in_the_checkout_are_mapped(argument: str, mapped: str) -> None:
    """Wherever an argument names the checkout, the child sees its worktree."""
    assert map_argument(argument, CHECKOUT, WORKTREE) == mapped


@pytest.mark.parametrize(
    "argument",
    [
        "tests/a.py",
        "-q",
        "/home/me/project-data/examples.json",
        "/home/me/project2",
        "/home/me/project.bak/a.py",
        "/srv/home/me/project/a.py",
        "--rootdir=/home/me",
    ],
)
def test_other_paths_stay(argument: str) -> None:
    """A neighbour whose name begins alike is not the checkout."""
    assert map_argument(argument, CHECKOUT, WORKTREE) == argument


def test_a_checkout_is_found_by_letter_not_as_a_pattern() -> None:
    """Characters that mean something in a pattern or its replacement are only characters."""
    checkout, worktree = Path("/a/b+c (1)"), Path(r"/w/\1\g<0>")
    assert map_argument("/a/b+c (1)/x", checkout, worktree) == r"/w/\1\g<0>/x"
    assert map_argument("/a/bbc (1)/x", checkout, worktree) == "/a/bbc (1)/x"


PROJECT = Project(
    checkout=CHECKOUT,
    rootdir=CHECKOUT,
    invocation_dir=CHECKOUT,
    args=(),
    target="src/a.py",
    import_roots=(CHECKOUT / "src", CHECKOUT),
    secrets=("OPENAI_API_KEY",),
)


def test_a_child_has_the_users_environment_without_keys_and_leftovers() -> None:
    """Neither the proposer's key nor git's and pytest's state of the parent reaches a child."""
    given = {
        "PATH": "/bin",
        "PYTEST_ADDOPTS": "-q",
        "OPENAI_API_KEY": "sk-secret",
        "GIT_DIR": "/elsewhere",
        "GIT_INDEX_FILE": "x",
        "PYTEST_XDIST_WORKER": "gw0",
        "PYTEST_XDIST_TESTRUNUID": "1",
        "PYTEST_CURRENT_TEST": "t::x (call)",
    }
    child = child_environment(given, PROJECT, WORKTREE)
    assert child["PATH"] == "/bin"
    assert child["PYTEST_ADDOPTS"] == "-q"
    assert set(child) == {
        "PATH",
        "PYTEST_ADDOPTS",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "AUTOLOOP_LOCKS",
    }
    assert "sk-secret" not in str(child)
    assert given["OPENAI_API_KEY"] == "sk-secret"


def test_imports_come_from_the_worktree_first() -> None:
    """Import roots come before what the user set, whose paths in the checkout are mapped too."""
    entries = [str(CHECKOUT / "lib"), "/opt/lib", "", str(CHECKOUT)]
    child = child_environment({"PYTHONPATH": os.pathsep.join(entries)}, PROJECT, WORKTREE)
    assert child["PYTHONPATH"].split(os.pathsep) == [
        str(WORKTREE / "src"),
        str(WORKTREE),
        str(WORKTREE / "lib"),
        "/opt/lib",
    ]


def test_no_bytecode_is_written() -> None:
    """Whatever the user's own setting: a candidate must not run the one before it."""
    child = child_environment({"PYTHONDONTWRITEBYTECODE": ""}, PROJECT, WORKTREE)
    assert child["PYTHONDONTWRITEBYTECODE"] == "1"


def test_without_import_roots_there_is_no_path() -> None:
    """An empty PYTHONPATH would put the working directory on the path."""
    bare = Project(CHECKOUT, CHECKOUT, CHECKOUT, (), "a.txt", ())
    assert "PYTHONPATH" not in child_environment({}, bare, WORKTREE)


def test_import_roots_are_the_entries_inside_the_checkout(tmp_path: Path) -> None:
    """In order, once each; what is outside, or installed in a virtual environment, is not ours."""
    checkout = (tmp_path / "project").resolve()
    path = [
        str(checkout / "src"),
        "",
        "/usr/lib/python3",
        str(checkout),
        str(checkout / "src"),
        str(checkout / ".venv" / "lib" / "site-packages"),
        str(tmp_path / "project2"),
    ]
    found = surroundings.import_roots(checkout, checkout / "src" / "a.py", path)
    assert found == (checkout / "src", checkout)


def test_an_imported_target_shows_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a finder brings the target, its root follows from its dotted name."""
    checkout = tmp_path.resolve()
    package = checkout / "code" / "shown_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    target = package / "shown_module.py"
    target.touch()
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(checkout / "code"))
        importlib.import_module("shown_package.shown_module")
    assert surroundings.import_roots(checkout, target, []) == (checkout / "code",)
    init = package / "__init__.py"
    assert surroundings.import_roots(checkout, init, []) == (checkout / "code",)


def test_a_campaign_in_a_child_waits_for_nobody() -> None:
    """The child runs in its campaign's turn, and who waits for that campaign would never get on."""
    child = child_environment({"AUTOLOOP_LOCKS": "/run/lock"}, PROJECT, WORKTREE)
    assert child["AUTOLOOP_LOCKS"] == ""
