"""Improves the targets of a campaign, one after another."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pytest_autoloop.ablation import kept_changes, minimise, told
from pytest_autoloop.applying import Source, at_the_end, ends
from pytest_autoloop.assembly import begin, budget_of
from pytest_autoloop.audits import record_audit
from pytest_autoloop.beginning import open_campaign
from pytest_autoloop.errors import AutoloopError, EvaluationError, UsageError
from pytest_autoloop.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.holding import Records
    from pytest_autoloop.interrupts import Interrupts
    from pytest_autoloop.model import Effect, Experiment
    from pytest_autoloop.nodes import ExperimentItem
    from pytest_autoloop.progress import Listener
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.remote.elsewhere import Elsewhere
    from pytest_autoloop.reporting.live import Live
    from pytest_autoloop.reporting.terminal import Terminal
    from pytest_autoloop.resuming import Plan
    from pytest_autoloop.targets import Leg
    from pytest_autoloop.workplace import Places


@dataclass(slots=True, kw_only=True)
class Tour:
    """What a session does between its opening and its summary."""

    plan: Plan
    legs: Sequence[Leg]
    #: One for each leg; it may be the same.
    proposers: Sequence[Proposer]
    records: Records
    listener: Listener
    terminal: Terminal
    live: Live
    #: Told whenever there is one experiment more.
    update: Callable[[Campaign], None]
    interrupts: Interrupts
    #: Runs an experiment as pytest runs a test.
    protocol: Callable[[int, Callable[[], Experiment]], ExperimentItem]
    #: Who judges candidates, if not this process.
    elsewhere: Elsewhere | None = None
    #: By target that was improved: what the audit found, None where it could not be made.
    _audited: list[Effect | None] = field(default_factory=list)
    #: Names of the targets that had their turn in this session.
    _concluded: list[str] = field(default_factory=list)
    #: Commit of the smallest set of changes so far; those to the next target go on top.
    _onto: str = ""

    def run(self, places: Places) -> None:
        """Improve every target that has not had its turn; those before it are in its harness."""
        if self.elsewhere is not None:
            self.plan = self.elsewhere.planned(self.plan)
        for place in range(self.records.place_in(self.plan.targets), len(self.legs)):
            loop = self._improve(places, place)
            if loop is None or loop.final or self.interrupts.asked:
                return

    def apply(self, repository: Repository) -> None:
        """Bring what was kept into the branch that is checked out, if every audit allows it."""
        ledger = self.records.ledger
        if ledger is not None:
            audited = set(self._concluded)
            kept = {row.target for row in ledger.chronicle.rows if row.status == "keep"}
            # Nobody has audited in this session what was kept in an earlier one.
            self._audited += [None for _ in kept - audited - {""}]
            paths = tuple(leg.target.path for leg in self.legs)
            source = Source(ledger.branch, *ends(ledger.chronicle.rows), paths)
            self.terminal.applied(at_the_end(repository, source, self._audited))

    def _improve(self, places: Places, place: int) -> Loop | None:
        """Improve one target, and return the loop that did; None when it could not begin."""
        leg, plan, records = self.legs[place], self.plan, self.records
        self.live.announce("baseline", f"measuring the baseline of {leg.target.name}")
        try:
            with self.live.phase("baseline"):
                campaign = begin(
                    plan,
                    records,
                    places.of(leg, records.standing(plan, leg.target.name)),
                    leg.metrics,
                    proposer=self.proposers[place],
                    listener=self.listener,
                    progress=self.live,
                    elsewhere=self.elsewhere,
                )
        except UsageError:
            raise
        except AutoloopError as error:
            self.protocol(0, partial(fail, error))
            return None
        self.terminal.campaign = campaign
        opened = partial(open_campaign, campaign, plan.seeds.get(leg.target.name))
        if self.protocol(campaign.first_number, opened).error is not None:
            return None
        self.terminal.assured(campaign)
        self.update(campaign)
        budget = budget_of(plan, campaign, self.legs, place)
        self.live.turn(campaign, budget)
        loop = Loop(
            campaign,
            budget,
            workers=plan.settings.workers,
            interrupted=lambda: self.interrupts.asked,
        )
        try:
            for turn in loop:
                with self.interrupts.finishing():
                    item = self.protocol(turn.number, turn.run)
                self.live.finished(campaign, item.experiment)
                self.update(campaign)
        finally:
            loop.close()
        # Who asked for N experiments and got them need not be told.
        settings = plan.settings
        granted = loop.reason == "experiments" and (loop.done or not settings.experiments)
        limits = {
            "cost": settings.max_cost,
            "time": settings.max_time,
            "patience": settings.patience,
        }
        self.terminal.ended("" if granted else loop.ended, loop.reason, limits.get(loop.reason))
        if plan.settings.attempt is None and not self.interrupts.asked:
            self._conclude(campaign, places)
            self.update(campaign)  # metrics may have asked models
        return loop

    def _audit(self, campaign: Campaign, places: Places) -> Audit | None:
        """Audit a result; where that fails, say why: what was kept is recorded all the same."""
        broker = places.broker
        try:
            with nullcontext() if broker is None else broker.asking_anew():
                audit = campaign.audit()
            fault = campaign.judge.comparison.fault
        except EvaluationError as error:
            audit, fault = None, str(error)
        if audit is None:
            self.terminal.note(f"the audit could not be made: {fault}")
        return audit

    def _conclude(self, campaign: Campaign, places: Places) -> None:
        """Audit a target's result, and look for what of it is not needed."""
        self._concluded.append(campaign.workplace.target.name)
        first = campaign.rows[0].commit
        if campaign.best == first:
            return
        self.live.announce(
            "auditing", "auditing: the first commit against the best, on fresh pairs"
        )
        audit = self._audit(campaign, places)
        self.terminal.audited(audit)
        self._audited.append(audit.effect if audit else None)
        if audit is not None:
            name, journal = campaign.workplace.target.name, campaign.ledger.journal
            try:
                record_audit(journal, name, campaign.best, audit.effect)
            except AutoloopError as error:  # what was kept is recorded, and this is told below
                self.terminal.note(str(error))
        if not self.plan.settings.ablate:
            return
        path, best = campaign.workplace.target.path, campaign.read(campaign.best)
        stages = (row.number for row in campaign.rows if row.status in {"baseline", "keep"})
        baseline, *keeps = campaign.chronicle.lean(stages)
        self.live.announce("ablating", "ablating: each kept change is dropped in turn")
        with self.live.phase("ablating"):
            minimal, lines = minimise(
                campaign.workplace.repository,
                self.plan.tag,
                path,
                kept_changes(campaign.workplace.repository, path, baseline, keeps),
                lambda content: campaign.judge.as_good_as(content, best),
                first=first,
                onto=self._onto,
                say=lambda found: self.terminal.say(told(found, campaign.primary.direction)),
                interrupted=lambda: self.interrupts.asked,
            )
        self._onto = minimal.commit if minimal else self._onto
        for line in lines:
            self.terminal.note(line)


def fail(error: Exception) -> Experiment:
    """Be an experiment that comes to nothing but an error."""
    raise error
