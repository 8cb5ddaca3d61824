"""Which items of a queue a campaign that goes on has tried already."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.screen import fingerprint
from pytest_autoloop.proposers.handed import known_as

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from pytest_autoloop.model import Experiment
    from pytest_autoloop.proposers.replay.candidates import Candidate


def digest(candidate: Candidate) -> str:
    """Return what tells an item from all others: its description and everything it changes."""
    whole = hashlib.sha256()
    words = (known_as(candidate.description).encode(), *(p.encode() for p in candidate.elsewhere))
    for part in (*words, candidate.content, candidate.diff or b""):
        whole.update(b"%d:" % len(part) + part)
    return whole.hexdigest()


def untried(
    queue: Sequence[Candidate], rows: Iterable[Experiment], handed: Collection[str]
) -> list[Candidate]:
    """Return the items that no row is about, in their order; a row is about one item at most.

    That is, first of all, the one with the row's description and content. A candidate that was
    merged onto the best has another content, and one that was refused may have none: then it is an
    item with that description that was handed out. At last it is one with that content that has
    been renamed.

    Args:
        queue: all items, of which none has been proposed in this session.
        rows: what was tried before and came from a queue.
        handed: digests of the items that were handed out; when none are known, any item with the
            description of a row has been.

    """
    left = dict(enumerate(queue))
    named = _index((known_as(candidate.description), place) for place, candidate in left.items())
    contents: dict[int, frozenset[str]] = {}

    def same(row: Experiment, place: int) -> bool:
        if place not in contents:
            contents[place] = _fingerprints(queue[place].content)
        return row.fingerprint in contents[place]

    def given(_: Experiment, place: int) -> bool:
        return not handed or digest(queue[place]) in handed

    def strike(row: Experiment, places: Iterable[int], holds: Callable[..., bool]) -> bool:
        found = next((one for one in places if one in left and holds(row, one)), None)
        return found is not None and left.pop(found) is not None

    unknown = list(rows)
    for holds in (same, given):
        unknown = [row for row in unknown if not strike(row, named.get(row.description, ()), holds)]
    if any(row.fingerprint for row in unknown):
        found = ((one, place) for place in left for one in _fingerprints(queue[place].content))
        printed = _index(found)
        for row in unknown:
            strike(row, printed.get(row.fingerprint, ()), lambda *_: True)
    return list(left.values())


def _fingerprints(content: bytes) -> frozenset[str]:
    """Return what rows may have for a content: whether layout counts is the campaign's affair."""
    return frozenset(fingerprint(content, program=program) for program in (False, True))


def _index(pairs: Iterable[tuple[str, int]] | Iterator[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for key, place in pairs:
        found.setdefault(key, []).append(place)
    return found
