"""Where a child stands: its arguments, its environment, and where it imports from."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation import alone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_autoloop.evaluation.runner import Project

#: Set by pytest in the parent, or by xdist: a child that inherits them misreads its own state.
_SCRUBBED_PREFIXES = ("GIT_", "PYTEST_XDIST_", "PYTEST_CURRENT_TEST", "PYTEST_VERSION")


def map_argument(argument: str, checkout: Path, worktree: Path) -> str:
    """Point an argument that names a path in the checkout at the worktree instead."""
    # Neither in "/home/project" nor in "/project-data" does "/project" name the checkout; a short
    # option may stand right before it.
    whole = rf"(^-\w|(?<![\w.+~-])){re.escape(str(checkout))}(?![\w.+~-])"
    return re.sub(whole, lambda match: f"{match[1]}{worktree}", argument)


def child_environment(
    environment: Mapping[str, str], project: Project, worktree: Path
) -> dict[str, str]:
    """Return a child's environment: the user's own, with imports pointed at the worktree.

    No bytecode is written: a candidate of equal size, written within the same second, would be
    believed to be the one before it. A campaign that a child runs has its turn already, and would
    wait for the end of the one that waits for it.
    """
    child = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_SCRUBBED_PREFIXES) and name not in project.secrets
    }
    roots = [str(worktree / root.relative_to(project.checkout)) for root in project.import_roots]
    inherited = [
        map_argument(entry, project.checkout, worktree)
        for entry in environment.get("PYTHONPATH", "").split(os.pathsep)
        if entry
    ]
    child["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([*roots, *inherited]))
    if not child["PYTHONPATH"]:
        del child["PYTHONPATH"]
    child["PYTHONDONTWRITEBYTECODE"] = "1"
    child[alone.VARIABLE] = ""
    return child


def private_places(temporary: Path) -> dict[str, str]:
    """Return variables that send temporary files and caches where the next run does not look.

    A cache on disk would outlive the process, and with it the measurement that is meant to be cold.
    """
    places = {"TMPDIR": "tmp", "TMP": "tmp", "TEMP": "tmp", "XDG_CACHE_HOME": "caches"}
    for name in {*places.values(), "home"}:
        (temporary / name).mkdir()
    return {variable: str(temporary / name) for variable, name in places.items()}


def warm_environment(environment: Mapping[str, str], project: Project) -> dict[str, str]:
    """Return the environment of a process that imports nothing of the project."""
    warm = child_environment(environment, project, project.checkout)
    entries = [Path(entry) for entry in warm.pop("PYTHONPATH", "").split(os.pathsep) if entry]
    outside = [str(entry) for entry in entries if not entry.is_relative_to(project.checkout)]
    if outside:
        warm["PYTHONPATH"] = os.pathsep.join(outside)
    # They are meant for the project's sessions, not for the one that warms up.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        warm.pop(name, None)
    return warm


def import_roots(checkout: Path, target: Path, path: Sequence[str]) -> tuple[Path, ...]:
    """Return the directories inside the checkout that this process imports from.

    An editable install may name its directory in a finder instead of `sys.path`; the root of an
    already imported target then follows from its dotted name.
    """
    found = [Path(entry).resolve() for entry in path if entry]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).name == target.name:
            loaded = Path(file).resolve()
            location = loaded.parent if loaded.stem == "__init__" else loaded.with_suffix("")
            parts = tuple(name.split("."))
            # A file that was loaded by its path may go by any name, which says nothing of a root.
            if loaded == target and location.parts[-len(parts) :] == parts:
                found.append(location.parents[len(parts) - 1])
    inside = [root for root in found if root == checkout or checkout in root.parents]
    # A virtual environment inside the checkout holds installed packages, not the project.
    return tuple(dict.fromkeys(r for r in inside if "site-packages" not in r.parts))
