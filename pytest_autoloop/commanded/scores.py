"""Which metrics the scores of a command are, and how their numbers are found in its output."""

from __future__ import annotations

import keyword
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pytest_autoloop.errors import MeasurementError, UsageError
from pytest_autoloop.metrics.measurement import finite, shortened
from pytest_autoloop.metrics.printed import document_of, steps_of

if TYPE_CHECKING:
    from pytest_autoloop.command_options import Score
    from pytest_autoloop.metrics.programs import Finished
    from pytest_autoloop.model import Direction
    from pytest_autoloop.settings import Settings

#: Fixtures that there are already.
_RESERVED = ("target", "request", "benchmark")
#: What the first score is called where its pattern gives no name.
DEFAULT_NAME = "score"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
#: A line that says what it is: ``SCORE: 42.5``.
_SAID = re.compile(rf"^\s*score\s*[:=]\s*({_NUMBER})\s*$", re.IGNORECASE | re.MULTILINE)
_LAST_LINES = 10
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric, and where its number stands in the output of the command."""

    name: str
    #: None for a number in the last line.
    score: Score | None
    direction: Direction
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None


def readings_of(settings: Settings) -> tuple[Reading, ...]:
    """Return the metrics of a command, the one to improve first.

    Raises:
        UsageError: there are more directions or units than scores, two have one name, or nothing
            but bounds is left.
    """
    scores: tuple[Score | None, ...] = settings.scores or (None,)
    free = [score for score in scores if score is None or score.bound is None]
    if not free:
        raise UsageError(
            "each --autoloop-score has a bound, so nothing is left to improve: write one without"
        )
    directions = settings.directions or ("lower",)
    if len(directions) == 1:
        directions = directions * len(free)
    for flag, given in (("--autoloop-direction", directions), ("--autoloop-unit", settings.units)):
        if len(given) > len(free) or (flag == "--autoloop-direction" and len(given) < len(free)):
            raise UsageError(
                f"{flag} is given {len(given)} times and there are {len(free)} scores to improve: "
                "write one for each, in their order"
            )
    units = (*settings.units, *("" for _ in free[len(settings.units) :]))
    named = dict(zip(map(id, free), zip(directions, units, strict=True), strict=True))
    taken: list[str] = []
    found = []
    for score in scores:
        name = _name(score, taken)
        taken.append(name)
        if score is not None and score.path is not None:
            _check_path(score)
        if score is not None and score.bound is not None:
            low, high = _bounds(score)
            direction: Direction = "lower" if high is not None else "higher"
            found.append(Reading(name, score, direction, at_least=low, at_most=high))
            continue
        chosen, unit = named[id(score)]
        found.append(Reading(name, score, cast("Direction", chosen), unit))
    return tuple(found)


def _check_path(score: Score) -> None:
    try:
        steps_of(score.path or "")
    except ValueError as error:
        raise UsageError(f"--autoloop-score={score.pattern}: {error}") from None


def _name(score: Score | None, taken: list[str]) -> str:
    """Return a metric's name: the pattern's, that of the text before its number, or a count."""
    if score is not None and score.name in _RESERVED:
        raise UsageError(
            f"{score.pattern!r} names a metric {score.name!r}, as a fixture is named that is there "
            "already: rename its group, as in (?P<other>…)"
        )
    if score is not None and score.name:
        if score.name in taken:
            raise UsageError(
                f"two scores are named {score.name!r}: name the group of one otherwise, as in "
                "(?P<other>…), or leave one out"
            )
        return score.name
    name = DEFAULT_NAME
    if taken and score is not None:
        before = re.sub(r"\\.[*+?]?", " ", score.pattern.partition("(")[0])
        name = re.sub(r"\W+", "_", before).strip("_").lower()
    if not name.isidentifier() or keyword.iskeyword(name):
        name = DEFAULT_NAME
    return name if name not in taken else f"{name}_{len(taken) + 1}"


def _bounds(score: Score) -> tuple[float | None, float | None]:
    """Return the least and the largest value that a bounded score may have.

    A bound that is not to be reached is the nearest number beside it.
    """
    assert score.bound is not None
    if score.relation.startswith("<"):
        exclusive = score.relation == "<"
        return None, math.nextafter(score.bound, -math.inf) if exclusive else score.bound
    exclusive = score.relation == ">"
    return (math.nextafter(score.bound, math.inf) if exclusive else score.bound), None


def number_in(finished: Finished, reading: Reading, command: str) -> float:
    """Return a metric's value: of several numbers that fit, the last.

    Standard output is searched, then standard error.

    Args:
        finished: what the command left.
        reading: which number is wanted.
        command: the command, for errors.

    Raises:
        MeasurementError: no number is there, or none that is finite.
    """
    if reading.score is None:
        text = _said(finished.output)
        if text is None:
            last = finished.output.rstrip().splitlines()[-1:] or [""]
            raise MeasurementError(
                f"`{command}` does not end with a number: its last line is "
                f"{shortened(repr(last[0]), _SHOWN)}. Print the "
                "score last, or say where it stands: --autoloop-score 'time: ([\\d.]+)'"
            )
        return finite(text, f"the last line of `{command}`")
    path = reading.score.path
    if path is not None:
        return _at(finished.output, path, command)
    text = _last_match(reading.score.pattern, finished.output, finished.errors)
    if text is None:
        lines = (finished.output + finished.errors).rstrip().splitlines()[-_LAST_LINES:]
        shown = ":\n" + "\n".join(lines) if lines else ", which is nothing"
        raise MeasurementError(
            f"{reading.score.pattern!r} is not in what `{command}` printed{shown}"
        )
    return finite(text, f"{reading.score.pattern!r} in `{command}`")


def _at(output: str, path: str, command: str) -> float:
    """Return the number at a path of the JSON document that a command printed."""
    source = f"the output of `{command}`"
    value: Any = document_of(output, source)
    step: str | int = ""
    try:
        for step in steps_of(path):
            value = value[step]
    except (KeyError, IndexError, TypeError):
        shown = shortened(repr(value), _SHOWN)
        message = f"there is no {path!r} in {source}: {step!r} is looked for in {shown}"
        raise MeasurementError(message) from None
    if isinstance(value, str):
        shown = shortened(repr(value), _SHOWN)
        raise MeasurementError(f"{path!r} in {source} is the text {shown}, not a number")
    return finite(value, f"{path!r} in {source}")


def _said(output: str) -> str | None:
    said = _SAID.findall(output)
    last = output.rstrip().splitlines()[-1:] or [""]
    if re.fullmatch(_NUMBER, last[0].strip()):
        return last[0].strip()
    return str(said[-1]) if said else None


def _last_match(pattern: str, *texts: str) -> str | None:
    """Return the group of the last place where a pattern fits: the named one, or the first."""
    compiled = re.compile(pattern, re.MULTILINE)
    group: str | int = next(iter(compiled.groupindex), 1)
    for text in texts:
        found = [match for match in compiled.finditer(text) if match[group] is not None]
        if found:
            return found[-1][group]
    return None
