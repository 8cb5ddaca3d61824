"""A seal over files: what they were when nothing had run, and what differs from that now.

Git is not asked. Its index can be told that a changed file is unchanged, it leaves ignored files
out, and asking it can run a program that its configuration names. Files are looked at with lstat,
links are never followed, and pipes, sockets and devices are never opened.

Content is hashed again when a file's device, inode, mode, size, mtime or ctime differs from when it
was hashed last. A program can set mtime as it likes, but not ctime: the kernel takes it from the
clock at every change, so only who may set the clock, or write to the disk below the file system,
can undo it. Windows has no such time, so there content is always hashed; `thorough` does so
elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from pytest_autoloop.history.files import NO_FOLLOW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

What: TypeAlias = Literal["changed", "added", "removed", "mode", "link", "type"]
_Signature: TypeAlias = tuple[int, int, int, int, int, int]

#: Two changes within this time may bear the same ctime: the clock of the coarsest file system.
_TICK_NS = 2_000_000_000
#: How many files a run may add before the search for more is given up.
_MOST_ADDED = 10_000
_BLOCK = 1 << 20
#: A file may have become a pipe since it was looked at; opening one would wait for a writer.
_OPEN = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CTIME_IS_CHANGE = os.name != "nt"
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


class Entry(NamedTuple):
    """One file as it is found."""

    name: str
    path: str
    status: os.stat_result
    #: Stands for the file's content where only part of it is sealed.
    content: bytes | None = None


class Part(Protocol):
    """Some files that a seal covers."""

    def entries(self) -> Iterator[Entry]:
        """Walk through the files; one that vanishes meanwhile is left out."""


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


@dataclass(frozen=True, slots=True)
class Tree:
    """All files below a directory; of a repository's checkout, all but the directory ``.git``."""

    root: Path
    #: Put before every name.
    label: str = ""
    #: Names, relative to the root, that are left out with all below them.
    leaving: frozenset[str] = frozenset()
    #: Names of directories that are left out wherever they stand.
    pruned: frozenset[str] = frozenset()

    def entries(self) -> Iterator[Entry]:
        """Walk through the files; what cannot be listed shows as a directory without files."""
        waiting = [(str(self.root), "")]
        while waiting:
            directory, prefix = waiting.pop()
            with suppress(OSError), os.scandir(directory) as found:
                for entry in found:
                    name = prefix + entry.name
                    if name in self.leaving:
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        if entry.name in self.pruned or name == ".git":
                            continue
                        waiting.append((entry.path, f"{name}/"))
                    yield Entry(self.label + name, entry.path, status)


class Digests:
    """Hashes of files, each taken once for as long as the file looks the same; seals share one.

    Threads may share it too: what two of them find out at once is found out twice, and is equal.
    """

    def __init__(self, tick_ns: int = _TICK_NS) -> None:
        """Trust a file's times when its last change is longer ago than the tick of its clock."""
        self._tick_ns = tick_ns
        self._known: dict[str, tuple[_Signature, bytes]] = {}

    def of(self, path: str, status: os.stat_result, *, thorough: bool = False) -> bytes:
        """Return a file's hash, or what stands for it when it cannot be read."""
        signature = signature_of(status)
        known = self._known.get(path)
        if known is not None and known[0] == signature and not thorough:
            return known[1]
        now = time.time_ns()
        try:
            digest, seen = _hash(path)
        except OSError as error:
            return repr((error.errno, signature)).encode()
        # A file that changed a moment ago could change again and look the same: not remembered.
        if _CTIME_IS_CHANGE and seen == signature and status.st_ctime_ns < now - self._tick_ns:
            self._known[path] = (signature, digest)
        return digest


def signature_of(status: os.stat_result) -> _Signature:
    """Return what differs when a file was touched since."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _hash(path: str) -> tuple[bytes, _Signature | None]:
    descriptor = os.open(path, _OPEN)
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor, not a path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b"no longer a file", None
        digest = hashlib.sha256()
        while block := stream.read(_BLOCK):
            digest.update(block)
        return digest.digest(), signature_of(status)


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
        found: list[Difference] = []
        states = self._states
        missing = dict.fromkeys(states)
        added: dict[str, str] = {}
        for entry in self._entries():
            known = states.get(entry.name)
            if known is None:
                added[entry.name] = _KINDS.get(stat.S_IFMT(entry.status.st_mode), "special file")
                if len(added) > _MOST_ADDED:
                    break
                continue
            del missing[entry.name]
            if (state := self._state(entry, thorough=thorough)) != known:
                found.append(_compared(entry.name, known, state))
        if len(added) <= _MOST_ADDED:
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

    def modes(self) -> dict[str, int]:
        """Return type and mode of every sealed file that is no link, directories first."""
        modes = {name: state.mode for name, state in self._states.items()}
        return {name: mode for name, mode in sorted(modes.items()) if not stat.S_ISLNK(mode)}

    def tolerate(self, names: Iterable[str]) -> None:
        """Say no more of files of these names, nor of what is below them.

        Meant for what the harness itself was seen to write when it ran on the original code.
        """
        self._tolerated |= frozenset(names)

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
