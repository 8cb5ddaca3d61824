"""What is called as good: shown on pairs, held to its promises by simulation with fixed seeds."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.decision import sequential, verdict
from pytest_autoloop.decision.equivalence import AsGood, as_good, margin
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Batched, Sequential, Threshold
from pytest_autoloop.decision.series import Calibration
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.model import TIME, Decision, Metric, Pair, Sample
from tests.decision.samples import heavy, normal, scored, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.decision.samples import Draw

COST = Metric("cost", "lower")
LIMITS = sequential.Limits()
KNOWN = 20.0


def judged(pairs: Iterator[Pair], calibration: Calibration, policy: Policy) -> Decision:
    """Decide as a campaign does: pair after pair, then on fresh ones."""
    found: list[Pair] = []
    finding = None
    while finding is None:
        found.append(next(pairs))
        finding = verdict.decide(found, calibration, policy)
    if finding.decision.status != "keep":
        return finding.decision
    fresh = [next(pairs) for _ in range(verdict.confirmation_pairs(finding, policy))]
    return verdict.confirm(found, fresh, finding, calibration, policy)


def share_passed(sigma: float, margins: float, noise: Callable[[float], Draw], count: int) -> float:
    """Return the share that passes of changes whose gain is so many margins."""
    rng, draw = random.Random(11), noise(sigma)
    calibration = Calibration({"cost": Noise(sigma**2, KNOWN)})
    gain = margins * margin(COST, calibration.of("cost"), LIMITS)
    policy = as_good(Policy((COST,)))

    def measured() -> Iterator[Pair]:
        while True:
            yield scored(1.0, math.exp(-gain - draw(rng)), "cost")

    passed = [judged(measured(), calibration, policy).status == "keep" for _ in range(count)]
    return sum(passed) / count


@pytest.mark.parametrize("noise", [normal, heavy])
@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.03])
def test_what_is_worse_by_the_margin_passes_as_rarely_as_a_false_keep(
    sigma: float, noise: Callable[[float], Draw]
) -> None:
    """At the margin itself at most 1%; with 400 tries more than 11 happen once in 1,000 seeds."""
    assert share_passed(sigma, -1.0, noise, 400) * 400 <= 11


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.03])
def test_what_is_worse_by_two_margins_never_passes(sigma: float) -> None:
    """A loss that anybody could see is none that simplicity excuses."""
    assert share_passed(sigma, -2.0, normal, 300) == 0


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.02])
def test_what_is_equal_passes_nearly_always(sigma: float) -> None:
    """The margin is the smallest gain that is seen with a good chance: so is its absence."""
    assert share_passed(sigma, 0.0, normal, 300) >= 0.8


def test_noise_makes_it_harder_not_easier() -> None:
    """Where less than 5% cannot be seen, equal versions are refused; worse ones do not pass."""
    assert margin(COST, Noise(0.2**2, KNOWN), LIMITS) == pytest.approx(math.log1p(0.05))
    assert share_passed(0.2, 0.0, normal, 60) < 0.3
    assert share_passed(0.2, -1.0, normal, 100) <= 0.03


def test_the_margin_is_never_below_the_smallest_gain_of_interest() -> None:
    """What would not be worth keeping is not worth refusing a simpler version for."""
    quiet = Noise(0.0001**2, KNOWN)
    assert margin(COST, quiet, LIMITS) >= math.log1p(0.01)
    assert margin(replace(COST, min_gain=0.03), quiet, LIMITS) >= math.log1p(0.03)
    assert margin(replace(COST, min_gain=0.2), quiet, LIMITS) == pytest.approx(math.log1p(0.05))


@pytest.mark.parametrize(
    ("after", "status"), [((5.0, 3.0), "keep"), ((4.0, 3.0), "keep"), ((4.0, 2.999), "discard")]
)
def test_an_exact_metric_may_lose_nothing(after: tuple[float, float], status: str) -> None:
    """Each of them equal or better, and the reason of a keep is the one asked for."""
    metrics = (Metric("a", "higher"), Metric("b", "higher"))
    pair = Pair(
        Sample(metrics={"a": 4.0, "b": 3.0}),
        Sample(metrics=dict(zip("ab", after, strict=True))),
    )
    calibration = Calibration(exact=frozenset("ab"))
    policy = as_good(Policy(metrics), "simpler")

    decision = judged(iter([pair] * 9), calibration, policy)

    assert decision.status == status
    assert decision.reason == ("simpler" if status == "keep" else "no-gain")
    assert decision.detail == ("" if status == "keep" else "b is worse")


def test_an_exact_metric_that_differs_on_fresh_pairs_was_none() -> None:
    """Of all metrics, not of the first one alone."""
    metrics = (Metric("a", "higher"), Metric("b", "higher"))
    calibration = Calibration(exact=frozenset("ab"))

    def pair(b: float) -> Pair:
        return Pair(Sample(metrics={"a": 4.0, "b": 3.0}), Sample(metrics={"a": 4.0, "b": b}))

    decision = judged(iter([pair(3.0), pair(3.5)]), calibration, as_good(Policy(metrics)))

    assert decision.status == "discard"
    assert decision.detail.startswith("b was exact")


def test_every_metric_has_to_be_as_good() -> None:
    """Equal in time, 4% worse in memory: nobody asked for that trade."""
    memory = Metric("memory", "lower")
    rng = random.Random(3)
    calibration = Calibration({n: Noise(0.002**2, KNOWN) for n in (TIME.name, "memory")})

    def measured() -> Iterator[Pair]:
        while True:
            after = {"memory": 1.04 * math.exp(rng.gauss(0, 0.002))}
            one = timed(1.0, math.exp(rng.gauss(0, 0.002)))
            yield Pair(
                replace(one.incumbent, metrics={"memory": 1.0}),
                replace(one.candidate, metrics=after),
            )

    decision = judged(measured(), calibration, as_good(Policy((TIME, memory))))
    assert decision.status == "discard"
    assert decision.detail == "not shown to be as good: memory may have lost more than 1.1%"


def test_one_benchmark_may_not_lose_what_the_others_win() -> None:
    """The mean is equal, yet one of two benchmarks takes a third longer."""
    calibration = Calibration({TIME.name: Noise(0.002**2, KNOWN)})
    before = Sample(warm={"a": 1.0, "b": 1.0})
    after = Sample(warm={"a": 4 / 3, "b": 3 / 4})

    decision = judged(iter([Pair(before, after)] * 60), calibration, as_good(Policy((TIME,))))

    assert (decision.status, decision.reason) == ("discard", "regression")
    assert decision.detail.startswith("a became 33.3% slower")


def test_a_bound_that_is_broken_is_no_simplification() -> None:
    """Constraints hold before anything is compared."""
    metric = Metric("share", "higher", at_least=0.9)
    pair = Pair(Sample(metrics={"share": 0.9}), Sample(metrics={"share": 0.8}))
    decision = judged(iter([pair]), Calibration(), as_good(Policy((metric,))))
    assert (decision.status, decision.reason) == ("discard", "constraint")


def test_the_effect_is_what_was_measured() -> None:
    """The margin moves the test, never the number that is told."""
    calibration = Calibration({"cost": Noise(0.002**2, KNOWN)})
    decision = judged(
        iter([scored(1.0, 1.001, "cost")] * 60), calibration, as_good(Policy((COST,)))
    )
    assert decision.status == "keep"
    assert decision.effect is not None
    assert decision.effect.log_gain == pytest.approx(-math.log(1.001))


def test_the_error_control_is_that_of_the_campaign() -> None:
    """A stricter level stays, and a rule that bounds no error is replaced by one that does."""
    strict = as_good(Policy((COST,), rule=Sequential(replace(LIMITS, alpha=0.001))))
    assert strict.rule == Sequential(replace(LIMITS, alpha=0.001))
    assert as_good(Policy((COST,), rule=Batched(3))).rule == Sequential()
    lax = as_good(Policy((COST,), rule=Threshold(0.02)))
    assert lax.rule == Sequential(replace(LIMITS, smallest_gain=0.02))
    assert lax.objective == AsGood(replace(LIMITS, smallest_gain=0.02))
