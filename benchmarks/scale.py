"""What workers are worth, and what would be in the way with many more of them.

Three parts, each a table:

rate        experiments per hour with 1, 2 and 4 workers whose evaluations sleep for 0.5, 5 and 60
            seconds, and what a task costs beside its evaluation: on processes of this machine
            (local:K), and on a Dask cluster of as many. The tasks are those of a campaign: the same
            contract, clone, bench and baseline, with a question that sleeps.
queue       processor time and memory of the campaign's process, and of Dask's scheduler, with
            10,000 tasks in the queue.
simulation  a discrete-event simulation of a whole campaign with these costs, for up to 1,000
            workers, that names what is busiest: the first bottleneck. What wins against a best that
            has moved since is judged again in its turn, while the answers behind it wait.

``python benchmarks/scale.py [rate queue simulation] [--seconds 0.5 5 60]``: about 25 minutes, most
of it asleep.
"""

from __future__ import annotations

import argparse
import heapq
import os
import pickle
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(HERE)]
# The workers import this file, too.
os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])
os.environ["AUTOLOOP_LOCKS"] = ""

import faults  # noqa: E402

from pytest_autoloop.remote.contract import Task  # noqa: E402
from pytest_autoloop.remote.dispatch import Dispatcher  # noqa: E402
from pytest_autoloop.remote.engines import engine_of  # noqa: E402

if TYPE_CHECKING:
    from pytest_autoloop.remote.bench import Bench
    from pytest_autoloop.remote.contract import Reply

CAPTURED = "SCALE_CAPTURED"
WORKERS = (1, 2, 4)
QUEUED = 10_000
#: Bytes of a candidate, in the queue.
CANDIDATE = 2_000
#: Seconds from which on an evaluation is long: few are run.
_LONG = 30.0
#: What the simulation runs through: workers, seconds of an evaluation, share of those that win.
CROWDS, EVALUATIONS, WINS = (1, 10, 100, 1000), (5.0, 60.0, 600.0), (0.03, 0.003)


@dataclass(frozen=True)
class Sleep:
    """A question whose answer takes its time, and says when it began and ended."""

    seconds: float
    content: bytes = b""

    def answer(self, _: Bench) -> tuple[float, float]:
        """Return the times at which it began and ended, by the clock of this machine."""
        began = time.monotonic()
        time.sleep(self.seconds)
        return began, time.monotonic()


@dataclass(frozen=True)
class WarmUp(Sleep):
    """A question of another kind: how long it takes says nothing of the others."""


class Capturing(ThreadPoolExecutor):
    """Answers in this process, and keeps the first task that has all its supplies."""

    def submit(self, fn, /, task):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Run a task as an executor does."""
        if task.supplies is not None:
            Path(os.environ[CAPTURED]).write_bytes(pickle.dumps(task))
        return super().submit(fn, task)


def capture() -> Capturing:
    """Return the executor of the session whose site is used here."""
    return Capturing(1)


def captured(place: Path) -> Task:
    """Return a real task of a real campaign, from a session that measures a baseline alone."""
    os.environ[CAPTURED] = str(place / "task")
    root = faults.project(place / "project", poison=False)
    command = [faults.SCRIPTS / "pytest", "--autoloop=0", "--autoloop-tag=t"]
    faults.run(*command, "--autoloop-executor=scale:capture", cwd=root)
    task = pickle.loads((place / "task").read_bytes())  # noqa: S301 - written above
    assert isinstance(task, Task)
    return task


def spent(process: int) -> float:
    """Return the processor seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Return the megabytes that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


# rate --------------------------------------------------------------------------------------------


