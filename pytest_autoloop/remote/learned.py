"""What one worker learned of a harness, for others of its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.baseline import green
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.headstart import first_run, get_ahead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.baseline import Baseline
    from pytest_autoloop.evaluation.runner import Isolation
    from pytest_autoloop.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Learned:
    """A baseline, and what the evaluator of it knows since then."""

    baseline: Baseline
    #: Class of the host.
    host: str
    #: How its children are started and contained, as the record says it.
    launcher: str
    sandbox: str
    limit: float
    written: frozenset[str]
    test_seconds: Mapping[str, float]
    isolation: Isolation | None
    usual: frozenset[str]
    hide_current_test: bool
    unclaimed: float | None
    scoring: tuple[str, ...] | None

    @classmethod
    def of(cls, workplace: Workplace, baseline: Baseline, host: str) -> Learned:
        """Return what is known after a baseline was established."""
        evaluator, runner = workplace.evaluator, workplace.runner
        return cls(
            baseline,
            host,
            runner.launcher.description,
            runner.sandbox.names,
            evaluator.limits.guard,
            frozenset(evaluator.written),
            dict(evaluator.test_seconds),
            evaluator.isolation,
            frozenset(evaluator.usual),
            evaluator.hide_current_test,
            evaluator.unclaimed,
            None if evaluator.scoring is None else tuple(evaluator.scoring),
        )

    def settle(self, workplace: Workplace) -> None:
        """Let another worker of the same class go on from here: it only sees that it is green.

        Raises:
            BaselineRed: it is not.
            UsageError: the tests import another target there.
        """
        evaluator = workplace.evaluator
        evaluator.limits = Limits(self.limit, self.limit)
        evaluator.trusted = True
        run = first_run(workplace, recorded=False)
        green(run, workplace)
        workplace.pool.put_back("candidate")
        get_ahead(workplace, run)
        evaluator.trusted = False
        evaluator.written = set(self.written)
        evaluator.test_seconds = dict(self.test_seconds)
        evaluator.isolation = self.isolation
        evaluator.usual = set(self.usual)
        evaluator.hide_current_test = self.hide_current_test
        evaluator.unclaimed = self.unclaimed
        evaluator.scoring = None if self.scoring is None else list(self.scoring)
