"""Files as a look at them finds them: never followed through a link, read only when they changed.

Content is hashed again when a file's device, inode, mode, size, mtime or ctime differs from when it
was hashed last. A program can set mtime as it likes, but not ctime: the kernel takes it from the
clock at every change, so only who may set the clock, or write to the disk below the file system,
can undo it. Windows has no such time, so there content is always hashed; `thorough` does so
elsewhere.
"""

from __future__ import annotations

import hashlib
import operator
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from pytest_autoloop.history.files import NO_FOLLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

#: Device, inode, mode, size, mtime and ctime.
Signature: TypeAlias = tuple[int, int, int, int, int, int]

#: Two changes within this time may bear the same ctime: the clock of the coarsest file system.
_TICK_NS = 2_000_000_000
#: How many files a run may add before the search for more is given up.
MOST_ADDED = 10_000
_BLOCK = 1 << 20
#: A longer file is known by its looks alone, in bytes: one of terabytes takes no room on a disk
#: (sparse), and hours to read.
_LONGEST = 1 << 31
#: A file may have become a pipe since it was looked at; opening one would wait for a writer.
_OPEN = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CTIME_IS_CHANGE = os.name != "nt"
#: What differs when a file was touched since.
signature_of: Callable[[os.stat_result], Signature] = operator.attrgetter(
    "st_dev", "st_ino", "st_mode", "st_size", "st_mtime_ns", "st_ctime_ns"
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


class Unlike(NamedTuple):
    """What of a tree is not as it was, and how many entries of it are."""

    odd: list[Entry]
    alike: int


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

    def unlike(self, known: Mapping[str, Signature], modes: Mapping[str, int]) -> Unlike:
        """Walk through the files as `entries` does, and give what is not as it was.

        `known` are files and links by path, `modes` those of directories, by path too. Only what
        differs costs more than a look.
        """
        odd: list[Entry] = []
        alike = 0
        root, label = str(self.root), self.label
        left = len(root) + 1
        plain = not self.leaving and not self.pruned
        waiting = [root]
        while waiting:
            directory = waiting.pop()
            with suppress(OSError), os.scandir(directory) as found:
                for path in [entry.path for entry in found]:
                    try:
                        status = os.lstat(path)
                    except OSError:
                        continue
                    if known.get(path) == signature_of(status):
                        alike += 1
                        continue
                    name = path[left:].replace(os.sep, "/")
                    if not plain and name in self.leaving:
                        continue
                    mode = status.st_mode
                    if stat.S_ISDIR(mode):
                        if name == ".git" or (not plain and name.rpartition("/")[2] in self.pruned):
                            continue
                        waiting.append(path)
                        if modes.get(path) == mode:
                            alike += 1
                            continue
                    odd.append(Entry(label + name, path, status))
                    if len(odd) > MOST_ADDED:
                        return Unlike(odd, alike)
        return Unlike(odd, alike)


class Digests:
    """Hashes of files, each taken once for as long as the file looks the same; seals share one.

    Threads may share it too: what two of them find out at once is found out twice, and is equal.
    """

    def __init__(self, tick_ns: int = _TICK_NS) -> None:
        """Trust a file's times when its last change is longer ago than the tick of its clock."""
        self._tick_ns = tick_ns
        self._known: dict[str, tuple[Signature, bytes]] = {}

    def settled(self, status: os.stat_result) -> bool:
        """Tell whether a file that was read just now will look different after a change."""
        return _CTIME_IS_CHANGE and status.st_ctime_ns < time.time_ns() - self._tick_ns

    def knows(self, path: str, signature: Signature) -> bool:
        """Tell whether the hash of a file that looks so is known."""
        known = self._known.get(path)
        return known is not None and known[0] == signature

    def of(self, path: str, status: os.stat_result, *, thorough: bool = False) -> bytes:
        """Return a file's hash, or what stands for it when it cannot be read."""
        signature = signature_of(status)
        known = self._known.get(path)
        if known is not None and known[0] == signature and not thorough:
            return known[1]
        if _CTIME_IS_CHANGE and not thorough and status.st_size > _LONGEST:
            return repr(signature).encode()
        now = time.time_ns()
        try:
            digest, seen = _hash(path)
        except OSError as error:
            return repr((error.errno, signature)).encode()
        # A file that changed a moment ago could change again and look the same: not remembered.
        if _CTIME_IS_CHANGE and seen == signature and status.st_ctime_ns < now - self._tick_ns:
            self._known[path] = (signature, digest)
        return digest


def _hash(path: str) -> tuple[bytes, Signature | None]:
    descriptor = os.open(path, _OPEN)
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor, not a path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b"no longer a file", None
        digest = hashlib.sha256()
        while block := stream.read(_BLOCK):
            digest.update(block)
        return digest.digest(), signature_of(status)
