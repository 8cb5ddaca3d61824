"""What each rule keeps, what it costs and what it brings: on simulated noise and on real code.

Our rules measure pairs in ABBA turns; the rules of other loops (peer) measure the candidate alone
and compare with a stored number. All see runs of known true speed, in turns.

kept        share of experiments kept: candidates without any effect (A/A, with the upper bound of
            a one-sided 95% interval), slower ones (-1 to -30%), faster ones. Campaigns begin anew
            every 50 A/A experiments; the slower and faster candidates are tried on the way.
cost        measuring time of one experiment, in plain benchmark runs of the original code
campaign    50 candidates one after the other: 25 without effect, 15 losers, 10 gains of 1-10%. The
            true gain is known by construction; cost per experiment with all that belongs to a
            campaign (baseline, control pairs, final audit), that of losers and nulls apart.

Real code: each run is a fork of a warm process that calls a pure-Python loop ten times and sends
its fastest time. All runs share one memory layout, which spares every rule that noise.

Time on two cores: the simulation 20 seconds, real code about 2 minutes, with --real 300
--real-campaigns 6 about 5; two to three times as long with --load 2. --quick takes 30 seconds.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from peers import Loop, loops
from sources import Load, Real, Simulated, Source, noises

MakeSource: TypeAlias = Callable[[], Source]
GAINS = (0.01, 0.02, 0.05, 0.10, 0.30)
LOSSES = (-0.01, -0.02, -0.05, -0.10, -0.30)
#: A/A experiments, after which a campaign begins anew.
SESSION = 50
#: The candidates of a campaign, in an order that is drawn.
CANDIDATES = (
    *[0.0] * 25,
    *LOSSES * 3,
    *(0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.05, 0.05, 0.08, 0.10),
)


def upper_bound(kept: int, count: int, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of a share: p with P(X ≤ kept) = 1 − confidence.

    Source: Clopper & Pearson, The use of confidence or fiducial limits illustrated in the case of
    the binomial (1934).
    """
    if kept == count:
        return 1.0
    low, high = kept / count, 1.0
    for _ in range(50):
        p = (low + high) / 2
        terms = (
            math.lgamma(count + 1)
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            + k * math.log(p)
            + (count - k) * math.log1p(-p)
            for k in range(kept + 1)
        )
        if sum(map(math.exp, terms)) > 1 - confidence:
            low = p
        else:
            high = p
    return high


@dataclass(slots=True)
class Tally:
    """Experiments of one kind."""

    count: int = 0
    kept: int = 0
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        """Add other experiments."""
        self.count += other.count
        self.kept += other.kept
        self.seconds += other.seconds


@dataclass(slots=True)
class Record:
    """What one loop did with single experiments, by their effect, and in campaigns."""

    loop: Loop
    source: Source
    by_effect: dict[float, Tally] = field(default_factory=dict)
    #: Of each campaign: true and claimed log-gain.
    true: list[float] = field(default_factory=list)
    claimed: list[float] = field(default_factory=list)
    #: The experiments of all campaigns, and what these took.
    campaigns: dict[float, Tally] = field(default_factory=dict)
    campaign_seconds: float = 0.0

    def pooled(self, *effects: float) -> Tally:
        """Return the single experiments with one of these effects."""
        total = Tally()
        for effect in effects:
            total.add(self.by_effect.get(effect, Tally()))
        return total

    def without_gain(self) -> Tally:
        """Return the experiments of campaigns whose candidate is no better."""
        total = Tally()
        for effect, tally in self.campaigns.items():
            if effect <= 0:
                total.add(tally)
        return total


def experiment(loop: Loop, source: Source, incumbent: float, effect: float) -> Tally:
    """Run one experiment."""
    before = source.seconds
    kept = loop.keeps(source, incumbent, incumbent + math.log1p(effect))
    return Tally(1, int(kept), source.seconds - before)


