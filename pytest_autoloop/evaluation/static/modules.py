"""What a candidate may use of a module: its public names, as long as they are no modules."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType

from pytest_autoloop.evaluation.static import policy
from pytest_autoloop.evaluation.tripwire import COMPUTING

#: Packages that hold a computing module, and are none themselves.
PACKAGES = frozenset(name.rpartition(".")[0] for name in COMPUTING if "." in name)


def is_open(module: str) -> bool:
    """Whether any file may import a module."""
    return module in COMPUTING or module in policy.LIMITED or module in policy.NUMPY_PARTS


def is_module(path: str) -> bool:
    """Whether a dotted name is known to be a module."""
    return is_open(path) or path in PACKAGES


def is_standard(module: str) -> bool:
    """Whether a module comes with Python."""
    return module.partition(".")[0] in sys.stdlib_module_names


def reach(path: str) -> str:
    """Say what is wrong with using a dotted name; empty for what computing code may use.

    The path begins with a module. It may go through modules that are open, then over one public
    name of the last; what follows are attributes of some object, which have rules of their own.
    """
    module, *rest = path.split(".")
    while rest and is_module(f"{module}.{rest[0]}"):
        module = f"{module}.{rest.pop(0)}"
    if not rest:
        return f"hands on the module {module}" if is_module(module) else ""
    name = rest[0]
    if module.partition(".")[0] == "numpy":
        return _through(module, rest)
    if module in policy.LIMITED:
        return "" if name in policy.LIMITED[module] else _uses(module, name)
    if module in COMPUTING:
        return "" if _public(module, name) else _uses(module, name)
    if module in PACKAGES or is_standard(module):
        return f"uses {path}, which the baseline does not"
    return _through(module, rest)


def _uses(module: str, name: str) -> str:
    return f"uses {module}.{name}, which is no part of {module} that computing needs"


def _through(module: str, names: list[str]) -> str:
    """Judge a chain into an installed package, whose names are not known here."""
    numeric = module.partition(".")[0] == "numpy"
    if numeric and module == "numpy.lib":
        return _uses(module, names[0])
    for name in names:
        private = name.startswith("_") and name not in policy.READABLE_NAMES
        if private or name in policy.LEADING_OUT or (numeric and name in policy.NUMPY_DENIED):
            return _uses(module, name)
    return ""


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
    if listed is not None:
        return name in listed
    # What a module does not have is for the candidate to fail with.
    return not isinstance(getattr(loaded, name, None), ModuleType)


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
