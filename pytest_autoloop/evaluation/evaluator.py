"""Evaluates what stands in the worktrees: guards once, measurements in interleaved pairs."""

from __future__ import annotations

import copy
import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation import alone, judge
from pytest_autoloop.evaluation.compatible.claims import unclaimed
from pytest_autoloop.evaluation.killers import Killers
from pytest_autoloop.evaluation.profile import hot_lines
from pytest_autoloop.evaluation.protocol import KEPT_SEEDS
from pytest_autoloop.evaluation.turns import reduced
from pytest_autoloop.model import Decision, GuardReport, HotLine, Pair, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_autoloop.evaluation.limits import Limits
    from pytest_autoloop.evaluation.runner import Isolation, Run, Runner
    from pytest_autoloop.harness.manifest import Manifest
    from pytest_autoloop.history.worktrees import WorktreePool
    from pytest_autoloop.model import Assurance

#: Seconds from which on a turn is long: its side is then measured once a pair.
_LONG_TURN = 10.0
#: Longest time for fresh inputs after the guards, and for timing from outside, in seconds.
_FRESH_SECONDS = 10.0
_VERIFY_SECONDS = 20.0
#: A guard that hangs is stopped by name a little before its whole session is.
_TEST_SHARE = 0.8


class Evaluator:
    """Runs the harness in two worktrees, the incumbent's and the candidate's.

    An evaluator is used by one thread at a time. What it measures is measured while nobody else of
    this package uses the machine, and its guards do not run beside such a measurement.
    """

    def __init__(
        self,
        runner: Runner,
        incumbent: Path,
        candidate: Path,
        limits: Limits,
        pool: WorktreePool | None = None,
    ) -> None:
        self._runner = runner
        self._incumbent = incumbent
        self._candidate = candidate
        self.limits = limits
        self._pool = pool
        #: Files that the harness itself changes while it runs; learned from the baseline.
        self.written: set[str] = set()
        #: What is changed now belongs to the harness, not to a candidate.
        self.learning = False
        #: What each guard takes, in seconds; empty while their order must be kept.
        self.test_seconds: dict[str, float] = {}
        #: How a candidate is put behind a proxy; None runs it in the process of the tests.
        self.isolation: Isolation | None = None
        #: Kinds of traces that the untouched harness leaves too.
        self.usual: set[str] = set()
        #: Whether tests run without PYTEST_CURRENT_TEST; and seconds that a measuring session of
        #: the untouched target takes beside its benchmarks.
        self.hide_current_test = True
        self.unclaimed: float | None = None
        self._killers = Killers()
        #: Seconds spent so far on waiting until the machine was free: no stage took them.
        self.waited = 0.0
        #: What runs is the user's own code: the target is untouched.
        self.trusted = False
        #: Files that have to be collected for what gives the score; None collects all.
        self.scoring: list[str] | None = None
        # Each pair of a comparison has its own hash seed, and a warm parent with a memory layout of
        # its own, which its sides share: what layout does to a time is not the candidate's doing.
        self._pairs_run = 0
        self._pairs_compared = 0
        self._last_seed = KEPT_SEEDS - 1
        self._fresh = False
        self._turn_seconds = 0.0
        self._random = random.Random(0)  # noqa: S311 - an order, not a secret

    def guard(self, required: frozenset[str]) -> GuardReport:
        """Run the guards on the candidate, the last killers first, up to the first failure."""
        run = self.run_guards(max_failures=1, arranged=True)
        report = judge.guard_report(run, required, self.usual)
        if report.test and self.test_seconds:
            self._killers.add(report.test)
        return report

    def twin(self, runner: Runner, candidate: Path) -> Evaluator:
        """Return one that guards in another worktree, for another thread.

        It knows what this one has learned so far, and both learn which guards fail. It must not
        measure: there is one incumbent.
        """
        twin = copy.copy(self)
        twin._runner, twin._candidate = runner, candidate
        twin.waited = 0.0
        return twin

    def begin_comparison(self, *, fresh: bool = False) -> None:
        """Let the next pair be the first of a comparison.

        The first few pairs of each comparison share their layouts with those of the others, whose
        warm parents are there already; those of a `fresh` one are new.
        """
        self._pairs_compared, self._fresh = 0, fresh

    def keep_collected_order(self) -> None:
        """Run guards as they are collected from now on: some fail in another order."""
        self.test_seconds = {}
        self._killers.forget()

    @property
    def assurance(self) -> Assurance:
        """How candidates are run."""
        return "compatible" if self.isolation is None else "isolated"

    def run_guards(
        self, *, max_failures: int, arranged: bool = False, recorded: bool = False
    ) -> Run:
        """Run the guards in the candidate's worktree and return what was seen.

        They run as collected, or `arranged` when `test_seconds` is known: killers first, then
        the cheapest. Only trusted code may be `recorded`.
        """
        wanted: dict[str, Any] = {
            "hide_current_test": self.hide_current_test,
            "trusted": self.trusted,
        }
        if recorded:
            wanted["mode"] = "record"
        if self._runner.compares(self.isolation, "differential"):
            wanted["differential"] = min(_FRESH_SECONDS, self.limits.guard)
        if arranged:
            wanted |= {"killers": self._killers.all(), "seconds_of_guards": self.test_seconds}
        with self._after(alone.busy()):
            return self._runner.run(
                self._candidate,
                "guard",
                seconds=self.limits.guard + wanted.get("differential", 0.0),
                isolation=self.isolation,
                max_failures=max_failures,
                test_timeout=self.limits.guard * _TEST_SHARE,
                **wanted,
            )

    def verify(self, incumbent: bytes, claimed: float) -> Run | None:
        """Time candidate and incumbent in workers, from outside; None where that cannot be.

        `claimed` is the gain to be confirmed, as a logarithm.
        """
        if not self._runner.compares(self.isolation, "verify"):
            return None
        with self._after(alone.quiet()):
            return self._runner.run(
                self._candidate,
                "verify",
                seconds=self.limits.measure + _VERIFY_SECONDS,
                isolation=self.isolation,
                incumbent=incumbent,
                claimed=claimed,
                verify_seconds=_VERIFY_SECONDS,
                test_timeout=self.limits.measure * _TEST_SHARE,
            )

    def profile(self) -> tuple[HotLine, ...]:
        """Return where the benchmarks spend their time in the incumbent; empty if it failed."""
        with self._after(alone.quiet()), self._shown(incumbent=True) as place:
            run = self._runner.run(
                place,
                "measure",
                seconds=self.limits.measure,
                hide_current_test=self.hide_current_test,
                collected=self.scoring,
                profile=True,
            )
            self._restore()
        return () if run.verdict is None else hot_lines(run.verdict.samples)

    def pair(
        self,
        manifest: Manifest,
        *,
        exact: bool = False,
        enough: Callable[[Pair], bool] | None = None,
    ) -> Pair | Decision:
        """Measure both sides in fresh processes, in turns.

        Twice each, in the order ABBA, so that a machine that slows down steadily slows both down
        alike; who begins is drawn. Once each where a turn takes long, all metrics are `exact`, or
        the first two turns are `enough`.
        Returns a decision instead when the candidate cannot be measured. Nobody else has the
        machine meanwhile; what is `exact` minds no company, and only keeps out who does.

        Raises:
            EvaluationError: the incumbent, which has been measured before, cannot be.
        """
        with self._after(alone.busy() if exact else alone.quiet()):
            return self._pair(manifest, exact=exact, enough=enough)

    def _pair(
        self, manifest: Manifest, *, exact: bool, enough: Callable[[Pair], bool] | None
    ) -> Pair | Decision:
        self._pairs_run += 1
        hash_seed = 0 if exact else self._next_seed()
        once = exact or self._turn_seconds > _LONG_TURN
        order = self._random.choice(("IC", "CI") if once else ("ICCI", "CIIC"))
        turns: list[Sample] = []
        for side in order:
            measured = self.sample(manifest, incumbent=side == "I", hash_seed=hash_seed)
            if isinstance(measured, Decision):
                # Before the first pair is whole, both sides are the untouched target.
                if side == "C" or self._pairs_run == 1 or measured.reason == "tampered":
                    return measured
                raise EvaluationError(
                    f"the best version so far can no longer be measured: {measured.detail}. What "
                    "was kept may fail by chance or with time: look at the last keep"
                )
            turns.append(measured)
            if len(turns) == 2 < len(order) and enough is not None:  # noqa: PLR2004 - one each
                half = self._paired(turns, order[:2])
                if enough(half):
                    return half
        return self._paired(turns, order)

    def _next_seed(self) -> int:
        self._pairs_compared += 1
        if not self._fresh and self._pairs_compared <= KEPT_SEEDS:
            return self._pairs_compared - 1
        self._last_seed += 1
        return self._last_seed

    def _paired(self, turns: Sequence[Sample], order: str) -> Pair:
        sides = {
            side: reduced(
                [turn for turn, who in zip(turns, order, strict=True) if who == side],
                self._runner.project.statistic,
            )
            for side in "IC"
        }
        return Pair(sides["I"], sides["C"], order, tuple(turns))

    def sample(
        self, manifest: Manifest, *, incumbent: bool, hash_seed: int = 0
    ) -> Sample | Decision:
        """Measure one side in one fresh process."""
        fixtures = [metric.name for metric in manifest.fixtures]
        # Benchmarks time the target where it is called; a proxy would time the pipe. What metrics
        # return is believed when the candidate could not reach the process that returns it.
        parts: list[tuple[list[str], bool]] = [(fixtures, bool(manifest.benchmarks))]
        if self.isolation is not None:
            parts = [([], True)] if manifest.benchmarks else []
            parts += [(fixtures, False)] if fixtures else []
        found = Sample()
        self._turn_seconds = 0.0
        with self._shown(incumbent=incumbent) as place:
            for metrics, timed in parts:
                part = self._part(place, manifest, metrics, timed=timed, hash_seed=hash_seed)
                if isinstance(part, Decision):
                    return part
                found = Sample(
                    found.warm | part.warm, found.first | part.first, found.metrics | part.metrics
                )
        return found

    def _part(
        self, place: Path, manifest: Manifest, metrics: list[str], *, timed: bool, hash_seed: int
    ) -> Sample | Decision:
        """Measure some metrics, and the benchmarks if they are `timed`, in one process."""
        run = self._runner.run(
            place,
            "measure",
            seconds=self.limits.measure,
            hash_seed=hash_seed,
            isolation=None if timed else self.isolation,
            metrics=metrics,
            timed=timed,
            hide_current_test=self.hide_current_test,
            trusted=self.trusted,
            collected=self.scoring,
        )
        self._turn_seconds += run.exit.seconds
        changed = self._restore()
        if changed:
            message = f"the run changed {', '.join(changed)}: commit nothing that runs write"
            return Decision("discard", "tampered", message)
        if self.learning:
            self._learn(run)
        asked = replace(
            manifest,
            benchmarks=manifest.benchmarks if timed else frozenset(),
            metrics=tuple(m for m in manifest.fixtures if m.name in metrics),
        )
        return judge.sample(run, asked, self.usual, self.unclaimed)

    @contextmanager
    def _after(self, turn: AbstractContextManager[float]) -> Iterator[None]:
        """Wait for a turn on the machine, and count the time that took."""
        with turn as seconds:
            self.waited += seconds
            yield

    def _learn(self, run: Run) -> None:
        self.usual.update(judge.traces(run))
        if run.verdict is not None and run.verdict.claimed:
            rest = unclaimed(run.verdict.claimed, judge.busy(run))
            self.unclaimed = max(rest, self.unclaimed or 0.0)

    @contextmanager
    def _shown(self, *, incumbent: bool) -> Iterator[Path]:
        """Yield where a side is measured: both in the candidate's worktree, in turns.

        So neither the path of a file nor what is kept of a directory differs between them, and one
        standing session serves both. Without a pool each has its own.
        """
        pool, target = self._pool, self._runner.project.target
        if pool is None or not incumbent:
            yield self._incumbent if incumbent else self._candidate
            return
        # Nothing runs in the incumbent's own worktree, nor is read from there: out of a sandbox a
        # candidate could have changed it.
        candidate = pool.written("candidate", target)
        pool.write("candidate", target, pool.written("incumbent", target))
        try:
            yield self._candidate
        finally:
            pool.write("candidate", target, candidate)

    def _restore(self) -> list[str]:
        """Undo what a turn left in the worktree; return what no turn may change.

        A candidate could otherwise make the harness easier, the incumbent slower, or leave itself
        a file of answers for the next turn.
        """
        if self._pool is None:
            return []
        changed = set(self._pool.put_back("candidate"))
        if self.learning:
            self.written |= changed
        return sorted(changed - self.written)
