"""A file between parent and child that the child's directory does not show.

The parent makes the file, leaves a random token in it and keeps a descriptor. The child opens it
first thing, takes the token, and removes the name: what is imported later finds no path to write
to, and without the token what it writes is not believed. This hinders a search, it does not make
one impossible: the child's own memory holds both.

Nothing is ever cut off the file, though what is written may be shorter than before: its length is
in it. A file that was emptied and written again is sent to the disk by some file systems (ext4)
when it is closed, which takes a millisecond.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from pathlib import Path

# Bound now: what is imported later replaces what others look up.
_open, _close, _read, _write, _exit = os.open, os.close, os.read, os.write, os._exit
_seek = os.lseek
_sha256 = hashlib.sha256
_TOKEN = 32
#: Bytes that tell how long the content is.
_LENGTH = 8
#: The longest content that is read, far above what any session has to say, and how much at once: a
#: child can make its file as long as it likes.
_MOST, _BLOCK = 1 << 27, 1 << 20
#: Descriptors below are where a search begins.
_LOWEST = 40


class Reserved:
    """The parent's side of one file."""

    def __init__(self, path: Path) -> None:
        """Make the file; its name must be free.

        Raises:
            OSError: the file is there already, or cannot be made.
        """
        self._token = secrets.token_bytes(_TOKEN)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        os.write(self._descriptor, self._token)

    def read(self) -> bytes | None:
        """Return what the child wrote; None when that is nothing, cut or without the token."""
        _seek(self._descriptor, 0, os.SEEK_SET)
        head = self._block(_TOKEN + _LENGTH)
        length = int.from_bytes(head[_TOKEN:], "little")
        if length > _MOST:
            return None
        content = self._block(length)
        return content if head[:_TOKEN] == _seal(self._token, content) else None

    def _block(self, length: int) -> bytes:
        parts = []
        while length and (part := _read(self._descriptor, min(length, _BLOCK))):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close the descriptor; the file goes with its directory."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Private:
    """The child's side of one file."""

    def __init__(self, path: Path) -> None:
        """Open the file, take the token out of it and remove its name.

        Raises:
            OSError: the file cannot be opened.
        """
        reading = _open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            self._token = _read(reading, _TOKEN)
        finally:
            _close(reading)
        self._descriptor = private_file(path)
        _write(self._descriptor, bytes(_TOKEN))
        remove(path)

    def write(self, content: bytes) -> None:
        """Replace what was written before."""
        whole = _seal(self._token, content) + len(content).to_bytes(_LENGTH, "little") + content
        _seek(self._descriptor, 0, os.SEEK_SET)
        while whole:
            whole = whole[_write(self._descriptor, whole) :]

    def close(self) -> None:
        """Close the descriptor: nothing in this process can write any more."""
        if self._descriptor >= 0:
            _close(self._descriptor)
            self._descriptor, self._token = -1, b""


def private_file(path: Path) -> int:
    """Open a file for writing alone, under a random high descriptor that no program inherits.

    Raises:
        OSError: the file cannot be opened.
    """
    flags = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = _open(path, flags)
    if sys.platform == "win32":
        return descriptor
    import fcntl  # noqa: PLC0415 - not on Windows
    import resource  # noqa: PLC0415 - not on Windows

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    # No limit at all is a number below zero; a table of descriptors grows with the highest one.
    highest = min(limit, 4096) if limit > 0 else 4096
    if highest <= _LOWEST:
        return descriptor
    lowest = _LOWEST + secrets.randbelow(highest - _LOWEST)
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest)
    except OSError:
        # Everything from there on is taken.
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    finally:
        _close(descriptor)


def remove(*paths: Path) -> None:
    """Remove names; where an open file keeps its name (Windows), they stay."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def finish(status: int = 0) -> NoReturn:
    """End this process without the exit handlers that were registered in it."""
    try:
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    except BaseException:  # noqa: BLE001, S110 - a process boundary: any object may stand there
        pass
    finally:
        _exit(status)


def _seal(token: bytes, content: bytes) -> bytes:
    return _sha256(token + content).digest()