def singles(records: list[Record], nulls: int, probes: int) -> None:
    """Run A/A experiments, and between them candidates with an effect; all loops in turns."""
    every = max(1, nulls // probes)
    for number in range(nulls):
        for record in records:
            loop, source = record.loop, record.source
            if number % SESSION == 0:
                loop.start(source)
            effects: tuple[float, ...] = ()
            # Never first of all: a spread of all runs needs some.
            if number % every == every - 1:
                effects = (*GAINS, LOSSES[number // every % len(LOSSES)])
            for effect in (*effects, 0.0):
                loop.control(source, 0.0)
                one = loop if not effect else loop.aside()
                found = experiment(one, source, 0.0, effect)
                record.by_effect.setdefault(effect, Tally()).add(found)


def campaign(records: list[Record], seed: int) -> None:
    """Let every loop see the same candidates, in turns; what it keeps becomes its incumbent."""
    candidates = random.Random(seed).sample(CANDIDATES, len(CANDIDATES))
    levels = [0.0] * len(records)
    before = [record.source.seconds for record in records]
    for record in records:
        record.loop.start(record.source)
    for effect in candidates:
        for place, record in enumerate(records):
            record.loop.control(record.source, levels[place])
            found = experiment(record.loop, record.source, levels[place], effect)
            record.campaigns.setdefault(effect, Tally()).add(found)
            levels[place] += found.kept * math.log1p(effect)
    for place, record in enumerate(records):
        record.claimed.append(record.loop.claim(record.source, levels[place]))
        record.true.append(levels[place])
        record.campaign_seconds += record.source.seconds - before[place]


def measured(make: MakeSource, nulls: int, probes: int, campaigns: int, seed: int) -> list[str]:
    """Run everything on one kind of source; return the lines of its two tables."""
    names = loops()
    records = [Record(loop, make()) for loop in names.values()]
    plain = make()
    singles(records, nulls, probes)
    # What a plain run takes, taken at the same times as the rest: before, between and after.
    runs = 0
    for number in range(campaigns + 1):
        for _ in range(50):
            plain.run(0.0, candidate=False)
            runs += 1
        if number < campaigns:
            campaign(records, seed + number)
    unit = plain.seconds / runs
    return [*_singles_table(names, records, unit), "", *_campaign_table(names, records, unit)]


def _singles_table(names: dict[str, Loop], records: list[Record], unit: float) -> list[str]:
    heads = "".join(f"{gain:>+7.0%}" for gain in GAINS)
    lines = [
        f"{'':28}{'kept:':>6}{'':64}cost:",
        (
            f"{'rule':28}{'A/A':>7} {'(upper)':8}{'slower':>8}{heads}"
            f"{'':9}{'A/A':>7}{'slower':>7}{'faster':>7}"
        ),
    ]
    for name, record in zip(names, records, strict=True):
        null, slower, faster = record.pooled(0.0), record.pooled(*LOSSES), record.pooled(*GAINS)
        shares = "".join(f"{tally.kept / tally.count:>7.0%}" for tally in map(record.pooled, GAINS))
        costs = "".join(f"{t.seconds / t.count / unit:7.1f}" for t in (null, slower, faster))
        upper = f"({upper_bound(null.kept, null.count):.1%})"
        lines.append(
            f"{name:28}{null.kept / null.count:>7.1%} {upper:8}"
            f"{slower.kept / slower.count:>8.1%}{shares}{'':9}{costs}"
        )
    return lines


def _campaign_table(names: dict[str, Loop], records: list[Record], unit: float) -> list[str]:
    possible = math.prod(1 + effect for effect in CANDIDATES if effect > 0) - 1
    count = len(records[0].true)
    lines = [
        f"campaigns of {len(CANDIDATES)}: {count}, best possible gain {possible:+.1%}",
        (
            f"{'rule':28}{'true gain':>10}{'(s.e.)':>8}{'claimed':>9}{'false keeps':>13}"
            f"{'gains kept':>12}{'cost':>7}{'losers':>8}"
        ),
    ]
    gains = sum(effect > 0 for effect in CANDIDATES)
    for name, record in zip(names, records, strict=True):
        true = [math.expm1(level) for level in record.true]
        error = f"{statistics.stdev(true) / math.sqrt(count):.1%}" if count > 1 else "unknown"
        claimed = statistics.fmean(map(math.expm1, record.claimed))
        without = record.without_gain()
        kept = sum(tally.kept for tally in record.campaigns.values()) - without.kept
        cost = record.campaign_seconds / count / len(CANDIDATES) / unit
        lines.append(
            f"{name:28}{statistics.fmean(true):>+10.1%}{error:>8}{claimed:>+9.1%}"
            f"{without.kept / count:>13.1f}{kept / count:>9.1f}/{gains}{cost:>7.1f}"
            f"{without.seconds / without.count / unit:>8.1f}"
        )
    return lines


def told_load() -> str:
    """Return the load averages of the machine."""
    return "load average " + " ".join(f"{load:.2f}" for load in os.getloadavg())


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--experiments", type=int, default=2000, help="simulated A/A experiments of each rule")
    add("--effects", type=int, default=400, help="simulated experiments per gain")
    add("--campaigns", type=int, default=20, help="simulated campaigns")
    add("--seed", type=int, default=1)
    add("--real", type=int, default=100, help="real A/A experiments, a fifth of it per gain; or 0")
    add("--real-campaigns", type=int, default=3, help="campaigns on real code")
    add("--clock", choices=("wall", "cpu"), default="wall", help="of real code, for every rule")
    add("--load", type=int, default=0, help="busy child processes during the real part")
    add("--quick", action="store_true", help="few experiments of everything")
    options = parser.parse_args()
    if options.quick:
        options.experiments, options.effects, options.campaigns = 200, 40, 2
        options.real, options.real_campaigns = min(options.real, 20), 1
    return options


def main() -> None:
    """Print the tables."""
    options = arguments()
    if options.experiments:
        for kind in noises(random.Random(0)):
            print(f"simulated: {kind} per run; {options.experiments} A/A, {options.effects} a gain")
            sample = measured(
                lambda kind=kind: Simulated(kind, options.seed),  # type: ignore[misc]
                options.experiments,
                options.effects,
                options.campaigns,
                options.seed,
            )
            print("\n".join(sample), end="\n\n", flush=True)
    if options.real:
        clock = time.process_time if options.clock == "cpu" else time.perf_counter
        probes = max(1, options.real // 5)
        print(
            f"real code, {options.clock} clock, {options.load} busy processes beside it; "
            f"{options.real} A/A, {probes} a gain; {os.cpu_count()} cores, {told_load()} at start"
        )
        started = time.monotonic()
        load = Load(options.load)
        try:
            real = measured(
                lambda: Real(clock), options.real, probes, options.real_campaigns, options.seed
            )
        finally:
            load.end()
        print("\n".join(real))
        print(f"{told_load()} at end, after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
