"""The baseline: is the harness green, does it exercise the target, how noisy is the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_autoloop.assurance import isolate, learn_usual
from pytest_autoloop.canary import canary, layout_counts
from pytest_autoloop.decision.series import Calibration
from pytest_autoloop.decision.verdict import told_violation, violated
from pytest_autoloop.errors import BaselineRed, UsageError
from pytest_autoloop.evaluation import judge
from pytest_autoloop.evaluation.judge import clean
from pytest_autoloop.evaluation.launchers import SpawnLauncher
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.evaluation.runner import Runner
from pytest_autoloop.harness.manifest import Manifest
from pytest_autoloop.harness.registry import INPUTS
from pytest_autoloop.headstart import first_run, get_ahead
from pytest_autoloop.model import TIME, Decision, Pair
from pytest_autoloop.progress import Unwatched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.evaluation.launchers import Memory
    from pytest_autoloop.evaluation.protocol import Phase, Verdict
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.model import Metric
    from pytest_autoloop.progress import Progress
    from pytest_autoloop.workplace import Workplace

#: Pairs of the baseline with itself that start the estimate of noise.
_CALIBRATION_PAIRS = 3
#: Seconds the very first run may take, before anything is known of the harness.
_FIRST_LIMIT = 3600.0
_LISTED = 10
_NOTHING_SCORES = (
    "nothing gives a score: there is no metric, and no benchmark passed on the untouched {target}. "
    "Let a test that uses the `benchmark` fixture run (it may be skipped), or add a fixture "
    "decorated with @autoloop.metric"
)
_NO_SCORE = "A metric has to return a number each time, and a benchmark has to run: none may skip."
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
    "results.tsv",
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the untouched target gave."""

    manifest: Manifest
    calibration: Calibration
    pairs: tuple[Pair, ...]
    seconds: float
    #: Seconds that one pair takes.
    pair_seconds: float
    #: Files that the harness itself changes while it runs.
    written: frozenset[str]
    #: The guards fail in another order than the collected one, so they always run in that.
    order_matters: bool = False
    #: Why candidates cannot be isolated; empty when they are.
    not_isolated: str = ""
    #: What fresh inputs cannot show, in words; empty where they can.
    weak: str = ""
    #: The target is Python, and no score changes with its layout and comments.
    program: bool = False
    #: What one worker holds; None where that is not known.
    memory: Memory | None = None


