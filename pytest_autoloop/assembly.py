"""Puts a campaign together: a green baseline, its records, and who takes part."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_autoloop import opening
from pytest_autoloop.asking import Asker
from pytest_autoloop.baseline import Baseline, establish
from pytest_autoloop.budget import Budget, share
from pytest_autoloop.campaign import Campaign
from pytest_autoloop.comparison import Comparison
from pytest_autoloop.decision.objectives import OBJECTIVES
from pytest_autoloop.decision.rules import rule_from_spec
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.designs import Archive
from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.manifest import changed as manifest_changed
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.ledger import Ledger
from pytest_autoloop.history.notes import Notes
from pytest_autoloop.history.results import ResultsFile
from pytest_autoloop.judging import Judge
from pytest_autoloop.outlook import affordable
from pytest_autoloop.remote.judging import RemoteJudge
from pytest_autoloop.resuming import refuse_changed
from pytest_autoloop.search.specs import strategy_from_spec
from pytest_autoloop.targets import share_of
from pytest_autoloop.workbench import CampaignWorkbench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.history.lock import CampaignLock
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.holding import Records
    from pytest_autoloop.model import Brief, HotLine, Json, Metric
    from pytest_autoloop.progress import Listener, Progress
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.remote.elsewhere import Elsewhere
    from pytest_autoloop.resuming import Plan
    from pytest_autoloop.settings import Settings
    from pytest_autoloop.targets import Leg
    from pytest_autoloop.workplace import Workplace


def begin(
    plan: Plan,
    records: Records,
    workplace: Workplace,
    metrics: tuple[Metric, ...],
    *,
    proposer: Proposer,
    listener: Listener,
    progress: Progress | None = None,
    elsewhere: Elsewhere | None = None,
) -> Campaign:
    """Measure a target's baseline; only a green one gets a journal, a table and a branch.

    With `elsewhere` workers measure it, and judge what is proposed.

    Raises:
        AutoloopError: the baseline is red, or the project has to change first.
    """
    settings = plan.settings
    began = time.monotonic()
    make: Callable[..., Judge] = Judge
    if elsewhere is not None:
        learned, dispatcher = elsewhere.establish(plan, workplace, metrics)
        baseline, make = (
            learned.baseline,
            partial(RemoteJudge, dispatcher=dispatcher, host=learned.host),
        )
    else:
        baseline = establish(
            workplace,
            metrics,
            settings.timeout,
            bounds_are_goals=settings.objective == "gated",
            hidden=plan.hidden,
            progress=progress,
        )
    if settings.sandbox == "strict" and baseline.not_isolated:
        raise UsageError(
            f"--autoloop-sandbox=strict: candidates cannot be isolated, since "
            f"{baseline.not_isolated}; change that, or write auto"
        )
    search = strategy_from_spec(settings.search, settings.seed)
    anew, header = _open(plan, records, workplace, baseline, proposer)
    ledger = records.ledger
    assert ledger is not None
    judge = _judge(settings, workplace, baseline, listener, make)
    asker = _asker(plan, ledger, judge, proposer=proposer, listener=listener)
    campaign = Campaign(
        workplace,
        baseline,
        ledger,
        asker,
        search,
        judge,
        listener,
        anew=anew,
        header=header,
        first_number=ledger.take_number() if anew else 0,
        earlier_seconds=ledger.chronicle.elapsed,
        began=began,
    )
    if not anew:
        campaign.first_number = campaign.rows[0].number
        proposer.resume(ledger.chronicle.all_lean())
    return campaign


def _open(
    plan: Plan, records: Records, workplace: Workplace, baseline: Baseline, proposer: Proposer
) -> tuple[bool, dict[str, Json]]:
    """Open the ledger, if nobody has; say whether the target's baseline is a new one.

    The header that then holds is to be written when that baseline is recorded.

    Raises:
        UsageError: the target was judged by another harness before.
    """
    manifest, name = baseline.manifest, workplace.target.name
    if records.ledger is None:
        columns = plan.metrics if len(plan.targets) > 1 else manifest.metrics
        header = _header(plan, workplace, baseline, proposer)
        header["columns"] = [metric.name for metric in columns]
        assert records.lock is not None, "nobody holds the campaign"
        records.ledger = _created(plan, workplace.repository, header, columns, records.lock)
    ledger = records.ledger
    header = ledger.journal.read_header() or {}
    manifests = header.get("manifests")
    known = manifests if isinstance(manifests, dict) else {}
    begun = any(row.target in {name, ""} for row in ledger.chronicle.rows)
    changed = list(plan.changed)
    if begun:
        changed += manifest_changed(known.get(name), manifest)
        if not plan.settings.rebaseline:
            refuse_changed(plan.tag, changed)
        if not changed:
            return False, {}
        header["commit"] = workplace.commit
    header["manifests"] = {**known, name: manifest.document()}
    if not begun:
        # A session that is killed now begins the target again; its baseline must not lack this.
        ledger.journal.write_header(header)
    return True, header


def _judge(
    settings: Settings,
    workplace: Workplace,
    baseline: Baseline,
    listener: Listener,
    make: Callable[..., Judge],
) -> Judge:
    policy = Policy(
        baseline.manifest.metrics,
        objective=OBJECTIVES[settings.objective](),
        rule=affordable(rule_from_spec(settings.rule, settings.min_gain), baseline.pair_seconds),
        rounds="warm" if workplace.options.allow_cross_call_cache else settings.rounds,
    )
    return make(
        workplace,
        baseline,
        policy,
        Comparison(workplace.evaluator, baseline.manifest, baseline.calibration),
        listener.check,
        allow_imports=settings.allow_imports,
        simplify=settings.simplify,
        false_discovery_rate=settings.fdr,
    )


def budget_of(plan: Plan, campaign: Campaign, legs: Sequence[Leg], place: int) -> Budget:
    """Return the limits up to the end of a target's turn.

    A target has its own share, and what those before it have left of theirs.

    Raises:
        UsageError: the goal fits none of the metrics.
    """
    settings = plan.settings
    budget = Budget.of(settings, plan.metrics, campaign.ledger.journal.directory)
    if settings.attempt is not None:
        return replace(
            budget, experiments=1 + sum(r.status != "baseline" for r in campaign.chronicle.rows)
        )
    if budget.until is not None and budget.until.metric not in {m.name for m in campaign.metrics}:
        budget = replace(budget, until=None)
    so_far = legs[: place + 1]
    experiments = math.fsum(share_of(settings.experiments, legs)[: place + 1])
    return share(budget, math.fsum(leg.share for leg in so_far), experiments)


def _created(
    plan: Plan,
    repository: Repository,
    header: dict[str, Json],
    columns: Sequence[Metric],
    lock: CampaignLock,
) -> Ledger:
    """Create the journal and the table of a campaign whose baseline is green."""
    journal = Journal(plan.rootdir, plan.tag)
    journal.write_header(header)
    table = ResultsFile(plan.results, [metric.name for metric in columns])
    table.write([])
    return Ledger(plan.tag, repository, journal, table, lock)


def _header(
    plan: Plan, workplace: Workplace, baseline: Baseline, proposer: Proposer
) -> dict[str, Json]:
    return {
        "tag": plan.tag,
        "environment": opening.environment(),
        "target": workplace.target.path,
        "targets": list(plan.targets),
        "commit": workplace.commit,
        "proposer": proposer.name,
        "launcher": workplace.runner.launcher.description,
        "worker_mb": None if baseline.memory is None else asdict(baseline.memory),
        "sandbox": workplace.runner.sandbox.names,
        "executor": plan.settings.executor,
        "assurance": workplace.evaluator.assurance,
        "not_isolated": baseline.not_isolated,
        **plan.call,
    }


def _asker(
    plan: Plan,
    ledger: Ledger,
    judge: Judge,
    *,
    proposer: Proposer,
    listener: Listener,
) -> Asker:
    settings, records = plan.settings, ledger.journal.directory
    workplace, baseline = judge.workplace, judge.baseline
    workbench = CampaignWorkbench(
        workplace.pool,
        workplace.repository,
        workplace.target.path,
        records,
        frozen=workplace.frozen,
        parallel=settings.workers > 1 and proposer.parallel,
    )
    asker = Asker(
        proposer=proposer,
        # An edit made by hand is judged, whatever a conftest would propose.
        hook=listener.propose if settings.attempt is None else _no_suggestion,
        target=workplace.target,
        metrics=baseline.manifest.metrics,
        directives=plan.rootdir / settings.program,
        notes=Notes(records),
        chronicle=ledger.chronicle,
        take_notices=workbench.take_notices,
        profile=_profiler(settings, judge, proposer),
        program=baseline.program,
        updates_directives=settings.update_directives,
        archive=Archive(settings.archive, workplace.repository.read),
        keep_bill=ledger.unbilled.write,
        unbilled=ledger.unbilled.read(),
    )
    proposer.start(workbench)
    return asker


def _no_suggestion(_: Brief) -> None:
    return None


def _profiler(
    settings: Settings, judge: Judge, proposer: Proposer
) -> Callable[[bytes], tuple[HotLine, ...]] | None:
    """Return what samples the benchmarks of a version of the target, where that is of use."""
    wanted = settings.profile and proposer.uses_profile
    python = judge.workplace.target.path.endswith(".py")
    return judge.profile if wanted and python and judge.baseline.manifest.benchmarks else None
