"""Reads improve.md, and a program.md of its form, as configuration.

The fields are those of files that other loops read; `TABLE` says what each is here.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.command_options import JSON, score
from pytest_autoloop.commanded import sections
from pytest_autoloop.commanded.limits import limits, time_of
from pytest_autoloop.commanded.paths import is_there, listed, targets
from pytest_autoloop.commanded.scores import DEFAULT_NAME
from pytest_autoloop.errors import UsageError
from pytest_autoloop.option_table import DEFAULT_PROGRAM
from pytest_autoloop.settings import Written

if TYPE_CHECKING:
    from pathlib import Path

#: The file that is found by itself.
IMPROVE = "improve.md"
#: Ini keys by section and name of a field; what is empty is known and needs nothing here.
TABLE: dict[str, dict[str, str]] = {
    "change": {
        **dict.fromkeys(("file", "files", "path", "paths", "scope", "target"), "autoloop_target"),
        **dict.fromkeys(("exclude", "off limits"), "exclude"),
        **dict.fromkeys(("context", "read only"), ""),
    },
    "check": {
        **dict.fromkeys(("run", "command", "benchmark", "measure"), "autoloop_command"),
        **dict.fromkeys(("test", "tests", "guard command"), "autoloop_guard_command"),
        "guard": "guard",
        **dict.fromkeys(("score", "metric"), "autoloop_score"),
        **dict.fromkeys(("goal", "direction"), "autoloop_direction"),
        "unit": "autoloop_unit",
        **dict.fromkeys(("keep if equal", "keep equal"), "autoloop_simplify"),
        "timeout": "autoloop_timeout",
        "min gain": "autoloop_min_gain",
        **dict.fromkeys(("test files", "eval files"), ""),
    },
    "stop": {
        **dict.fromkeys(("budget", "time", "max time", "time budget"), "autoloop_max_time"),
        **dict.fromkeys(("cost", "max cost"), "autoloop_max_cost"),
        **dict.fromkeys(
            ("rounds", "iterations", "experiments", "max rounds", "max iterations"), "rounds"
        ),
        **dict.fromkeys(("max experiments", "stop after", "after"), "rounds"),
        **dict.fromkeys(("target", "target score", "goal"), "autoloop_until"),
        **dict.fromkeys(("stale", "patience", "failures", "no gain"), "autoloop_patience"),
        **dict.fromkeys(("crashes", "max crashes"), "autoloop_max_crashes"),
    },
}
#: Anything that a shell would make something of.
_SHELL = re.compile(r"[|&;<>()$`*?~{}\n]|^\w+=")
_JQ = re.compile(r"""(?:jq:?\s+)?['"]?\.([A-Za-z_][\w.\[\]-]*)['"]?""")
_VALUE = "{value}"
_HIGHER, _LOWER = ("high", "max", "up", "more"), ("low", "min", "down", "less")


@dataclass(slots=True)
class ImproveFile:
    """What such a file says."""

    path: Path
    #: Its name below pytest's root directory.
    name: str
    #: Values by ini key, as `settings.WRITTEN` has them.
    values: dict[str, tuple[Written, ...]] = field(default_factory=dict)
    #: Number of experiments after which to stop; None where it says nothing.
    rounds: Written | None = None
    #: What was not understood, a sentence each.
    unknown: list[str] = field(default_factory=list)
    #: What a proposer is told.
    instructions: str = ""
    #: Ini keys that command line or ini file have given, so that nothing here counts for them.
    given: frozenset[str] = frozenset()

    def told(self) -> list[str]:
        """Return lines for the head of a session: what was read."""
        # A command may have several lines.
        shown = {
            key: " | ".join(" ".join(one.text.split()) for one in found)
            for key, found in self.values.items()
            if key != "autoloop_program"
        }
        parts = [
            f"{key.removeprefix('autoloop_').replace('_', ' ')} {said}"
            for key, said in shown.items()
        ]
        parts += [f"rounds {self.rounds.text}"] if self.rounds is not None else []
        parts += ["instructions"] if self.instructions else []
        # Warnings come when the session has ended, which is too late for one that runs all night.
        return [
            f"autoloop: {self.name}: {' · '.join(parts)}",
            *(f"autoloop: not read: {line}" for line in self.unknown),
        ]


