"""Numbers that commands print, or write into a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import statistics
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics.measurement import Measurement, finite
from pytest_autoloop.metrics.programs import MOST_BYTES, TIMEOUT, program, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_autoloop.metrics.measurement import Place
    from pytest_autoloop.metrics.programs import Command, Program
    from pytest_autoloop.model import Direction

Which: TypeAlias = Literal["first", "last", "min", "max", "median", "mean", "sum"]
Stream: TypeAlias = Literal["stdout", "stderr"]

_CHOICES: dict[str, Callable[[Sequence[float]], float]] = {
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "min": min,
    "max": max,
    "median": statistics.median,
    "mean": statistics.fmean,
    "sum": sum,
}
#: A step of a path: `name`, `[0]` or `["any name"]`.
_STEP = re.compile(r"""(?:^|\.)([^.\[\]"']+)|\[(-?\d+)\]|\[(["'])(.+?)\3\]""")
#: How much of an output an error shows.
_SHOWN = 300
#: Highest value by unit.
_MOST = {"%": 100.0, "": 1.0}


def accuracy(
    command: Command, *, unit: str = "%", timeout: float = TIMEOUT, shell: bool = False
) -> Measurement:
    """Read the number in the last line that a command prints: higher is better.

    The last line of standard output that is not empty is the number and nothing else, in `%` with
    or without that sign.

    Args:
        command: what is run.
        unit: `%` for 0 to 100, an empty string for a share from 0 to 1: what is outside is an
            error; any other unit, such as `points`, has no limits.
        timeout: seconds after which the command is ended.
        shell: whether the system's shell runs the command, which is one line then.

    Raises:
        ValueError: there is nothing to run, or an argument is out of range.
    """
    what = program(command, timeout=timeout, shell=shell)

    def take(place: Place) -> float:
        lines = [line for line in run(what, place).output.splitlines() if line.strip()]
        last = lines[-1].strip() if lines else ""
        try:
            number = float(last.removesuffix("%") if unit == "%" else last)
        except ValueError as error:
            told = f"{_shortened(last)!r}" if last else "nothing"
            message = f"`{what}` printed {told} in its last line: let it print the number alone"
            raise MeasurementError(message) from error
        if unit in _MOST and not 0 <= number <= _MOST[unit]:
            message = f"`{what}` printed {last}, which is not between 0 and {_MOST[unit]:g}{unit}"
            raise MeasurementError(f"{message}; name another unit, or let it print a share of that")
        return number

    return Measurement("higher", unit, f"accuracy that `{what}` prints", take)


def regex_from_output(
    command: Command,
    pattern: str,
    *,
    direction: Direction,
    unit: str = "",
    which: Which = "last",
    stream: Stream = "stdout",
    file: str | None = None,
    timeout: float = TIMEOUT,
    shell: bool = False,
) -> Measurement:
    """Find a number in what a command prints with a regular expression.

    The number is the group `value`, else the first group, else the whole match; `^` and `$` match
    at each line.

    Args:
        command: what is run.
        pattern: as for `re.finditer`, such as ``r"^total: ([0-9.]+) ms$"``.
        direction: whether a lower or a higher value is better.
        unit: written behind the value; `s` is shown as ms, µs or ns where that fits.
        which: the match that counts, of several; or what is made of all of them.
        stream: where it is printed.
        file: read this file instead, which the command writes; relative to the root directory.
        timeout: seconds after which the command is ended.
        shell: whether the system's shell runs the command, which is one line then.

    Raises:
        ValueError: the pattern is none, there is nothing to run, or an argument is out of range.
    """
    what = program(command, timeout=timeout, shell=shell)
    _check(direction, which, stream)
    try:
        expression = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"pattern={pattern!r} is no regular expression: {error}") from error
    group = "value" if "value" in expression.groupindex else min(expression.groups, 1)

    def take(place: Place) -> float:
        text, source = _text_of(what, place, file, stream)
        found = [match[group] for match in expression.finditer(text)]
        if not found:
            message = f"{pattern!r} matches nothing in {source}, which ends in"
            raise MeasurementError(f"{message} {_shortened(text)!r}")
        return _CHOICES[which]([finite(one, f"{pattern!r} in {source}") for one in found])

    return Measurement(direction, unit, f"{which} {pattern!r} of `{what}`", take)


def json_from_output(
    command: Command,
    path: str,
    *,
    direction: Direction,
    unit: str = "",
    file: str | None = None,
    timeout: float = TIMEOUT,
    shell: bool = False,
) -> Measurement:
    """Find a number in the JSON document that a command prints, in all or in its last line.

    Args:
        command: what is run.
        path: where in the document, such as ``results[0].mean``; ``["a name"]`` for a name with
            dots or brackets in it, ``[-1]`` for the last of a list.
        direction: whether a lower or a higher value is better.
        unit: written behind the value; `s` is shown as ms, µs or ns where that fits.
        file: read this file instead, which the command writes; relative to the root directory.
        timeout: seconds after which the command is ended.
        shell: whether the system's shell runs the command, which is one line then.

    Raises:
        ValueError: the path is none, there is nothing to run, or an argument is out of range.
    """
    what = program(command, timeout=timeout, shell=shell)
    _check(direction)
    steps = steps_of(path)

    def take(place: Place) -> float:
        text, source = _text_of(what, place, file, "stdout")
        value = document_of(text, source)
        step: str | int = ""
        try:
            for step in steps:
                value = value[step]
        except (KeyError, IndexError, TypeError) as error:
            message = f"there is no {path!r} in {source}: {step!r} is looked for in"
            raise MeasurementError(f"{message} {_shortened(repr(value))}") from error
        if isinstance(value, str):
            shown = _shortened(repr(value))
            raise MeasurementError(f"{path!r} in {source} is the text {shown}, not a number")
        return finite(value, f"{path!r} in {source}")

    return Measurement(direction, unit, f"{path} of `{what}`", take)


def _check(direction: str, which: str = "last", stream: str = "stdout") -> None:
    if direction not in {"lower", "higher"}:
        raise ValueError(f"direction={direction!r}: write 'lower' or 'higher'")
    if which not in _CHOICES:
        raise ValueError(f"which={which!r}: write one of {', '.join(_CHOICES)}")
    if stream not in {"stdout", "stderr"}:
        raise ValueError(f"stream={stream!r}: write 'stdout' or 'stderr'")


def steps_of(path: str) -> list[str | int]:
    """Return the names and places that a path such as ``results[0].mean`` goes through.

    Raises:
        ValueError: it is no path.
    """
    steps: list[str | int] = []
    place = 0
    while isinstance(path, str) and (found := _STEP.match(path, place)):
        steps.append(int(found[2]) if found[2] else found[1] or found[4])
        place = found.end()
    if not steps or place != len(path):
        raise ValueError(f"path={path!r}: write it as in 'results[0].mean' or '[\"a name\"]'")
    return steps


def _text_of(what: Program, place: Place, file: str | None, stream: str) -> tuple[str, str]:
    """Run a command; return what it printed or wrote, and what that is called."""
    if file is None:
        done = run(what, place)
        return (done.output if stream == "stdout" else done.errors), f"the output of `{what}`"
    path = place.directory / file
    before = _trace(path)
    run(what, place)
    after = _trace(path)
    if after is None or after == before:
        # What an earlier run left, or somebody has committed, says nothing about this one.
        message = f"`{what}` did not write {path}: name the file that it writes (file=...)"
        raise MeasurementError(message)
    return _content(path), str(path)


def _content(path: Path) -> str:
    """Return what a file holds that a command has put there: it need not be a file, nor end."""
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            whole = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            content = stream.read(MOST_BYTES + 1) if whole else b""
    except OSError as error:
        raise MeasurementError(f"{path} cannot be read: {error.strerror}") from error
    if not whole:
        raise MeasurementError(f"{path} is no file")
    if len(content) > MOST_BYTES:
        raise MeasurementError(f"{path} is larger than {MOST_BYTES // 2**20} MiB")
    return content.decode("utf-8", errors="replace")


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; nobody need be at the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _trace(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is written; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def document_of(text: str, source: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON document that a text is, or ends with on a line of its own.

    Raises:
        MeasurementError: there is none; `source` says where it was looked for.
    """
    last = text.rstrip().rpartition("\n")[2]
    for one in (text, last):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(one)
    message = f"{source} is no JSON, and neither is its last line {_shortened(last)!r}"
    raise MeasurementError(message)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"…{text[-_SHOWN:]}"
