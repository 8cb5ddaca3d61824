"""A pytest session whose harness measures versions of a target again, outside of any campaign.

Nothing is proposed or recorded. The harness is that of the campaign's first commit, as it was when
the campaign was run, in worktrees of its own.
"""

from __future__ import annotations

import argparse
import io
import os
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

import pytest_autoloop
from pytest_autoloop import opening
from pytest_autoloop.baseline import establish
from pytest_autoloop.comparison import Comparison
from pytest_autoloop.decision.objectives import OBJECTIVES
from pytest_autoloop.decision.rules import rule_from_spec
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.errors import AutoloopError, UsageError
from pytest_autoloop.harness.hidden import hidden_nodes
from pytest_autoloop.harness.manifest import changed
from pytest_autoloop.harness.registry import Registry
from pytest_autoloop.harness.undivided import keep_in_one_process
from pytest_autoloop.judging import Case, Judge
from pytest_autoloop.model import Experiment
from pytest_autoloop.outlook import affordable
from pytest_autoloop.settings import INSIDE, Settings
from pytest_autoloop.targets import resolve_targets
from pytest_autoloop.workplace import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from pytest_autoloop.baseline import Baseline
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.model import Decision, Effect, Json, Metric
    from pytest_autoloop.targets import Leg
    from pytest_autoloop.workplace import Workplace

#: What would begin a campaign, ask a proposer or write a table.
_DROPPED = (
    *("--autoloop", "--autoloop-tag", "--autoloop-from", "--autoloop-try"),
    *("--autoloop-proposer", "--autoloop-model-explore", "--autoloop-model-validate"),
)
_SWITCHES = ("--autoloop-rebaseline", "--autoloop-apply", "--autoloop-json")
_SAID = 600


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a version that was measured against another one."""

    status: str
    reason: str = ""
    detail: str = ""
    effect: Effect | None = None
    #: Pairs that were measured.
    pairs: int = 0

    @property
    def holds(self) -> bool:
        """Whether it is better, or as good where that was asked."""
        return self.status == "keep"


@dataclass(slots=True)
class Bench:
    """Measures versions of one target; made when its baseline on this machine is green."""

    workplace: Workplace
    baseline: Baseline
    judge: Judge
    #: What the harness is here and was not in the campaign, a phrase each.
    differences: tuple[str, ...] = ()
    #: Those that were judged.
    _count: int = field(default=0)

    @property
    def primary(self) -> Metric:
        """The metric to improve."""
        return self.judge.policy.metrics[0]

    @property
    def guards(self) -> int:
        """How many tests every version has to pass."""
        return len(self.baseline.manifest.required)

    def better(self, content: bytes, before: bytes) -> Outcome:
        """Judge a version as a campaign judges a candidate, against the one before it."""
        self._count += 1
        metrics: dict[str, float | None] = {m.name: None for m in self.judge.policy.metrics}
        blank = Experiment(
            *(self._count, "discard", "", "measured again", "", "", "", "", 0.0), metrics
        )
        case = Case(content, best=before, parent=before, anchor=before)
        found = self.judge.run(blank, case)
        detail = found.detail
        if found.guard is not None and not found.guard.passed:
            detail = found.guard.test or found.detail
        return Outcome(found.status, found.reason, detail, found.effect, len(found.pairs))

    def as_good(self, content: bytes, best: bytes) -> Outcome:
        """Judge whether a version is as good as another one, as for a simplification."""
        decision: Decision = self.judge.as_good_as(content, best)
        pairs = len(self.judge.comparison.pairs)
        return Outcome(decision.status, decision.reason, decision.detail, decision.effect, pairs)

    def audit(self, best: bytes) -> Audit | None:
        """Measure the best against the first version; None when one cannot be measured."""
        try:
            return self.judge.audit(best)
        finally:
            for name in ("candidate", "incumbent"):
                self.workplace.pool.reset(name)


#: Returns the bench for the target of a name, whose experiments start from a commit.
Opener: TypeAlias = "Callable[[str, str], Bench]"
Work: TypeAlias = "Callable[[Opener], None]"


def remeasure(
    arguments: Sequence[str],
    directory: Path,
    work: Work,
    *,
    first: str,
    manifests: Mapping[str, Json],
) -> None:
    """Run a pytest session in which `work` may open benches.

    Args:
        arguments: what pytest was given for the campaign; what is only for campaigns is left out.
        directory: where pytest is called.
        work: what is done in it.
        first: the commit that the campaign began on.
        manifests: what the harness was, by target, as the campaign's header tells it.

    Raises:
        UsageError: the project or the command line must change first.
        AutoloopError: the baseline is red, or something of ours failed.
        KeyboardInterrupt: it was interrupted.

    """
    plugin = _Remeasuring(work, first, manifests)
    said = io.StringIO()
    here = Path.cwd()
    _imported_before_pytest()
    try:
        os.chdir(directory)
        with redirect_stdout(said), redirect_stderr(said):
            status = pytest.main(["-q", *without_campaign(arguments)], plugins=[plugin])
    finally:
        os.chdir(here)
    if plugin.error is not None:
        raise plugin.error
    if plugin.interrupted or status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if not plugin.finished:
        lines = [line.strip() for line in said.getvalue().splitlines() if line.strip()]
        told = " / ".join(lines)[-_SAID:]
        raise UsageError(
            f"pytest could not begin in {directory} (exit status {int(status)}), mend that or give "
            f"other arguments after --; it said: {told}"
        )


def without_campaign(arguments: Sequence[str]) -> list[str]:
    """Return arguments of pytest without those that a campaign alone has a use for."""
    kept, skipped, options = [], False, True
    for word in arguments:
        options = options and word != "--"
        name, equals, _ = word.partition("=")
        if skipped:
            skipped = False
        elif options and name in _DROPPED:
            skipped = not equals
        elif not options or name not in _SWITCHES:
            kept.append(word)
    return kept


def _imported_before_pytest() -> None:
    """Keep pytest from warning that it cannot rewrite the assertions of this package.

    It was imported before pytest's own session began, and a project may make errors of warnings.
    """
    mark = "PYTEST_DONT_REWRITE"
    if mark not in (pytest_autoloop.__doc__ or ""):
        pytest_autoloop.__doc__ = f"{pytest_autoloop.__doc__}\n\n{mark}"


class _Remeasuring:
    """The plugin of that session."""

    def __init__(self, work: Work, first: str, manifests: Mapping[str, Json]) -> None:
        self._work, self._first, self._manifests = work, first, manifests
        self._registry = Registry()
        self.finished = self.interrupted = False
        self.error: AutoloopError | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Keep the session in this process, and without a report of coverage."""
        keep_in_one_process(config)
        # Commands judge here as they did in the campaign.
        setattr(config.option, INSIDE, True)
        return (yield)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Find what the decorators marked."""
        config.pluginmanager.register(self._registry, "autoloop-registry")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do the work in place of running tests."""
        try:
            if session.testsfailed:
                raise UsageError(
                    "tests cannot be collected in this checkout: run pytest --collect-only, and "
                    "mend what it tells"
                )
            self._run(session)
            self.finished = True
        except AutoloopError as error:
            self.error = error
        except KeyboardInterrupt:
            self.interrupted = True
        return True

    def _run(self, session: pytest.Session) -> None:
        try:
            settings = Settings.from_config(session.config)
        except argparse.ArgumentTypeError as error:
            raise UsageError(str(error)) from error
        repository = opening.open_repository(session)
        metrics = opening.metrics_of(session, self._registry, settings)
        legs = resolve_targets(session, self._registry, metrics, repository, self._first)
        results = opening.results_path(repository, session.config.rootpath, settings.results)
        paths = [leg.path for leg in legs]
        program = session.config.rootpath / settings.program
        opening.check_clean(session, repository, results, program, *paths)
        with set_up(session, settings, repository, legs, self._first) as places:
            hidden = hidden_nodes(session.items)

            def open_bench(name: str, commit: str) -> Bench:
                leg = _leg(legs, name)
                return _bench(places.of(leg, commit), leg, settings, hidden, self._manifests)

            self._work(open_bench)


