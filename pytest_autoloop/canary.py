"""Whether the harness notices the target: that it is unusable, or has a comment more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.symbols import unusable
from pytest_autoloop.model import Sample

if TYPE_CHECKING:
    from pytest_autoloop.harness.manifest import Manifest
    from pytest_autoloop.model import Pair, Target
    from pytest_autoloop.workplace import Workplace


def layout_counts(workplace: Workplace, manifest: Manifest, untouched: Pair) -> bool:
    """Tell whether a comment changes a score: then a metric reads the target as a text."""
    before = untouched.incumbent.metrics
    if not manifest.fixtures or before != untouched.candidate.metrics:
        return False
    workplace.place("candidate", workplace.source + b"\n# a comment\n")
    try:
        sample = workplace.evaluator.sample(manifest, incumbent=False)
    finally:
        workplace.place("candidate", workplace.source)
    return not isinstance(sample, Sample) or sample.metrics != before


def canary(workplace: Workplace, manifest: Manifest, untouched: Sample) -> None:
    """Make the target unusable: a harness that stays green does not exercise it."""
    target = workplace.target
    workplace.place("candidate", _unusable(target, workplace.source))
    try:
        report = workplace.evaluator.guard(manifest.required)
        if report.passed and manifest.fixtures:
            sample = workplace.evaluator.sample(manifest, incumbent=False)
            report_unchanged = isinstance(sample, Sample) and (sample.metrics == untouched.metrics)
        else:
            report_unchanged = report.passed
    finally:
        workplace.pool.reset("candidate")
        workplace.place("candidate", workplace.source)
    if report_unchanged:
        scores = " and every metric kept its value" if manifest.fixtures else ""
        message = (
            f"the harness does not exercise {target.name}: with the "
            f"{'symbol' if target.symbol else 'file'} made unusable, "
            f"{_count(len(manifest.required))} still passed{scores}. Make a test or a metric use "
            f"this {'symbol' if target.symbol else 'file'}, or name another target"
        )
        raise UsageError(message)


def _unusable(target: Target, source: bytes) -> bytes:
    text = "pytest-autoloop made this unusable to see whether the harness notices"
    if target.symbol:
        return unusable(source, target.symbol, text)
    content = f'raise RuntimeError("{text}")\n' if target.path.endswith(".py") else f"{text}\n"
    return content.encode()


def _count(guards: int) -> str:
    return "the only guard" if guards == 1 else f"all {guards} guards"
