"""Reads a child's verdict against the manifest; believes nothing that is not shown."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from pytest_autoloop.model import Decision, GuardReport, Sample, Status

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.protocol import Verdict
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.harness.manifest import Manifest

#: Terminal sequences (colours, titles), other control characters, and those that reverse text.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_MESSAGE_LIMIT = 2000
#: The node id of an item that evaluates a metric, as harness.items names it.
_METRIC = re.compile(r"::autoloop\[(\w+)\]$")
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
            test=" ".join(clean(test).split()),
            message=clean(message),
            seconds=seconds,
        )

    ended_early = _ended_early(run, "guards")
    if ended_early is not None:
        return fails(ended_early.status, ended_early.reason, ended_early.detail, run.running)
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
    if run.rewritten:
        return Decision("discard", "tampered", "the run changed the target while it was measured")
    verdict = run.verdict
    assert verdict is not None
    for name, value in verdict.invalid.items():
        message = f"metric {name!r} returned {value}: not a finite number"
        return Decision("discard", "invalid-score", clean(message))
    if verdict.failed:
        # Put before the message, whose beginning is cut when it is long.
        what = (
            f"metric {m[1]!r}" if (m := _METRIC.search(verdict.failed)) else clean(verdict.failed)
        )
        return Decision("crash", "measure", f"{what} failed:\n{clean(verdict.message)}")
    names = {metric.name for metric in manifest.fixtures}
    missing = sorted((names - set(verdict.metrics)) | (manifest.benchmarks - set(verdict.warm)))
    fault = f"no result from {', '.join(missing)}" if missing else _impossible(verdict)
    if fault:
        return Decision("discard", "tampered", clean(fault))
    return Sample(warm=verdict.warm, first=verdict.first, metrics=verdict.metrics)


def _impossible(verdict: Verdict) -> str:
    """Name a number that no child writes: it refuses what is not finite itself."""
    for values in (verdict.warm, verdict.first, verdict.metrics):
        for name, number in values.items():
            if not isinstance(number, int | float) or not math.isfinite(number):
                return f"{name} has the impossible result {number!r}"
    return ""


def _ended_early(run: Run, what: str) -> Decision | None:
    during = f", in {run.running}" if run.running else ""
    if run.exit.timed_out:
        message = f"{what} did not finish in {run.exit.seconds:.0f} s{during}"
        return Decision("timeout", what, message)
    if run.verdict is None:
        message = f"the process ended with status {run.exit.returncode} and no verdict{during}"
        return Decision("crash", "no-verdict", f"{clean(message)}\n{clean(run.output)}")
    if run.verdict.exitstatus not in _RAN_TO_ITS_END:
        message = f"pytest ended early, with exit status {run.verdict.exitstatus}"
        return Decision("crash", "interrupted", f"{clean(message)}\n{clean(run.output)}")
    return None


def clean(text: str) -> str:
    """Strip terminal escapes and control characters, and keep the end of a long text."""
    return _CONTROL.sub("", text).strip()[-_MESSAGE_LIMIT:]
