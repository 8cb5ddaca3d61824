"""A seal over files: what they were when nothing had run, and what differs from that now.

Git is not asked. Its index can be told that a changed file is unchanged, it leaves ignored files
out, and asking it can run a program that its configuration names. Files are looked at with lstat,
links are never followed, and pipes, sockets and devices are never opened.

A file that looks as it did when it was found to be as sealed is not compared again; `looks` says
why nothing can be changed without that. `thorough` reads all of them.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pytest_autoloop.history.looks import MOST_ADDED, Digests, Tree, signature_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_autoloop.history.looks import Entry, Part, Signature

What: TypeAlias = Literal["changed", "added", "removed", "mode", "link", "type"]

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
#: What python or pytest reads when it finds it, whatever the harness says.
_LOADED_SUFFIXES = (".py", ".pyc", ".pyd", ".so", ".dylib", ".pth", ".dll", ".egg-link", ".zip")
_LOADED_NAMES = (
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "tox.ini"),
    *("setup.cfg", ".coveragerc", ".env", ".gitattributes", "pyvenv.cfg"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not what it was."""

    name: str
    what: What
    detail: str = ""

    def __str__(self) -> str:
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in self.name)
        return f"{shown}: {self.detail or self.what}"

    @property
    def loadable(self) -> bool:
        """Whether a file of this name can act by being there: code, or a tool's settings."""
        last = self.name.rpartition("/")[2]
        named = (
            last in _LOADED_NAMES or last.endswith(_LOADED_SUFFIXES) or "__pycache__" in self.name
        )
        # A directory may be imported as a package without files, but not one such as .hypothesis.
        hidden = any(part.startswith(".") for part in self.name.split("/"))
        return named or self.detail == "new link" or (self.detail == "new directory" and not hidden)


class _State(NamedTuple):
    """What is compared of a file."""

    mode: int
    content: bytes

    @property
    def kind(self) -> str:
        return _KINDS.get(stat.S_IFMT(self.mode), "special file")


