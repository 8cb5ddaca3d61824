"""Options of a harness that is any command: what is run, and how its output is a score."""

from __future__ import annotations

import argparse
import keyword
import re
import shlex
from dataclasses import dataclass

from pytest_autoloop.option_types import Option, choice

#: What only a shell makes something of.
_SHELL = frozenset("();<>|&")
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
#: A bound behind a pattern, with blanks around it: ``allocs: (\d+) <= 500``.
_BOUND = re.compile(rf"(.*\S)\s+(<=|>=|<|>)\s+({_NUMBER})")
#: The beginning of a pattern that is a path into a JSON document.
JSON = "json:"


@dataclass(frozen=True, slots=True)
class Score:
    """How one number is found in what a command prints."""

    #: A regular expression, or a path into a JSON document behind `JSON`.
    pattern: str
    #: The metric's name where the pattern gives it; else empty.
    name: str = ""
    #: ``<=``, ``>=``, ``<`` or ``>``, and the bound; a score with one is held, not improved.
    relation: str = ""
    bound: float | None = None

    @property
    def path(self) -> str | None:
        """The path into a JSON document; None where a regular expression is looked for."""
        found = self.pattern.startswith(JSON)
        return self.pattern.removeprefix(JSON).strip() if found else None


def command(text: str) -> str:
    """Read a command line that is run without a shell."""
    try:
        words = shlex.split(text)
        parts = shlex.shlex(text, posix=False, punctuation_chars=True)
        parts.commenters = ""
        operator = next((part for part in parts if set(part) <= _SHELL), None)
    except ValueError as error:
        message = f"{text!r} is no command, {str(error).lower()}: close each quote"
        raise argparse.ArgumentTypeError(message) from None
    if not words:
        raise argparse.ArgumentTypeError("a command is missing: write a program and its arguments")
    if operator is not None:
        raise argparse.ArgumentTypeError(
            f"{text!r} has {operator!r}, and commands are run without a shell: quote it if it is "
            f"an argument, or write {shlex.join(['sh', '-c', text])}"
        )
    return text


def score(text: str) -> Score:
    r"""Read how a number is found: ``ns/op:\s+([\d.]+)``, ``json:results[0].mean``."""
    written = text.strip()
    bounded = _BOUND.fullmatch(written)
    pattern, relation = (bounded[1], bounded[2]) if bounded else (written, "")
    bound = float(bounded[3]) if bounded else None
    if pattern.startswith(JSON):
        path = pattern.removeprefix(JSON).strip()
        if not path:
            message = f"{text!r} has no path: write for example json:results[0].mean"
            raise argparse.ArgumentTypeError(message)
        last = re.findall(r"[A-Za-z_]\w*", path)
        return Score(pattern, _usable(last[-1] if last else ""), relation, bound)
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        message = f"{text!r} is no regular expression: {error}"
        raise argparse.ArgumentTypeError(message) from None
    if not compiled.groups:
        message = rf"{text!r} has no group: put ( ) around the number, as in 'time: ([\d.]+)'"
        raise argparse.ArgumentTypeError(message)
    named = list(compiled.groupindex)
    if len(named) > 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} names {', '.join(named)}: write one --autoloop-score for each"
        )
    if named and keyword.iskeyword(named[0]):
        message = f"{text!r} names a metric {named[0]}, which is a word of Python: rename the group"
        raise argparse.ArgumentTypeError(message)
    return Score(pattern, named[0] if named else "", relation, bound)


def _usable(name: str) -> str:
    return "" if keyword.iskeyword(name) else name


COMMAND_OPTIONS = (
    Option(
        "--autoloop-command",
        "Score what this command prints, in any language; it is run once for each measurement",
        "CMD",
        command,
        ini="autoloop_command",
    ),
    Option(
        "--autoloop-score",
        "What in the command's output is the score: a regular expression with a group, or "
        "json:PATH (default: a number in the last line); several are several metrics, and "
        "'PATTERN <= 500' is a bound",
        "PATTERN",
        score,
        ini="autoloop_score",
        many=True,
    ),
    Option(
        "--autoloop-direction",
        "Whether lower (default) or higher scores are better; one for all, or one for each",
        "NAME",
        choice("lower", "higher"),
        ini="autoloop_direction",
        many=True,
    ),
    Option(
        "--autoloop-unit",
        "Unit of the command's score; one for each, in their order",
        "UNIT",
        ini="autoloop_unit",
        many=True,
    ),
    Option(
        "--autoloop-guard-command",
        "A command that has to succeed with each candidate, as a test does",
        "CMD",
        command,
        ini="autoloop_guard_command",
        many=True,
    ),
    Option(
        "--autoloop-target",
        "The file that may change, where no fixture declares it; several are improved one after "
        "the other",
        "PATH",
        ini="autoloop_target",
        many=True,
    ),
)
