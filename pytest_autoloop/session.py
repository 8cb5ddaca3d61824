"""The loop inside a pytest session: one item per experiment, reported as tests are."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop import opening
from pytest_autoloop.assembly import Plan, begin
from pytest_autoloop.errors import AutoloopError, ProposerError, UsageError
from pytest_autoloop.harness.hidden import hidden_nodes
from pytest_autoloop.harness.items import uses_benchmark
from pytest_autoloop.harness.registry import Registry
from pytest_autoloop.model import Target
from pytest_autoloop.nodes import ExperimentItem, Experiments, Hooks
from pytest_autoloop.proposing import Proposers
from pytest_autoloop.reporting.terminal import Terminal, summary_of
from pytest_autoloop.targets import check_target, resolve_target
from pytest_autoloop.workplace import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.model import Experiment, Json
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.settings import Settings

#: Failures to propose, one after another, that end a campaign.
_PROPOSER_ERRORS = 3
_PASSED = ("baseline", "keep", "explore")


class AutoloopSession:
    """The hooks of a session with `--autoloop`.

    Raises:
        UsageError: the proposer cannot work as configured.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._terminal = Terminal(config)
        self._registry = Registry()
        # Before collection, so that no time is spent when a proposer cannot work.
        self._proposers = Proposers(config, settings, self._registry)
        self._error = ""
        self._kept: ExperimentItem | None = None
        config.pluginmanager.register(self._registry, "autoloop-registry")

    def document(self, status: object) -> dict[str, Json]:
        """Return the outcome as plain data; `status` is the session's exit status."""
        error = self._error
        if not error and status != pytest.ExitCode.OK:
            error = f"pytest ended with exit status {status}; standard error says more"
        return self._terminal.document(error)

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
        with _terminable():
            try:
                self._run(session)
            except UsageError as error:
                self._error = str(error)
                raise pytest.UsageError(str(error)) from error
        return True

    def _run(self, session: pytest.Session) -> None:
        config, settings = self._config, self._settings
        repository = opening.open_repository(session)
        metrics = opening.metrics_of(session, self._registry, settings)
        path, goal = resolve_target(session, self._registry)
        target = Target(check_target(repository, path), goal)
        results = opening.results_path(repository, config.rootpath, settings.results)
        opening.check_program(config.rootpath, settings.program)
        others = [config.rootpath / settings.program]
        earlier = None
        if settings.attempt is not None:
            others.append(path)
            earlier = opening.earlier_tries(repository, config.rootpath, target.path, settings.tag)
        opening.check_clean(session, repository, results, *others)
        tag = (
            opening.choose_tag(repository, config.rootpath, settings.tag)
            if earlier is None
            else earlier.tag
        )
        proposer = self._proposer(session, target, repository.read("HEAD", target.path))
        benchmarks = sum(map(uses_benchmark, session.items))
        hidden = hidden_nodes(session.items)
        self._terminal.start(target, metrics, len(session.items) - benchmarks, benchmarks, tag)
        (options,) = self._registry.targets.values()
        if settings.rounds == "warm":
            options = replace(options, allow_cross_call_cache=True)
        with set_up(session, settings, repository, target, options) as workplace:
            self._terminal.contained(workplace.runner.sandbox)
            try:
                plan = Plan(
                    settings, config.rootpath, tag, results, metrics, proposer, hidden, earlier
                )
                campaign = begin(plan, workplace, Hooks(config))
            except UsageError:
                raise
            except AutoloopError as error:
                self._protocol(session, 0, partial(_fail, error))
                return
            self._terminal.campaign = campaign
            first = campaign.record_baseline if earlier is None else campaign.reopen
            if self._protocol(session, 0, first).error is None:
                self._terminal.assured(campaign)
                self._experiments(session, campaign)
                if settings.attempt is None:
                    self._terminal.audited(campaign.audit())

    def _experiments(self, session: pytest.Session, campaign: Campaign) -> None:
        """Run the experiments that were asked for, or as many as the proposer has."""
        failures = 0
        done = campaign.experiments[-1].number
        for number in range(done + 1, done + int(self._settings.experiments) + 1):
            run = _propose(campaign, number)
            if run is None:
                self._terminal.exhausted(number - 1 - done)
                break
            error = self._protocol(session, number, run).error
            if error is None:
                failures = 0
                continue
            failures += 1
            if not isinstance(error, ProposerError) or failures == _PROPOSER_ERRORS:
                self._terminal.gave_up(failures)
                break

    def _protocol(
        self, session: pytest.Session, number: int, run: Callable[[], Experiment]
    ) -> ExperimentItem:
        """Run one experiment as pytest runs a test, and honour --maxfail and session stops."""
        if number == 0:
            session.testscollected = 0
        keeper = self._keeper(session)
        assert keeper.parent is not None
        item = ExperimentItem.from_parent(keeper.parent, name=f"{number:03}", run=run)
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
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return item

    def _proposer(self, session: pytest.Session, target: Target, source: bytes) -> Proposer:
        """Return who proposes, once it has been seen that it can.

        Raises:
            UsageError: it cannot.
        """
        proposer = self._proposers.resolve(session, self._keeper(session))
        if self._settings.experiments and not self._proposers.left_to_hook(self._config):
            try:
                proposer.check(target, source)
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
    def pytest_sessionfinish(self) -> None:
        """Close the proposer; keep experiments out of `--lf`, they are no tests to run again."""
        try:
            self._proposers.close()
        except AutoloopError as error:  # the campaign is over, and its summary is still to come
            self._terminal.note(str(error))
        if self._terminal.campaign is not None:
            self._terminal.campaign.ledger.lock.close()
        cache = getattr(self._config, "cache", None)
        failed = cache.get("cache/lastfailed", {}) if cache is not None else {}
        ours = [node for node in failed if node.startswith("autoloop::")]
        if cache is not None and ours:
            cache.set("cache/lastfailed", {n: v for n, v in failed.items() if n not in ours})


def _propose(campaign: Campaign, number: int) -> Callable[[], Experiment] | None:
    """Ask for a candidate; what goes wrong is reported by the experiment's item."""
    try:
        attempt = campaign.propose(number)
    except Exception as error:  # noqa: BLE001 - a proposer or hook may raise anything
        return partial(_fail, error)
    return None if attempt is None else partial(campaign.run, attempt)


def _fail(error: Exception) -> Experiment:
    raise error


def _nothing() -> Experiment:
    raise AssertionError("this item is never run")


@contextmanager
def _terminable() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end a session as Ctrl-C does: children ended, worktrees removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # A closed terminal sends SIGHUP; Windows has none.
    signals = [getattr(signal, n) for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
