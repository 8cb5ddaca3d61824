"""Kills real campaigns with SIGKILL, takes them up with the same command, and looks what is lost.

python benchmarks/kills.py [--seed N] [--instants 200] [--boundaries 0|1] [--lanes 2]

boundaries  a session is killed at every boundary of writing that an uncut campaign was seen to
            pass (tests/kills/boundaries.py): those up to its baseline, and those that it passes
            once, in a new campaign each; the others one after another in two campaigns. The
            session that goes on is often killed, too, at one of its own first boundaries.
instants    200 at random, after the start or after the baseline, with one worker, with two and
            with two targets; half of them kill the whole process group.

Every campaign is then finished, and compared with an uncut one: rows, numbers, table, branch, refs,
answers, checkouts, temporary directory, processes, locks, and the user's own files.

Time on two cores, with --lanes 3: about 15 minutes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.kills.scene import Scene, staged  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Work: TypeAlias = "tuple[str, Callable[[], Tally]]"
#: What is told of a thing that was mended, and what it is called in the table.
MENDED = {
    "torn line": "unfinished line",
    "branch": "is now at",
    "answer": "was recorded already",
    "ref without an answer": "neither an experiment nor an answer",
    "table": "is written anew",
    "lock of a ref": "its lock is removed",
}
#: Boundaries of a session that goes on, of which one is drawn.
_FIRST = 24
#: Experiments in which a boundary is reached, if it is at all.
_MOST = 4
#: Ideas in the queue of one campaign, and kills that it gets.
_IDEAS, _KILLS = 24, 17
#: Seconds up to a kill, after the start and after the baseline.
_EARLY, _LATE = 4.0, 2.5


@dataclass
class Tally:
    """What one kind of kills came to."""

    kills: int = 0
    too_late: int = 0
    experiments: int = 0
    again: int = 0
    seconds: float = 0.0
    mended: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def told(self, scene: Scene) -> None:
        """Take note of what a session said of the one before it."""
        for name, words in MENDED.items():
            self.mended[name] += scene.output.count(words)

    def add(self, other: Tally) -> None:
        """Add what other campaigns of the same kind came to."""
        for name in ("kills", "too_late", "experiments", "again", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.mended += other.mended
        self.violations += other.violations


def finished(scene: Scene, tally: Tally, name: str) -> Tally:
    """Finish a campaign and count what it is."""
    tally.again += len(scene.pending)
    violations = scene.finish()
    tally.told(scene)
    found = [f"{name} in {scene.temporary.parent}: {one}" for one in violations]
    print(*found, sep="\n", end="\n" if found else "", flush=True)
    tally.violations += found
    tally.experiments += sum(row["status"] != "baseline" for row in scene.journal)
    return tally


def at_instants(place: Path, seed: int, *more: str, targets: int = 1) -> Tally:
    """Kill one campaign at random instants."""
    began, chance = time.monotonic(), random.Random(seed)
    scene = staged(place, _IDEAS, *more, targets=targets)
    tally = Tally()
    while tally.kills < _KILLS and len(scene.journal) < len(scene.expected):
        late = chance.random() < 0.7  # noqa: PLR2004
        seconds = chance.uniform(0.0, _LATE if late else _EARLY)
        tally.again += len(scene.pending)
        killed = scene.killed_after(seconds, experiments=late, group=chance.random() < 0.5)  # noqa: PLR2004
        tally.told(scene)
        tally.kills += killed
        tally.too_late += not killed
    finished(scene, tally, f"seed {seed}")
    tally.seconds = time.monotonic() - began
    return tally


def names_of(place: Path) -> tuple[list[str], list[str]]:
    """Return the boundaries of an uncut campaign up to its baseline or once, and of experiments."""
    scene = staged(place, 4)
    log = place / "log"
    scene.run({"KILLS_LOG": str(log)})
    names = log.read_text(encoding="utf-8").splitlines()
    first = names.index("after an entry") + 1
    later = Counter(names[first:])
    once = [name for name in dict.fromkeys(names) if name in names[:first] or later[name] == 1]
    return once, [name for name, times in later.items() if times > 1]


def at_beginnings(place: Path, names: list[str], seed: int) -> Tally:
    """Kill a new campaign at each of some boundaries."""
    began, chance, total = time.monotonic(), random.Random(seed), Tally()
    for number, name in enumerate(names):
        scene = staged(place / f"{number}", 2)
        # Not every one twice: a new campaign each time takes long.
        kill(scene, name, total, chance, twice=number % 3 == 0)
        finished(scene, total, f"at {name!r}")
    total.seconds = time.monotonic() - began
    return total


def at_boundaries(place: Path, names: list[str], seed: int) -> Tally:
    """Kill one campaign at one boundary after another."""
    began, chance, total = time.monotonic(), random.Random(seed), Tally()
    ideas = 3 * len(names)
    scene = staged(place, ideas)
    scene.killed_at("after an entry")
    for name in names:
        kill(scene, name, total, chance)
    finished(scene, total, "chain")
    total.seconds = time.monotonic() - began
    return total


def kill(
    scene: Scene, name: str, tally: Tally, chance: random.Random, *, twice: bool = True
) -> None:
    """Kill a session at a boundary, and the next one at a boundary of what it mends."""
    for boundary in (name, f"#{chance.randrange(_FIRST)}")[: 1 + twice]:
        tally.again += len(scene.pending)
        # One that is not reached must not use the queue up.
        most = f"--autoloop={len(scene.journal) + _MOST}"
        killed = scene.killed_at(boundary, most, group=chance.random() < 0.5)  # noqa: PLR2004
        tally.told(scene)
        tally.kills += killed
        tally.too_late += not killed
        if not killed:
            print(f"not reached: {boundary!r}")


def works(place: Path, seed: int, instants: int, *, boundaries: bool) -> Iterator[Work]:
    """Yield what is to be done, each with the name of its kind."""
    if boundaries:
        early, late = names_of(place / "names")
        for part in range(4):
            names, where = early[part::4], place / f"early-{part}"
            yield "boundaries, once", lambda n=names, w=where: at_beginnings(w, n, seed)
        for part in range(2):
            names, where = late[part::2], place / f"late-{part}"
            yield "boundaries, each time", lambda n=names, w=where: at_boundaries(w, n, seed)
    kinds = (
        ("instants, 1 worker", (), 1),
        ("instants, 2 workers", ("--autoloop-workers=2",), 1),
        ("instants, 2 targets", (), 2),
    )
    for campaign in range(-(-instants // _KILLS)):
        name, more, targets = kinds[campaign % len(kinds)]
        where, own = place / f"instants-{campaign}", 1000 * seed + campaign
        yield name, lambda w=where, s=own, m=more, t=targets: at_instants(w, s, *m, targets=t)


def main() -> int:
    """Kill, print the table, and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    parser.add_argument("--instants", type=int, default=200)
    parser.add_argument("--boundaries", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=2)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="kills-"))
    print(f"seed {options.seed}, in {place}")
    tallies: dict[str, Tally] = {}
    with ThreadPoolExecutor(options.lanes) as pool:
        todo = works(place, options.seed, options.instants, boundaries=bool(options.boundaries))
        running = [(name, pool.submit(work)) for name, work in todo]
        for name, future in running:
            tallies.setdefault(name, Tally()).add(future.result())
    show(tallies)
    violations = [one for tally in tallies.values() for one in tally.violations]
    print(*violations, sep="\n")
    return 1 if violations else 0


def show(tallies: dict[str, Tally]) -> None:
    """Print a row for each kind of kills, and one for all."""
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    heads = ("kills", "ended", "rows", "again", "wrong")
    print(f"\n{'':22}{''.join(f'{head:>7}' for head in heads)}{'seconds':>9}  mended")
    for name, one in {**tallies, "all": total}.items():
        mended = ", ".join(f"{count} {what}" for what, count in one.mended.items() if count)
        print(
            f"{name:22}{one.kills:7}{one.too_late:7}{one.experiments:7}{one.again:7}"
            f"{len(one.violations):7}{one.seconds:9.0f}  {mended or 'nothing'}"
        )


if __name__ == "__main__":
    raise SystemExit(main())
