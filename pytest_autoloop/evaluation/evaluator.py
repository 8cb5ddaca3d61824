"""Evaluates what stands in the worktrees: guards once, measurements in interleaved pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation import judge
from pytest_autoloop.model import Decision, GuardReport, Pair, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.evaluation.runner import Run, Runner
    from pytest_autoloop.harness.manifest import Manifest

#: A child's wall-clock limit in seconds, unless the user sets one: this, or a multiple of the
#: baseline's time, whichever is longer.
_SHORTEST_LIMIT = 60.0
_LIMIT_FACTOR = 5.0
#: A guard that hangs is stopped by name a little before its whole session is.
_TEST_SHARE = 0.8


@dataclass(slots=True)
class Limits:
    """Wall-clock limits of child sessions, in seconds."""

    guard: float
    measure: float

    @classmethod
    def after(cls, guard_seconds: float, chosen: float | None) -> Limits:
        """Derive limits from the baseline's guard time, or from the user's choice."""
        limit = chosen or max(_SHORTEST_LIMIT, _LIMIT_FACTOR * guard_seconds)
        return cls(limit, limit)


class Evaluator:
    """Runs the harness in two worktrees, the incumbent's and the candidate's."""

    def __init__(self, runner: Runner, incumbent: Path, candidate: Path, limits: Limits) -> None:
        self._runner = runner
        self._incumbent = incumbent
        self._candidate = candidate
        self.limits = limits
        # Each pair draws its own hash seed, shared by its two sides: layout is not an effect.
        self._pairs_run = 0

    def guard(self, required: frozenset[str]) -> GuardReport:
        """Run the guards on the candidate, up to the first failure."""
        return judge.guard_report(self.run_guards(max_failures=1), required)

    def run_guards(self, *, max_failures: int) -> Run:
        """Run the guards in the candidate's worktree and return what was seen."""
        return self._runner.run(
            self._candidate,
            "guard",
            seconds=self.limits.guard,
            max_failures=max_failures,
            test_timeout=self.limits.guard * _TEST_SHARE,
        )

    def pair(self, manifest: Manifest) -> Pair | Decision:
        """Measure both sides in fresh processes, in alternating order.

        Returns a decision instead when the candidate cannot be measured.

        Raises:
            EvaluationError: the incumbent, which has been measured before, cannot be.
        """
        self._pairs_run += 1
        order = "IC" if self._pairs_run % 2 else "CI"
        sides: dict[str, Sample] = {}
        for side in order:
            measured = self.sample(manifest, incumbent=side == "I")
            if isinstance(measured, Decision):
                # Before the first pair is whole, both sides are the untouched target.
                if side == "C" or self._pairs_run == 1:
                    return measured
                message = f"the incumbent can no longer be measured: {measured.detail}"
                raise EvaluationError(message)
            sides[side] = measured
        return Pair(sides["I"], sides["C"], order)

    def sample(self, manifest: Manifest, *, incumbent: bool) -> Sample | Decision:
        """Measure one side in one fresh process."""
        run = self._runner.run(
            self._incumbent if incumbent else self._candidate,
            "measure",
            seconds=self.limits.measure,
            hash_seed=self._pairs_run,
            metrics=[metric.name for metric in manifest.fixtures],
        )
        return judge.sample(run, manifest)
