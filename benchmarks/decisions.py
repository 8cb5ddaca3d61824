"""How often each rule keeps nothing, and how often it keeps something: on simulated noise.

    python benchmarks/decisions.py [--experiments 2000] [--effects 400]

Prints, for each kind of noise and each rule, the share of experiments that are kept and the mean
number of pairs used, for candidates without any effect (A/A) and with effects from -2% to +10%.
The rules are the product's own (`pytest_autoloop.decision`); two rules of other loops stand beside
them: one sample against the best so far, and the median of five against the stored incumbent.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Callable
from typing import TypeAlias

from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Batched, Rule, Sequential, Strict, Threshold

Draw: TypeAlias = Callable[[], float]
#: Share of experiments in a burst of noise.
BURSTS = 0.2
EFFECTS = (0.0, -0.02, 0.01, 0.02, 0.03, 0.05, 0.10)
RULES: dict[str, Rule] = {
    "sequential": Sequential(),
    "strict": Strict(),
    "batched:3": Batched(3),
    "threshold": Threshold(),
}


def student(rng: random.Random, degrees: int, deviation: float) -> Draw:
    """Return draws of Student's t, scaled to a standard deviation."""
    scale = deviation / math.sqrt(degrees / (degrees - 2))

    def draw() -> float:
        chi = sum(rng.gauss(0, 1) ** 2 for _ in range(degrees))
        return scale * rng.gauss(0, 1) / math.sqrt(chi / degrees)

    return draw


def noises(rng: random.Random) -> dict[str, Callable[[], Draw]]:
    """Return the kinds of noise; each makes the draws of one experiment."""

    def normal(deviation: float, bias: float = 0.0) -> Draw:
        offset = rng.gauss(0, bias) if bias else 0.0
        return lambda: offset + rng.gauss(0, deviation)

    return {
        "normal, sd 0.5%": lambda: normal(0.005),
        "t3, sd 1%": lambda: student(rng, 3, 0.01),
        "t4, sd 3% (loaded)": lambda: student(rng, 4, 0.03),
        "bursts: 20% x 6": lambda: normal(0.03 if rng.random() < BURSTS else 0.005),
        "layout 0.4% + sd 0.5%": lambda: normal(0.005, bias=0.004),
    }


def experiment(rule: Rule, noise: Noise, effect: float, draw: Draw) -> tuple[bool, list[float]]:
    """Run one experiment; return whether it is kept, and its gains."""
    gains: list[float] = []
    step = "continue"
    while step == "continue":
        gains.append(effect + draw())
        step = rule.decide(gains, noise)
    if step == "discard":
        return False, gains
    fresh = [effect + draw() for _ in range(rule.confirmation_pairs(noise))]
    return not fresh or rule.confirmed(fresh, noise), gains + fresh


def campaign(rule: Rule, kind: str, effect: float, count: int, seed: int) -> tuple[float, float]:
    """Run many experiments of one effect; return the share kept and the mean number of pairs."""
    make = noises(random.Random(seed))[kind]
    noise = Noise().calibrated([make()() for _ in range(3)])
    kept = pairs = 0
    for _ in range(count):
        keep, gains = experiment(rule, noise, math.log1p(effect), make())
        noise = noise.observed(gains)
        kept += keep
        pairs += len(gains)
    return kept / count, pairs / count


def stored_rules(deviation: float, sessions: int, seed: int) -> dict[str, float]:
    """Return false keeps in 50 null experiments for rules that compare with a stored number."""
    rng = random.Random(seed)

    def session(samples: int) -> int:
        def measure() -> float:
            return statistics.median(rng.gauss(0, deviation) for _ in range(samples))

        best, keeps = measure(), 0
        for _ in range(50):
            found = measure()
            keeps += found < best
            best = min(best, found)
        return keeps

    return {
        "one sample < best so far": statistics.fmean(session(1) for _ in range(sessions)),
        "median of 5 < stored": statistics.fmean(session(5) for _ in range(sessions)),
    }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=2000, help="null experiments per cell")
    parser.add_argument("--effects", type=int, default=400, help="experiments per other cell")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    heads = "".join(f"{effect:>+13.0%}" if effect else f"{'A/A':>13}" for effect in EFFECTS)
    print(f"{'noise':22} {'rule':11}{heads}     kept (pairs)")
    for kind in noises(random.Random(0)):
        for name, rule in RULES.items():
            cells = []
            for effect in EFFECTS:
                count = options.effects if effect else options.experiments
                kept, pairs = campaign(rule, kind, effect, count, options.seed)
                cells.append(f"{kept:7.2%} ({pairs:3.1f})".rjust(13))
            print(f"{kind:22} {name:11}{''.join(cells)}")
    print("\nfalse keeps in a session of 50 experiments without any effect, 1% noise:")
    for name, keeps in stored_rules(0.01, 2000, options.seed).items():
        print(f"  {name:28} {keeps:5.2f}")
    for name, rule in RULES.items():
        kept, _ = campaign(rule, "t3, sd 1%", 0.0, options.experiments, options.seed)
        print(f"  {name:28} {50 * kept:5.2f}")


if __name__ == "__main__":
    main()
