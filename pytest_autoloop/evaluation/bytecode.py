"""Compiled code of the harness: kept in a directory of ours, never beside the sources.

Written while the target is the user's own, and only read afterwards: a candidate that could write
there could choose what the harness does. The target itself is compiled anew in every process.
"""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import types


class Bytecode:
    """What is kept for one worktree: Python's own files, and those that pytest has rewritten."""

    def __init__(self, directory: str, worktree: str) -> None:
        self._directory = directory
        self._worktree = Path(worktree)
        self._kept = Path(directory, *self._worktree.parts[1:])

    def install(self) -> None:
        """Let pytest read what is kept.

        pytest has no setting for where it puts rewritten modules, so its function is replaced;
        where a version has none of this name, modules are rewritten each time.
        """
        from _pytest.assertion import rewrite  # noqa: PLC0415 - not part of pytest's interface

        original: Any = getattr(rewrite, "get_cache_dir", None)
        if original is not None:

            def get_cache_dir(path: Path) -> Path:
                if self._worktree not in path.parents:
                    return Path(original(path))
                return self._kept / path.parent.relative_to(self._worktree)

            rewrite.get_cache_dir = get_cache_dir  # type: ignore[assignment]

    def keep(self) -> None:
        """Let this process keep what it compiles, of any module: none may appear in a worktree."""
        sys.pycache_prefix, sys.dont_write_bytecode = self._directory, False

    def loader(self, name: str, path: str) -> importlib.machinery.SourceFileLoader:
        """Return what loads a module of the worktree that is not the target."""
        return _Loader(name, path, self._directory)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, directory: str) -> None:
        super().__init__(name, path)
        self._directory = directory

    def get_code(self, fullname: str) -> types.CodeType | None:
        """Return the code that is kept, if it is that of the source, or compile it."""
        # Nothing is imported meanwhile: only where this one file is looked for is another place.
        before = sys.pycache_prefix
        sys.pycache_prefix = self._directory
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = before
