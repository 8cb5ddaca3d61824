"""Where a target fixture's path leads."""

from __future__ import annotations

import functools
import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness import symbols

if TYPE_CHECKING:
    from collections.abc import Callable

#: The symbols that target fixtures returned behind their paths, by the fixture's source.
SYMBOLS = pytest.StashKey[dict[str, str]]()


def anchored(function: Callable[..., object]) -> Callable[..., Path]:
    """Wrap a target function so that what it returns becomes an absolute path."""
    signature = inspect.signature(function)
    wants_request = "request" in signature.parameters
    declared_in = Path(inspect.getfile(function)).parent

    @functools.wraps(function)
    def resolve(request: pytest.FixtureRequest, **arguments: object) -> Path:
        if wants_request:
            arguments["request"] = request
        value = function(**arguments)
        if not isinstance(value, str | os.PathLike):
            message = (
                f"the target fixture {function.__name__!r} in {source_of(function)} returned "
                f"{value!r}: return the path of the file that may change"
            )
            raise UsageError(message)
        path, symbol = symbols.split(str(Path(value)))
        # Tests get the file; what part of it may change is for the campaign alone.
        request.config.stash.setdefault(SYMBOLS, {})[source_of(function)] = symbol
        return anchor(Path(path), request.config.rootpath, declared_in)

    # pytest finds the fixtures to inject by this signature, and the place by what is wrapped.
    request_parameter = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    others = [p for p in signature.parameters.values() if p.name != "request"]
    resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[request_parameter, *others]
    )
    return resolve


def anchor(path: Path, root: Path, declared_in: Path) -> Path:
    """Make a target's path absolute: below the root directory, else beside its declaration."""
    if path.is_absolute():
        return path
    below_root = root / path
    beside = declared_in / path
    return beside if beside.exists() and not below_root.exists() else below_root


def source_of(function: Callable[..., object]) -> str:
    """Return the file and line in which a fixture is declared."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
