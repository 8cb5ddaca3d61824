"""The command that goes on with a campaign, made of the one that was given."""

from __future__ import annotations

import math
import os
import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: What only begins a campaign, or belongs to one session alone; with and without a value.
_DROPPED = ("--autoloop", "--autoloop-tag", "--autoloop-from")
_SWITCHES = ("--autoloop-rebaseline",)
#: Option whose value ended a campaign, by the reason for its end.
_LIMITS = {
    "cost": "--autoloop-max-cost",
    "time": "--autoloop-max-time",
    "patience": "--autoloop-patience",
}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(\D*)")
#: Experiments to go on with where none were asked for.
_SOME = 10


def going_on(
    arguments: Sequence[str | os.PathLike[str]],
    tag: str,
    *,
    asked: float,
    done: int,
    reason: str = "",
    limit: float | None = None,
) -> str:
    """Return the command line that goes on; empty where the goal has been reached.

    Args:
        arguments: what pytest was given.
        tag: the campaign.
        asked: number of experiments that was asked for, counted over all sessions; may be infinite.
        done: number of experiments that there are.
        reason: why the campaign ended, as `budget.Stop` names it; a limit that was reached is
            doubled.
        limit: that limit in dollars, seconds or experiments, None if it was none; it may have
            been written in a file.

    """
    if reason == "until":
        return ""
    words = list(_without([os.fspath(argument) for argument in arguments]))
    # What follows two dashes is no option, whatever it looks like.
    end = words.index("--") if "--" in words else len(words)
    words, paths = words[:end], words[end:]
    option = _LIMITS.get(reason)
    if option is not None and limit is not None:
        words = list(_doubled(words, option, _written(reason, 2 * limit)))
    begun = ["pytest", "--autoloop", _number(asked, done), *words]
    return shlex.join([*begun, "--autoloop-tag", tag, *paths])


def _number(asked: float, done: int) -> str:
    if math.isinf(asked):
        return "inf"
    more = int(asked) or _SOME
    # It counts all experiments of the campaign: as many again, where all are done.
    return str(done + more if done >= asked else more)


def _without(words: Iterable[str]) -> Iterator[str]:
    """Leave out what the new command says itself, and what only begins a campaign."""
    skipped = False
    for word in words:
        name, equals, _ = word.partition("=")
        if skipped:
            skipped = False
        elif name in _DROPPED:
            skipped = not equals
        elif name not in _SWITCHES:
            yield word


def _doubled(words: Iterable[str], option: str, twice: str) -> Iterator[str]:
    """Double the value of an option, written as ``--name=8h`` or ``--name 8h``, or add it."""
    awaited = there = False
    for word in words:
        name, equals, value = word.partition("=")
        if awaited:
            yield _twice(word, twice)
        elif name == option and equals:
            yield f"{option}={_twice(value, twice)}"
        else:
            yield word
        there |= name == option
        awaited = word == option
    if not there:
        yield from (option, twice)


def _twice(value: str, twice: str) -> str:
    """Double a value in the unit that it was given in; where it has several, return `twice`."""
    match = _AMOUNT.fullmatch(value)
    return twice if match is None else f"{2 * float(match[1]):g}{match[2]}"


def _written(reason: str, amount: float) -> str:
    """Write a limit as its option takes it, a time in the largest unit that has no rest."""
    units = (("h", 3600), ("m", 60)) if reason == "time" else ()
    for unit, seconds in units:
        if amount % seconds == 0:
            return f"{amount / seconds:g}{unit}"
    return f"{amount:.12g}"
