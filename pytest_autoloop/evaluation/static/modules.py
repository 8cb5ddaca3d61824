"""What a candidate may use of a module: its public names, as long as they are no modules."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import policy
from pytest_autoloop.evaluation.tripwire import COMPUTING

if TYPE_CHECKING:
    from collections.abc import Collection

#: Packages of computing modules, which are none themselves.
_PACKAGES = frozenset({"concurrent"})
_NUMPY = "numpy"


def is_open(module: str) -> bool:
    """Whether any file may import a module."""
    known = module in COMPUTING or module in policy.LIMITED or module in policy.NUMPY_PARTS
    return known or module == _NUMPY or module in _PACKAGES


def split(path: str, imported: Collection[str]) -> tuple[str, list[str]]:
    """Part a dotted name into its module and what it uses of that.

    `imported` are the modules that the file imports: nothing else tells a module from a name.
    """
    parts = path.split(".")
    start = next((number for number, part in enumerate(parts) if part), len(parts))
    for end in range(len(parts), start, -1):
        module = ".".join(parts[:end])
        if module in imported or is_open(module):
            return module, parts[end:]
    return ".".join(parts[: start + 1]), parts[start + 1 :]


def wrong_with(module: str, names: list[str]) -> tuple[str, str] | None:
    """Return the dotted name and what is wrong with using it; None for what computing uses.

    The first of the names is the module's own; what follows are attributes of some object.
    """
    if not names:
        return None
    name = names[0]
    path = f"{module}.{name}"
    if module in policy.LIMITED:
        fine = name in policy.LIMITED[module]
    elif module in COMPUTING:
        fine = _public(module, name)
    elif module.partition(".")[0] in sys.stdlib_module_names:
        return path, f"uses {path}, which the baseline does not"
    else:
        return _through(module, names)
    return None if fine else (path, f"uses {path}, which computing does not need")


def _through(module: str, names: list[str]) -> tuple[str, str] | None:
    """Judge a chain into the project or an installed package, whose names are not known here."""
    numeric = module.partition(".")[0] == _NUMPY
    path = module
    for number, name in enumerate(names):
        path = f"{path}.{name}"
        out = name in policy.LEADING_OUT
        # The first name of a project's module may be private: it is the project's own.
        if numeric:
            known = name.startswith("__") and name in policy.READABLE
            out = out or name in policy.NUMPY_DENIED or (name.startswith("_") and not known)
        if out or (number == 0 and module == f"{_NUMPY}.lib"):
            return path, f"uses {path}, which computing does not need"
    return None


@cache
def _public(module: str, name: str) -> bool:
    """Whether a module of the standard library offers a name, and it is no module."""
    if name in policy.DENIED.get(module, ()):
        return False
    if name.startswith("_"):
        return name in {"__name__", "__doc__", "__version__"}
    loaded = _standard_module(module)
    if loaded is None:
        return name not in sys.stdlib_module_names
    listed = getattr(loaded, "__all__", None)
    if listed is not None and name in listed:
        return True
    # What a module does not have is for the candidate to fail with. What it does not list may
    # still be its own, as collections.abc is no name of collections.
    found = getattr(loaded, name, None)
    return found is None or (listed is None and not isinstance(found, ModuleType))


@cache
def _standard_module(name: str) -> ModuleType | None:
    """Return a computing module of Python itself, and never a file of the project of that name."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded if _is_pythons(getattr(loaded, "__file__", None)) else None
    specification = importlib.util.find_spec(name)
    if specification is None or not _is_pythons(specification.origin):
        return None
    return importlib.import_module(name)


def _is_pythons(origin: str | None) -> bool:
    if origin is None or origin in {"built-in", "frozen"}:
        return True
    home = Path(sysconfig.get_path("stdlib")).resolve()
    platform = Path(sysconfig.get_path("platstdlib")).resolve()
    path = Path(origin).resolve()
    inside = home in path.parents or platform in path.parents
    return inside and "site-packages" not in path.parts