class Seal:
    """Remembers files and says what differs from that.

    Only the user who sealed and who is trusted may run between `Seal.of` and the first run. While
    one thread renews it, others may ask it: of what is being renewed they hear either.
    """

    def __init__(self, parts: Iterable[Part], free: Collection[str], digests: Digests) -> None:
        self._parts = tuple(parts)
        self._free = frozenset(free)
        self._digests = digests
        self._tolerated: frozenset[str] = frozenset()
        #: What was found to be as sealed, by path, as long as it looks the same; and directories.
        self._alike: dict[str, Signature] = {}
        self._modes: dict[str, int] = {}
        self._states = {entry.name: self._state(entry) for entry in self._entries()}

    @classmethod
    def of(cls, *parts: Part, free: Collection[str] = (), digests: Digests | None = None) -> Seal:
        """Seal files as they are now.

        The content of a file whose name is in `free` may change; its type and its mode may not.
        """
        return cls(parts, free, Digests() if digests is None else digests)

    def broken(self, *, thorough: bool = False) -> list[str]:
        """Return what differs, one line each; empty when nothing does."""
        return [str(difference) for difference in self.differences(thorough=thorough)]

    def differences(self, *, thorough: bool = False) -> list[Difference]:
        """Return what differs, in the order of the names.

        A directory that is new or gone is named alone, without what is in it.
        """
        states = self._states
        entries = None if thorough else self._unlike()
        missing = dict.fromkeys(states if entries is None else ())
        found: list[Difference] = []
        added: dict[str, str] = {}
        for entry in self._entries() if entries is None else entries:
            known = states.get(entry.name)
            if known is None:
                added[entry.name] = _KINDS.get(stat.S_IFMT(entry.status.st_mode), "special file")
                if len(added) > MOST_ADDED:
                    break
                continue
            missing.pop(entry.name, None)
            if (state := self._state(entry, thorough=thorough)) != known:
                found.append(_compared(entry.name, known, state))
            elif not thorough:
                self._remember(entry)
        if len(added) <= MOST_ADDED:
            found += [
                Difference(name, "removed", f"{states[name].kind} removed")
                for name in _topmost(missing)
            ]
        found += [Difference(name, "added", f"new {added[name]}") for name in _topmost(added)]
        return sorted(
            (one for one in found if not _at_or_below(one.name, self._tolerated)),
            key=lambda difference: difference.name,
        )

    def renew(self, *names: str) -> None:
        """Take files as they are now for right: those of these names, and all below them."""
        chosen = frozenset(names)
        states = {
            name: state for name, state in self._states.items() if not _at_or_below(name, chosen)
        }
        for entry in self._entries():
            if _at_or_below(entry.name, chosen):
                states[entry.name] = self._state(entry)
        self._states = states
        self._alike, self._modes = {}, {}

    def modes(self) -> dict[str, int]:
        """Return type and mode of every sealed file that is no link, directories first."""
        modes = {name: state.mode for name, state in self._states.items()}
        return {name: mode for name, mode in sorted(modes.items()) if not stat.S_ISLNK(mode)}

    def tolerate(self, names: Iterable[str]) -> None:
        """Say no more of files of these names, nor of what is below them.

        Meant for what the harness itself was seen to write when it ran on the original code.
        """
        self._tolerated |= frozenset(names)

    def _unlike(self) -> list[Entry] | None:
        """Return what has to be compared; None when that is everything.

        As many files are there as were sealed, but for those that are new: none is missing.
        """
        if not self._alike:
            return None
        odd: list[Entry] = []
        there = 0
        for part in self._parts:
            if not isinstance(part, Tree):
                return None
            found = part.unlike(self._alike, self._modes)
            odd += found.odd
            there += found.alike
        there += sum(entry.name in self._states for entry in odd)
        return odd if there == len(self._states) and len(odd) <= MOST_ADDED else None

    def _remember(self, entry: Entry) -> None:
        """Take note of how a file looks that is as it was sealed."""
        status = entry.status
        if stat.S_ISDIR(status.st_mode):
            self._modes[entry.path] = status.st_mode
        elif entry.name in self._free or entry.content is not None:
            return
        elif stat.S_ISLNK(status.st_mode):
            if self._digests.settled(status):
                self._alike[entry.path] = signature_of(status)
        elif self._digests.knows(entry.path, signature_of(status)):
            self._alike[entry.path] = signature_of(status)

    def _entries(self) -> Iterator[Entry]:
        for part in self._parts:
            yield from part.entries()

    def _state(self, entry: Entry, *, thorough: bool = False) -> _State:
        mode = entry.status.st_mode
        if entry.content is not None:
            return _State(mode, entry.content)
        if stat.S_ISREG(mode):
            if entry.name in self._free:
                return _State(mode, b"")
            return _State(mode, self._digests.of(entry.path, entry.status, thorough=thorough))
        if stat.S_ISLNK(mode):
            try:
                return _State(mode, os.fsencode(Path(entry.path).readlink()))
            except OSError as error:  # replaced in this instant
                return _State(mode, f"no link ({error.errno})".encode())
        return _State(mode, b"")


def _compared(name: str, known: _State, state: _State) -> Difference:
    if known.kind != state.kind:
        return Difference(name, "type", f"{known.kind}, now a {state.kind}")
    if known.content != state.content:
        if state.kind == "link":
            return Difference(name, "link", "link leads elsewhere")
        return Difference(name, "changed", "content changed")
    return Difference(
        name, "mode", f"mode {stat.S_IMODE(known.mode):o}, now {stat.S_IMODE(state.mode):o}"
    )


def _topmost(names: Collection[str]) -> list[str]:
    """Return the names that do not lie below another of them."""
    return [name for name in names if not _at_or_below(name.rpartition("/")[0], names)]


def _at_or_below(name: str, places: Collection[str]) -> bool:
    if not places:
        return False
    while name:
        if name in places:
            return True
        name = name.rpartition("/")[0]
    return False
