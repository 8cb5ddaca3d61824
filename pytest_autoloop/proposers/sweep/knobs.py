"""The knobs of a file: where they are, what they may be, and how values are written into them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.proposers.edits import clean_text
from pytest_autoloop.proposers.sweep import comments, grammar, lines, python, space
from pytest_autoloop.proposers.sweep.grammar import Choice, GrammarError, Range, Switch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_autoloop.proposers.sweep.document import Comment, Document, Reading, Slot
    from pytest_autoloop.proposers.sweep.grammar import Spec
    from pytest_autoloop.proposers.sweep.space import Value

#: Characters of a comment that a message quotes.
_QUOTED = 60
#: How far plain constants are searched, as a factor up and down.
_REACH = 4
#: Beyond it, four times a float may be infinite.
_LARGEST_FLOAT = 1e300


@dataclass(frozen=True, slots=True)
class Knob:
    """A value of a file that a sweep may change."""

    #: Unique in the file; with what surrounds it where a bare name is not.
    name: str
    #: Line of the value, counted from 1.
    line: int
    #: Bytes of the file that a new value replaces.
    start: int
    stop: int
    #: The present value as text, as it is written by `space.text_of`, and as a sampler has it.
    text: str
    value: Value
    spec: Spec
    #: Of the file.
    encoding: str = "utf-8"
    #: Whether a comment asks for it; a plain constant has a range that was guessed.
    marked: bool = True


def find(path: str, source: bytes, *, constants: bool = False) -> tuple[Knob, ...]:
    """Return the knobs of a file, in the order in which they stand there.

    Args:
        path: the file's path, which says how it is written.
        source: its content.
        constants: whether plain numbers are knobs too.

    Raises:
        UsageError: it cannot be read, or a knob comment is malformed or out of place.
    """
    found = _find(path, source, constants=constants)
    for knob in found:
        _prove(path, source, knob, found, constants=constants)
    return found


def write(source: bytes, values: Iterable[tuple[Knob, str]]) -> bytes:
    """Return a file with other values in its knobs; all other bytes stay as they are.

    Args:
        source: the content in which the knobs were found.
        values: knobs and the texts to write; the present text changes no byte.

    """
    content = source
    # From the end, so that what was replaced moves nothing that is still to be.
    for knob, text in sorted(values, key=lambda pair: pair[0].start, reverse=True):
        if text != knob.text:
            new = text.encode(knob.encoding, "surrogateescape")
            content = content[: knob.start] + new + content[knob.stop :]
    return content


def adopted(knob: Knob, spec: Spec) -> Knob:
    """Return a plain constant with the range that a study already has for it.

    Its own range was guessed from the present value, which the study may have changed.
    """
    number = grammar.number(knob.text)
    if knob.marked or number is None or not isinstance(spec, Range):
        return knob
    if spec.kind == "int" and isinstance(number, float):
        return knob
    signed = -number if spec.mirrored else number
    value = float(signed) if spec.kind == "float" else signed
    text = space.text_of(spec, value) if space.holds(spec, value) else knob.text
    return replace(knob, spec=spec, value=value, text=text)


def example(path: str) -> str:
    """Return an assignment with a knob comment, as it would stand in a file of this kind."""
    if _is_python(path):
        return python.read(b"").example
    return lines.read(b"", PurePosixPath(path).suffix.lower()).example


def _is_python(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in {".py", ".pyi", ".pyw"}


def _read(path: str, source: bytes) -> Reading:
    if not _is_python(path):
        return lines.read(source, PurePosixPath(path).suffix.lower())
    try:
        return python.read(source)
    except ValueError as error:
        message = f"cannot look for knobs in {path}, which Python cannot read: {error}; repair it"
        raise UsageError(message) from error


def _find(path: str, source: bytes, *, constants: bool) -> tuple[Knob, ...]:
    reading = _read(path, source)
    taken: dict[Slot, Knob] = {}
    for comment in reading.comments:
        words = comments.words(comment, reading.leaders)
        if words is None:
            if comments.is_meant(comment.text) or comments.is_foreign(comment.text):
                message = (
                    f"{path}:{comment.line}: the comment {clean_text(comment.text, _QUOTED)!r} is "
                    f"not understood: begin it with 'autoloop:', as in {reading.example}"
                )
                raise UsageError(message)
            continue
        try:
            slot, knob = _marked(comment, words, reading)
            if slot in taken:
                message = f"is a second one for {slot.name}: leave out one of them"
                raise GrammarError(message)  # noqa: TRY301 - told as every other fault
        except GrammarError as error:
            message = f"{path}:{comment.line}: the knob comment 'autoloop: {words}' {error}"
            raise UsageError(message) from error
        taken[slot] = knob
    if constants:
        for slot in reading.slots:
            plain = _constant(slot, reading.document) if slot.constant else None
            if plain is not None:
                taken.setdefault(slot, plain)
    return _named(sorted(taken.items(), key=lambda pair: pair[0].start))


def _marked(comment: Comment, words: str, reading: Reading) -> tuple[Slot, Knob]:
    spec = grammar.parse(words)
    line = comment.line + 1 if comment.alone else comment.line
    slot = _slot_for(spec, [slot for slot in reading.slots if slot.line == line], reading)
    if isinstance(spec, Range):
        return slot, _numeric(spec, slot, reading.document)
    if isinstance(spec, Switch):
        pair = next((pair for pair in reading.switches if slot.text in pair), None)
        if pair is None:
            wanted = " or ".join(reading.switches[0])
            message = f"is on {slot.name}, whose value {slot.text!r} is neither: write {wanted}"
            raise GrammarError(message)
        return slot, _knob(slot, slot.text, Choice(pair), reading.document)
    return slot, _chosen(spec, slot, reading.document)


def _slot_for(spec: Range | Choice | Switch, slots: list[Slot], reading: Reading) -> Slot:
    """Choose the assignment that a comment speaks of."""
    fitting = slots
    if len(slots) > 1 and isinstance(spec, Range):
        fitting = [slot for slot in slots if slot.number is not None] or slots[:1]
    elif len(slots) > 1:
        words = spec.texts if isinstance(spec, Choice) else sum(reading.switches, ())
        fitting = [slot for slot in slots if {slot.text, _content(slot)} & set(words)] or slots[:1]
    if not fitting:
        message = (
            "belongs to no assignment: write it at the end of the assignment's line, or alone on "
            f"the line above it, as in {reading.example}"
        )
        raise GrammarError(message)
    if len(fitting) > 1:
        names = ", ".join(slot.name for slot in fitting)
        message = f"may mean each of {names}: write every one of them on a line of its own"
        raise GrammarError(message)
    return fitting[0]


def _numeric(spec: Range, slot: Slot, document: Document) -> Knob:
    value = slot.number
    if value is None or (spec.kind == "int" and isinstance(value, float)):
        wanted = "whole number" if spec.kind == "int" else "number"
        message = f"is on {slot.name}, whose value {slot.text!r} is no {wanted}: write one there"
        raise GrammarError(message)
    if not spec.low <= value <= spec.high:
        message = (
            f"is on {slot.name}, whose value {slot.text} is not within {spec.low:.15g}.."
            f"{spec.high:.15g}: change the value or the range"
        )
        raise GrammarError(message)
    # A float knob may be written as a whole number.
    typed = value if spec.kind == "int" else float(value)
    if not space.holds(spec, typed):
        message = (
            f"is on {slot.name}, whose value {slot.text} is on no step of {spec.step:g} from "
            f"{spec.low:.15g}: write {space.text_of(spec, typed)} there, or change the step"
        )
        raise GrammarError(message)
    text = space.text_of(spec, typed)
    return _knob(slot, typed, spec, document, text=text)


def _chosen(spec: Choice, slot: Slot, document: Document) -> Knob:
    bare = not any(text.startswith(('"', "'")) for text in spec.texts)
    if slot.inside is not None and bare:
        content = _content(slot)
        if content in spec.texts:
            quotes = [text for text in spec.texts if re.search(r"[\"'\\]", text)]
            if quotes:
                message = f"has {quotes[0]!r}, which ends the string: write all choices in quotes"
                raise GrammarError(message)
            return _knob(slot, content, spec, document, inside=True)
    for text in spec.texts:
        if text == slot.text or (slot.inside and _unquoted(text) == _content(slot) and not bare):
            # The text in the file stands for the choice that is written with other quotes.
            return _knob(slot, text, spec, document)
    message = (
        f"is on {slot.name}, whose value {slot.text} is none of {' | '.join(spec.texts)}: "
        "change the value or add it to the choices"
    )
    raise GrammarError(message)


def _content(slot: Slot) -> str:
    """Return what the quotes of a value hold; empty where there are none."""
    if slot.inside is None:
        return ""
    start, stop = slot.inside
    return slot.text[start - slot.start : stop - slot.start]


def _unquoted(text: str) -> str | None:
    found = re.fullmatch(r"([\"'])(.*)\1", text)
    return found[2] if found else None


def _constant(slot: Slot, document: Document) -> Knob | None:
    """Make a knob of a plain number; None for one that is too large to search around."""
    value = slot.number
    largest = grammar.LARGEST / _REACH if isinstance(value, int) else _LARGEST_FLOAT
    if value is None or abs(value) > largest:
        return None
    magnitude = abs(value)
    if isinstance(value, int):
        low, high = (-(-magnitude // _REACH), magnitude * _REACH) if value else (-1, 1)
        spec = Range("int", low, high, mirrored=value < 0)
    elif magnitude < 1 / _LARGEST_FLOAT:
        # Zero, and what a quarter of it could not be told from.
        spec = Range("float", -1.0, 1.0)
        magnitude = value
    else:
        spec = Range("float", magnitude / _REACH, magnitude * _REACH, log=True, mirrored=value < 0)
    text = space.text_of(spec, magnitude)
    knob = _knob(slot, magnitude, spec, document, text=text)
    return replace(knob, marked=False)


def _knob(
    slot: Slot,
    value: Value,
    spec: Spec,
    document: Document,
    *,
    text: str = "",
    inside: bool = False,
) -> Knob:
    start, stop = slot.inside if inside and slot.inside else (slot.start, slot.stop)
    return Knob(
        name=slot.name,
        line=slot.line,
        start=document.offset(start),
        stop=document.offset(stop),
        text=text or str(value),
        value=value,
        spec=spec,
        encoding=document.encoding,
    )


def _named(found: Sequence[tuple[Slot, Knob]]) -> tuple[Knob, ...]:
    """Give knobs of the same name qualified ones, and numbers where those are the same too."""
    names = Counter(slot.name for slot, _ in found)
    seen: Counter[str] = Counter()
    knobs = []
    for slot, knob in found:
        name = slot.name if names[slot.name] == 1 else ".".join((*slot.scope, slot.name))
        seen[name] += 1
        knobs.append(replace(knob, name=name if seen[name] == 1 else f"{name}#{seen[name]}"))
    return tuple(knobs)


def _prove(path: str, source: bytes, knob: Knob, found: Sequence[Knob], *, constants: bool) -> None:
    """See that each choice can be read back, so that none breaks the file.

    Raises:
        UsageError: one cannot.
    """
    if not isinstance(knob.spec, Choice):
        return
    names = [one.name for one in found]
    for text in knob.spec.texts:
        content = write(source, [(knob, text)])
        try:
            again = _find(path, content, constants=constants)
        except UsageError:
            again = ()
        read = {one.name: one.text for one in again}
        if [one.name for one in again] != names or read[knob.name] != text:
            message = (
                f"{path}:{knob.line}: the choice {text} of the knob {knob.name} cannot stand where "
                f"{knob.text} stands: write choices that are values of the file's language"
            )
            raise UsageError(message)
