"""What options take: each function turns text into a value, or says what to write instead."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

#: What a proposer's spec looks like: a kind with an argument, or one that needs none.
_SPEC = re.compile(r"[a-z]+:\S+|rules|sweep|fixture|claude|codex|gemini|aider|opencode")

if TYPE_CHECKING:
    from collections.abc import Callable

#: A tag is part of a path and of a ref's name: no ".." and no end in "." or ".lock".
_TAG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$)){0,99}")


def count(text: str) -> int:
    """Read a number of experiments."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        message = f"{text!r} is not a number of experiments: write 0 (baseline only) or more"
        raise argparse.ArgumentTypeError(message)
    return number


def at_least_two(text: str) -> int:
    """Read how often something is done: every second time, or less often."""
    if not text.isdecimal() or int(text) < 2:  # noqa: PLR2004 - as the name says
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2 on")
    return int(text)


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


def positive(text: str, what: str) -> float:
    """Read a positive number; `what` says what else it would be."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value


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
