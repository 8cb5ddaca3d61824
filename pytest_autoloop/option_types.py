"""What options take: each function turns text into a value, or says what to write instead."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

#: What a proposer's spec looks like: a kind with an argument, or one that needs none.
_SPEC = re.compile(r"[a-z]+:\S+|rules|sweep|fixture|claude|codex|gemini|aider|opencode")

if TYPE_CHECKING:
    from collections.abc import Callable

#: A tag is part of a path and of a ref's name: no ".." and no end in "." or ".lock".
_TAG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$)){0,99}")
#: Longer numbers count nothing, and Python refuses to read very long ones.
_WHOLE = re.compile(r"[0-9]{1,15}")
_PART = r"([0-9]+(?:\.[0-9]+)?)\s*"
#: Days, hours, minutes and seconds, of which one is enough; blanks may be between them.
_DURATION = re.compile(rf"(?:{_PART}d\s*)?(?:{_PART}h\s*)?(?:{_PART}m(?:in)?\s*)?(?:{_PART}s?)?")
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_GOAL = re.compile(rf"(\w+)\s*(<=|>=)\s*({_NUMBER})\s*([^\d\s.].*)?")


@dataclass(frozen=True, slots=True)
class Goal:
    """A value that a metric is to reach."""

    metric: str
    #: Whether the value is a lower bound, as for a score; else an upper one, as for a time.
    at_least: bool
    value: float
    #: As the user wrote it; empty stands for the metric's own.
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One command-line option and, where it has one, its ini key."""

    flag: str
    help: str
    metavar: str
    type: Callable[[str], Any] = str
    #: Name of the ini key; the command line wins over it.
    ini: str = ""
    default: str = ""
    #: A list, which grows with each use and has a line for each value in the ini file; a switch.
    many: bool = False
    switch: bool = False


def count(text: str) -> int:
    """Read a whole number from 0 on."""
    return _whole(text, 0)


def count_or_infinite(text: str) -> float:
    """Read a number of experiments, which may be infinite."""
    if text == "inf":
        return math.inf
    if not _WHOLE.fullmatch(text):
        message = (
            f"{text!r} is not a number of experiments: write 0 (baseline only) or more, or inf"
        )
        raise argparse.ArgumentTypeError(message)
    return int(text)


def at_least_one(text: str) -> int:
    """Read a whole number from 1 on."""
    return _whole(text, 1)


def dollars(text: str) -> float:
    """Read a positive amount of dollars, with or without the sign."""
    amount = text.strip().removeprefix("$")
    return positive(amount, "a positive amount of dollars; write for example 2.50", text)


def duration(text: str) -> float:
    """Read a time such as ``8h``, ``30m``, ``1d 12h`` or ``90`` (seconds), in seconds."""
    found = _DURATION.fullmatch(text.strip())
    if found is not None:
        days, hours, minutes, rest = (float(part or 0) for part in found.groups())
        total = 86400 * days + 3600 * hours + 60 * minutes + rest
        if 0 < total < math.inf:
            return total
    message = f"{text!r} is not a time: write for example 8h, 30m, 1h30m, or 90 for seconds"
    raise argparse.ArgumentTypeError(message)


def goal(text: str) -> Goal:
    """Read a value that a metric is to reach, such as ``latency<=5ms``."""
    found = _GOAL.fullmatch(text.strip())
    if found is None or math.isinf(float(found[3])):
        message = (
            f"{text!r} is no goal: write a metric, <= or >=, and a number with or without its "
            "unit, for example latency<=5ms"
        )
        raise argparse.ArgumentTypeError(message)
    metric, relation, value, unit = found.groups()
    return Goal(metric, relation == ">=", float(value), (unit or "").strip())


def at_least_two(text: str) -> int:
    """Read how often something is done: every second time, or less often."""
    return _whole(text, 2)


def edit_format(text: str) -> str:
    """Read how edits are written: by which models, and the format."""
    pattern, equals, name = text.rpartition("=")
    if name not in {"auto", "whole", "blocks"} or (equals and not pattern):
        message = (
            f"{text!r} is no edit format: write auto, whole or blocks, or PATTERN=FORMAT such as "
            "ollama:*=whole"
        )
        raise argparse.ArgumentTypeError(message)
    return text


def specs_of(line: str) -> list[str]:
    """Return the proposers of a line: several where each word looks like one, else the line.

    The arguments of ``command:CMD`` and a folder's name may hold blanks.
    """
    words = line.split()
    return words if words and all(map(_SPEC.fullmatch, words)) else [line]


def switched(text: str) -> bool:
    """Read yes or no as pytest's own ini keys do; nothing is no."""
    if text.lower() in {"1", "yes", "true", "on"}:
        return True
    if text.lower() in {"", "0", "no", "false", "off"}:
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def seconds(text: str) -> float:
    """Read a positive number of seconds."""
    return positive(text, "a positive number of seconds; write for example 60")


def fraction(text: str) -> float:
    """Read a relative change between 0 and 1."""
    value = positive(text, "a positive relative gain; write 0.01 for 1%")
    if value >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not below 1: write 0.01 for 1%")
    return value


def factor(text: str) -> float:
    """Read a gain as a factor such as ``1.1`` or ``1.1x``; what is no better is 1."""
    what = "a gain as a factor: write 1.1 for 10% better than at first"
    return positive(text.strip().removesuffix("x").removesuffix("×"), what, text)


def positive(text: str, what: str, written: str = "") -> float:
    """Read a positive number; `what` says what it should be, `written` how the user wrote it."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{(written or text)!r} is not {what}")
    return value


def _whole(text: str, least: int) -> int:
    if not _WHOLE.fullmatch(text) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
    return int(text)


def tag(text: str) -> str:
    """Read a name of a campaign."""
    if not _TAG.fullmatch(text):
        message = (
            f"{text!r} cannot name a campaign and its branch: use up to 100 letters, digits, "
            "dashes, underscores and dots, for example nov20"
        )
        raise argparse.ArgumentTypeError(message)
    return text


def choice(*names: str) -> Callable[[str], str]:
    """Return what reads one of some names."""

    def choose(text: str) -> str:
        if text not in names:
            message = f"{text!r} is none of {', '.join(names)}"
            raise argparse.ArgumentTypeError(message)
        return text

    return choose


def executor(text: str) -> str:
    """Read who runs tasks: processes here, a Dask cluster, or what a function returns."""
    kind, colon, rest = text.partition(":")
    counted = rest.removeprefix("local:") if kind == "dask" else rest
    if kind == "local" or (kind == "dask" and rest.partition(":")[0] in {"", "local"}):
        fits = not colon or rest == "local" or bool(_WHOLE.fullmatch(counted) and int(counted))
    else:
        fits = bool(rest)
    if not fits:
        message = (
            f"{text!r} names no executor: write local:4, dask:tcp://HOST:8786, dask:local:4, or "
            "package.module:factory"
        )
        raise argparse.ArgumentTypeError(message)
    return text


def rule(text: str) -> str:
    """Read the name of a decision rule, and its count."""
    kind, colon, count = text.partition(":")
    if text in {"sequential", "threshold", "strict"}:
        return text
    if kind == "batched" and (not colon or (count.isdecimal() and int(count) > 1)):
        return text
    message = f"{text!r} is no rule: write sequential, batched:K (K from 2), threshold or strict"
    raise argparse.ArgumentTypeError(message)


def rate(text: str) -> float:
    """Read a share between 0 and 1."""
    value = positive(text, "a positive share of false keeps; write 0.05 for 5%")
    if value >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not below 1: write 0.05 for 5%")
    return value
