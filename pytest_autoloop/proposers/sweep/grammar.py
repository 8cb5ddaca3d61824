"""What a knob comment says: `int 1..64 step 8`, `float 1e-5..1e-1 log`, `choice a|b|c`, `bool`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

#: The largest whole number up to which floats, and so the samplers, are exact.
LARGEST = 2**53
#: How the kinds are written, for messages.
FORMS = "int 1..64, float 1e-5..1e-1 log, choice a|b|c or bool"
#: Longer ones are no numbers that anybody sweeps, and Python refuses to read them.
_DIGITS = 300
_INTEGER = re.compile(r"[+-]?\d+(?:_\d+)*", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?", re.ASCII
)
_RANGE = re.compile(r"\s*\.\.\s*")
#: A range, and perhaps a step and its value, and the word log.
_LONGEST = 4


class GrammarError(ValueError):
    """A knob comment that says nothing a sweep can use; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included.

    A range that is `mirrored` speaks of magnitudes: what stands in the file is negative.
    """

    kind: Literal["int", "float"]
    low: int | float
    high: int | float
    step: int | float | None = None
    log: bool = False
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Texts, one of which stands in the file."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Yes or no, in whichever words the file says it."""


Spec: TypeAlias = "Range | Choice"


def number(text: str) -> int | float | None:
    """Read a decimal number; None when the text is none, or not finite."""
    if _INTEGER.fullmatch(text) and len(text) <= _DIGITS:
        return int(text)
    if _DECIMAL.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return None


def parse(words: str) -> Range | Choice | Switch:
    """Read what follows `autoloop:` in a comment.

    Raises:
        GrammarError: it is malformed; the message says how.
    """
    kind, rest = [*words.split(maxsplit=1), "", ""][:2]
    rest = rest.strip()
    if kind == "int":
        return _range("int", rest)
    if kind == "float":
        return _range("float", rest)
    if kind == "choice":
        return _choice(rest)
    if kind == "bool":
        if rest:
            message = f"has {rest!r} after bool: write bool alone"
            raise GrammarError(message)
        return Switch()
    what = f"names the unknown kind {kind!r}" if kind else "names no kind"
    message = f"{what}: write {FORMS}"
    raise GrammarError(message)


def _range(kind: Literal["int", "float"], rest: str) -> Range:
    example = "int 1..64 step 8" if kind == "int" else "float 1e-5..1e-1 log"
    words = _RANGE.sub("..", rest).split()
    bounds = words[0].split("..", 1) if words else []
    if len(bounds) != 2:  # noqa: PLR2004 - a low and a high one
        message = f"has no range A..B: write for example {example}"
        raise GrammarError(message)
    low, high = (_bound(kind, bound, "bound") for bound in bounds)
    if low >= high:
        message = (
            f"has an empty range, {bounds[0]} is not below {bounds[1]}: write the smaller first"
        )
        raise GrammarError(message)
    if not math.isfinite(high - low):
        message = f"has the range {words[0]}, which is too wide: write smaller bounds"
        raise GrammarError(message)
    step, log = _modifiers(kind, words[1:], example)
    if log and low <= 0:
        message = f"has log with the bound {bounds[0]}: write bounds above 0, or leave out log"
        raise GrammarError(message)
    if log and step is not None:
        message = "has both step and log, which exclude each other: leave out one of them"
        raise GrammarError(message)
    if step is not None and (high - low) / step > LARGEST:
        message = f"has a step of {step:g} that is too small for its range: write a larger one"
        raise GrammarError(message)
    if step is not None:
        steps = (Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step))
        if steps < 1:
            message = f"has a step of {step:g} that is wider than its range: write a smaller one"
            raise GrammarError(message)
        # The samplers want a range that ends on a step.
        high = _typed(kind, Decimal(str(low)) + steps * Decimal(str(step)))
    return Range(kind, low, high, step, log)


def _bound(kind: Literal["int", "float"], text: str, what: str) -> int | float:
    value = number(text)
    if value is None or (kind == "int" and isinstance(value, float)):
        wanted = "whole number" if kind == "int" else "number"
        message = f"has the {what} {text!r}, which is no {wanted}: write digits"
        raise GrammarError(message)
    if abs(value) > LARGEST and kind == "int":
        message = f"has the {what} {text}: write whole numbers up to 2**53"
        raise GrammarError(message)
    return value if kind == "int" else float(value)


def _modifiers(
    kind: Literal["int", "float"], words: list[str], example: str
) -> tuple[int | float | None, bool]:
    step: int | float | None = None
    log = False
    rest = list(words[:_LONGEST])
    while rest:
        word = rest.pop(0)
        if word == "log" and not log:
            log = True
        elif word == "step" and step is None and rest:
            step = _bound(kind, rest.pop(0), "step")
            if step <= 0:
                message = f"has the step {step:g}: write one above 0"
                raise GrammarError(message)
        else:
            what = "no value after 'step'" if word == "step" and step is None else f"{word!r}"
            message = f"has {what} after its range: write for example {example}"
            raise GrammarError(message)
    return step, log


def _choice(rest: str) -> Choice:
    texts = tuple(text.strip() for text in _split(rest))
    if len(texts) < 2 or not all(texts):  # noqa: PLR2004 - less is no choice
        message = f"has {rest!r} to choose from: write at least two values as in choice a|b|c"
        raise GrammarError(message)
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        message = f"names the choice {twice!r} twice: leave out one of them"
        raise GrammarError(message)
    return Choice(texts)


def _split(text: str) -> list[str]:
    """Split at the bars that are not in quotes."""
    parts = [""]
    for piece in re.split(r"((?<!\w)\"(?:\\.|[^\"\\])*\"|(?<!\w)'(?:\\.|[^'\\])*'|\|)", text):
        if piece == "|":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _typed(kind: Literal["int", "float"], value: Decimal) -> int | float:
    return int(value) if kind == "int" else float(value)
