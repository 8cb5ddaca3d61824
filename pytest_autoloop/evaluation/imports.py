"""Imports inside a child: the worktree's code, compiled from source, never the checkout's.

Editable installs point at the user's checkout, by a path entry, a finder at the end of
`sys.meta_path` or one at its front. Whatever finds a module there is sent to the worktree.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import sys
from copy import copy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec


MakeLoader: TypeAlias = "Callable[[str, str], importlib.machinery.SourceFileLoader]"


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles the target from source each time.

    A cached `.pyc` is believed when size and modification second agree, which two candidates of
    one length, written within a second, do.
    """

    #: Is told the SHA-256 of the source, before anything of it is executed.
    loaded: Callable[[str], None] | None = None

    def get_code(self, fullname: str) -> types.CodeType:
        """Compile the file as it is on disk now."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        if SourceLoader.loaded is not None:
            SourceLoader.loaded(hashlib.sha256(source).hexdigest())
        code: types.CodeType = self.source_to_code(source, path)
        return code


class WorktreeFinder:
    """Stands before all other finders and maps what they find in the checkout."""

    def __init__(
        self,
        checkout: Path,
        worktree: Path,
        target: str,
        target_loader: MakeLoader = SourceLoader,
        other_loader: MakeLoader = importlib.machinery.SourceFileLoader,
    ) -> None:
        self._checkout = checkout
        self._worktree = worktree
        self._target = worktree / target
        self._target_loader = target_loader
        self._other_loader = other_loader

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
            find_spec = getattr(finder, "find_spec", None)
            spec = None if find_spec is None else find_spec(name, path, target)
            if spec is not None:
                return self._moved(name, spec)
        return None

    def _moved(self, name: str, spec: ModuleSpec) -> ModuleSpec:
        locations = spec.submodule_search_locations
        if locations is not None:
            moved = [self._mapped(item) for item in locations]
            # A namespace package's own list follows `sys.path`; it is replaced only if it must be.
            if moved != list(locations):
                spec.submodule_search_locations = list(dict.fromkeys(moved))
        if spec.origin is None or not spec.has_location:
            return spec
        origin = self._mapped(spec.origin)
        # pytest's own loader rewrites assertions and reads the path from the specification.
        if type(spec.loader) is importlib.machinery.SourceFileLoader:
            path = Path(origin)
            if path == self._target or self._worktree in path.parents:
                make = self._target_loader if path == self._target else self._other_loader
                return _located(name, origin, make(name, origin), spec)
        elif origin != spec.origin and spec.loader is not None:
            other = copy(spec.loader)
            # A file loader reads what its own path names, whatever the specification says.
            if getattr(other, "path", None) == spec.origin:
                other.path = origin  # type: ignore[attr-defined]
            return _located(name, origin, other, spec)
        return spec

    def _mapped(self, path: str) -> str:
        absolute = Path(path)
        if self._worktree in absolute.parents:
            return path
        if self._checkout not in absolute.parents:
            # An installation may name the checkout by a symbolic link.
            absolute = _resolved(absolute.parent) / absolute.name
            if self._checkout not in absolute.parents:
                return path
        moved = self._worktree / absolute.relative_to(self._checkout)
        # What the worktree does not hold (a virtual environment in the checkout) stays.
        return str(moved) if moved.exists() else path


@cache
def _resolved(directory: Path) -> Path:
    return directory.resolve()


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


class ForeignTarget:
    """Finds out whether the checkout's copy of the target takes the worktree's place."""

    def __init__(self, checkout: Path, worktree: Path, target: str) -> None:
        self._name = Path(target).name
        self._forbidden = (checkout / target).resolve()
        # Guards that run in the checkout itself run what they should.
        self._own = self._forbidden == (worktree / target).resolve()
        self._executed = False

    def watch(self) -> None:
        """Notice code that is executed by its path, without becoming a known module.

        This costs time at every event that Python audits, and cannot be undone.
        """
        if not self._own:
            sys.addaudithook(self._audit)

    def found(self) -> str:
        """Return the path of the checkout's copy when it was loaded; empty when it was not."""
        if self._own:
            return ""
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        loaded = self._executed or any(map(self._is_forbidden, files))
        return str(self._forbidden) if loaded else ""

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "exec" and not self._executed:
            self._executed = self._is_forbidden(getattr(arguments[0], "co_filename", None))

    def _is_forbidden(self, file: object) -> bool:
        if not isinstance(file, str) or os.path.basename(file) != self._name:  # noqa: PTH119
            return False
        return Path(file).resolve() == self._forbidden
