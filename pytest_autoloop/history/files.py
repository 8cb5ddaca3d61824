"""Files that are replaced whole, never followed through a link, never half written."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

from pytest_autoloop.errors import RepositoryError, UsageError

#: On systems without it, links are looked for before a file is opened.
NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)
#: Opening a pipe would wait for somebody who writes to it.
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)

_ROUNDS = 3


def relative_path(path: str) -> PurePosixPath:
    """Return a path that stays inside the directory it is meant for.

    Raises:
        UsageError: the path is empty, absolute, climbs out with ``..`` or enters ``.git``.
    """
    pure = PurePosixPath(path)
    climbs = pure.is_absolute() or ".." in pure.parts or "\0" in path
    if climbs or not pure.parts or pure.parts[0].lower() == ".git":
        raise UsageError(
            f"{path!r} does not name a file inside the repository. "
            "Give its path relative to the root of the repository, such as src/module.py."
        )
    return pure


def replace_file(
    path: Path,
    content: bytes,
    *,
    mode: int | None = None,
    modified: int | None = None,
    durable: bool = True,
) -> None:
    """Put new content in place of a file at once; whatever stood there, a link too, is gone.

    A reader sees the old content or the new, never a part. Without a `mode` the file gets the
    one that a new file would get. `modified` is its time stamp, in whole seconds. A `durable` file
    survives a power cut.

    Raises:
        OSError: the directory cannot be written or the disk is full; the old file is untouched.
    """
    # With the process's number: the next session removes what one that was killed has left.
    temporary = path.with_name(f".autoloop-{os.getpid()}-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | _BINARY
    descriptor = os.open(temporary, flags, 0o666)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 -- a descriptor, not a path
            stream.write(content)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        if mode is not None:
            temporary.chmod(mode)
        if modified is not None:
            os.utime(temporary, (modified, modified))
        temporary.replace(path)
        if durable:
            sync_directory(path.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def sync_directory(directory: Path) -> None:
    """Make a file that was just created or renamed in the directory survive a power cut.

    Raises:
        OSError: the directory cannot be opened.
    """
    if os.name == "nt":  # a directory cannot be opened there, and need not be
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def real_parent(root: Path, path: PurePosixPath, *, create: bool = False) -> Path:
    """Return the directory a file lies in, having met no link on the way from `root`.

    Raises:
        RepositoryError: a link or something else stands where a directory should.
        OSError: a directory is missing, or cannot be made.
    """
    directory = root
    for part in path.parent.parts:
        directory /= part
        if create and not os.path.lexists(directory):
            directory.mkdir()
        if not stat.S_ISDIR(directory.lstat().st_mode):
            raise RepositoryError(
                f"{directory} is not a directory but a link or a file, so {path} is not written "
                "through it. Restore the directory and start again."
            )
    return directory


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it, including what was made unreadable.

    A file or a link in its place is removed too; what a link leads to is not.

    Raises:
        RepositoryError: something is still there.
    """
    # A process that has not quite ended can add a file while the others are removed.
    for _ in range(_ROUNDS):
        if not os.path.lexists(path):
            return
        with suppress(OSError):
            _remove_once(path)
    if os.path.lexists(path):
        raise RepositoryError(
            f"{path} cannot be removed. End the processes that still use it and delete it."
        )


def _remove_once(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    path.chmod(0o700)
    try:
        for parent, children, _files in os.walk(path):
            for child in children:
                if not Path(parent, child).is_symlink():
                    Path(parent, child).chmod(0o700)
        shutil.rmtree(path)
    except (OSError, RecursionError):
        _remove_flattened(path)


def _remove_flattened(path: Path) -> None:
    """Remove a directory in which others stand deeper than a path, or Python's stack, can reach.

    What stands in a directory of it is moved to the top before that one is removed.
    """
    while directories := _only_directories(path):
        for directory in directories:
            for inner in _only_directories(directory):
                inner.rename(path / secrets.token_hex(16))
            directory.rmdir()
    path.rmdir()


def _only_directories(path: Path) -> list[Path]:
    """Remove all else from a directory, and let its owner change those."""
    with os.scandir(path) as entries:
        found = list(entries)
    directories = []
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            directories.append(Path(entry))
            directories[-1].chmod(0o700)
        else:
            Path(entry).unlink()
    return directories


def holds(path: Path, content: bytes) -> bool:
    """Tell whether a regular file, not a link to one, has exactly this content.

    What a run has put there in place of a file, such as a pipe, is neither waited for nor read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | NO_FOLLOW | _NO_WAIT | _BINARY)
        with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(descriptor)
            same = stat.S_ISREG(status.st_mode) and status.st_size == len(content)
            return same and stream.read(len(content) + 1) == content
    except OSError:
        return False
