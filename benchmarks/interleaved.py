"""Sessions, a loop of pytest processes and the floor, in turns, on the same candidates."""

from __future__ import annotations

import itertools
import math
import shutil
import statistics
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.costs import Block, Candidate, Cost, Floor, naive, session
from benchmarks.small_projects import SmallProject, last_guards
from benchmarks.workers import interval

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.costs import Setting
    from benchmarks.small_projects import Fate, Kind, Score

#: Runs of the loop of processes and of the floor in each round, of each fate.
_NAIVE, _FLOOR = 2, 8


@dataclass(frozen=True, slots=True)
class Variant:
    """A kind of experiment, and how the session is started."""

    name: str
    fate: Fate
    score: Score = "clock"
    #: Whether all candidates fail the same guard, instead of another each.
    same: bool = False
    arguments: tuple[str, ...] = ()
    #: Experiments of a session, however many are asked for: for those that take long.
    most: int = 10**6

    def block(self, project: SmallProject, count: int, versions: Iterator[int]) -> Block:
        """Return candidates of this kind."""
        count = min(count, self.most)
        guards = last_guards(project, count)
        if self.same:
            guards = [project.guards - 1] * count
        contents = [project.content(next(versions), self.fate, guard) for guard in guards]
        return Block(self.name, [Candidate(content, self.fate) for content in contents])


LAST = Variant("rejected by another guard each", "guard")
NO_GAIN = Variant("rejected, no gain (exact metric)", "no-gain", "exact")
KEPT = Variant("kept (exact metric)", "keep", "exact")
#: What is printed for each number of guards, and what else for the usual one.
COMMON = (LAST, NO_GAIN, KEPT)
ALL = (
    Variant("rejected by the same guard", "guard", same=True),
    *COMMON,
    Variant("rejected, no gain (benchmark)", "timed", most=1),
    Variant("another guard each, sandbox off", "guard", arguments=("--autoloop-sandbox", "off")),
    Variant(
        "another guard each, spawn", "guard", arguments=("--autoloop-launcher", "spawn"), most=4
    ),
)
#: Where a loop of processes takes as long as for another fate.
_LIKE: dict[Fate, Fate] = {"timed": "no-gain"}


@dataclass(slots=True)
class Found:
    """What the rounds have found for one variant."""

    ours: list[Cost] = field(default_factory=list)
    #: Child sessions of each experiment: its guards, and each turn of its pairs.
    sessions: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared, and how often."""

    kind: Kind
    guards: int
    variants: tuple[Variant, ...]
    rounds: int
    #: Experiments of each variant in a session.
    count: int

    def groups(self) -> list[list[Variant]]:
        """Return the variants of each session."""
        found: dict[tuple[Score, tuple[str, ...]], list[Variant]] = {}
        for variant in self.variants:
            found.setdefault((variant.score, variant.arguments), []).append(variant)
        return list(found.values())

    def fates(self) -> dict[Fate, Score]:
        """Return the fates that the loop of processes has to judge, and the project's score."""
        return {_LIKE.get(one.fate, one.fate): one.score for one in self.variants}


