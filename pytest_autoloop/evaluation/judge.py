"""Reads a child's verdict against the manifest; believes nothing that is not shown."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.compatible.claims import plausible
from pytest_autoloop.model import Decision, Effect, GuardReport, Sample, Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_autoloop.evaluation.protocol import Verdict
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.harness.manifest import Manifest

#: Terminal sequences (colours, titles), other control characters, and those that reverse text.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_MESSAGE_LIMIT = 2000
#: Of what a session printed, as a proposer is told of it, from its end.
_OUTPUT_LIMIT = 20_000
#: What a verification says, and what readers are told.
_FLAGS = {"overclaimed": "overclaimed", "unverified": "blind"}
#: The node id of an item that evaluates a metric, as harness.items names it.
_METRIC = re.compile(r"::autoloop\[(\w+)\]$")
#: Exit statuses of a pytest session that ran to its end: all passed, some failed, no tests.
_RAN_TO_ITS_END = (0, 1, 5)

#: Largest score that can be compared.
_FARTHEST = 1e150


def guard_report(
    run: Run, required: frozenset[str], usual: Collection[str] = frozenset()
) -> GuardReport:
    """Turn one guard session into a report.

    A guard passes when its node id passed: one that is skipped or missing has not. Traces of a
    `usual` kind are the harness's own.
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
            output=clean(run.output[-_OUTPUT_LIMIT:], _OUTPUT_LIMIT),
        )

    fault = _ended_early(run, "guards") or _fault(run)
    if fault is not None:
        return fails(fault.status, fault.reason, fault.detail, run.running)
    assert run.verdict is not None
    # A guard that failed says more than what it left undone.
    failure = _failure(run.verdict, required)
    if failure is not None:
        return fails(*failure)
    tampered = _tampering(run, usual)
    if tampered is not None:
        return fails(tampered.status, tampered.reason, tampered.detail)
    return GuardReport(passed=True, seconds=seconds)


def _failure(verdict: Verdict, required: frozenset[str]) -> tuple[Status, str, str, str] | None:
    """Return status, reason, message and node of the first guard that did not pass."""
    if verdict.collection:
        return "crash", "collection", verdict.message, verdict.failed
    if verdict.failed:
        hung = "from pytest-timeout" in verdict.message
        return "timeout" if hung else "discard", "guard", verdict.message, verdict.failed
    absent = [node for node in sorted(required) if verdict.outcomes.get(node) != "passed"]
    if absent:
        outcome = verdict.outcomes.get(absent[0])
        if outcome is None:
            return "discard", "tampered", "the guard did not run", absent[0]
        return "discard", "guard", f"the guard was {outcome}, it must pass", absent[0]
    finding = str(verdict.differential.get("finding", ""))
    return ("discard", "differential", finding, "") if finding else None


def busy(run: Run) -> float:
    """Return the seconds that a run took, without those of waiting where these are known."""
    return run.exit.seconds if run.exit.busy is None else run.exit.busy


def sample(
    run: Run,
    manifest: Manifest,
    usual: Collection[str] = frozenset(),
    unclaimed: float | None = None,
) -> Sample | Decision:
    """Turn one measuring session into a sample, or say why there is none.

    `unclaimed` are the seconds that a session of the untouched target takes beside its benchmarks.
    """
    fault = _ended_early(run, "measuring") or _fault(run)
    if fault is not None:
        return fault
    verdict = run.verdict
    assert verdict is not None
    invalid = _invalid_score(verdict)
    if invalid:
        return Decision("discard", "invalid-score", clean(invalid))
    if verdict.failed:
        # Put before the message, whose beginning is cut when it is long.
        what = (
            f"metric {m[1]!r}" if (m := _METRIC.search(verdict.failed)) else clean(verdict.failed)
        )
        return Decision("crash", "measure", f"{what} failed:\n{clean(verdict.message)}")
    tampered = _tampering(run, usual)
    if tampered is not None:
        return tampered
    names = {metric.name for metric in manifest.fixtures}
    missing = sorted((names - set(verdict.metrics)) | (manifest.benchmarks - set(verdict.warm)))
    faulty = f"no result from {', '.join(missing)}" if missing else _impossible(verdict)
    faulty = faulty or plausible(verdict.claimed, run.exit.seconds, busy(run), unclaimed)
    if faulty:
        return Decision("discard", "tampered", clean(faulty))
    # A benchmark that was drawn to see whether clocks are true has a first call, and no score.
    first = {name: seconds for name, seconds in verdict.first.items() if name in verdict.warm}
    return Sample(warm=verdict.warm, first=first, metrics=verdict.metrics)


