"""Patches and three-way merges of one file, by git, away from any repository."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_autoloop.history.command import Result

#: Whatever of the user's settings could change the bytes or the form of the output.
_NEUTRAL = (
    *("-c", "core.autocrlf=false", "-c", f"core.attributesFile={os.devnull}"),
    *("-c", "apply.ignoreWhitespace=no", "-c", "apply.whitespace=nowarn"),
    *("-c", "merge.conflictStyle=merge"),
)
#: From exact to lenient: a hunk that applies as it is written is never read in another way.
#: Counts come last: recounted, the signature below a mailed patch would be a line to delete.
_LENIENCE = (
    (),
    ("--ignore-whitespace", "-C1"),
    ("--ignore-whitespace", "-C1", "--recount"),
)
#: Longer than any marker a source holds by itself.
_MARKER = 71
#: More conflicts than git counts: from here on an exit code is an error.
_REFUSED = 128
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Change:
    """The target's new content, or why there is none."""

    content: bytes = b""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Paths:
    """The files that a patch touches, and how many leading parts of their names it takes away."""

    names: tuple[str, ...]
    strip: int = 1
    #: Git's words when it cannot read the patch.
    fault: str = ""


def touched(diff: bytes, target: str) -> Paths:
    """Return what a patch touches; its names begin with a/ and b/, or are paths as they are.

    Raises:
        OSError: there is no room for a temporary directory.
    """
    readable: list[Paths] = []
    fault = ""
    with _scratch({}) as git:
        for strip in (1, 0):
            for recount in ((), ("--recount",)):
                arguments = ("--numstat", "-z", f"-p{strip}", *recount)
                result = _apply(git, diff, *arguments)
                if result.exit_code == 0:
                    readable.append(Paths(_names(result.stdout), strip))
                    break
                fault = fault or _said(result)
    fitting = (paths for paths in readable if target in paths.names)
    return next(fitting, readable[0] if readable else Paths((), fault=fault))


def applied(diff: bytes, strip: int, target: str, source: bytes) -> Change:
    """Apply a patch of the target alone to one content of it.

    Raises:
        OSError: there is no room for a temporary directory.
    """
    with _scratch({target: source}) as git:
        file = git.directory / target
        fault = ""
        for lenience in _LENIENCE:
            result = _apply(git, diff, f"-p{strip}", *lenience)
            if result.exit_code == 0:
                break
            # What is wrong with the counts says less than that nothing fits them.
            fault = _said(result) if not fault or "corrupt patch" in fault else fault
        else:
            return Change(fault=f"the patch does not apply: {fault}")
        if file.is_symlink() or not file.is_file():
            return Change(fault=f"the patch leaves no regular file {target}")
        return Change(file.read_bytes())


def merged(base: bytes, content: bytes, source: bytes, target: str) -> Change:
    """Bring the change from `base` to `content` into `source`, three-way, all of it or nothing.

    Raises:
        OSError: there is no room for a temporary directory.
    """
    if source in {base, content}:
        return Change(content)
    if content == base:
        return Change(source)
    with _scratch({"source": source, "base": base, "content": content}) as git:
        arguments = ("merge-file", "-p", f"--marker-size={_MARKER}", "source", "base", "content")
        result = git.attempt(*_NEUTRAL, *arguments, variables=_apart(git.directory))
        if result.exit_code == 0:
            return Change(result.stdout)
        if result.exit_code >= _REFUSED:
            return Change(fault=f"cannot be merged with what was kept since: {_said(result)}")
    where = ", ".join(_conflicts(result.stdout, source))
    return Change(fault=f"conflicts with what was kept since: {where} of {target}")


def _conflicts(output: bytes, source: bytes) -> list[str]:
    """Return the conflicting lines of a merge, as lines of its first side, counted from 1."""
    resolved: list[bytes] = []
    found: list[tuple[int, int]] = []
    start, ours = 0, True
    for line in output.splitlines(keepends=True):
        mark = line.rstrip(b"\r\n").split(b" ", 1)[0]
        if mark == b"<" * _MARKER:
            start = len(resolved)
        elif mark == b"=" * _MARKER:
            ours = False
        elif mark == b">" * _MARKER:
            found.append((start, len(resolved)))
            ours = True
        elif ours:
            resolved.append(line)
    told = [_lines(*place) for place in _placed(found, resolved, source.splitlines(keepends=True))]
    more = f"and {len(told) - _LISTED} more" if len(told) > _LISTED else ""
    return [*told[:_LISTED], *([more] if more else [])]


def _placed(
    found: list[tuple[int, int]], resolved: list[bytes], source: list[bytes]
) -> list[tuple[int, int]]:
    """Carry ranges of lines over from the resolved merge, which has clean changes, to `source`."""
    blocks = SequenceMatcher(None, resolved, source).get_matching_blocks()

    def carried(line: int) -> int:
        before = [block for block in blocks if block.a <= line]
        if not before:
            return 0
        block = before[-1]
        return block.b + min(line - block.a, block.size)

    return [(carried(start), max(carried(start), carried(end))) for start, end in found]


def _lines(start: int, end: int) -> str:
    """Name a range of lines whose first is counted from 0, its end not included."""
    return f"line {start + 1}" if end - start <= 1 else f"lines {start + 1}-{end}"


def _apply(git: GitCommand, diff: bytes, *arguments: str) -> Result:
    command = ("apply", *arguments, "-")
    return git.attempt(*_NEUTRAL, *command, stdin=diff, variables=_apart(git.directory))


@contextmanager
def _scratch(files: Mapping[str, bytes]) -> Iterator[GitCommand]:
    """Lend git a directory that holds these files alone."""
    with scratch_directory("merge") as directory:
        root = Path(directory).resolve()
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        yield GitCommand(root)


def _apart(directory: Path) -> dict[str, str]:
    """Return what keeps git from finding a repository above the directory.

    In one it would silently leave out what a patch changes outside of the directory's own path.
    """
    return {"GIT_CEILING_DIRECTORIES": str(directory.parent), "GIT_ATTR_NOSYSTEM": "1"}


def _names(numstat: bytes) -> tuple[str, ...]:
    entries = (entry for entry in numstat.split(b"\0") if entry)
    return tuple(sorted({os.fsdecode(entry.split(b"\t", 2)[2]) for entry in entries}))


def _said(result: Result) -> str:
    """Return git's own words in one line."""
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error: ", "fatal: "))] or lines
    told = (line.removeprefix("error: ").removeprefix("fatal: ") for line in errors)
    return "; ".join(told) or f"git gave no reason (exit code {result.exit_code})"