@dataclass(slots=True)
class Comparison:
    """All rounds with one project."""

    plan: Plan
    setting: Setting
    place: Path
    found: dict[Variant, Found] = field(default_factory=dict)
    #: By fate, the medians of each round.
    naive: dict[Fate, list[Cost]] = field(default_factory=dict)
    floor: dict[Fate, list[Cost]] = field(default_factory=dict)
    #: Seconds in test functions, called directly.
    own: list[float] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    _versions: Iterator[int] = field(default_factory=partial(itertools.count, 1))

    def run(self, draw: random.Random) -> None:
        """Run all, in every round in an order that is drawn."""
        fates = self.plan.fates()
        plain = {score: self._project(f"plain-{score}", score) for score in set(fates.values())}
        lowest = self._project("floor", "clock")
        with closing(Floor(lowest)) as floor:
            for _ in range(self.plan.rounds):
                theirs: dict[Fate, list[Cost]] = {fate: [] for fate in fates}
                least: dict[Fate, list[Cost]] = {fate: [] for fate in fates}
                work: list[Callable[[], None]] = [
                    partial(self._session, group) for group in self.plan.groups()
                ]
                for fate, score in fates.items():
                    work += [partial(self._naive, theirs[fate], plain[score], fate)] * _NAIVE
                    work.append(partial(self._floor, least[fate], floor, lowest, fate))
                for one in draw.sample(work, len(work)):
                    one()
                for fate in fates:
                    self.naive.setdefault(fate, []).append(middle(theirs[fate]))
                    self.floor.setdefault(fate, []).append(middle(least[fate]))
        for project in (*plain.values(), lowest):
            shutil.rmtree(project.folder)

    def _project(self, name: str, score: Score) -> SmallProject:
        plan = self.plan
        folder = self.place / f"{name}-{plan.kind}-{plan.guards}-{next(self._versions)}"
        return SmallProject(folder, plan.kind, plan.guards).write(score)

    def _session(self, variants: Sequence[Variant]) -> None:
        project = self._project("session", variants[0].score)
        blocks = [variant.block(project, self.plan.count, self._versions) for variant in variants]
        done = session(project, blocks, self.setting, *variants[0].arguments)
        # Behind the baseline and the candidate that warms up.
        rows = iter(done.rows[2:])
        for variant, block in zip(variants, blocks, strict=True):
            found = self.found.setdefault(variant, Found())
            found.ours.append(done.costs[block.name])
            for row in itertools.islice(rows, len(block.candidates)):
                found.sessions.append(1 + sum(len(pair["turns"]) for pair in row["pairs"]))
                self.modes.add(row["assurance"])
        shutil.rmtree(project.folder)

    def _candidate(self, project: SmallProject, fate: Fate) -> Candidate:
        return Candidate(project.content(next(self._versions), fate), fate)

    def _naive(self, costs: list[Cost], project: SmallProject, fate: Fate) -> None:
        costs.append(naive(project, self._candidate(project, fate), self.setting))

    def _floor(self, costs: list[Cost], floor: Floor, project: SmallProject, fate: Fate) -> None:
        for _ in range(_FLOOR):
            cost, own = floor.run(self._candidate(project, fate))
            costs.append(cost)
            self.own.append(own)


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the medians."""
    return Cost(
        statistics.median(cost.wall for cost in costs), statistics.median(c.cpu for c in costs)
    )


# Tables --------------------------------------------------------------------------------------


def table(comparison: Comparison) -> list[str]:
    """Return one line for each variant."""
    plan = comparison.plan
    own = 1000 * statistics.median(comparison.own)
    what = {"tiny": "tiny project", "heavy": "numpy/pandas project"}[plan.kind]
    mode = " and ".join(sorted(comparison.modes))
    lines = [
        f"{what}, {plan.guards} guards + 1; {mode}; net is gross less {own:.2f} ms in its tests",
        _line("", "child", ("ms wall", ""), ("ms CPU", ""), ("(a) ms", ""), ("(a) / ours", "")),
        _line(
            "",
            "sess.",
            ("gross", "net"),
            ("gross", "net"),
            ("wall", "CPU"),
            ("by wall [95%]", "by CPU [95%]"),
            least="ours / (b)",
        ),
    ]
    for variant in plan.variants:
        one, fate = comparison.found[variant], _LIKE.get(variant.fate, variant.fate)
        plain = comparison.naive[fate]
        ours, theirs, least = map(middle, (one.ours, plain, comparison.floor[fate]))
        wall, cpu = 1000 * ours.wall, 1000 * ours.cpu
        lines.append(
            _line(
                variant.name,
                f"{statistics.fmean(one.sessions):.1f}",
                (f"{wall:.1f}", f"{wall - own:.1f}"),
                (f"{cpu:.1f}", f"{cpu - own:.1f}"),
                (f"{1000 * theirs.wall:.0f}", f"{1000 * theirs.cpu:.0f}"),
                (
                    ratio([c.wall for c in plain], [c.wall for c in one.ours]),
                    ratio([c.cpu for c in plain], [c.cpu for c in one.ours]),
                ),
                least=f"{ours.wall / least.wall:.1f} {ours.cpu / least.cpu:.1f}",
            )
        )
    if {NO_GAIN, KEPT} <= comparison.found.keys():
        kept, not_kept = (middle(comparison.found[variant].ours) for variant in (KEPT, NO_GAIN))
        more = (1000 * (kept.wall - not_kept.wall), 1000 * (kept.cpu - not_kept.cpu))
        cells = [(f"{value:+.1f}", "") for value in more]
        lines.append(_line("a keep beyond a no-gain", "", *cells, ("", ""), ("", "")))
    return lines


def _line(name: str, sessions: str, *cells: tuple[str, str], least: str = "") -> str:
    """Return a line of the table: wall, CPU, those of (a), ratios to it, ratios to (b)."""
    wall, cpu, theirs, ratios = cells
    return (
        f"{name:<33}{sessions:>6} {wall[0]:>8}{wall[1]:>8} {cpu[0]:>8}{cpu[1]:>8} "
        f"{theirs[0]:>6}{theirs[1]:>6}  {ratios[0]:<21}{ratios[1]:<21}{least}"
    ).rstrip()


def ratio(above: Sequence[float], below: Sequence[float]) -> str:
    """Return the geometric mean of the rounds' ratios, with its 95% interval."""
    mean, low, high = interval([a / b for a, b in zip(above, below, strict=True)])
    return f"{mean:.2f} [unknown]" if math.isinf(high) else f"{mean:.2f} [{low:.2f}, {high:.2f}]"
