"""The loop inside a pytest session: one item per experiment, reported as tests are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop import commanded, opening
from pytest_autoloop.budget import Budget
from pytest_autoloop.calling import call_document
from pytest_autoloop.errors import AutoloopError, GainMissed, UsageError
from pytest_autoloop.harness.hidden import hidden_nodes
from pytest_autoloop.harness.items import uses_benchmark
from pytest_autoloop.harness.registry import Registry
from pytest_autoloop.holding import Records
from pytest_autoloop.interrupts import Interrupts
from pytest_autoloop.model import Target
from pytest_autoloop.nodes import ExperimentItem, Experiments, Hooks
from pytest_autoloop.proposing import Proposers
from pytest_autoloop.publishing import Publishing
from pytest_autoloop.remote.elsewhere import elsewhere_of
from pytest_autoloop.reporting.ci.verdict import shortfall
from pytest_autoloop.reporting.live import Live
from pytest_autoloop.reporting.terminal import Terminal, summary_of
from pytest_autoloop.resuming import (
    Plan,
    earlier_campaign,
    earlier_tries,
    gone_on,
    with_warm_start,
)
from pytest_autoloop.search.specs import strategy_from_spec
from pytest_autoloop.targets import resolve_targets
from pytest_autoloop.tour import Tour, fail
from pytest_autoloop.workplace import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Experiment, Json, Metric
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.settings import Settings
    from pytest_autoloop.targets import Leg
    from pytest_autoloop.workplace import Places

_PASSED = ("baseline", "keep", "explore")


class AutoloopSession:
    """The hooks of a session with `--autoloop`.

    Raises:
        UsageError: the proposer or the search cannot work as configured.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._live = Live(config)
        self._terminal = Terminal(config, self._live.end_line)
        self._registry = Registry()
        # Before anything is done, though it is needed later.
        strategy_from_spec(settings.search, settings.seed)
        # Before collection, so that no time is spent when a proposer cannot work.
        self._proposers = Proposers(config, settings, self._registry)
        self._error = ""
        self._publishing = Publishing(config, settings, self._terminal, self.document)
        self._kept: ExperimentItem | None = None
        self._records = Records()
        self._document: dict[str, Json] = {}
        config.pluginmanager.register(self._registry, "autoloop-registry")
        config.pluginmanager.register(self._publishing, "autoloop-publishing")

    def document(self, status: object) -> dict[str, Json]:
        """Return the outcome as plain data; `status` is the session's exit status."""
        if not self._document:
            error = self._error or ("" if status == pytest.ExitCode.OK else _told(status))
            # While the records are open.
            self._document = self._terminal.document(error)
        return self._document

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run experiments; the collected tests are run in their child sessions.

        Raises:
            pytest.UsageError: the project or the command line must change first.
        """
        option = session.config.option
        if session.testsfailed and not option.continue_on_collection_errors:
            plural = "" if session.testsfailed == 1 else "s"
            message = self._error = f"{session.testsfailed} error{plural} during collection"
            raise session.Interrupted(message)
        registry = self._registry
        nothing = not (session.items or registry.metrics or registry.targets)
        if option.collectonly or nothing:
            return True
        interrupts = Interrupts(self._terminal.interrupted)
        with interrupts.installed():
            try:
                self._run(session, interrupts)
            except UsageError as error:
                self._error = str(error)
                self._publishing.errors.append(self._error)
                raise pytest.UsageError(str(error)) from error
        return True

    def _run(self, session: pytest.Session, interrupts: Interrupts) -> None:
        config, settings = self._config, self._settings
        repository = opening.open_repository(session)
        # It may be what says how a score is measured.
        opening.check_program(config.rootpath, settings.program)
        metrics = opening.metrics_of(session, self._registry, settings)
        legs = resolve_targets(
            session, registry=self._registry, metrics=metrics, repository=repository
        )
        plan = self._plan(session, repository, legs, metrics)
        Budget.of(settings, metrics, plan.rootdir)  # refuses a goal that fits no metric
        # All of them are seen to work before anything is spent.
        proposers = [self._proposer(session, repository, leg.target, plan.commit) for leg in legs]
        benchmarks = sum(map(uses_benchmark, session.items))
        names = Target(", ".join(plan.targets), legs[0].target.goal)
        self._terminal.start(names, metrics, len(session.items) - benchmarks, benchmarks, plan.tag)
        self._records = Records.reopened(plan, repository)
        if self._records.ledger is not None:
            self._terminal.went_on(*self._records.found)
        tour = Tour(
            plan=plan,
            legs=legs,
            proposers=proposers,
            records=self._records,
            listener=Hooks(config),
            terminal=self._terminal,
            live=self._live,
            update=self._publishing.update,
            interrupts=interrupts,
            protocol=partial(self._protocol, session),
        )
        with (
            elsewhere_of(config, settings, self._live.tell, self._terminal.note) as tour.elsewhere,
            set_up(session, settings, repository, legs, plan.commit) as places,
        ):
            tour.update = partial(self._updated, places)
            self._terminal.contained(places.sandbox)
            self._publishing.begin()
            self._live.open()
            try:
                tour.run(places)
            finally:
                self._live.close()
                # Before the checkouts go: an agent may still be at work in one.
                self._proposers.close()
        if settings.apply and not interrupts.asked:
            tour.apply(repository)
        if settings.fail_under is not None and settings.experiments and not interrupts.asked:
            missed = shortfall(self._terminal.endings(), settings.fail_under)
            if missed:
                self._protocol(session, "fail-under", partial(fail, GainMissed(missed)))
        if interrupts.asked:
            raise session.Interrupted(f"the campaign {plan.tag} was interrupted, and can go on")

    def _updated(self, places: Places, campaign: Campaign) -> None:
        """Charge the campaign with what metrics asked of models, and publish where it stands."""
        if places.broker is not None:
            places.broker.bill(campaign.asker.charge)
        self._publishing.update(campaign)

    def _plan(
        self,
        session: pytest.Session,
        repository: Repository,
        legs: Sequence[Leg],
        metrics: tuple[Metric, ...],
    ) -> Plan:
        """Return what will be done.

        Raises:
            UsageError: the command line, the checkout or the records do not allow it.
        """
        settings, rootdir = self._settings, self._config.rootpath
        results = opening.results_path(repository, rootdir, settings.results)
        others = commanded.free_to_differ(self._config, repository, rootdir / settings.program)
        targets = tuple(leg.target.name for leg in legs)
        if settings.attempt is not None:
            if len(legs) > 1:
                raise UsageError(
                    f"--autoloop-try judges one target, here are {', '.join(targets)}: select one "
                    "by the tests that are run"
                )
            others.append(legs[0].path)
            earlier = earlier_tries(repository, rootdir, targets[0], settings.tag)
        else:
            earlier = earlier_campaign(rootdir, settings.tag)
        opening.check_clean(session, repository, results, *others)
        plan = Plan(
            settings=settings,
            rootdir=rootdir,
            tag=earlier.tag if earlier else opening.choose_tag(repository, rootdir, settings.tag),
            results=results,
            targets=targets,
            metrics=metrics,
            hidden=hidden_nodes(session.items),
            commit=repository.head(),
            earlier=earlier,
            call=call_document(
                self._config.invocation_params.args, self._config.invocation_params.dir, rootdir
            ),
        )
        if earlier is not None:
            if settings.warm_start is not None:
                self._terminal.note(
                    f"--autoloop-from={settings.warm_start} has no effect: {plan.tag} has begun "
                    "already; choose another tag to begin with that"
                )
            return gone_on(session, repository, plan, legs)
        return with_warm_start(repository, plan, legs)

    def _protocol(
        self, session: pytest.Session, number: int | str, run: Callable[[], Experiment]
    ) -> ExperimentItem:
        """Run one experiment as pytest runs a test, and honour --maxfail and session stops."""
        if self._kept is None:
            session.testscollected = 0
        keeper = self._keeper(session)
        assert keeper.parent is not None
        item = ExperimentItem.from_parent(
            keeper.parent, name=f"{number:03}" if isinstance(number, int) else number, run=run
        )
        # Plugins that time out or repeat a test must leave an experiment alone.
        if self._config.pluginmanager.hasplugin("timeout"):
            item.add_marker(pytest.mark.timeout(0))
        if self._config.pluginmanager.hasplugin("rerunfailures"):
            item.add_marker(pytest.mark.flaky(reruns=0))
        session.items = [item]
        session.testscollected += 1
        # Another item follows as far as pytest knows: fixtures of the session stay set up.
        item.ihook.pytest_runtest_protocol(item=item, nextitem=keeper)
        if item.error is not None:
            self._error = str(item.error)
            self._publishing.errors.append(self._error)
        if item.experiment is None and item.error is None and not session.shouldfail:
            # Else the next would be asked for, and paid, and so on: nothing would ever count.
            session.shouldfail = (
                f"{item.nodeid} was not run: a conftest or a plugin failed or skipped it in a hook "
                "that is called before each test; let it leave alone what is no pytest.Function"
            )
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return item

    def _proposer(
        self, session: pytest.Session, repository: Repository, target: Target, commit: str
    ) -> Proposer:
        """Return who proposes for a target, once it has been seen that it can.

        Raises:
            UsageError: it cannot.
        """
        proposer = self._proposers.resolve(session, self._keeper(session))
        if self._settings.experiments and not self._proposers.left_to_hook(self._config):
            try:
                proposer.check(target, repository.read(commit, target.path))
            except UsageError:
                raise
            except AutoloopError as error:  # such as git, which a queue was to be read from
                raise UsageError(str(error)) from error
        return proposer

    def _keeper(self, session: pytest.Session) -> ExperimentItem:
        """Return the item that never runs, below the node that all experiments hang on."""
        if self._kept is None:
            parent = Experiments.from_parent(session, name="autoloop", nodeid="autoloop")
            self._kept = ExperimentItem.from_parent(parent, name="", run=_nothing)
        return self._kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn a status into an outcome: a discarded idea is no failed test, so it is skipped."""
        report = yield
        if not isinstance(item, ExperimentItem) or call.when != "call":
            return report
        experiment = item.experiment
        if experiment is None:
            return report
        report.duration = experiment.seconds
        report.autoloop = summary_of(experiment)  # type: ignore[attr-defined]
        properties = [
            (f"autoloop_{name}", "" if value is None else str(value))
            for name, value in summary_of(experiment).items()
        ]
        report.user_properties += properties
        # The report of the teardown, where --junitxml reads them, copies the item's.
        item.user_properties += properties
        if experiment.status not in _PASSED:
            report.outcome = "skipped"
            reason = experiment.reason or experiment.status
            report.longrepr = (str(item.path), 0, f"Skipped: {reason}: {experiment.description}")
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
        """Name the outcome of an experiment."""
        return self._terminal.status_of(report)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print an experiment's line."""
        self._terminal.line(report)

    def pytest_terminal_summary(self) -> None:
        """Print what was won, and how to get it."""
        self._terminal.summary()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Close the proposer; keep experiments out of `--lf`, they are no tests to run again."""
        self.document(exitstatus)
        try:
            self._proposers.close()
        except AutoloopError as error:  # the campaign is over, and its summary is still to come
            self._terminal.note(str(error))
        cache = getattr(self._config, "cache", None)
        failed = cache.get("cache/lastfailed", {}) if cache is not None else {}
        ours = [node for node in failed if node.startswith("autoloop::")]
        if cache is not None and ours:
            cache.set("cache/lastfailed", {n: v for n, v in failed.items() if n not in ours})

    def pytest_unconfigure(self) -> None:
        """Let go of the campaign, when all has been told of it."""
        self._records.close()


def _told(status: object) -> str:
    return f"pytest ended with exit status {status}; standard error says more"


def _nothing() -> Experiment:
    raise AssertionError("this item is never run")