def find(root: Path, chosen: str | None, given: frozenset[str] = frozenset()) -> ImproveFile | None:
    """Read the file that configures a session.

    Args:
        root: pytest's root directory.
        chosen: the standing orders that command line or ini name; None where they name none, and
            improve.md is looked for, then program.md.
        given: ini keys of what command line or ini file say: nothing is read of them.

    Returns:
        None where there is no such file, or it holds standing orders alone.

    Raises:
        UsageError: it cannot be read as text, or a value in it is not what its field takes.
    """
    for name in (chosen,) if chosen else (IMPROVE, DEFAULT_PROGRAM):
        path = root / name
        if path.is_file():
            found = read(path, name, root, given)
            if found is not None:
                return found
    return None


def read(path: Path, name: str, root: Path, given: frozenset[str]) -> ImproveFile | None:
    """Read one file; None where its headings are not of this form.

    Raises:
        UsageError: it is no text, or a value in it is not what its field takes.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text ({error}): save it as that") from None
    taken = sections.read(text)
    if not is_configuration(taken):
        return None
    found = ImproveFile(path, name, instructions=taken.instructions, given=given)
    excluded = [
        value
        for one in taken.fields.get("change", ())
        if TABLE["change"].get(one.name) == "exclude"
        for value in listed(one.values)
    ]
    for section, fields in taken.fields.items():
        for one in sections.unfenced(fields):
            _note(found, section, one, root, excluded)
    for title, line in taken.others:
        if title == "agent":
            found.unknown.append(
                f"{name}:{line}: the section Agent is not read: name who proposes with "
                "--autoloop-proposer"
            )
    _finish(found)
    if found.instructions:
        found.values["autoloop_program"] = (Written(name, f"{name} (Instructions)"),)
    return found


def is_configuration(taken: sections.Sections) -> bool:
    """Tell whether a file is more than standing orders: Change or Check has a field that is known.

    Any text may have such a heading.
    """
    return any(
        one.name in TABLE[section]
        for section in ("change", "check")
        for one in sections.unfenced(taken.fields.get(section, []))
    )


def orders(text: str) -> str:
    """Return what a proposer is told of standing orders: of a configuration the instructions."""
    taken = sections.read(text)
    return taken.instructions if is_configuration(taken) else text


def same_configuration(before: str, after: str) -> bool:
    """Tell whether two versions of a file configure the same; their instructions may differ."""

    def said(text: str) -> list[tuple[str, str, list[str]]]:
        fields = sections.read(text).fields
        return [(part, f.name, f.values) for part, found in fields.items() for f in found]

    return said(before) == said(after)


def _note(
    found: ImproveFile, section: str, one: sections.Field, root: Path, excluded: list[str]
) -> None:
    """Take one field into account."""
    place = f"{found.name}:{one.line}" + (f" ({one.name})" if one.name else "")
    key = TABLE[section].get(one.name)
    if not one.name:
        key = _nameless(section, one, root)
    if key is None:
        # The usual name of each: others are for files that were written for another loop.
        usual = {to or name: name for name, to in reversed(TABLE[section].items())}
        known = ", ".join(reversed(usual.values()))
        what = f"{one.name!r} is no field" if one.name else f"{' '.join(one.values)!r} is not read"
        near = difflib.get_close_matches(one.name, TABLE[section], n=1)
        meant = f"did you mean {near[0]}?" if near else f"its fields are {known}"
        found.unknown.append(f"{found.name}:{one.line}: {what} of {section.title()}; {meant}")
        return
    if key == "autoloop_target" and key not in found.given:
        _add(found, key, place, *targets(root, listed(one.values), excluded, place))
    elif section == "check" and key:
        _check(found, key, one, place)
    elif section == "stop":
        for value in one.values:
            _stop(found, key, value, place)


def _check(found: ImproveFile, key: str, one: sections.Field, place: str) -> None:
    """Take a field of the section Check into account.

    Raises:
        UsageError: a direction is none.
    """
    values = ["\n".join(one.values)] if one.fenced else one.values
    for value in values:
        ours, text = key, value
        if key == "guard":
            ours = "autoloop_score" if _is_bound(value) else "autoloop_guard_command"
        if ours in {"autoloop_command", "autoloop_guard_command"}:
            text = _command(value)
        elif ours == "autoloop_score":
            text = _pattern(value)
        elif ours == "autoloop_direction":
            text = _direction(value, place)
        elif ours == "autoloop_timeout":
            text = time_of(value)
        _add(found, ours, place, text)


def _add(found: ImproveFile, key: str, place: str, *texts: str) -> None:
    written = tuple(Written(text, place) for text in texts)
    if written and key not in found.given:
        found.values[key] = (*found.values.get(key, ()), *written)


def _nameless(section: str, one: sections.Field, root: Path) -> str | None:
    """Return what a line without a name is: a path, a fenced command, a limit; None for prose."""
    text = " ".join(one.values)
    if section == "change":
        return (
            "autoloop_target" if all(is_there(root, path) for path in listed(one.values)) else None
        )
    if section == "check":
        return "autoloop_command" if one.fenced else None
    return next((key for key, _ in limits(text)), None)


def _command(text: str) -> str:
    """Return a command line that needs no shell: what was written for one is given to `sh`."""
    if "\n" in text.strip():
        return shlex.join(["sh", "-e", "-c", text.strip()])
    return shlex.join(["sh", "-c", text]) if _SHELL.search(text) else text


def _pattern(text: str) -> str:
    """Return a pattern from one of three ways to write it: regex, ``SCORE: {value}``, jq's path."""
    if _VALUE in text:
        before, _, after = text.partition(_VALUE)
        return rf"{re.escape(before)}([-+.\deE]+){re.escape(after)}"
    path = _JQ.fullmatch(text)
    return f"{JSON}{path[1]}" if path is not None else text