def _leg(legs: Sequence[Leg], name: str) -> Leg:
    """Return the target of a name; an UsageError says that there is none."""
    for leg in legs:
        if leg.target.name == name:
            return leg
    here = ", ".join(leg.target.name for leg in legs)
    raise UsageError(
        f"the campaign improved {name}, and the target is {here} here: check out what it was run on"
    )


def _bench(
    workplace: Workplace,
    leg: Leg,
    settings: Settings,
    hidden: frozenset[str],
    manifests: Mapping[str, Json],
) -> Bench:
    """Return a bench whose baseline is green here."""
    baseline = establish(
        workplace,
        leg.metrics,
        settings.timeout,
        bounds_are_goals=settings.objective == "gated",
        hidden=hidden,
    )
    known = manifests.get(leg.target.name)
    differences = changed(known, baseline.manifest) if known is not None else []
    return Bench(workplace, baseline, _judge(settings, workplace, baseline), tuple(differences))


def _judge(settings: Settings, workplace: Workplace, baseline: Baseline) -> Judge:
    """Return who judges as in a campaign, but for vetoes and a bound on a whole session."""
    policy = Policy(
        baseline.manifest.metrics,
        objective=OBJECTIVES[settings.objective](),
        rule=affordable(rule_from_spec(settings.rule, settings.min_gain), baseline.pair_seconds),
        rounds="warm" if workplace.options.allow_cross_call_cache else settings.rounds,
    )
    comparison = Comparison(workplace.evaluator, baseline.manifest, baseline.calibration)
    allowed = settings.allow_imports
    return Judge(workplace, baseline, policy, comparison, _no_veto, allow_imports=allowed)


def _no_veto(_: object) -> None:
    return None


@contextmanager
def standard_error() -> Iterator[io.TextIOBase]:
    """Lend what standard error leads to now, past all that pytest does to it meanwhile."""
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") as stream:
        yield stream