def _invalid_score(verdict: Verdict) -> str:
    for name, told in verdict.invalid.items():
        return f"metric {name!r} returned {told}: not a finite number"
    for name, value in verdict.metrics.items():
        # Differences and products of such numbers would be infinite.
        if isinstance(value, int | float) and _FARTHEST < abs(value) < math.inf:
            return f"metric {name!r} returned {value:g}: too far from 0 to be compared"
    return ""


def traces(run: Run) -> dict[str, str]:
    """Return what a session left that hints at tampering: kind to what it was."""
    found: dict[str, str] = {}
    if run.verdict is not None:
        for trace in run.verdict.traces:
            if isinstance(trace, list) and len(trace) == 2:  # noqa: PLR2004 - kind and words
                found[str(trace[0])] = str(trace[1])
    if run.exit.leftovers:
        count = run.exit.leftovers
        found["processes"] = "1 process was" if count == 1 else f"{count} processes were"
        found["processes"] += " still running at the end"
    return found


def _fault(run: Run) -> Decision | None:
    """Return what a candidate did that no candidate may.

    Raises:
        EvaluationError: something else went wrong.
    """
    if run.rewritten:
        return Decision("discard", "tampered", "the run changed the target's file")
    verdict = run.verdict
    assert verdict is not None
    if verdict.error:
        raise EvaluationError(clean(verdict.error))
    if verdict.fault:
        # Written by trusted code: a session with a worker never runs the candidate itself.
        told, reason, detail = map(str, verdict.fault)
        status: Status = "timeout" if told == "timeout" else "crash"
        return Decision("discard" if told == "discard" else status, reason, clean(detail))
    return None


def _tampering(run: Run, usual: Collection[str]) -> Decision | None:
    """Return what was found that the untouched harness does not leave."""
    found = [what for kind, what in traces(run).items() if kind not in usual]
    return Decision("discard", "tampered", clean("; ".join(found))) if found else None


def verified(run: Run) -> tuple[Effect | None, Decision | None, tuple[str, ...]]:
    """Return what a measurement from outside found, why that refuses the keep, and flags."""
    fault = _ended_early(run, "verifying") or _fault(run)
    if fault is not None:
        return None, fault, ()
    assert run.verdict is not None
    found = run.verdict.verification
    effect = Effect(
        found["log_gain"],
        found["low"],
        found["high"],
        pairs=found["windows"],
        first_calls=found["cold"],
    )
    flags = tuple(flag for flag in ("overclaimed", "unverified") if found[_FLAGS[flag]])
    if found["confirmed"]:
        return effect, None, flags
    reason = str(found["reason"]) or "unverified-gain"
    return effect, Decision("discard", reason, clean(str(found["detail"]))), flags


def _impossible(verdict: Verdict) -> str:
    """Name a number that no child writes: it refuses what is not finite itself."""
    for values in (verdict.warm, verdict.first, verdict.metrics, verdict.claimed):
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
    # A module that cannot be collected ends a session early as well, and says more.
    if run.verdict.exitstatus not in _RAN_TO_ITS_END and not run.verdict.collection:
        message = f"pytest ended early, with exit status {run.verdict.exitstatus}"
        return Decision("crash", "interrupted", f"{clean(message)}\n{clean(run.output)}")
    return None


def clean(text: str, limit: int = _MESSAGE_LIMIT) -> str:
    """Strip terminal escapes and control characters, and keep the end of a long text.

    Half of a pair of surrogates, which no file or terminal takes, becomes a question mark.
    """
    return _CONTROL.sub("", text).encode(errors="replace").decode().strip()[-limit:]
