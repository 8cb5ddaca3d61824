"""Puts a campaign together: a green baseline, its records, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop import opening
from pytest_autoloop.asking import Asker
from pytest_autoloop.baseline import Baseline, establish
from pytest_autoloop.campaign import Campaign
from pytest_autoloop.decision.objectives import OBJECTIVES
from pytest_autoloop.decision.rules import rule_from_spec
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.notes import Notes
from pytest_autoloop.outlook import affordable
from pytest_autoloop.search.greedy import Greedy
from pytest_autoloop.workbench import CampaignWorkbench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.campaign import Listener
    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.history.ledger import Ledger
    from pytest_autoloop.model import Brief, HotLine, Json, Metric
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.settings import Settings
    from pytest_autoloop.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a campaign before its baseline is measured."""

    settings: Settings
    rootdir: Path
    tag: str
    results: Path
    metrics: tuple[Metric, ...]
    proposer: Proposer
    #: Node ids of the guards that no proposer is told of.
    hidden: frozenset[str]
    #: The journal of a campaign that goes on; None begins one.
    earlier: Journal | None = None


def begin(plan: Plan, workplace: Workplace, listener: Listener) -> Campaign:
    """Measure the baseline; only a green one gets a journal, a table and a branch.

    Raises:
        AutoloopError: the baseline is red, or the project has to change first.
    """
    settings = plan.settings
    baseline = establish(
        workplace,
        plan.metrics,
        settings.timeout,
        bounds_are_goals=settings.objective == "gated",
        hidden=plan.hidden,
    )
    if settings.sandbox == "strict" and baseline.not_isolated:
        raise UsageError(
            f"--autoloop-sandbox=strict: candidates cannot be isolated, since "
            f"{baseline.not_isolated}; change that, or write auto"
        )
    metrics = baseline.manifest.metrics
    ledger = _ledger(plan, workplace, baseline)
    records = ledger.journal.directory
    workbench = CampaignWorkbench(
        workplace.pool, workplace.repository, workplace.target.path, records
    )
    asker = Asker(
        proposer=plan.proposer,
        # An edit made by hand is judged, whatever a conftest would propose.
        hook=listener.propose if settings.attempt is None else _no_suggestion,
        target=workplace.target,
        metrics=metrics,
        directives=plan.rootdir / settings.program,
        notes=Notes(records),
        take_notices=workbench.take_notices,
        profile=_profiler(plan, workplace, baseline),
        program=baseline.program,
        updates_directives=settings.update_directives,
    )
    plan.proposer.start(workbench)
    return Campaign(
        workplace=workplace,
        baseline=baseline,
        ledger=ledger,
        asker=asker,
        search=Greedy(),
        policy=Policy(
            metrics,
            objective=OBJECTIVES[settings.objective](),
            rule=affordable(
                rule_from_spec(settings.rule, settings.min_gain), baseline.pair_seconds
            ),
            rounds="warm" if workplace.options.allow_cross_call_cache else settings.rounds,
        ),
        listener=listener,
        false_discovery_rate=settings.fdr,
        allow_imports=settings.allow_imports,
    )


def _no_suggestion(_: Brief) -> None:
    return None


def _ledger(plan: Plan, workplace: Workplace, baseline: Baseline) -> Ledger:
    metrics = baseline.manifest.metrics
    if plan.earlier is not None:
        if (plan.earlier.read_header() or {}).get("manifest") != baseline.manifest.digest:
            raise UsageError(
                f"the campaign {plan.tag} was judged by other guards than those of this command "
                "line: run the same ones, or choose another tag with --autoloop-tag"
            )
        return opening.reopen_ledger(
            workplace.repository, plan.earlier, results=plan.results, metrics=metrics
        )
    header: dict[str, Json] = {
        "target": workplace.target.path,
        "commit": workplace.commit,
        "manifest": baseline.manifest.digest,
        "proposer": plan.proposer.name,
        "launcher": workplace.runner.launcher.description,
        "sandbox": workplace.runner.sandbox.names,
        "assurance": workplace.evaluator.assurance,
        "not_isolated": baseline.not_isolated,
    }
    return opening.open_ledger(
        workplace.repository,
        rootdir=plan.rootdir,
        tag=plan.tag,
        results=plan.results,
        metrics=metrics,
        header=header,
    )


def _profiler(
    plan: Plan, workplace: Workplace, baseline: Baseline
) -> Callable[[bytes], tuple[HotLine, ...]] | None:
    """Return what samples the benchmarks of a version of the target, where that is of use."""
    wanted = plan.settings.profile and plan.proposer.uses_profile
    if not (wanted and baseline.manifest.benchmarks and workplace.target.path.endswith(".py")):
        return None

    def profile(source: bytes) -> tuple[HotLine, ...]:
        workplace.place("incumbent", source)
        return workplace.evaluator.profile()

    return profile
