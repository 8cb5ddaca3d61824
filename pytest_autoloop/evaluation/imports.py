"""Imports inside a child: the worktree's code, compiled from source, never the checkout's.

Editable installs point at the user's checkout, by a path entry, a finder at the end of
`sys.meta_path` or one at its front. Whatever finds a module there is sent to the worktree.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import types
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles the target from source each time.

    A cached `.pyc` is believed when size and modification second agree, which two candidates of
    one length, written within a second, do.
    """

    #: SHA-256 of the last source this process compiled for the target.
    compiled: str = ""

    def get_code(self, fullname: str) -> types.CodeType:
        """Compile the file as it is on disk now."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        type(self).compiled = hashlib.sha256(source).hexdigest()
        code: types.CodeType = self.source_to_code(source, path)
        return code


class WorktreeFinder:
    """Stands before all other finders and maps what they find in the checkout."""

    def __init__(self, checkout: Path, worktree: Path, target: str) -> None:
        self._checkout = checkout
        self._worktree = worktree
        self._target = worktree / target

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the other finders' answer, moved into the worktree where it lies outside."""
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return self._moved(name, spec)
        return None

    def _moved(self, name: str, spec: ModuleSpec) -> ModuleSpec:
        locations = spec.submodule_search_locations
        if locations is not None:
            spec.submodule_search_locations = [self._mapped(item) for item in locations]
        if spec.origin is None or not spec.has_location:
            return spec
        origin = self._mapped(spec.origin)
        # pytest's own loader rewrites assertions and reads the path from the specification.
        if type(spec.loader) is importlib.machinery.SourceFileLoader:
            is_target = Path(origin) == self._target
            if is_target or origin != spec.origin:
                loader = SourceLoader if is_target else importlib.machinery.SourceFileLoader
                return _located(name, origin, loader(name, origin), spec)
        elif origin != spec.origin and spec.loader is not None:
            return _located(name, origin, spec.loader, spec)
        return spec

    def _mapped(self, path: str) -> str:
        absolute = Path(path)
        if self._worktree in absolute.parents or self._checkout not in absolute.parents:
            return path
        moved = self._worktree / absolute.relative_to(self._checkout)
        # What the worktree does not hold (a virtual environment in the checkout) stays.
        return str(moved) if moved.exists() else path


def _located(
    name: str, origin: str, loader: importlib.machinery.SourceFileLoader | object, spec: ModuleSpec
) -> ModuleSpec:
    moved = importlib.util.spec_from_file_location(
        name,
        origin,
        loader=loader,  # type: ignore[arg-type]
        submodule_search_locations=spec.submodule_search_locations,
    )
    return spec if moved is None else moved


def foreign_target(checkout: Path, worktree: Path, target: str) -> str:
    """Return the path a module was loaded from when it is the checkout's copy of the target."""
    wanted = (worktree / target).resolve()
    forbidden = (checkout / target).resolve()
    if forbidden == wanted:
        return ""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        loaded = Path(file)
        if loaded.name == wanted.name and loaded.resolve() == forbidden:
            return str(forbidden)
    return ""
