"""What a trusted session shows of its project, so that later ones can be begun beforehand."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.harness.items import uses_benchmark, visible_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_autoloop.harness.registry import Registry

#: What a conftest may have that acts before tests are collected: pytest would call it at another
#: time, or not at all, if the conftest were loaded when a session has begun.
_EARLY = (
    *("pytest_plugins", "pytest_addhooks", "pytest_addoption", "pytest_plugin_registered"),
    *("pytest_cmdline_parse", "pytest_cmdline_main", "pytest_load_initial_conftests"),
    *("pytest_configure", "pytest_sessionstart", "pytest_collection"),
)
_LOADERS = (SourceFileLoader, ExtensionFileLoader)


def early(config: pytest.Config) -> list[str]:
    """Return what of conftests acts before collection, such as ``conftest.py: pytest_configure``.

    A conftest outside of pytest's root directory counts as such: its fixtures are placed then, too.
    """
    found = []
    for name, plugin in config.pluginmanager.list_name_plugin():
        path = Path(name)
        if path.name != "conftest.py" or plugin is None:
            continue
        inside = path.is_relative_to(config.rootpath)
        told = path.relative_to(config.rootpath) if inside else path
        # A hook may go by any name in its module: `pytest.hookimpl(specname=…)`.
        callers = config.pluginmanager.get_hookcallers(plugin) or ()
        names = {*vars(plugin), *(caller.name for caller in callers)}
        what = [hook for hook in _EARLY if hook in names]
        found += [f"{told}: {hook}" for hook in ([] if inside else ["outside"]) + what]
    return found


def imported(*projects: Path) -> list[str]:
    """Return the modules that do not belong to a project, in the order of their import.

    Only those that anybody would get by their names: neither what is executed as a program, nor
    what pytest has rewritten.
    """
    found = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None)
        if spec is None or spec.name != name or type(spec.loader) not in _LOADERS or not origin:
            continue
        if not belongs(origin, projects):
            found.append(name)
    return found


def belongs(file: str, projects: tuple[Path, ...]) -> bool:
    """Tell whether a file is a project's own: below it, and not installed in it."""
    prefixes = [f"{project}{os.sep}" for project in projects]
    return any(file.startswith(prefix) for prefix in prefixes) and "site-packages" not in file


def scoring(
    session: pytest.Session, items: list[pytest.Item], registry: Registry, worktree: Path
) -> list[str]:
    """Return the files that have to be collected for benchmarks and metrics to be found.

    POSIX paths below the worktree. For a metric that a conftest declares, one file of a test that
    sees it.
    """
    paths = {item.path for item in items if uses_benchmark(item)}
    for name in registry.metrics:
        paths |= set(_near(session, items, registry.home_of(name)))
    return sorted(p.relative_to(worktree).as_posix() for p in paths if p.is_relative_to(worktree))


def _near(session: pytest.Session, items: list[pytest.Item], home: object) -> Iterator[Path]:
    parent = visible_parent(session, items, home)
    below = (item.path for item in items if parent in item.listchain())
    yield from list(below)[:1]
