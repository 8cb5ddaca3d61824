"""Finds the target, and refuses a file that cannot be improved."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.items import fixture_item, visible_parent

if TYPE_CHECKING:
    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.history.repository import Repository


def resolve_target(session: pytest.Session, registry: Registry) -> tuple[Path, str]:
    """Evaluate the target fixture; return the absolute path and the goal.

    Raises:
        UsageError: there is no target fixture, more than one, or it does not return a path.
    """
    if not registry.targets:
        message = (
            "no target: decorate a fixture in conftest.py with @autoloop.target that returns the "
            "path of the file that may change"
        )
        raise UsageError(message)
    if len(registry.targets) > 1:
        sources = ", ".join(t.source for t in registry.targets.values())
        message = f"more than one target ({sources}): a campaign improves one file, keep one"
        raise UsageError(message)
    (specification,) = registry.targets.values()
    found: list[object] = []
    parent = visible_parent(session, session.items, registry.home_of(specification.name))
    item = fixture_item(parent, specification.name, found.append)
    try:
        try:
            item.ihook.pytest_runtest_setup(item=item)
            item.runtest()
        finally:
            item.ihook.pytest_runtest_teardown(item=item, nextitem=None)
    except UsageError:
        raise
    except (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception) as error:
        # The user's fixture, and those that it requests, may raise anything.
        message = (
            f"the target fixture {specification.name!r} ({specification.source}) gave no path: "
            f"{_told(error)}. Correct it: it returns the path of the file that may change"
        )
        raise UsageError(message) from error
    assert isinstance(found[0], Path)
    path = Path(os.path.normpath(found[0]))
    if path.exists() and path.resolve() in {file.resolve() for file in judges(session)}:
        message = (
            f"the target {path} is a conftest.py or a test module, so a candidate could rewrite "
            "its own judge: move what may change to a file of its own"
        )
        raise UsageError(message)
    return path, specification.goal


def _told(error: BaseException) -> str:
    if isinstance(error, pytest.FixtureLookupError):
        return f"there is no fixture {error.argname!r}, which it requests"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def judges(session: pytest.Session) -> set[Path]:
    """Return conftest files and test modules; a module with doctests alone is none."""
    files = {item.path for item in session.items if isinstance(item, pytest.Function)}
    for plugin in session.config.pluginmanager.get_plugins():
        if inspect.ismodule(plugin) and Path(plugin.__file__ or "").name == "conftest.py":
            files.add(Path(plugin.__file__ or ""))
    return files


def harness_files(session: pytest.Session) -> set[Path]:
    """Return all files that judge: tests, conftest files and pytest's configuration."""
    files = {item.path for item in session.items} | judges(session)
    if session.config.inipath is not None:
        files.add(session.config.inipath)
    return files


def inside(repository: Repository, file: Path) -> str | None:
    """Return a file's POSIX path below the repository's root, None when it is outside."""
    resolved = file.resolve()
    if not resolved.is_relative_to(repository.root):
        return None
    return resolved.relative_to(repository.root).as_posix()


def check_target(repository: Repository, path: Path) -> str:
    """Return the target's POSIX path below the repository's root.

    Raises:
        UsageError: outside the repository, missing, a directory, a link, ignored or untracked.
    """
    root = repository.root
    parent = path.parent.resolve()
    place = parent / path.name
    if not place.is_relative_to(root) or place.is_relative_to(root / ".git"):
        raise UsageError(
            f"the target {path} is outside the repository {root}: only a file that "
            "git tracks here can be improved"
        )
    name = place.relative_to(root).as_posix()
    if path.is_symlink():
        raise UsageError(f"the target {name} is a symbolic link: name the file it points to")
    if path.is_dir():
        raise UsageError(f"the target {name} is a directory: name one file in it")
    if not path.exists():
        raise UsageError(
            f"the target {name} does not exist below {root}: correct the path that "
            "the target fixture returns"
        )
    if repository.is_tracked(name):
        return name
    if repository.is_ignored(name):
        raise UsageError(
            f"the target {name} is ignored by git: its history could not be kept; "
            "track it (git add -f) or choose another file"
        )
    raise UsageError(f"the target {name} is not tracked by git: git add and commit it first")
