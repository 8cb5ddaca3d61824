"""Whether candidates can be isolated, and what the harness does that is no tampering."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation import judge
from pytest_autoloop.evaluation.runner import Isolation
from pytest_autoloop.model import Decision, GuardReport

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.protocol import Verdict
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.harness.manifest import Manifest
    from pytest_autoloop.workplace import Workplace

_TOLD = 200
#: Guards may become so many times slower behind a proxy, and so many seconds.
_SLOWER = 3.0
_NOT_PYTHON = "the target is not a Python module"


def isolate(workplace: Workplace, run: Run, manifest: Manifest) -> tuple[str, str]:
    """Put the target behind a proxy, if the untouched one passes there as well.

    Returns why candidates cannot be isolated, and what fresh inputs cannot show.
    """
    verdict, evaluator = run.verdict, workplace.evaluator
    assert verdict is not None
    reason = _obstacle(workplace, verdict)
    if reason:
        return reason, ""
    # Where results are compared, so is what a call leaves of its arguments; where they are not, a
    # candidate could make what it is judged by fit what it returns.
    leaving = [] if workplace.options.same_results else verdict.api["leaving"]
    evaluator.isolation = Isolation(
        original=workplace.original,
        recording=run.recording,
        api={**verdict.api, "leaving": leaving},
        hidden=workplace.hidden,
        tolerance=workplace.options.tolerance,
        may_cache=workplace.options.allow_cross_call_cache,
        same_results=workplace.options.same_results,
        inputs=verdict.inputs,
    )
    trial = evaluator.run_guards(max_failures=1)
    workplace.pool.reset("candidate")
    report = judge.guard_report(trial, manifest.required, evaluator.usual)
    if report.passed and manifest.fixtures:
        evaluator.learning = True
        measured = evaluator.sample(manifest, incumbent=False)
        evaluator.learning = False
        if isinstance(measured, Decision):
            report = GuardReport(passed=False, message=measured.detail)
    # What fresh inputs take has a limit of its own.
    fresh = 0.0 if trial.verdict is None else float(trial.verdict.differential.get("seconds", 0.0))
    took = trial.exit.seconds - fresh
    slow = took > _SLOWER * run.exit.seconds + _SLOWER
    if report.passed and slow:
        evaluator.isolation = None
        seconds = f"{took:.0f} s instead of {run.exit.seconds:.1f} s"
        return f"behind a proxy, the guards take {seconds}: they make very many calls", ""
    if report.passed:
        assert trial.verdict is not None
        return "", str(trial.verdict.differential.get("weak", ""))
    evaluator.isolation = None
    told = " ".join(f"{report.test} {report.message}".split())
    return f"behind a proxy, the untouched target fails: {told[:_TOLD]}", ""


def _obstacle(workplace: Workplace, verdict: Verdict) -> str:
    """Return why nothing can stand in the target's place; empty if a proxy may."""
    if not workplace.target.path.endswith(".py"):
        return _NOT_PYTHON
    if "isolation" in workplace.runner.sandbox.without:
        return "commands run it, or isolation is switched off"
    if not hasattr(os, "fork"):
        return "this system cannot fork a worker"
    return str(verdict.api.get("reason", "")) if verdict.api else "its use was not recorded"


def learn_usual(workplace: Workplace, manifest: Manifest) -> None:
    """Learn what the harness itself does that would otherwise look like tampering."""
    evaluator = workplace.evaluator
    for hide in (True, False):
        evaluator.hide_current_test = hide
        run = evaluator.run_guards(max_failures=0)
        evaluator.usual.update(judge.traces(run))
        workplace.pool.reset("candidate")
        # Some tests ask the environment which of them runs.
        if judge.guard_report(run, manifest.required, evaluator.usual).passed:
            return
