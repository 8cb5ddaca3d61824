"""`autoloop_baseline`: the original of the target, as a module that stands beside the candidate.

In a campaign a test runs in a worktree whose HEAD is the commit that the target's experiments start
from; elsewhere HEAD is the last commit. Either way git holds the original's bytes, whatever stands
in the file.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.abc import InspectLoader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from types import CodeType, ModuleType

_PREFIX = "_autoloop_baseline_"
#: Variables with which git would look at another repository or index.
_SCRUBBED = "GIT_"


@pytest.fixture(scope="session")
def autoloop_baseline(target: Path) -> ModuleType:
    """Return the target as it was committed, importable beside what stands in its file now.

    For differential guards: `autoloop_baseline.parse(text) == parser.parse(text)`. With several
    targets, call `load_baseline` with the path of the one that is meant.

    Raises:
        UsageError: the target is no Python module, or the last commit does not hold it.
    """
    return load_baseline(target)


def load_baseline(path: Path) -> ModuleType:
    """Return a module made of a Python file as HEAD holds it, whatever stands in the file now.

    It is a module of its own: its functions call one another, its classes and its state are not
    those of the file. Relative imports lead to the package around the file as it is now.

    Raises:
        UsageError: the file is no Python module, or HEAD does not hold it.
    """
    if path.suffix != ".py":
        raise UsageError(
            f"autoloop_baseline imports Python modules, and {path} is none: read its original with "
            "pytest_autoloop.harness.baseline_fixture.original"
        )
    source = original(path)
    package = _package_of(path)
    name = f"{package}.{_PREFIX}{path.stem}" if package else f"{_PREFIX}{path.stem}"
    loader = _Original(f"{path}@HEAD", source)
    specification = importlib.util.spec_from_loader(name, loader)
    assert specification is not None
    module = importlib.util.module_from_spec(specification)
    # Dataclasses and pickles look their module up by its name.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def original(path: Path) -> bytes:
    """Return a file's content as HEAD holds it.

    Raises:
        UsageError: git cannot be run, or HEAD does not hold the file.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_SCRUBBED)}
    command = ["git", "cat-file", "blob", f"HEAD:./{path.name}"]
    try:
        done = subprocess.run(
            command, cwd=path.parent, env=environment, capture_output=True, check=False
        )
    except OSError as error:
        raise UsageError(f"git cannot be run in {path.parent} ({error}): install it") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise UsageError(f"the last commit does not hold {path} ({said}): commit it first")
    return done.stdout


def _package_of(path: Path) -> str:
    """Return the dotted name of the package that a file stands in; empty for a module alone."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        # The name it is imported by knows of packages without an __init__.py, too.
        if isinstance(file, str) and Path(file) == path and name != "__main__":
            return str(getattr(module, "__package__", None) or "")
    parts: list[str] = []
    directory = path.parent
    while (directory / "__init__.py").is_file() and directory.name.isidentifier():
        parts.insert(0, directory.name)
        directory = directory.parent
    return ".".join(parts)


class _Original(InspectLoader):
    """Loads a module from bytes; the path is a name for tracebacks alone."""

    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - it loads one module
        """Return the source, for tracebacks."""
        return importlib.util.decode_source(self._source)

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as above
        """Compile the source; no bytecode is read or written."""
        code: CodeType = compile(self._source, self._path, "exec", dont_inherit=True)
        return code

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002 - as above
        """Say that it is a module."""
        return False
