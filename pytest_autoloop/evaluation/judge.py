"""Reads a child's verdict against the manifest; believes nothing that is not shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_autoloop.model import Decision, GuardReport, Sample, Status

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.harness.manifest import Manifest

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MESSAGE_LIMIT = 2000
#: Exit statuses of a pytest session that ran to its end: all passed, some failed, no tests.
_RAN_TO_ITS_END = (0, 1, 5)


def guard_report(run: Run, required: frozenset[str]) -> GuardReport:
    """Turn one guard session into a report.

    A guard passes when its node id passed: one that is skipped or missing has not.
    """
    seconds = run.exit.seconds

    def fails(status: Status, reason: str, message: str, test: str = "") -> GuardReport:
        return GuardReport(
            passed=False,
            status=status,
            reason=reason,
            test=test,
            message=clean(message),
            seconds=seconds,
        )

    ended_early = _ended_early(run, "guards")
    if ended_early is not None:
        return fails(ended_early.status, ended_early.reason, ended_early.detail)
    verdict = run.verdict
    assert verdict is not None
    if verdict.collection:
        return fails("crash", "collection", verdict.message, verdict.failed)
    if verdict.failed:
        hung = "from pytest-timeout" in verdict.message
        return fails("timeout" if hung else "discard", "guard", verdict.message, verdict.failed)
    for node in sorted(required):
        outcome = verdict.outcomes.get(node, "missing")
        if outcome == "missing":
            return fails("discard", "tampered", "the guard did not run", node)
        if outcome != "passed":
            return fails("discard", "guard", f"the guard was {outcome}, it must pass", node)
    return GuardReport(passed=True, seconds=seconds)


def sample(run: Run, manifest: Manifest) -> Sample | Decision:
    """Turn one measuring session into a sample, or say why there is none."""
    ended_early = _ended_early(run, "measuring")
    if ended_early is not None:
        return ended_early
    verdict = run.verdict
    assert verdict is not None
    for name, value in verdict.invalid.items():
        return Decision(
            "discard", "invalid-score", f"metric {name!r} returned {value}: not a finite number"
        )
    if verdict.failed:
        return Decision("crash", "measure", clean(f"{verdict.failed}: {verdict.message}"))
    names = {metric.name for metric in manifest.metrics} if not manifest.benchmarks else set()
    missing = sorted((names - set(verdict.metrics)) | (manifest.benchmarks - set(verdict.warm)))
    if missing:
        return Decision("discard", "tampered", f"no result from {', '.join(missing)}")
    return Sample(warm=verdict.warm, first=verdict.first, metrics=verdict.metrics)


def _ended_early(run: Run, what: str) -> Decision | None:
    if run.exit.timed_out:
        return Decision("timeout", what, f"{what} did not finish in {run.exit.seconds:.0f} s")
    if run.verdict is None:
        message = f"the process ended with status {run.exit.returncode} and no verdict"
        return Decision("crash", "no-verdict", clean(f"{message}\n{run.output}"))
    if run.verdict.exitstatus not in _RAN_TO_ITS_END:
        message = f"pytest ended early, with exit status {run.verdict.exitstatus}"
        return Decision("crash", "interrupted", clean(f"{message}\n{run.output}"))
    return None


def clean(text: str) -> str:
    """Strip terminal escapes and control characters, and keep the end of a long text."""
    return _CONTROL.sub("", text).strip()[-_MESSAGE_LIMIT:]
