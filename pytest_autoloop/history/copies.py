"""Files that git does not carry but the harness needs: data, local settings, built extensions."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.errors import RepositoryError, UsageError
from pytest_autoloop.history.files import real_parent, relative_path, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: What tells whether a file is still the one that was copied; a run can set every time but ctime.
Stamp: TypeAlias = tuple[int, ...]

_NEVER = (".git", ".pytest_autoloop")
#: Bytes that are read at once.
_BLOCK = 2**20


def find_copies(root: Path, project: Path, patterns: Sequence[str]) -> list[str]:
    """Return the files that match the patterns, as paths relative to `root`.

    Patterns are relative to `project`; one that names a directory stands for all that is in it.

    Raises:
        UsageError: a pattern leaves the project, or matches nothing.
    """
    if patterns and not project.is_relative_to(root):
        raise UsageError(
            f"files to copy are looked for in {project}, which is outside of the repository "
            f"{root}. Set pytest's rootdir to a directory inside of it, or copy nothing."
        )
    found: set[str] = set()
    for pattern in patterns:
        try:
            relative_path(pattern)
        except UsageError as error:
            raise UsageError(f"autoloop_copy in the ini file: {error}") from None
        try:
            matches = [file for match in project.glob(pattern) for file in _files_of(match)]
        except ValueError as error:
            raise UsageError(
                f"autoloop_copy: {pattern!r} is not a pattern of files ({error}). "
                "Write it as in data/**/*.csv, with ** between slashes."
            ) from error
        names = {file.relative_to(root).as_posix() for file in matches}
        if not names:
            raise UsageError(
                f"autoloop_copy: no file matches {pattern!r} in {project}, so it cannot be "
                "copied to where candidates run. Correct the pattern, or create the file."
            )
        found |= {name for name in names if PurePosixPath(name).parts[0] not in _NEVER}
    return sorted(found)


def copied_files(root: Path, project: Path, patterns: Sequence[str]) -> dict[str, str]:
    """Return the SHA-256 of the files that git does not carry but the harness needs, by path.

    Raises:
        UsageError: a pattern matches nothing, or a file cannot be read.
    """
    found: dict[str, str] = {}
    for name in find_copies(root, project.resolve(), patterns):
        digest, path = hashlib.sha256(), root / name
        try:
            if path.is_symlink():
                digest.update(os.fsencode(path.readlink()))
            else:
                with path.open("rb") as stream:
                    while block := stream.read(_BLOCK):
                        digest.update(block)
        except OSError as error:
            message = f"autoloop_copy: {name} cannot be read ({error.strerror}): correct that"
            raise UsageError(message) from error
        found[name] = digest.hexdigest()
    return found


def _files_of(match: Path) -> Iterator[Path]:
    if match.is_symlink() or match.is_file():
        yield match
    elif match.is_dir():
        for parent, children, files in os.walk(match):
            directory = Path(parent)
            children[:] = [child for child in children if child not in _NEVER]
            links = [child for child in children if (directory / child).is_symlink()]
            for name in (*files, *links):
                if (directory / name).is_symlink() or (directory / name).is_file():
                    yield directory / name


class Copies:
    """The copied files of one worktree, and how each looked when it was copied."""

    def __init__(self, source: Path, destination: Path, originals: Mapping[str, Stamp]) -> None:
        self._source = source
        self._destination = destination
        self._originals = originals
        self._made: dict[str, Stamp] = {}

    @property
    def names(self) -> list[str]:
        """All files that are copied where git does not carry them, relative to the root."""
        return list(self._originals)

    def refresh(self, names: Sequence[str]) -> None:
        """Copy the files that are missing or were touched by a run.

        The user may change the originals meanwhile: copies that are intact stay as they are.

        Raises:
            RepositoryError: a file cannot be read or written, or its original has changed.
        """
        for name in names:
            target = self._destination / name
            source = self._source / name
            try:
                if self._made.get(name) == stamp(target):
                    continue
                if stamp(source) != self._originals[name]:
                    raise RepositoryError(
                        f"{source} has changed since the campaign started, and the copy that "
                        "candidates use has to be made again. Start again to use the new file."
                    )
                self._copy(source, name)
                self._made[name] = stamp(target)
            except OSError as error:
                raise RepositoryError(
                    f"{source} cannot be copied to {target}: {error.strerror or error}. "
                    "Make the file readable and the disk large enough, or do not have it copied."
                ) from error

    def _copy(self, source: Path, name: str) -> None:
        pure = PurePosixPath(name)
        target = real_parent(self._destination, pure, create=True) / pure.name
        remove_tree(target)
        if not source.is_symlink():
            shutil.copy2(source, target)
            return
        # A link that leads out of the checkout has to lead to the same place from elsewhere.
        inside = source.resolve().is_relative_to(self._source)
        target.symlink_to(source.readlink() if inside else source.resolve())


def stamp(path: Path) -> Stamp:
    """Return what changes when a file is touched; empty when there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    kind = stat.S_IFMT(found.st_mode) | stat.S_IMODE(found.st_mode)
    return (kind, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