def rates(task: Task, place: Path, seconds: list[float]) -> float:
    """Print experiments per hour and overheads; return Dask's overhead of a task, in seconds."""
    print("\nrate: evaluations that sleep; a task's overhead is the time of a worker that is not")
    print("spent asleep, a row's efficiency the share of the workers' time that is")
    print(f"{'engine':10} {'workers':>7} {'asleep s':>8} {'tasks':>5} {'per hour':>9} "
          f"{'efficiency':>10} {'overhead ms':>11} {'driver ms CPU':>13}")  # fmt: skip
    overheads: list[float] = []
    for kind in ("local", "dask"):
        for asleep in seconds:
            for count in WORKERS:
                tasks = max(2, count) if asleep > _LONG else max(4, round(40 / asleep / 4) * 4)
                row = rate(kind, count, asleep, tasks, task=task, place=place)
                if kind == "dask":
                    overheads.append(row)
    return statistics.median(overheads)


def rate(kind: str, count: int, asleep: float, tasks: int, *, task: Task, place: Path) -> float:
    """Print one row; return the seconds that a task costs beside its sleep."""
    cluster = None
    if kind == "dask":
        cluster = faults.Cluster(Path(tempfile.mkdtemp(dir=place)), faults.free_port())
        cluster.start_scheduler()
        for _ in range(count):
            cluster.start_worker()
        faults.until(lambda: len(cluster.workers) == count, "workers")
    spec = f"local:{count}" if cluster is None else f"dask:{cluster.address}"
    assert task.supplies is not None
    try:
        engine = engine_of(spec)
        dispatcher = Dispatcher(engine, task.supplies.site, task.needs, print)
        with ThreadPoolExecutor(count) as threads:
            # Every worker has its clone and its bench before the clock runs.
            gate = [threads.submit(dispatcher.ask, WarmUp(3.0)) for _ in range(count)]
            wait(gate)
            dispatcher.ask(WarmUp(0.0))
            before, began = time.process_time(), time.monotonic()
            found = [threads.submit(dispatcher.ask, Sleep(asleep)) for _ in range(tasks)]
            for one in found:
                one.result()
            ended, after = time.monotonic(), time.process_time()
        dispatcher.close()
    finally:
        if cluster is not None:
            cluster.close()
    wall = ended - began
    overhead = wall * count / tasks - asleep
    print(f"{kind:10} {count:7} {asleep:8.1f} {tasks:5} {3600 * tasks / wall:9.0f} "
          f"{asleep * tasks / (wall * count):10.1%} {1000 * overhead:11.0f} "
          f"{1000 * (after - before) / tasks:13.1f}", flush=True)  # fmt: skip
    return overhead


# queue -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Costs:
    """Processor seconds of one task."""

    driver: float
    scheduler: float


def queue(task: Task, place: Path) -> Costs:
    """Print what a full queue costs; return it for one task."""
    cluster = faults.Cluster(Path(tempfile.mkdtemp(dir=place)), faults.free_port())
    cluster.start_scheduler()
    assert cluster.scheduler is not None
    scheduler = cluster.scheduler.pid
    try:
        cluster.start_worker()
        cluster.start_worker()
        engine = engine_of(f"dask:{cluster.address}")
        mine = os.getpid()
        start = (spent(mine), resident(mine), spent(scheduler), resident(scheduler))
        began = time.monotonic()
        tasks = [
            Task(task.site, Sleep(0.0, os.urandom(CANDIDATE)), task.needs, f"{n}")
            for n in range(QUEUED)
        ]
        # Workers lack the site, and say so at once: a round trip without an evaluation.
        futures: list[Future[Reply]] = [engine.submit(one, {}) for one in tasks]
        submitted = time.monotonic()
        full = (resident(mine), resident(scheduler))
        done = wait(futures).done
        ended = time.monotonic()
        end = (spent(mine), spent(scheduler))
        failed = sum(future.exception() is not None for future in done)
        engine.close()
    finally:
        cluster.close()
    costs = Costs((end[0] - start[0]) / QUEUED, (end[1] - start[2]) / QUEUED)
    print(
        f"\nqueue: {QUEUED:,} candidates of {CANDIDATE:,} bytes at once, 2 workers, {failed} failed"
    )
    print(f"submitted in {submitted - began:.1f} s, all answered after {ended - began:.1f} s "
          f"({1000 * (ended - began) / QUEUED:.1f} ms each)")  # fmt: skip
    for name, memory, full_memory, cost in (
        ("campaign's process", start[1], full[0], costs.driver),
        ("Dask's scheduler", start[3], full[1], costs.scheduler),
    ):
        print(f"{name:20} {memory:6.0f} MB before, {full_memory:6.0f} MB with all of them in the "
              f"queue, {1000 * cost:.2f} ms of CPU a task")  # fmt: skip
    return costs


