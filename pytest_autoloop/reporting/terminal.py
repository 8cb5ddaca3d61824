"""The terminal: one line before, one per experiment, and the outcome at the end."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_autoloop import text
from pytest_autoloop.errors import AutoloopError
from pytest_autoloop.proposers.working_tree import NAME as TRY
from pytest_autoloop.reporting import ending, lines
from pytest_autoloop.reporting.document import leg_document, session_document, told_try
from pytest_autoloop.reporting.going_on import going_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest
    from _pytest.terminal import TerminalReporter

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.evaluation.sandbox import Sandbox
    from pytest_autoloop.model import Experiment, Json, Metric, Target
    from pytest_autoloop.reporting.ending import Ending

_MARKUP: dict[str, dict[str, bool]] = {
    "baseline": {"cyan": True},
    "keep": {"green": True, "bold": True},
    "explore": {"cyan": True},
    "discard": {"yellow": True},
    "crash": {"red": True},
    "timeout": {"purple": True},
}
#: Characters of a status.
_STATUS = 8
_ARROW = {"lower": "↓", "higher": "↑"}


def summary_of(experiment: Experiment) -> dict[str, Any]:
    """Return what reports of any kind carry of an experiment, as plain data."""
    return {
        "number": experiment.number,
        "status": experiment.status,
        "reason": experiment.reason,
        "description": experiment.description,
        "commit": experiment.commit,
        **experiment.metrics,
    }


@dataclass(slots=True)
class _Leg:
    """One target's turn, and what is to be told of it."""

    campaign: Campaign
    audit: Audit | None = None
    notes: list[str] = field(default_factory=list)
    ending: Ending | None = None
    document: dict[str, Json] | None = None
    #: What a try has come to; None where nothing was tried by hand.
    tried: Experiment | None = None


def _nothing() -> None:
    """Leave it to pytest."""


