"""What each search strategy finds on landscapes with a known optimum, and what a call costs.

The loop of tests/search/landscape.py decides as a campaign does; a proposal is one random step, so
these are figures of the strategies alone, of no proposer.

plain       every way leads up
fragile     the same, but 70% of the proposals break the program; elsewhere 15%
valley      the optimum lies behind two steps that are worse than the local optimum
fork        the same, and each step to the local optimum makes the valley deeper
within N    share of the seeds that have reached the optimum after N experiments
median      experiments needed, over those that reached it within the last N
gain        height of the best after the last N, as a share of the optimum's, mean of all seeds
overhead    milliseconds of one call by the length of the campaign, median of 20

python benchmarks/landscape.py
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from pytest_autoloop.search.specs import strategy_from_spec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.search.campaigns import long_campaign
from tests.search.landscape import DECEPTIVE, FORK, FRAGILE, PLAIN, Landscape, Loop

STRATEGIES = (
    "greedy",
    "explore:5",
    "explore:10",
    "tree",
    "restart:10",
    "restart:20",
    "beam:3",
    "beam:5",
)
LENGTHS = (100, 1_000, 10_000)


def tried(landscape: Landscape, spec: str, seed: int, experiments: int) -> tuple[int | None, float]:
    """Return the experiments needed, None for too many, and the final height as a share."""
    loop = Loop(landscape, strategy_from_spec(spec, seed), seed)
    optimum = landscape.optimum
    for number in range(1, experiments + 1):
        loop.run(number)
        if loop.best >= optimum:
            return number, 1.0
    return None, loop.best / optimum


def found(landscape: Landscape, spec: str, seeds: int, within: tuple[int, ...]) -> str:
    """Return a line of the table."""
    results = [tried(landscape, spec, seed, within[-1]) for seed in range(seeds)]
    needed = [number for number, _ in results if number is not None]
    shares = [sum(number <= limit for number in needed) / seeds for limit in within]
    median = f"{statistics.median(needed):.0f}" if needed else "-"
    gain = statistics.fmean(share for _, share in results)
    told = "".join(f"{share:>12.0%}" for share in shares)
    return f"{landscape.name:<8}{spec:<12}{told}{median:>10}{gain:>8.2f}"


def overhead(spec: str) -> str:
    """Return milliseconds of a call, at each length."""
    strategy = strategy_from_spec(spec, 0)
    told = []
    for length in LENGTHS:
        rows = long_campaign(length)
        taken = []
        for number in range(length, length + 20):
            started = time.perf_counter()
            strategy.start(number, rows)
            taken.append(time.perf_counter() - started)
        told.append(f"{1_000 * statistics.median(taken):>12.3f}")
    return f"{spec:<12}{''.join(told)}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--within", type=int, nargs="+", default=[150, 300, 1_000])
    options = parser.parse_args()
    within = tuple(sorted(options.within))
    started = time.monotonic()
    print(f"{options.seeds} seeds")
    heads = "".join(f"{f'within {limit}':>12}" for limit in within)
    print(f"{'':<20}{heads}{'median':>10}{'gain':>8}")
    for landscape in (PLAIN, FRAGILE, DECEPTIVE, FORK):
        for spec in STRATEGIES:
            print(found(landscape, spec, options.seeds, within), flush=True)
    print(f"\n{'overhead, ms':<12}" + "".join(f"{length:>12,}" for length in LENGTHS))
    for spec in STRATEGIES:
        print(overhead(spec), flush=True)
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