def establish(
    workplace: Workplace,
    metrics: tuple[Metric, ...],
    timeout: float | None,
    *,
    bounds_are_goals: bool = False,
    hidden: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> Baseline:
    """Run the harness on the untouched target, then on an unusable one, then measure noise.

    The untouched target must meet the metrics' bounds, unless those are goals to be reached.
    `hidden` are node ids that no proposer is told of.

    Raises:
        BaselineRed: guards fail, or nothing can be measured.
        UsageError: the wrong file is imported, nothing exercises the target, or a metric does
            not return a finite number within its bounds.
    """
    started = time.monotonic()
    evaluator = workplace.evaluator
    evaluator.limits = Limits(timeout or _FIRST_LIMIT, timeout or _FIRST_LIMIT)
    python = workplace.target.path.endswith(".py")
    evaluator.trusted = True
    watched = progress or Unwatched()
    with watched.phase("guards"):
        run = first_run(workplace, recorded=python)
    verdict = green(run, workplace)
    passed = _passed(verdict)
    timed = any(metric.name == TIME.name for metric in metrics)
    scored = passed & set(verdict.benchmarks) if timed else set()
    if not scored:
        metrics = tuple(metric for metric in metrics if metric.name != TIME.name)
    if not metrics:
        raise BaselineRed(_NOTHING_SCORES.format(target=workplace.target.path))
    manifest = Manifest(frozenset(passed), frozenset(scored), metrics, hidden, workplace.copied)
    evaluator.limits = Limits.after(run.exit.seconds, timeout)
    written = frozenset(workplace.pool.put_back("candidate"))
    evaluator.usual.update(judge.traces(run))
    memory = get_ahead(workplace, run)
    with watched.phase("checking isolation"):
        not_isolated, weak = isolate(workplace, run, manifest)
        if not_isolated:
            learn_usual(workplace, manifest)
        ordered = _order_matters(workplace, manifest, verdict.seconds)
    pairs = [_same(workplace, manifest)]
    evaluator.trusted = False
    with watched.phase("checking that tests notice"):
        canary(workplace, manifest, pairs[0].candidate)
    program = python and not layout_counts(workplace, manifest, pairs[0])
    paired = time.monotonic()
    enough = _as_before(manifest, pairs[0])
    with watched.phase("measuring"):
        pairs += [_same(workplace, manifest, enough) for _ in range(_CALIBRATION_PAIRS - 1)]
    ended = time.monotonic()
    if not bounds_are_goals:
        _check_bounds(workplace, manifest, pairs)
    return Baseline(
        manifest,
        Calibration.from_same_file(pairs, metrics),
        tuple(pairs),
        seconds=ended - started,
        pair_seconds=(ended - paired) / (_CALIBRATION_PAIRS - 1),
        written=written,
        order_matters=ordered,
        not_isolated=not_isolated,
        weak=weak,
        program=program,
        memory=memory,
    )


def _passed(verdict: Verdict) -> set[str]:
    """Return the guards: what only fetches inputs, to compare on, does not run in every mode."""
    outcomes = verdict.outcomes.items()
    passed = {node for node, outcome in outcomes if outcome == "passed"}
    return {node for node in passed if not node.endswith(f"::autoloop[{INPUTS}]")}


def _order_matters(workplace: Workplace, manifest: Manifest, seconds: dict[str, float]) -> bool:
    """Try the guards in the order of experiments, cheapest first; keep it if they stay green."""
    evaluator = workplace.evaluator
    evaluator.test_seconds = seconds
    green = evaluator.guard(manifest.required).passed
    workplace.pool.reset("candidate")
    if not green:
        evaluator.keep_collected_order()
    return not green


def green(run: Run, workplace: Workplace) -> Verdict:
    """Return the verdict of a green run of the untouched target's guards; explain a red one.

    Raises:
        BaselineRed: a guard fails, or the session brought no verdict.
        UsageError: the tests import another copy of the target.
    """
    verdict = run.verdict
    target = workplace.target.path
    if verdict is None:
        raise BaselineRed(_silent(run, target))
    _refuse_foreign(verdict, target)
    failed = [node for node, outcome in verdict.outcomes.items() if outcome == "failed"]
    if verdict.collection and verdict.failed not in failed:
        failed.insert(0, verdict.failed)
    if failed:
        listed = "\n".join(f"  {node}" for node in failed[:_LISTED])
        more = f"\n  … and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
        what = "1 guard fails" if len(failed) == 1 else f"{len(failed)} guards fail"
        said = clean(verdict.message)
        message = (
            f"{what} on the untouched {target}, in a clean worktree of commit "
            f"{workplace.commit[:10]}:\n{listed}{more}\n\n{said}\n\n"
        )
        raise BaselineRed(message + _advice(workplace, said))
    return verdict


def _refuse_foreign(verdict: Verdict, target: str) -> None:
    if verdict.foreign:
        message = (
            f"the tests import {verdict.foreign}, not the candidate's copy of {target}: an import "
            "path is fixed to this checkout. Load the target by its import name, or remove the "
            "absolute path from conftest.py, sys.path or the import hook that holds it"
        )
        raise UsageError(message)


def _silent(run: Run, target: str) -> str:
    """Explain a session that brought no verdict."""
    if run.exit.timed_out:
        what = f"did not finish within {run.exit.seconds:.0f} s"
        advice = "Make the guards faster, select fewer, or raise --autoloop-timeout."
    else:
        what = f"ended its process with status {run.exit.returncode} before pytest could report"
        advice = "Run pytest without --autoloop to see which test or plugin ends the process."
    said = clean(run.output)
    return f"the harness {what} on the untouched {target}. The last it printed:\n{said}\n\n{advice}"


def _advice(workplace: Workplace, said: str, metrics: tuple[str, ...] = ()) -> str:
    """Tell what to do: the files that a clean worktree lacks may make the difference."""
    if "from pytest-timeout" in said:
        return "Make the guard faster, or give it more time with --autoloop-timeout."
    repository, runner = workplace.repository, workplace.runner
    what = "metrics" if metrics else "guards"
    # The user's own code, in the user's own surroundings.
    bare = Runner(runner.project, workplace.pool.directory, SpawnLauncher())

    def passes(place: Path) -> bool:
        phase: Phase = "measure" if metrics else "guard"
        seconds = workplace.evaluator.limits.guard
        run = bare.run(
            place, phase, seconds=seconds, max_failures=1, metrics=list(metrics), trusted=True
        )
        if run.verdict is None:
            return False
        # In the sandbox, the checkout's copy is not to be found.
        _refuse_foreign(run.verdict, runner.project.target)
        return run.verdict.exitstatus == 0 and not run.verdict.failed

    if runner.sandbox.contained and passes(workplace.pool.path("candidate")):
        return (
            f"The {what} pass outside of the sandbox ({runner.sandbox.told()}). Open what they "
            "need in pytest's ini file: autoloop_network = true, autoloop_readable, "
            "autoloop_writable and autoloop_env take paths and names; or accept that candidates "
            "run as you, with --autoloop-sandbox=off"
        )
    if not passes(repository.root):
        return f"They fail in your checkout too: make the {what} pass there first."
    names = [*repository.untracked(), *repository.ignored(1000)]
    missing = [n for n in names if not any(part in _NOT_DATA for part in n.split("/"))]
    if not missing:
        return (
            f"The {what} pass in your checkout, which has no other files than a clean worktree: "
            "look for an absolute path, or for something that depends on the directory."
        )
    # What the failure speaks of is the likeliest.
    missing.sort(key=lambda name: PurePosixPath(name).name not in said)
    listed = "\n".join(f"  {name}" for name in missing[:_LISTED])
    project = workplace.runner.project
    below = project.rootdir.relative_to(project.checkout).as_posix() + "/"
    more = f"\n  … and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    return (
        f"The {what} pass in your checkout. A clean worktree holds tracked files only; these are "
        f"not in it:\n{listed}{more}\nCommit what the {what} need, or have it copied by naming it "
        f"in pytest's ini file: autoloop_copy = {missing[0].removeprefix(below)}"
    )


