"""What a child's verdict comes to."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_autoloop.evaluation import judge
from pytest_autoloop.evaluation.process import Exit
from pytest_autoloop.evaluation.protocol import Verdict
from pytest_autoloop.evaluation.runner import Run
from pytest_autoloop.harness.manifest import Manifest
from pytest_autoloop.model import Decision, Metric, Sample

REQUIRED = frozenset({"test_a.py::one", "test_a.py::two"})
PASSED = dict.fromkeys(REQUIRED, "passed")


def ended(verdict: Verdict | None, *, timed_out: bool = False, output: str = "", **run: Any) -> Run:
    """Return a child session that ended so."""
    return Run(Exit(0, timed_out, 1.5), verdict, output, **run)


def timed(**times: float) -> Verdict:
    """Return a verdict of benchmarks."""
    return Verdict(warm=times, first=dict(times))


BENCHMARKS = Manifest(REQUIRED, frozenset({"b1", "b2"}), ())
METRICS = Manifest(REQUIRED, frozenset(), (Metric("accuracy", "higher"), Metric("size", "lower")))


def test_all_required_guards_passed() -> None:
    """Green is green; guards that never passed may do as they like."""
    outcomes = {**PASSED, "test_a.py::other": "skipped"}
    report = judge.guard_report(ended(Verdict(outcomes=outcomes)), REQUIRED)
    assert report.passed
    assert report.seconds == 1.5


@pytest.mark.parametrize("outcome", ["skipped", "xfailed", "failed"])
def test_a_guard_that_did_not_pass_fails(outcome: str) -> None:
    """A guard that is skipped or expected to fail has not passed, whatever pytest's exit status."""
    verdict = Verdict(outcomes={**PASSED, "test_a.py::two": outcome})
    report = judge.guard_report(ended(verdict), REQUIRED)
    assert not report.passed
    assert (report.status, report.reason, report.test) == ("discard", "guard", "test_a.py::two")
    assert outcome in report.message


def test_a_guard_that_did_not_run_is_tampering() -> None:
    """Tests that vanish with a candidate are named."""
    report = judge.guard_report(ended(Verdict(outcomes={"test_a.py::one": "passed"})), REQUIRED)
    assert (report.status, report.reason, report.test) == ("discard", "tampered", "test_a.py::two")


def test_an_empty_session_is_tampering() -> None:
    """A session in which nothing was collected has passed nothing."""
    report = judge.guard_report(ended(Verdict(exitstatus=5)), REQUIRED)
    assert report.reason == "tampered"


def test_the_first_failure_is_told() -> None:
    """Its node id and message are what a proposer learns from."""
    verdict = Verdict(exitstatus=1, failed="test_a.py::one", message="assert 1 == 2")
    report = judge.guard_report(ended(verdict), REQUIRED)
    assert (report.status, report.reason) == ("discard", "guard")
    assert (report.test, report.message) == ("test_a.py::one", "assert 1 == 2")


def test_a_module_that_cannot_be_collected_is_a_crash() -> None:
    """An import error is told apart from a failed assertion."""
    verdict = Verdict(exitstatus=1, failed="test_a.py", message="ImportError", collection=True)
    report = judge.guard_report(ended(verdict), REQUIRED)
    assert (report.status, report.reason, report.test) == ("crash", "collection", "test_a.py")


def test_a_guard_that_hung_is_a_timeout_by_name() -> None:
    """pytest-timeout's message tells a hang from a failure."""
    verdict = Verdict(
        exitstatus=1, failed="test_a.py::one", message="Failed: Timeout (>2.0s) from pytest-timeout"
    )
    report = judge.guard_report(ended(verdict), REQUIRED)
    assert (report.status, report.test) == ("timeout", "test_a.py::one")


def test_a_child_that_was_ended_is_a_timeout() -> None:
    """What was running is named, and the time it took."""
    run = ended(Verdict(outcomes=PASSED), timed_out=True, running="test_a.py::two")
    report = judge.guard_report(run, REQUIRED)
    assert (report.status, report.passed) == ("timeout", False)
    assert "test_a.py::two" in report.message
    assert judge.sample(run, BENCHMARKS) == Decision(
        "timeout", "measuring", "measuring did not finish in 2 s, in test_a.py::two"
    )


def test_without_a_verdict_nothing_is_believed() -> None:
    """`os._exit(0)` forges an exit status, but no verdict: a crash, told by the output's end."""
    run = ended(None, output="last words")
    report = judge.guard_report(run, REQUIRED)
    assert (report.status, report.reason) == ("crash", "no-verdict")
    assert "status 0" in report.message
    assert "last words" in report.message
    measured = judge.sample(run, BENCHMARKS)
    assert isinstance(measured, Decision)
    assert (measured.status, measured.reason) == ("crash", "no-verdict")


@pytest.mark.parametrize("exitstatus", [2, 3, 4])
def test_a_session_that_was_cut_short_is_a_crash(exitstatus: int) -> None:
    """Interrupted, internal error and usage error are no results, although all had passed."""
    run = ended(Verdict(exitstatus=exitstatus, outcomes=PASSED, warm={"b1": 1.0, "b2": 1.0}))
    assert judge.guard_report(run, REQUIRED).reason == "interrupted"
    assert isinstance(judge.sample(run, BENCHMARKS), Decision)