class Terminal:
    """Writes through pytest's own terminal reporter, and not at all without one."""

    def __init__(self, config: pytest.Config, end_line: Callable[[], None] = _nothing) -> None:
        self._config = config
        #: Shows a line before pytest has ended it.
        self._end_line = end_line
        self._legs: list[_Leg] = []
        self._notes: list[str] = []
        #: Why the last target's turn ended, as the budget names it, and the limit if it was one.
        self._reason = ""
        self._limit: float | None = None
        self._account: list[str] = []
        self._goes_on = ""
        self._applied: list[str] = []
        #: Whether somebody wants the outcome as plain data.
        self.documented = bool(config.option.autoloop_json)

    @property
    def campaign(self) -> Campaign | None:
        """The campaign whose experiments are reported: that of the last target that began."""
        return self._legs[-1].campaign if self._legs else None

    @campaign.setter
    def campaign(self, campaign: Campaign) -> None:
        self._legs.append(_Leg(campaign))

    @property
    def _reporter(self) -> TerminalReporter | None:
        # Looked up late: pytest makes it after plugins are configured.
        reporter: TerminalReporter | None = self._config.pluginmanager.get_plugin(
            "terminalreporter"
        )
        return reporter

    @property
    def _width(self) -> int | None:
        """Columns of the terminal; None where there is none."""
        reporter = self._reporter
        shown = reporter is not None and reporter.isatty
        return self._config.get_terminal_writer().fullwidth if shown else None

    @property
    def _verbosity(self) -> int:
        return self._config.get_verbosity()

    def document(self, error: str) -> dict[str, Json]:
        """Return the session's outcome as plain data."""
        self.gather()
        legs = [leg.document for leg in self._legs if leg.document is not None]
        return session_document(self.campaign, legs, error)

    def start(
        self,
        target: Target,
        metrics: tuple[Metric, ...],
        guards: int,
        benchmarks: int,
        tag: str,
    ) -> None:
        """Say what will be improved, and by what it is judged."""
        reporter = self._reporter
        if reporter is None:
            return
        # Experiments have no file to begin a line with, and their number says how far it is.
        reporter.showfspath = False
        if hasattr(reporter, "_show_progress_info"):
            reporter._show_progress_info = False
        names = " ".join(f"{m.name} {_ARROW[m.direction]}" for m in metrics)
        self._print(
            f"target {target.path} · metrics {names} · {text.count(guards, 'guard')} · "
            f"{text.count(benchmarks, 'benchmark')} · branch autoexp/{tag}"
        )

    def contained(self, sandbox: Sandbox) -> None:
        """Say what holds a candidate back."""
        self._print(sandbox.told())

    def went_on(
        self, mended: Sequence[str], last: int | None = None, pending: Sequence[int] = ()
    ) -> None:
        """Tell how a campaign goes on: after which experiment, and what a killed session left."""
        for line in lines.went_on(last, mended, pending):
            self.say(line)

    def say(self, line: str) -> None:
        """Print a line now, between the experiments."""
        # With -q letters stand in one line.
        if self._verbosity >= 0:
            self._print(line)

    def _print(self, line: str) -> None:
        reporter = self._reporter
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(lines.wrapped(f"autoloop: {line}", self._width))
            self._end_line()

    def interrupted(self) -> None:
        """Say what the first Ctrl-C does."""
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        told = "the running experiment is finished first; Ctrl-C once more ends at once"
        # While an experiment runs, what is printed is captured.
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            self.say(f"interrupted: {told}")

    def assured(self, campaign: Campaign) -> None:
        """Say how far candidates are kept from those who judge them, and how children start."""
        for line in lines.assured(campaign, verbose=self._verbosity > 0):
            self.say(line)

    def audited(self, audit: Audit | None) -> None:
        """Take the audit's result for the summary."""
        self._legs[-1].audit = audit

    def note(self, line: str) -> None:
        """Add a line to the summary; to that of the present target, where there is one."""
        (self._legs[-1].notes if self._legs else self._notes).append(line)

    def ended(self, line: str, reason: str = "", limit: float | None = None) -> None:
        """Take why a target's turn has ended: in words, as the budget names it, and its limit."""
        self._reason, self._limit = reason, limit
        if line:
            self.note(line)

    def applied(self, lines: Sequence[str]) -> None:
        """Take what has become of the user's branch, which was to get what was kept."""
        self._applied = list(lines)

    def gather(self) -> None:
        """Read what the summary tells, while the records are still open.

        Raises:
            JournalError: they cannot be read.
        """
        for leg in self._legs:
            campaign = leg.campaign
            if leg.ending is not None or not _begun(campaign):
                continue
            last = campaign.chronicle.lean([campaign.rows[-1].number])[0]
            leg.tried = last if last.proposer == TRY else None
            failures = self._verbosity > 0
            leg.ending = ending.ending_of(campaign, leg.audit, failures=failures)
            if self.documented:
                leg.document = leg_document(campaign, leg.audit)
            if campaign.baseline.order_matters:
                leg.notes.append("some guards fail in another order, so they ran as collected")
        if any(leg.ending for leg in self._legs) and not self._account:
            self._take_account(self._legs[-1].campaign)

    def _take_account(self, campaign: Campaign) -> None:
        """Take note of what the campaign has cost, and of how it would go on."""
        done = sum(row.status != "baseline" for row in campaign.chronicle.rows)
        endings = [leg.ending for leg in self._legs if leg.ending]
        self._account = ending.account(campaign, endings, done)
        asked = self._config.option.autoloop
        if asked is not None:
            self._goes_on = going_on(
                self._config.invocation_params.args,
                campaign.ledger.tag,
                asked=asked,
                done=done,
                reason=self._reason,
                limit=self._limit,
            )

    def status_of(
        self, report: pytest.TestReport
    ) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
        """Return pytest's category, letter and word for an experiment's report."""
        details = getattr(report, "autoloop", None)
        if details is None:
            # Its line says what went wrong, and where an experiment's line begins.
            told = _is_error(report) and self._verbosity >= 0
            return ("failed", "", "FAILED") if told else None
        status = details["status"]
        if self._verbosity >= 0:
            # Counted under its status, but the line is written by `line`.
            return status, "", ""
        return status, status[0], (status.upper(), _MARKUP[status])

    def line(self, report: pytest.TestReport) -> None:
        """Print the line of an experiment that has just been reported."""
        reporter, campaign = self._reporter, self.campaign
        details = getattr(report, "autoloop", None)
        if reporter is None or self._verbosity < 0 or not (details or _is_error(report)):
            return
        # With -v pytest has begun the line already.
        if not self._verbosity:
            reporter.ensure_newline()
            reporter.write(f"{report.nodeid} ")
        if details is None or campaign is None:
            if not self._verbosity:
                reporter.write("FAILED", red=True, bold=True)
            reporter.write(f"    {lines.kind_of(report)}, see below", flush=True)
        else:
            experiment = campaign.chronicle.experiment(details["number"])
            reporter.write(f"{experiment.status.upper():{_STATUS}}", **_MARKUP[experiment.status])
            told = f"  {lines.told(campaign, experiment, details)}"
            begun = len(report.nodeid) + 1 + _STATUS
            reporter.write(lines.wrapped(told, self._width, begun), flush=True)
            if self._verbosity and experiment.status == "keep":
                self._show_kept(reporter, experiment)
        # Leaves the line to be ended by whatever is written next, as pytest does.
        reporter.currentfspath = -2
        self._end_line()

    def _show_kept(self, reporter: TerminalReporter, experiment: Experiment) -> None:
        """Print what will run outside of the sandbox from now on, for somebody to read."""
        reporter.ensure_newline()
        for line in experiment.diff.splitlines():
            colour = {"+": {"green": True}, "-": {"red": True}}.get(line[:1], {})
            reporter.write_line(f"    {text.visible(line)}", **colour)
        for new in experiment.news:
            reporter.write_line(f"    new in it: {text.visible(new)}", yellow=True)

    def endings(self) -> list[Ending]:
        """Return what the targets have come to, as far as that can still be read."""
        try:
            self.gather()
        except AutoloopError as error:  # the summary of the others is worth having
            self._notes.append(text.visible(str(error)))
        return [leg.ending for leg in self._legs if leg.ending is not None]

    def summary(self) -> None:
        """Print what was won, what it cost, where the result is, and how to go on."""
        reporter, endings = self._reporter, self.endings()
        if reporter is None or not endings:
            return
        reporter.write_sep("-", "autoloop", bold=True)
        told: list[str] = []
        for leg in self._legs:
            if leg.ending is not None:
                told += [f"{leg.ending.target}:"] if len(endings) > 1 else []
                told += self._block(leg, leg.ending)
        for line in [*told, *self.after(endings)]:
            reporter.write_line(line)

    def after(self, endings: Sequence[Ending]) -> list[str]:
        """Return what is told after the targets: where the result is, its cost, how to go on."""
        told: list[str] = []
        if self.campaign is not None and endings and self._legs[-1].tried is None:
            table = self._relative(self.campaign.ledger.results.path)
            applied = any(line.startswith("applied") for line in self._applied)
            told += [*ending.taking(endings, table, applied=applied), *self._applied]
        told += [*self._account, *self._notes]
        return [*told, f"go on: {self._goes_on}"] if self._goes_on else told

    def remarks(self) -> list[str]:
        """Return what was noted of the targets."""
        return [note for leg in self._legs for note in leg.notes]

    def _block(self, leg: _Leg, end: Ending) -> list[str]:
        """Return what is told of one target."""
        if leg.tried is not None:
            outcome = told_try(leg.tried, end.target, end.branch)
            return [*ending.wins(end), *outcome, *leg.notes]
        # A log keeps whole descriptions, on a terminal a table is to be one.
        return [*ending.wins(end, self._width), *ending.losses(end), ending.result(end), *leg.notes]

    def _relative(self, path: Path) -> str:
        here = self._config.invocation_params.dir
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _begun(campaign: Campaign) -> bool:
    """Tell whether a target has a baseline: without one there is nothing to tell."""
    own = {campaign.workplace.target.name, ""}
    return any(row.status == "baseline" for row in campaign.chronicle.rows if row.target in own)


def _is_error(report: pytest.TestReport) -> bool:
    """Tell whether a report is of an experiment that came to nothing."""
    return report.failed and report.nodeid.startswith("autoloop::")
