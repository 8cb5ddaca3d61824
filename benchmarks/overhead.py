"""What an experiment costs beyond the tests' and benchmarks' own time, as ratios.

python benchmarks/overhead.py [--section NAME ...] [--quick]

overhead   milliseconds per rejected and per kept experiment, with 20 guards and one benchmark, on a
           tiny project and on one that imports numpy and pandas; without the sandbox, and with a
           new interpreter for each child
guards     the same with 10, 200 and 2,000 guards
workers    experiments per hour with 1, 2 and 4 workers and a proposer that takes 2 s
memory     MB of each further worker, while as many children stand in a guard
growth     the first and the last ten of 1,000 experiments; 300 and 10,000 files
startup    `pytest --autoloop 0`, and what the plugin adds to any run of pytest

ours   a session of `pytest --autoloop N` with a replayed queue. Wall time is that between the
       records of two experiments, so start-up, baseline and audit are not in it; CPU time is that
       of all its processes over the same experiments
(a)    a loop that writes the target, runs `python -m pytest` in a process, and then `git add` and
       `git commit`, or `git reset --hard`
(b)    the floor: a warm process forks, and the fork imports the target and calls the test functions
       with no pytest around them

All judge candidates of the same kinds with the same plugins and options of pytest, in rounds, in an
order that is drawn anew in each. Gross is the whole, net is less the time that (b) spends inside of
test functions. Printed are medians, and ratios as the geometric mean of the rounds with Student's
95% interval. On a busy machine, believe CPU time rather than wall time.

--section, --project and --quick shorten it; most of the time goes to what a noisy clock decides.

Guards that failed lately are run first. "Another guard each" lets that one fail which then runs
last; "the same guard" fails first from the second time on.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.costs import Setting  # noqa: E402
from benchmarks.interleaved import ALL, COMMON, Comparison, Plan, ratio, table  # noqa: E402
from benchmarks.meter import Meter  # noqa: E402
from benchmarks.sizes import growth_table, memory_table  # noqa: E402
from benchmarks.startup import startup_table  # noqa: E402
from benchmarks.workers import EXAMPLES, WORKERS, rate  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.small_projects import Kind

#: With more guards, one round has to do, without an interval.
_SOME = 200


def told(setting: Setting) -> list[str]:
    """Return what the figures depend on."""
    points = importlib.metadata.entry_points(group="pytest11")
    plugins = " ".join(sorted({point.dist.name for point in points if point.dist}))
    load = " ".join(f"{one:.2f}" for one in os.getloadavg())
    missing = [name for name in ("numpy", "pandas") if importlib.util.find_spec(name) is None]
    with closing(Meter()) as meter:
        source = meter.source
    python, pytest = sys.version.split()[0], importlib.metadata.version("pytest")
    lines = [
        f"Python {python}, pytest {pytest}, {os.cpu_count()} cores, load average {load}",
        f"every pytest is called as: {' '.join(['python', *setting.command[1:]])}",
        f"plugins: {'only those named' if setting.lean else plugins}",
        f"CPU time: {source}",
    ]
    if missing:
        lines.append(f"not installed, so the heavy project does without: {' '.join(missing)}")
    return lines


def overhead(options: argparse.Namespace, setting: Setting, place: Path) -> None:
    """Print what experiments cost with 20 guards."""
    rounds = options.rounds or (2 if options.quick else 4)
    count = options.experiments or (8 if options.quick else 10)
    for kind in kinds(options):
        show(Plan(kind, 20, ALL, rounds, count), options, setting, place)


def guards(options: argparse.Namespace, setting: Setting, place: Path) -> None:
    """Print what experiments cost with few and with many guards."""
    for kind in kinds(options):
        for number in (10, 200) if options.quick else (10, 200, 2_000):
            rounds = options.rounds or (2 if number <= _SOME else 1)
            plan = Plan(kind, number, COMMON, rounds, options.experiments or 3)
            show(plan, options, setting, place)


def show(plan: Plan, options: argparse.Namespace, setting: Setting, place: Path) -> None:
    """Compare, and print the table."""
    comparison = Comparison(plan, setting, place)
    comparison.run(random.Random(options.seed))
    print("\n".join(table(comparison)), end="\n\n", flush=True)


def workers(options: argparse.Namespace, _setting: Setting, place: Path) -> None:
    """Print experiments per hour as benchmarks/workers.py measures them."""
    repeat = options.rounds or (1 if options.quick else 2)
    count = options.experiments or (4 if options.quick else 12)
    draw = random.Random(options.seed)
    rates: dict[int, list[float]] = {number: [] for number in WORKERS}
    for _ in range(repeat):
        for number in draw.sample(WORKERS, len(WORKERS)):
            rates[number].append(rate(EXAMPLES["exact"], number, count, place))
    print(f"{'workers':>8}{'per hour':>10}  ratio to one [95%]")
    for number, found in rates.items():
        print(f"{number:>8}{statistics.median(found):>10.0f}  {ratio(found, rates[1])}")
    print(flush=True)


def memory(options: argparse.Namespace, setting: Setting, place: Path) -> None:
    """Print what further workers hold."""
    for kind in kinds(options):
        print("\n".join(memory_table(kind, setting, place)), end="\n\n", flush=True)


def growth(options: argparse.Namespace, setting: Setting, place: Path) -> None:
    """Print whether experiments get slower."""
    count = options.experiments or (100 if options.quick else 1_000)
    print("\n".join(growth_table(count, setting, place)), end="\n\n", flush=True)


def startup(options: argparse.Namespace, setting: Setting, place: Path) -> None:
    """Print what it takes to start."""
    repeat = options.rounds or (2 if options.quick else 5)
    lines = startup_table(repeat, setting, place, random.Random(options.seed))
    print("\n".join(lines), end="\n\n", flush=True)


def kinds(options: argparse.Namespace) -> tuple[Kind, ...]:
    """Return the projects that are asked for."""
    return (options.project,) if options.project else ("tiny", "heavy")


SECTIONS: dict[str, Callable[[argparse.Namespace, Setting, Path], None]] = {
    "overhead": overhead,
    "guards": guards,
    "workers": workers,
    "memory": memory,
    "growth": growth,
    "startup": startup,
}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--section", action="append", choices=SECTIONS, help="default: all")
    add("--quick", action="store_true", help="few rounds, few experiments")
    add("--project", choices=("tiny", "heavy"), help="default: both")
    add("--lean", action="store_true", help="load only the plugins that a session needs")
    add("--rounds", type=int, help="of each comparison")
    add("--experiments", type=int, help="of each kind in a session")
    add("--seed", type=int, default=0, help="of the order (default: 0)")
    return parser.parse_args()


def main() -> None:
    """Print the sections."""
    options = arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="overhead-") as place:
        setting = Setting(options.lean, place)
        print("\n".join(told(setting)), end="\n\n", flush=True)
        for name in options.section or SECTIONS:
            print(f"{name}\n")
            begun = time.monotonic()
            SECTIONS[name](options, setting, Path(place))
            print(f"({time.monotonic() - begun:.0f} s)\n", flush=True)
    load = " ".join(f"{one:.2f}" for one in os.getloadavg())
    print(f"load average at the end {load}; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
