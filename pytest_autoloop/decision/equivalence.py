"""As good as: not merely no difference found, but shown to lose no more than can be told.

Non-inferiority, by the rule that keeps a gain: every gain is moved up by a margin δ, and the rule
has to find the moved gains above zero, then confirm it on fresh pairs. What is worse by δ or more
has no gain there, so it passes with the chance of a false keep; what is truly equal has one of δ,
which is the smallest gain that this machine finds with a good chance.

δ bounds one step. Whoever takes several steps, each as good as the one before, loses δ with each:
so all of them are to be compared with one and the same version.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.decision import sequential
from pytest_autoloop.decision.objectives import Gated, Opinion
from pytest_autoloop.decision.rules import Sequential, Strict, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.decision.noise import Noise
    from pytest_autoloop.decision.rules import Rule
    from pytest_autoloop.decision.series import Series
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.model import Metric


def margin(metric: Metric, noise: Noise, limits: sequential.Limits) -> float:
    """Return what a metric may lose, on the log scale, and still be called as good.

    The smallest gain that is found and confirmed with a good chance, which is never below the
    smallest gain of interest; on a noisy machine no more than the metric's `max_regression`, so
    that noise makes it harder to pass, not easier.
    """
    if metric.min_gain is not None:
        limits = replace(limits, smallest_gain=metric.min_gain)
    visible = math.log1p(sequential.smallest_visible_gain(noise, limits))
    return min(visible, math.log1p(metric.max_regression))


@dataclass(frozen=True, slots=True)
class AsGood:
    """No metric has lost more than its margin; exact metrics have lost nothing at all.

    Whatever the campaign's objective is: what another metric would be traded for is no simpler.
    Every series has to pass at the full level, so that all together pass no more often than one
    (an intersection-union test).
    """

    limits: sequential.Limits = field(default_factory=sequential.Limits)
    #: Why a candidate that passes is kept.
    reason: str = ""

    def view(self, series: Sequence[Series]) -> list[Series]:
        """Give each series its margin; a metric beyond its bound is turned round, as for a keep."""
        return [
            replace(one, margin=margin(one.metric, one.noise, self.limits))
            for one in Gated().view(series)
        ]

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Keep once every series passes, discard as soon as one has failed."""
        steps = [one.step(rule) for one in series]
        if "discard" in steps:
            return self._refused(series[steps.index("discard")])
        if "continue" in steps:
            return Opinion("continue")
        return Opinion("keep", self.reason, decisive=series[0].metric.name)

    def supported(self, series: Sequence[Series], decisive: str) -> list[Series]:  # noqa: ARG002
        """Ask it of every series, whichever decided."""
        return list(series)

    def _refused(self, one: Series) -> Opinion:
        name = one.metric.name
        if one.exact:
            return Opinion("discard", "no-gain", f"{name} is worse", name)
        within = math.expm1(one.margin or 0.0)
        detail = f"not shown to be as good: {name} may have lost more than {within:.1%}"
        return Opinion("discard", "no-gain", detail, name)


def as_good(policy: Policy, reason: str = "") -> Policy:
    """Return the policy that keeps what is as good, with the error control of the policy given.

    It is the sequential test for every rule: the others bound no error, and one that keeps a lucky
    gain is checked by later measurements, while what was called as good is not looked at again.
    """
    rule = policy.rule
    if isinstance(rule, Sequential):
        limits = rule.limits
    elif isinstance(rule, (Strict, Threshold)):
        limits = sequential.Limits(smallest_gain=rule.smallest_gain)
    else:
        limits = sequential.Limits()
    return replace(policy, objective=AsGood(limits, reason), rule=Sequential(limits))
