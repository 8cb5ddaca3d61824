"""Divides what was kept into parts that have nothing to do with each other."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_autoloop.ablation import Kept

#: Unchanged lines from which on two changes merge without a conflict, whatever is merged first.
_APART = 3
_WORD = re.compile(rb"[^\W\d]\w*")
#: What is raised for no Python; the last two say that code is nested too deeply.
_NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of the first version that are replaced."""

    #: Counted from 0; `end` is not replaced.
    start: int
    end: int
    lines: tuple[bytes, ...]
    #: Experiments that had a part in it.
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Group:
    """Hunks that belong together, and apply to the first version without the others."""

    hunks: tuple[Hunk, ...]
    #: Experiments that had a part in them, in order.
    numbers: tuple[int, ...]


def independent(changes: Sequence[Kept], path: str) -> list[Group]:
    """Divide what some keeps made of a file into groups, in the order of the file.

    Two hunks belong together when an experiment changed both, or one rewrote in the first what
    another one had written that also changed the second; when they are so close that git could not
    merge them apart; or when both use a name that the first version of a Python file does not have.
    """
    if not changes:
        return []
    base, best = changes[0].before, changes[-1].after
    hunks, links = _traced(changes)
    groups = _Sets(range(len(hunks)))
    by_number: dict[int, int] = {}
    for index, hunk in enumerate(hunks):
        for number in hunk.numbers:
            groups.join(index, by_number.setdefault(number, index))
        if index and hunk.start - hunks[index - 1].end < _APART:
            groups.join(index, index - 1)
    for a, b in links:
        if a in by_number and b in by_number:
            groups.join(by_number[a], by_number[b])
    for users in _users(hunks, _new_names(base, best, path)):
        for index in users[1:]:
            groups.join(index, users[0])
    return [_group([hunks[index] for index in members]) for members in groups.sets()]


def joined(groups: Iterable[Group]) -> Group:
    """Return one group of several."""
    hunks = (hunk for group in groups for hunk in group.hunks)
    return _group(sorted(hunks, key=lambda hunk: (hunk.start, hunk.end)))


def patched(base: bytes, group: Group) -> bytes:
    """Return the first version with the hunks of a group."""
    lines = base.splitlines(keepends=True)
    for hunk in reversed(group.hunks):
        lines[hunk.start : hunk.end] = hunk.lines
    return b"".join(lines)


def _group(hunks: Sequence[Hunk]) -> Group:
    numbers = {number for hunk in hunks for number in hunk.numbers}
    return Group(tuple(hunks), tuple(sorted(numbers)))


def _traced(changes: Sequence[Kept]) -> tuple[list[Hunk], set[tuple[int, int]]]:
    """Follow each line of the first version through all keeps.

    Returns the hunks between the lines that are left, and which experiment rewrote what another
    one had written.
    """
    # A line with its number in the first version, or with minus the experiment's number.
    base = changes[0].before.splitlines(keepends=True)
    state = [(line, index) for index, line in enumerate(base)]
    removed: dict[int, int] = {}
    links: set[tuple[int, int]] = set()
    for kept in changes:
        after = kept.after.splitlines(keepends=True)
        matcher = SequenceMatcher(None, [line for line, _ in state], after, autojunk=False)
        now: list[tuple[bytes, int]] = []
        for kind, i, i_end, j, j_end in matcher.get_opcodes():
            if kind == "equal":
                now += state[i:i_end]
                continue
            for _, origin in state[i:i_end]:
                if origin < 0:
                    links.add((kept.number, -origin))
                else:
                    removed[origin] = kept.number
            now += [(line, -kept.number) for line in after[j:j_end]]
        state = now
    return list(_gaps(base, state, removed)), links


def _gaps(
    base: Sequence[bytes], state: Sequence[tuple[bytes, int]], removed: dict[int, int]
) -> Iterator[Hunk]:
    """Yield what stands between the lines of the first version that are left."""
    start, lines = 0, list[tuple[bytes, int]]()
    for line, origin in (*state, (b"", len(base))):
        if origin < 0:
            lines.append((line, -origin))
            continue
        if lines or origin > start:
            yield from _trimmed(base, start, origin, lines, removed)
        start, lines = origin + 1, []


def _trimmed(
    base: Sequence[bytes],
    start: int,
    end: int,
    lines: list[tuple[bytes, int]],
    removed: dict[int, int],
) -> Iterator[Hunk]:
    """Yield a hunk without the lines at its ends that were written again as they had been."""
    while lines and start < end and base[start] == lines[0][0]:
        start, lines = start + 1, lines[1:]
    while lines and start < end and base[end - 1] == lines[-1][0]:
        end, lines = end - 1, lines[:-1]
    if not lines and start == end:
        return
    numbers = {number for _, number in lines} | {removed[index] for index in range(start, end)}
    yield Hunk(start, end, tuple(line for line, _ in lines), frozenset(numbers))


def _users(hunks: Sequence[Hunk], names: set[bytes]) -> Iterator[list[int]]:
    """Yield the hunks that use each of some names."""
    words = [set(_WORD.findall(b"".join(hunk.lines))) for hunk in hunks]
    for name in sorted(names):
        users = [index for index, found in enumerate(words) if name in found]
        if users:
            yield users


def _new_names(base: bytes, best: bytes, path: str) -> set[bytes]:
    """Return what modules and classes name in the last version and no word of the first one is."""
    if not path.endswith((".py", ".pyi")):
        return set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(best)
        except _NO_PYTHON:
            return set()
    found = {name.encode() for name in _bound(tree)}
    return found - set(_WORD.findall(base))


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield names that other parts of a module can see; local ones are not among them."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        if isinstance(node, (ast.Module, ast.ClassDef)):
            for statement in node.body:
                yield from _assigned(statement)


def _assigned(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


class _Sets:
    """Joins numbers into sets."""

    def __init__(self, members: Iterable[int]) -> None:
        self._parents = {member: member for member in members}

    def join(self, a: int, b: int) -> None:
        a, b = sorted((self._root(a), self._root(b)))
        self._parents[b] = a

    def sets(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for member in self._parents:
            found.setdefault(self._root(member), []).append(member)
        return list(found.values())

    def _root(self, member: int) -> int:
        while self._parents[member] != member:
            member = self._parents[member]
        return member