def _is_bound(text: str) -> bool:
    try:
        return score(_pattern(text)).bound is not None
    except argparse.ArgumentTypeError:
        return False


def _direction(text: str, place: str) -> str:
    """Return lower or higher, whatever words it was written in.

    Raises:
        UsageError: neither is meant.
    """
    lower = text.lower()
    for name, words in (("higher", _HIGHER), ("lower", _LOWER)):
        if lower.startswith(words):
            return name
    raise UsageError(f"{place}: {text!r} is no direction: write lower or higher")


def _stop(found: ImproveFile, key: str, value: str, place: str) -> None:
    """Take a limit into account, by what it says more than by what it is called.

    Raises:
        UsageError: a number of rounds is none.
    """
    meant, text = next(limits(value), (key, value))
    # A number alone is what its field is for: a time in seconds, a count, a value of the score.
    if meant == "rounds" and value.strip().replace(".", "").isdigit():
        meant, text = key, value
    if key == "autoloop_until":
        meant, text = key, value
    if meant == "rounds":
        if not text.strip().isdigit() or not int(text):
            raise UsageError(f"{place}: {value!r} is no number of rounds: write for example 50")
        found.rounds = Written(text.strip(), place)
        return
    _add(found, meant, place, text)


def _finish(found: ImproveFile) -> None:
    """Say which metric a value is to be reached by, now that its name is known."""
    until = found.values.get("autoloop_until")
    if until is None or re.search(r"[<>]=", until[-1].text):
        return
    directions = found.values.get("autoloop_direction")
    relation = ">=" if directions and directions[0].text == "higher" else "<="
    name = DEFAULT_NAME
    for one in found.values.get("autoloop_score", ()):
        try:
            read_score = score(one.text)
        except argparse.ArgumentTypeError:
            break
        if read_score.bound is None:
            name = read_score.name or name
            break
    plain = re.sub(r"^[<>]\s*", "", until[-1].text)
    found.values["autoloop_until"] = (Written(f"{name}{relation}{plain}", until[-1].place),)
