"""A loop on landscapes with a known optimum: what a strategy finds, without running any program.

A point has a few coordinates, and a proposal is one step along one of them, or a step that breaks
the program. Heights are log gains over the baseline. The loop decides as a campaign does.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.history.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Status
    from pytest_autoloop.search.base import SearchStrategy, Start

Point: TypeAlias = tuple[int, ...]
#: Log gain of one step up.
STEP = 0.02
#: Shares of proposals from a broken point that mend it, and of those of a point tried before that
#: come in the same words again.
MENDED, SAME = 0.5, 0.5
#: Heights along the coordinate that holds the optimum behind a valley.
VALLEY = (0, -2, -1, 1, 3, 6)


@dataclass(frozen=True, slots=True)
class Landscape:
    """All points from zero, the baseline, to a last value of each coordinate, and their heights."""

    name: str
    last: tuple[int, ...]
    #: Height in steps.
    steps: Callable[[Point], int]
    #: Share of proposals that break the program.
    broken: float = 0.15

    def height(self, point: Point) -> float:
        """Return the log gain over the baseline."""
        return STEP * self.steps(point)

    @property
    def optimum(self) -> float:
        """The greatest height."""
        points = itertools.product(*(range(last + 1) for last in self.last))
        return max(map(self.height, points))


def _valley(point: Point) -> int:
    return sum(point[:3]) + VALLEY[point[3]]


def _fork(point: Point) -> int:
    trap, route = point[3], point[4]
    return sum(point[:3]) + trap + VALLEY[route] - 3 * trap * (route > 0)


#: Every way leads up to the optimum.
PLAIN = Landscape("plain", (4, 4, 4), sum)
#: The same, where most proposals break something.
FRAGILE = Landscape("fragile", (4, 4, 4), sum, broken=0.7)
#: The optimum lies behind a valley that can be crossed from everywhere: two steps that are worse
#: than where one stands, then better ones.
DECEPTIVE = Landscape("valley", (4, 4, 4, 5), _valley)
#: The same, but a gain that is near at the baseline makes the valley three times as deep for each
#: of its steps, so that going back is the short way.
FORK = Landscape("fork", (4, 4, 4, 2, 5), _fork)


@dataclass(frozen=True, slots=True)
class _Candidate:
    point: Point
    broken: bool = False


@dataclass(slots=True)
class Loop:
    """A campaign on a landscape; `workers` proposals are under way before the first is judged."""

    landscape: Landscape
    strategy: SearchStrategy
    seed: int
    workers: int = 1
    rows: list[Row] = field(init=False)
    starts: dict[int, Start] = field(init=False, default_factory=dict)
    _known: dict[str, _Candidate] = field(init=False)
    _tried: set[Point] = field(init=False)
    _asked: deque[int] = field(init=False, default_factory=deque)
    _best: str = field(init=False, default="c0")
    _optimum: float = field(init=False)

    def __post_init__(self) -> None:
        self._optimum = self.landscape.optimum
        origin = (0,) * len(self.landscape.last)
        self.rows = [Row(0, "baseline", "", "c0", "", None, "improve", "")]
        self._known = {"c0": _Candidate(origin)}
        self._tried = {origin}

    @property
    def best(self) -> float:
        """Height of the best so far."""
        return self.height(self._best)

    @property
    def arrived(self) -> bool:
        """Whether the optimum was reached."""
        return self.best >= self._optimum

    def run(self, experiments: int) -> Loop:
        """Go on until so many experiments have ended."""
        while len(self.rows) <= experiments:
            while len(self._asked) < self.workers:
                number = len(self.rows) + len(self._asked)
                self.starts[number] = self.strategy.start(number, self.rows)
                self._asked.append(number)
            number = self._asked.popleft()
            self.rows.append(self._judged(number, self.starts[number]))
        return self

    def height(self, commit: str) -> float:
        """Return how high a candidate is."""
        return self.landscape.height(self._known[commit].point)

    def _judged(self, number: int, start: Start) -> Row:
        """Decide as a campaign does."""
        chance = random.Random(f"{self.seed}:{number}:proposal")
        candidate = self._proposal(self._known[start.commit], chance)
        commit = f"c{number}"
        self._known[commit] = candidate

        def row(status: Status, reason: str = "", log_gain: float | None = None) -> Row:
            return Row(number, status, reason, commit, start.commit, log_gain, start.why, "")

        if candidate.broken:
            return row("crash") if chance.random() < 0.2 else row("discard", "guard")
        if candidate.point in self._tried and chance.random() < SAME:
            return row("discard", "duplicate")
        self._tried.add(candidate.point)
        gain = self.height(commit) - self.best
        if gain > 0:
            self._best = commit
            return row("keep", "", gain)
        better = self.height(commit) > self.height(start.commit)
        if start.stays == "any" or (start.stays == "better" and better):
            return row("explore", "", gain)
        return row("discard", "no-gain", gain)

    def _proposal(self, parent: _Candidate, chance: random.Random) -> _Candidate:
        """Return what is one step from its parent, or mends it."""
        if parent.broken:
            return _Candidate(parent.point, broken=chance.random() > MENDED)
        near = [
            (*parent.point[:at], value, *parent.point[at + 1 :])
            for at, last in enumerate(self.landscape.last)
            for value in (parent.point[at] - 1, parent.point[at] + 1)
            if 0 <= value <= last
        ]
        return _Candidate(chance.choice(near), broken=chance.random() < self.landscape.broken)
