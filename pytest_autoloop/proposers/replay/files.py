"""Candidates from files: whole new versions of the target, and patches."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.merging import applied, touched
from pytest_autoloop.proposers.replay.candidates import NOTHING, Candidate

if TYPE_CHECKING:
    from pathlib import Path

_LEADING_NUMBER = re.compile(r"^\d+[-_. ]*")
#: Bytes of a candidate: no source that anybody edits is as long.
_LARGEST = 16 * 2**20
_PATCHES = frozenset({".patch", ".diff"})


def files_of(place: Path) -> list[Path]:
    """Return the files of a folder in the order of their names, hidden ones left out.

    A file stands for itself.

    Raises:
        UsageError: there is no such place, nothing in it, or something in it that is no regular
            file of at most 16 MB, or a link that leads out of it.
    """
    if place.is_file():
        _inspect(place)
        return [place]
    if not place.is_dir():
        what = "is not a folder" if place.exists() else "does not exist"
        raise UsageError(
            f"{NOTHING}: {place} {what}; name a folder that holds one file for each version of "
            "the target to try"
        )
    try:
        within = place.resolve()
        entries = sorted(path for path in place.iterdir() if not path.name.startswith("."))
        # A link is looked at before what it leads to, which may be anything.
        linked = next((path for path in entries if _leads_out(path, within)), None)
        files = [path for path in entries if linked is None and not path.is_dir()]
    except OSError as error:
        raise UsageError(_unreadable(place, error)) from error
    if linked is not None:
        raise UsageError(
            f"the candidate {linked} is a link that leads out of its folder; put the file itself "
            "there, or take the link out of the folder"
        )
    for path in files:
        _inspect(path)
    if not files:
        raise UsageError(
            f"{NOTHING}: the folder {place} holds no files; put one file into it for each version "
            "of the target to try"
        )
    return files


def file_candidates(place: Path, target: str, source: bytes) -> list[Candidate]:
    """Read each file: a patch by its name, anything else is a new version of the target.

    Raises:
        UsageError: there is none, or one cannot be read.
        OSError: there is no room for a temporary directory.
    """
    return [_candidate(path, target, source) for path in files_of(place)]


def later(candidate: Candidate, target: str, source: bytes) -> Candidate:
    """Try a patch that does not fit the first version on a later one: a series builds on itself.

    Raises:
        OSError: there is no room for a temporary directory.
    """
    if candidate.diff is None:
        return candidate
    paths = touched(candidate.diff, target)
    change = applied(candidate.diff, paths.strip, target, source)
    return Candidate(
        candidate.origin, candidate.description, source, change.content, fault=change.fault
    )


def describe(stem: str) -> str:
    """Turn a file name such as `01_memoise_with_a_dict` into a description."""
    words = re.sub(r"[-_]+", " ", _LEADING_NUMBER.sub("", stem)).strip()
    return words or stem


def _candidate(path: Path, target: str, source: bytes) -> Candidate:
    try:
        content = read(path)
    except OSError as error:
        raise UsageError(_unreadable(path, error)) from error
    if path.suffix.lower() in _PATCHES:
        return _patched(path, content, target, source)
    return Candidate(path.name, describe(path.stem), source, content)


def _leads_out(path: Path, folder: Path) -> bool:
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(folder)
    except RuntimeError:
        # Older Pythons say so when links lead to each other.
        return True


def _inspect(path: Path) -> None:
    """Refuse what is not to be read, without opening it."""
    try:
        _refuse(path, path.stat())
    except OSError as error:
        raise UsageError(_unreadable(path, error)) from error


def _refuse(path: Path, status: os.stat_result, read: int = 0) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            f"the candidate {path} is no regular file; take it out of the folder, which may hold "
            "files and patches alone"
        )
    size = max(status.st_size, read)
    if size > _LARGEST:
        raise UsageError(
            f"the candidate {path} has {size:,} bytes, more than the {_LARGEST // 2**20} MB of a "
            "candidate; take it out of the folder"
        )


def read(path: Path) -> bytes:
    """Read a file that has been inspected; it may be another one by now.

    Raises:
        UsageError: it is no regular file, or too large.
        OSError: it cannot be read.
    """
    # Unknown on Windows, where no file waits for somebody to write.
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        _refuse(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as stream:
            content = stream.read(_LARGEST + 1)
        # Some files are longer than they say.
        _refuse(path, os.fstat(descriptor), len(content))
    finally:
        os.close(descriptor)
    return content


def _patched(path: Path, diff: bytes, target: str, source: bytes) -> Candidate:
    """Apply a patch to the target's first version; its faults are the candidate's."""
    origin, description = path.name, describe(path.stem)
    paths = touched(diff, target)
    if paths.fault or not paths.names:
        fault = f"{origin} is no patch that git can read: {paths.fault or 'it changes nothing'}"
        return Candidate(origin, description, fault=fault)
    elsewhere = tuple(name for name in paths.names if name != target)
    if elsewhere:
        return Candidate(origin, description, elsewhere=elsewhere)
    change = applied(diff, paths.strip, target, source)
    if change.fault:
        return Candidate(origin, description, source, fault=change.fault, diff=diff)
    return Candidate(origin, description, source, change.content)


def _unreadable(path: Path, error: OSError) -> str:
    return (
        f"cannot read the candidate {path}: {error.strerror or error}; make it readable, or take "
        "it out of the folder"
    )