def _as_before(manifest: Manifest, first: Pair) -> Callable[[Pair], bool]:
    """Return what says that two turns are enough: without any noise they tell as much as four."""

    def enough(half: Pair) -> bool:
        sides = (half.incumbent, half.candidate)
        return not manifest.benchmarks and all(side == first.candidate for side in sides)

    return enough


def _same(
    workplace: Workplace, manifest: Manifest, enough: Callable[[Pair], bool] | None = None
) -> Pair:
    """Measure the untouched target against itself."""
    workplace.evaluator.learning = True
    pair = workplace.evaluator.pair(manifest, enough=enough)
    if isinstance(pair, Decision) and workplace.evaluator.scoring is not None:
        # Some benchmarks need what another test's module does when it is imported.
        workplace.evaluator.scoring = None
        pair = workplace.evaluator.pair(manifest, enough=enough)
    workplace.evaluator.learning = False
    where = f"on the untouched {workplace.target.path}"
    if isinstance(pair, Decision):
        if pair.reason == "invalid-score":
            raise UsageError(f"{where}, {pair.detail}; make the fixture return one int or float")
        names = tuple(metric.name for metric in manifest.fixtures)
        advice = _advice(workplace, pair.detail, names) if pair.reason == "measure" else _NO_SCORE
        raise BaselineRed(f"{where}, {pair.detail}\n\n{advice}")
    return pair


def _check_bounds(workplace: Workplace, manifest: Manifest, pairs: list[Pair]) -> None:
    for pair in pairs:
        broken = violated(pair.candidate, manifest.metrics)
        if broken is not None:
            told = told_violation(pair.candidate, broken)
            message = (
                f"on the untouched {workplace.target.path}, {told}: change the bound, improve the "
                "target by hand first, or make it a goal with --autoloop-objective=gated"
            )
            raise UsageError(message)
