"""A worktree under seal: what a run changed in it, and what it merely left."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.files import holds, real_parent, remove_tree
from pytest_autoloop.history.integrity import Difference, Seal
from pytest_autoloop.history.looks import Digests, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Alterations:
    """What is not as it was."""

    #: Files that were there before a run and differ now, and new ones that act by being there.
    altered: tuple[Difference, ...] = ()
    #: Other new files: a trace, but nothing reads them.
    left: tuple[Difference, ...] = ()


class SealedWorktree:
    """Seals a clean worktree once; it holds for every commit that differs in the targets alone.

    Made before anything has run in it, and again whenever it was checked out anew.
    """

    def __init__(
        self, path: Path, targets: tuple[str, ...], digests: Digests | None = None
    ) -> None:
        self.path = path
        self._targets = targets
        self._seal = Seal.of(Tree(path), free=targets, digests=digests)

    def alterations(self, written: Mapping[str, bytes], *, thorough: bool = False) -> Alterations:
        """Return what a run changed and left; `written` is what the targets must hold."""
        altered: list[Difference] = []
        left: list[Difference] = []
        for found in self._seal.differences(thorough=thorough):
            harmless = found.what == "added" and not found.loadable
            (left if harmless else altered).append(found)
        named = {found.name for found in altered}
        altered += [
            Difference(name, "changed", "content changed")
            for name, content in written.items()
            if name not in named and not holds(self.path / name, content)
        ]
        return Alterations(tuple(sorted(altered, key=lambda one: one.name)), tuple(left))

    def sweep(self, alterations: Alterations) -> bool:
        """Remove what was added; tell if all is well then, but for what the targets hold.

        Where anything else was altered, nothing is removed.

        Raises:
            OSError: a directory on the way is gone.
            RepositoryError: something is still there, or a link stands in the way.
        """
        every = (*alterations.altered, *alterations.left)
        added = [found.name for found in every if found.what == "added"]
        if any(not self._is_content(found) for found in every if found.what != "added"):
            return False
        for name in added:
            pure = PurePosixPath(name)
            remove_tree(real_parent(self.path, pure) / pure.name)
        return not added or not self._seal.differences()

    def _is_content(self, found: Difference) -> bool:
        """Tell whether a target merely holds something else than it should."""
        return found.what == "changed" and found.name in self._targets

    def tolerate(self, alterations: Alterations) -> None:
        """Let be what the harness itself leaves when it runs on the original code."""
        self._seal.tolerate(found.name for found in alterations.left)

    def mend(self) -> bool:
        """Give files their modes back, of which git restores only one bit; tell if all is well.

        Call it after the worktree was reset. When it is still not whole, check it out anew.
        """
        for name, mode in self._seal.modes().items():
            path = self.path / name
            with suppress(OSError):
                found = path.lstat().st_mode
                if found != mode and stat.S_IFMT(found) == stat.S_IFMT(mode):
                    path.chmod(stat.S_IMODE(mode))
        return not self._seal.differences()


def check_settings(settings: Seal, root: Path) -> None:
    """Refuse to go on when git's settings, hooks or links are not what they were.

    Raises:
        RepositoryError: something differs; other worktrees of the user's may come and go.
    """
    found = settings.differences()
    foreign = [one for one in found if one.name.startswith(".git/worktrees/")]
    changed = [str(one) for one in found if one not in foreign or one.what == "changed"]
    if changed:
        raise RepositoryError(
            f"{', '.join(changed)} in {root}, while a candidate ran. If it was not you, look at it "
            "before you run git there; then start again."
        )
