"""The terminal: one line before, one per experiment, and the outcome at the end."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_autoloop import text
from pytest_autoloop.proposers.working_tree import NAME as TRY
from pytest_autoloop.reporting.document import session_document, told_try

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from _pytest.terminal import TerminalReporter

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.evaluation.sandbox import Sandbox
    from pytest_autoloop.model import Experiment, Json, Metric, Target

_MARKUP: dict[str, dict[str, bool]] = {
    "baseline": {"cyan": True},
    "keep": {"green": True, "bold": True},
    "explore": {"cyan": True},
    "discard": {"yellow": True},
    "crash": {"red": True},
    "timeout": {"purple": True},
}
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


class Terminal:
    """Writes through pytest's own terminal reporter, and not at all without one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.campaign: Campaign | None = None
        self._audit: Audit | None = None
        self._notes: list[str] = []

    @property
    def _reporter(self) -> TerminalReporter | None:
        # Looked up late: pytest makes it after plugins are configured.
        reporter: TerminalReporter | None = self._config.pluginmanager.get_plugin(
            "terminalreporter"
        )
        return reporter

    @property
    def _verbosity(self) -> int:
        return self._config.get_verbosity()

    def document(self, error: str) -> dict[str, Json]:
        """Return the session's outcome as plain data."""
        return session_document(self.campaign, self._audit, error)

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
        reporter.write_line(
            f"autoloop: target {target.path} · metrics {names} · {text.count(guards, 'guard')} · "
            f"{text.count(benchmarks, 'benchmark')} · branch autoexp/{tag}"
        )

    def contained(self, sandbox: Sandbox) -> None:
        """Say what holds a candidate back."""
        if self._reporter is not None:
            self._reporter.write_line(f"autoloop: {sandbox.told()}")

    def assured(self, campaign: Campaign) -> None:
        """Say how far candidates are kept from those who judge them."""
        reporter, baseline = self._reporter, campaign.baseline
        # With -q letters stand in one line.
        if reporter is None or self._verbosity < 0:
            return
        told = f"assurance: {campaign.workplace.evaluator.assurance}"
        if baseline.not_isolated:
            told += f" ({baseline.not_isolated})"
        elif baseline.weak:
            told += f" (fresh inputs: {baseline.weak})"
        reporter.ensure_newline()
        reporter.write_line(f"autoloop: {told}")

    def audited(self, audit: Audit | None) -> None:
        """Take the audit's result for the summary."""
        self._audit = audit

    def note(self, line: str) -> None:
        """Add a line to the summary."""
        self._notes.append(line)

    def exhausted(self, done: int) -> None:
        """Note that the proposer had nothing left."""
        plural = "" if done == 1 else "s"
        self._notes.append(f"the proposer had no further idea after {done} experiment{plural}")

    def gave_up(self, failures: int) -> None:
        """Note that the campaign ended because of errors."""
        times = "an error" if failures == 1 else f"{failures} errors in a row"
        self._notes.append(f"ended early after {times}; what was kept is on the branch")

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
            reporter.write(f"    {_kind_of(report)}, see below", flush=True)
        else:
            number = details["number"]
            experiment = next(e for e in campaign.experiments if e.number == number)
            reporter.write(f"{experiment.status.upper():8}", **_MARKUP[experiment.status])
            reporter.write(f"  {self._told(campaign, experiment)}", flush=True)
            if self._verbosity and experiment.status == "keep":
                self._show_kept(reporter, experiment)
        # Leaves the line to be ended by whatever is written next, as pytest does.
        reporter.currentfspath = -2

    def _show_kept(self, reporter: TerminalReporter, experiment: Experiment) -> None:
        """Print what will run outside of the sandbox from now on, for somebody to read."""
        reporter.ensure_newline()
        for line in experiment.diff.splitlines():
            colour = {"+": {"green": True}, "-": {"red": True}}.get(line[:1], {})
            reporter.write_line(f"    {text.visible(line)}", **colour)
        for new in experiment.news:
            reporter.write_line(f"    new in it: {text.visible(new)}", yellow=True)

    def _told(self, campaign: Campaign, experiment: Experiment) -> str:
        if experiment.status != "baseline":
            flags = f"({', '.join(experiment.flags)})" if experiment.flags else ""
            parts = [text.outcome(experiment, campaign.primary), flags, experiment.description]
            return "   ".join(part for part in parts if part)
        values = "  ".join(_value(m, experiment) for m in campaign.metrics)
        outlook = campaign.outlook
        takes = f"a decision takes {outlook.shortest:.0f} to {outlook.longest:.0f} s"
        if outlook.noise is None:
            return f"{values}   the score has no noise · {takes}"
        seen = f"smallest gain it can see: {outlook.smallest_gain:.1%}"
        return f"{values} ±{outlook.noise.sigma:.1%}   {seen} · {takes}"

    def summary(self) -> None:
        """Print the keeps, the audited gain and where the result is."""
        reporter, campaign = self._reporter, self.campaign
        if reporter is None or campaign is None or not campaign.experiments:
            return
        reporter.write_sep("-", "autoloop", bold=True)
        for experiment in campaign.experiments:
            if experiment.status == "keep":
                outcome = text.outcome(experiment, campaign.primary)
                reporter.write_line(
                    f"  {experiment.number:03} {experiment.commit[:10]}  {outcome}   "
                    f"{experiment.description}"
                )
        if campaign.baseline.order_matters:
            self._notes.append("some guards fail in another order, so they ran as collected")
        for line in (*self._closing(campaign), *_spent(campaign), *self._notes):
            reporter.write_line(line)

    def _closing(self, campaign: Campaign) -> list[str]:
        last = campaign.experiments[-1]
        if last.proposer == TRY:
            return told_try(campaign)
        reasons = Counter(e.reason or e.status for e in campaign.experiments[1:] if e.reason)
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        lines = [f"not kept: {told}"] if told else []
        table = f"table: {self._relative(campaign.ledger.results.path)}"
        kept = [e for e in campaign.experiments if e.status == "keep"]
        if not kept:
            return [*lines, f"nothing was kept · {table}"]
        first, best = campaign.experiments[0], kept[-1]
        changes = ", ".join(
            f"{m.name} {text.value(first.metrics.get(m.name), m.unit)} → "
            f"{text.value(best.metrics.get(m.name), m.unit)}"
            for m in campaign.metrics
        )
        branch = campaign.ledger.branch
        # From the root of the repository, wherever in it the command is pasted.
        target = shlex.quote(f":/{campaign.workplace.target.path}")
        return [
            *lines,
            f"{changes} · {self._audited(campaign)}",
            f"see it: git diff {first.commit[:10]} {branch} -- {target}",
            f"take it: git merge {branch} · {table}",
        ]

    def _audited(self, campaign: Campaign) -> str:
        audit = self._audit
        if audit is None:
            return "not audited: the session ended early"
        parts = [f"audited gain {text.gain(audit.effect)}"]
        if audit.first_calls is not None:
            parts.append(f"on first calls {text.gain(audit.first_calls)}")
        if campaign.claimed is not None:
            parts.append(f"claimed {text.factor(campaign.claimed)}")
        return " · ".join(parts)

    def _relative(self, path: Path) -> str:
        here = self._config.invocation_params.dir
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _value(metric: Metric, experiment: Experiment) -> str:
    return f"{metric.name} {text.value(experiment.metrics.get(metric.name), metric.unit)}"


def _spent(campaign: Campaign) -> list[str]:
    """Tell what the proposals cost; nothing where nobody counts."""
    spent = campaign.spent
    if spent.tokens is None and spent.cost_usd is None:
        return []
    tokens = "tokens unknown" if spent.tokens is None else f"{spent.tokens:,} tokens"
    dollars = "price unknown"
    if spent.cost_usd is not None:
        more = f" and {spent.unpriced:,} tokens of unknown price" if spent.unpriced else ""
        dollars = f"${spent.cost_usd:.4f}{more}"
    return [f"spent: {tokens} · {dollars}"]


def _is_error(report: pytest.TestReport) -> bool:
    """Tell whether a report is of an experiment that came to nothing."""
    return report.failed and report.nodeid.startswith("autoloop::")


def _kind_of(report: pytest.TestReport) -> str:
    """Return the name of the error's class, which its message begins with."""
    crash = getattr(report.longrepr, "reprcrash", None)
    told = str(getattr(crash, "message", report.longreprtext)).strip()
    return text.visible(told.partition("\n")[0].partition(":")[0])