# simulation --------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of a simulated campaign."""

    per_hour: float
    #: Share of the time in which each part was busy.
    busy: dict[str, float]


def simulate(
    workers: int, seconds: float, wins: float, *, record: float, costs: Costs, overhead: float
) -> Outcome:
    """Run a campaign's events: proposals are there at once, answers are taken in their order.

    Parts that serve one at a time: the campaign's process (its share of each task, and the record),
    the scheduler, and the judging again of what has won against an earlier best.
    """
    rng = random.Random(0)
    total = 40 * workers + 200
    free: list[float] = [0.0] * workers
    heapq.heapify(free)
    busy = dict.fromkeys(("workers", "scheduler", "campaign", "judging again"), 0.0)
    driver = scheduler = turn = 0.0
    kept_at, room = -1, workers + workers // 2
    ends: list[float] = []
    for number in range(total):
        # A place in flight is free when the answer so many before it was taken.
        asked = ends[number - room] if number >= room else 0.0
        driver = max(driver, asked) + costs.driver / 2
        scheduler = max(scheduler, driver) + costs.scheduler
        begin = max(heapq.heappop(free), scheduler)
        # Evaluations differ: most candidates lose early.
        work = seconds * rng.uniform(0.5, 1.5) + overhead
        heapq.heappush(free, begin + work)
        busy["workers"] += work / workers
        busy["scheduler"] += costs.scheduler
        taken = max(begin + work, turn)
        won = rng.random() < wins
        if won and kept_at >= number - room and number:
            again = seconds + overhead
            busy["judging again"] += again
            taken += again
        kept_at = number if won else kept_at
        spent_here = costs.driver / 2 + record
        busy["campaign"] += costs.driver + record
        turn = taken + spent_here
        ends.append(turn)
    span = ends[-1]
    return Outcome(3600 * total / span, {name: value / span for name, value in busy.items()})


def simulations(costs: Costs, overhead: float, record: float) -> None:
    """Print the table."""
    print(f"\nsimulation: {1000 * costs.driver:.1f} ms of the campaign's process and "
          f"{1000 * costs.scheduler:.1f} ms of the scheduler a task,\n{1000 * record:.0f} ms to "
          f"record an experiment, {1000 * overhead:.0f} ms overhead on a worker")  # fmt: skip
    print(f"{'workers':>7} {'evaluation s':>12} {'win':>5} {'per hour':>9} "
          f"{'of the ideal':>12}  busiest part")  # fmt: skip
    for wins in WINS:
        for seconds in EVALUATIONS:
            for workers in CROWDS:
                found = simulate(
                    workers, seconds, wins, record=record, costs=costs, overhead=overhead
                )
                name, share = max(found.busy.items(), key=lambda one: one[1])
                ideal = 3600 * workers / seconds
                print(
                    f"{workers:7} {seconds:12.0f} {wins:5.1%} {found.per_hour:9.0f} "
                    f"{found.per_hour / ideal:12.1%}  {name} ({share:.0%} of the time)"
                )


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["rate", "queue", "simulation"])
    parser.add_argument("--seconds", nargs="+", type=float, default=[0.5, 5.0, 60.0])
    parser.add_argument("--record", type=float, default=0.015, help="seconds to record one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autoloop-scale-") as name:
        place = Path(name)
        task = captured(place)
        overhead, costs = 0.05, Costs(0.005, 0.002)
        if "rate" in options.parts:
            overhead = rates(task, place, options.seconds)
        if "queue" in options.parts:
            costs = queue(task, place)
        if "simulation" in options.parts:
            simulations(costs, overhead, options.record)


if __name__ == "__main__":
    main()
