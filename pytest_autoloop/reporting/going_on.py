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
) -> str:
    """Return the command line that goes on; empty where the goal has been reached.

    Args:
        arguments: what pytest was given.
        tag: the campaign.
        asked: number of experiments that was asked for, counted over all sessions; may be infinite.
        done: number of experiments that there are.
        reason: why the campaign ended, as `budget.Stop` names it; a limit on the command line that
            was reached is doubled.

    """
    if reason == "until":
        return ""
    words = list(_without([os.fspath(argument) for argument in arguments]))
    limit = _LIMITS.get(reason)
    if limit is not None:
        words = list(_doubled(words, limit))
    return shlex.join(["pytest", "--autoloop", _number(asked, done), *words, "--autoloop-tag", tag])


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


def _doubled(words: Iterable[str], option: str) -> Iterator[str]:
    """Double the value of an option, written as ``--name=8h`` or ``--name 8h``."""
    found = False
    for word in words:
        name, equals, value = word.partition("=")
        if found:
            yield _twice(word)
        elif name == option and equals:
            yield f"{option}={_twice(value)}"
        else:
            yield word
        found = word == option


def _twice(value: str) -> str:
    match = _AMOUNT.fullmatch(value)
    return value if match is None else f"{2 * float(match[1]):g}{match[2]}"
