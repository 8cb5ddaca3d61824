"""The baseline: is the harness green, does it exercise the target, how noisy is the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.decision.verdict import Calibration, violated
from pytest_autoloop.errors import BaselineRed, UsageError
from pytest_autoloop.evaluation.evaluator import Evaluator, Limits
from pytest_autoloop.evaluation.judge import clean
from pytest_autoloop.harness.manifest import Manifest
from pytest_autoloop.model import Decision, Pair, Sample

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.protocol import Verdict
    from pytest_autoloop.evaluation.runner import Run, Runner
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.history.worktrees import WorktreePool
    from pytest_autoloop.model import Metric, Target

#: Pairs of the baseline with itself that start the estimate of noise.
_CALIBRATION_PAIRS = 3
#: Seconds the very first run may take, before anything is known of the harness.
_FIRST_LIMIT = 3600.0
_LISTED = 10
#: Ignored or untracked names that no harness needs from the user's checkout.
_NOT_DATA = (
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_autoloop",
    ".venv",
    "venv",
    "node_modules",
    ".git",
    ".tox",
    ".benchmarks",
)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Everything an experiment needs around it."""

    repository: Repository
    pool: WorktreePool
    runner: Runner
    evaluator: Evaluator
    target: Target
    #: The commit the campaign starts from, and the target's content in it.
    commit: str
    source: bytes

    def place(self, worktree: str, content: bytes) -> None:
        """Put the target's content into a worktree."""
        self.pool.write(worktree, self.target.path, content)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the untouched target gave."""

    manifest: Manifest
    calibration: Calibration
    pairs: tuple[Pair, ...]
    seconds: float
    #: Tracked files that the harness itself writes while it runs.
    written: frozenset[str]


def establish(workplace: Workplace, metrics: tuple[Metric, ...], timeout: float | None) -> Baseline:
    """Run the harness on the untouched target, then on an unusable one, then measure noise.

    Raises:
        BaselineRed: guards fail, or nothing can be measured.
        UsageError: the wrong file is imported, nothing exercises the target, or a metric does
            not return a finite number within its bounds.
    """
    started = time.monotonic()
    evaluator = workplace.evaluator
    evaluator.limits = Limits(timeout or _FIRST_LIMIT, timeout or _FIRST_LIMIT)
    run = evaluator.run_guards(max_failures=0)
    verdict = _green(run, workplace)
    passed = {node for node, outcome in verdict.outcomes.items() if outcome == "passed"}
    scored = frozenset() if metrics else passed & set(verdict.benchmarks)
    if not metrics and not scored:
        message = "no benchmark passed and there is no metric: nothing gives a score"
        raise BaselineRed(message)
    manifest = Manifest(frozenset(passed), frozenset(scored), metrics)
    evaluator.limits = Limits.after(run.exit.seconds, timeout)
    written = frozenset(workplace.pool.dirty("candidate", ignoring=workplace.target.path))
    workplace.pool.reset("candidate")
    pairs = [_same(evaluator, manifest)]
    _canary(workplace, manifest, pairs[0].candidate)
    pairs += [_same(evaluator, manifest) for _ in range(_CALIBRATION_PAIRS - 1)]
    return Baseline(
        manifest,
        Calibration.from_same_file(pairs, metrics),
        tuple(pairs),
        time.monotonic() - started,
        written,
    )


def _green(run: Run, workplace: Workplace) -> Verdict:
    """Return the verdict of a green run; explain a red one."""
    verdict = run.verdict
    target = workplace.target.path
    if verdict is None:
        what = "did not finish in time" if run.exit.timed_out else "ended without a result"
        message = f"the harness {what} on the untouched {target}:\n{clean(run.output)}"
        raise BaselineRed(message + _hint(workplace))
    if verdict.foreign:
        message = (
            f"the tests import {verdict.foreign}, not the candidate's copy of {target}: an import "
            "path is fixed to this checkout. Load the target by its import name, or remove the "
            "absolute path from conftest.py, sys.path or the import hook that holds it"
        )
        raise UsageError(message)
    failed = [node for node, outcome in verdict.outcomes.items() if outcome == "failed"]
    if verdict.collection and verdict.failed not in failed:
        failed.insert(0, verdict.failed)
    if failed:
        listed = "\n".join(f"  {node}" for node in failed[:_LISTED])
        more = f"\n  … and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
        message = (
            f"{len(failed)} of the guards fail on the untouched {target}, in a clean worktree of "
            f"commit {workplace.commit[:10]}:\n{listed}{more}\n\n{clean(verdict.message)}"
        )
        raise BaselineRed(message + _hint(workplace))
    return verdict


def _hint(workplace: Workplace) -> str:
    """Tell whether the guards pass in the checkout, and which files may make the difference."""
    repository = workplace.repository
    run = workplace.runner.run(
        repository.root, "guard", seconds=workplace.evaluator.limits.guard, max_failures=1
    )
    if run.verdict is None or run.verdict.failed:
        return ""
    names = [*repository.untracked(), *repository.ignored(1000)]
    missing = [n for n in names if not any(part in _NOT_DATA for part in n.split("/"))]
    listed = "\n".join(f"  {name}" for name in missing[:_LISTED])
    return (
        "\n\nThe guards pass in your checkout. A clean worktree holds tracked files only; these "
        f"are not in it:\n{listed}\nCommit what the guards need, or name it in the ini option "
        "autoloop_copy."
    )


def _same(evaluator: Evaluator, manifest: Manifest) -> Pair:
    """Measure the untouched target against itself."""
    pair = evaluator.pair(manifest)
    if isinstance(pair, Decision):
        message = f"on the untouched target, {pair.detail}"
        raise UsageError(message) if pair.reason == "invalid-score" else BaselineRed(message)
    broken = violated(pair.candidate, manifest.metrics)
    if broken:
        message = f"on the untouched target, {broken}: lower the bound or improve it by hand first"
        raise UsageError(message)
    return pair


def _canary(workplace: Workplace, manifest: Manifest, untouched: Sample) -> None:
    """Make the target unusable: a harness that stays green does not exercise it."""
    path = workplace.target.path
    text = "pytest-autoloop made this file unusable to see whether the harness notices"
    content = f'raise RuntimeError("{text}")\n' if path.endswith(".py") else f"{text}\n"
    workplace.place("candidate", content.encode())
    try:
        report = workplace.evaluator.guard(manifest.required)
        if report.passed and manifest.metrics:
            sample = workplace.evaluator.sample(manifest, incumbent=False)
            report_unchanged = isinstance(sample, Sample) and sample == untouched
        else:
            report_unchanged = report.passed
    finally:
        workplace.pool.reset("candidate")
        workplace.place("candidate", workplace.source)
    if report_unchanged:
        scores = " and every metric kept its value" if manifest.metrics else ""
        message = (
            f"the harness does not exercise {path}: with the file made unusable, all "
            f"{len(manifest.required)} guards still passed{scores}. Check that the tests import "
            "this file, and that `target` names the file you mean"
        )
        raise UsageError(message)