def test_times_become_a_sample() -> None:
    """All times of a whole session arrive."""
    measured = judge.sample(ended(timed(b1=1.0, b2=2.0)), BENCHMARKS)
    assert measured == Sample(warm={"b1": 1.0, "b2": 2.0}, first={"b1": 1.0, "b2": 2.0})


def test_metrics_become_a_sample() -> None:
    """Whole numbers are numbers."""
    measured = judge.sample(ended(Verdict(metrics={"accuracy": 0.5, "size": 12})), METRICS)
    assert measured == Sample(metrics={"accuracy": 0.5, "size": 12})


@pytest.mark.parametrize(
    ("verdict", "manifest", "missing"),
    [
        (timed(b1=1.0), BENCHMARKS, "b2"),
        (Verdict(metrics={"accuracy": 1.0}), METRICS, "size"),
    ],
    ids=["benchmark", "metric"],
)
def test_a_missing_result_is_tampering(verdict: Verdict, manifest: Manifest, missing: str) -> None:
    """A score that is not there is never taken as good."""
    measured = judge.sample(ended(verdict), manifest)
    assert isinstance(measured, Decision)
    assert (measured.status, measured.reason) == ("discard", "tampered")
    assert missing in measured.detail


def test_what_is_too_far_from_zero_is_an_invalid_score() -> None:
    """Its difference from another score would be infinite, and no record holds that."""
    measured = judge.sample(ended(Verdict(metrics={"accuracy": -1e308})), METRICS)
    assert isinstance(measured, Decision)
    assert (measured.status, measured.reason) == ("discard", "invalid-score")
    assert "too far from 0" in measured.detail


def test_what_is_not_a_number_is_an_invalid_score() -> None:
    """The value is shown as it came."""
    measured = judge.sample(ended(Verdict(invalid={"accuracy": "nan"})), METRICS)
    assert isinstance(measured, Decision)
    assert (measured.status, measured.reason) == ("discard", "invalid-score")
    assert measured.detail == "metric 'accuracy' returned nan: not a finite number"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "1", None, [1.0]])
def test_numbers_that_no_child_writes_are_tampering(number: Any) -> None:
    """A verdict can be forged; NaN, infinity and text are no measurements."""
    for verdict, manifest in (
        (Verdict(warm={"b1": 1.0, "b2": number}), BENCHMARKS),
        (Verdict(warm={"b1": 1.0, "b2": 1.0}, first={"b1": number}), BENCHMARKS),
        (Verdict(metrics={"accuracy": number, "size": 1.0}), METRICS),
    ):
        measured = judge.sample(ended(verdict), manifest)
        assert isinstance(measured, Decision)
        assert measured.reason == "tampered"


def test_a_failure_while_measuring_is_a_crash() -> None:
    """The guards had passed, so a benchmark or metric that raises is told as such."""
    verdict = Verdict(exitstatus=1, failed="test_b.py::b1", message="ZeroDivisionError")
    measured = judge.sample(ended(verdict), BENCHMARKS)
    assert isinstance(measured, Decision)
    assert (measured.status, measured.reason) == ("crash", "measure")
    assert "test_b.py::b1" in measured.detail
    assert "ZeroDivisionError" in measured.detail


def test_a_target_that_rewrites_itself_is_tampering() -> None:
    """What was measured must be what was proposed."""
    measured = judge.sample(ended(timed(b1=1.0, b2=2.0), rewritten=True), BENCHMARKS)
    assert isinstance(measured, Decision)
    assert measured.reason == "tampered"


HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07and\r\x00 \x9bbell\x07 \u202egpj.exe\nnext\tline"


def test_control_characters_do_not_reach_the_user() -> None:
    """Colours, titles, carriage returns and reversed text go; lines and tabs stay."""
    assert judge.clean(HOSTILE) == "red and bell gpj.exe\nnext\tline"
    verdict = Verdict(exitstatus=1, failed=f"t::{HOSTILE}", message=HOSTILE)
    report = judge.guard_report(ended(verdict), REQUIRED)
    for written in (report.test, report.message):
        assert not set(written) & set("\x1b\x07\r\x00\x9b\u202e")
    assert "\n" not in report.test
    for hostile in (verdict, Verdict(invalid={"accuracy": HOSTILE}), Verdict(exitstatus=2)):
        measured = judge.sample(ended(hostile, output=HOSTILE), METRICS)
        assert isinstance(measured, Decision)
        assert not set(measured.detail) & set("\x1b\x07\r\x00\x9b\u202e")


def test_an_unended_title_swallows_one_line_at_most() -> None:
    """An escape sequence that is never closed does not hide the rest of a message."""
    assert judge.clean("before \x1b]0;never closed\nafter") == "before \nafter"


def test_text_that_no_file_takes() -> None:
    """Half of a pair of surrogates, which an exception may hold, could not be written down."""
    assert judge.clean("half \ud800 of a pair").encode() == b"half ? of a pair"


def test_of_a_long_message_the_end_is_kept() -> None:
    """The error line comes last."""
    message = judge.clean("x" * 10_000 + "\nE   assert 1 == 2")
    assert message.endswith("E   assert 1 == 2")
    assert len(message) <= 2000
