"""What a session tells beyond the terminal: a page, a summary, CI systems, trackers, hooks."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import AutoloopError, UsageError
from pytest_autoloop.reporting.ci.markdown import MARK, Summary, document
from pytest_autoloop.reporting.ci.systems import System
from pytest_autoloop.reporting.ci.verdict import properties
from pytest_autoloop.reporting.ending import result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.model import Json
    from pytest_autoloop.reporting.html.live import LiveReport
    from pytest_autoloop.reporting.terminal import Terminal
    from pytest_autoloop.settings import Settings


class Publishing:
    """Hooks of a session with `--autoloop` that tell others of it; none of them can fail it.

    Args:
        config: pytest's.
        settings: what is to be told, and where.
        terminal: what has been gathered for people.
        outcome: returns the outcome as plain data, given the exit status.

    Raises:
        UsageError: a file cannot be written, or a tracker's client is not installed.

    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        terminal: Terminal,
        outcome: Callable[[object], dict[str, Json]],
    ) -> None:
        self._config = config
        self._terminal = terminal
        self._outcome = outcome
        self._system = System.of(os.environ)
        #: Our own errors, as they were told.
        self.errors: list[str] = []
        self._warnings: list[str] = []
        self._begun = False
        self._campaign: Campaign | None = None
        here = config.invocation_params.dir
        self._summary = _checked(here / settings.summary) if settings.summary else None
        self._report: LiveReport | None = None
        if settings.report:
            from pytest_autoloop.reporting.html.live import LiveReport  # noqa: PLC0415 - rare

            self._report = LiveReport(here / settings.report)
        if settings.export:
            self._export(settings)

    def _export(self, settings: Settings) -> None:
        from pytest_autoloop import exporters  # noqa: PLC0415 - rare

        for name in settings.export:
            exporters.check(name)
            make = partial(exporters.make, name, settings.tag)
            plugin = exporters.Export(name, make, self._warn)
            self._config.pluginmanager.register(plugin, f"autoloop-to-{name}")

    def begin(self) -> None:
        """Let nothing that is printed from now on be taken for a command to a CI system."""
        self._begun = True
        # Before anything is gathered.
        hook = self._config.hook.pytest_autoloop_campaign_finished
        self._terminal.documented |= bool(self._suites() or hook.get_hookimpls())
        self._write(self._system.muted())

    def update(self, campaign: Campaign) -> None:
        """Take note that there is one experiment more."""
        self._campaign = campaign
        if self._report is not None:
            self._report.update(campaign.ledger.journal)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Tell everybody, before reports of pytest's own are written."""
        outcome = self._outcome(exitstatus)
        for suite in self._suites():
            for name, value in properties(outcome):
                suite.add_global_property(name, value)
        if self._campaign is not None:
            try:
                self._config.hook.pytest_autoloop_campaign_finished(
                    config=self._config, outcome=outcome
                )
            except Exception as error:  # noqa: BLE001 - another's code, and the campaign is over
                told = f"{type(error).__name__}: {error}"
                self._warn(f"the hook pytest_autoloop_campaign_finished failed: {told}")
        if self._report is not None:
            failure = self._report.close([result(end) for end in self._terminal.endings()])
            if failure:
                self._warn(failure)
        self._write_summaries()

    def pytest_unconfigure(self) -> None:
        """Annotate what went wrong, when nothing else will be printed any more."""
        lines = self._system.unmuted() if self._begun else []
        for error in self.errors:
            lines += self._system.annotated("error", error)
        for warning in self._warnings:
            lines += self._system.annotated("warning", warning)
        self._write(lines)

    def _suites(self) -> list[Any]:
        """Return the writers of test reports; pytest's for --junitxml has no public name."""
        plugins = self._config.pluginmanager.get_plugins()
        return [plugin for plugin in plugins if hasattr(plugin, "add_global_property")]

    def _warn(self, line: str) -> None:
        self._warnings.append(line)
        self._terminal.note(line)

    def _write_summaries(self) -> None:
        """Write the outcome as Markdown wherever it is wanted."""
        places = [self._summary, self._system.summary]
        if not any(places):
            return
        try:
            content = document(self._summarised())
        except AutoloopError as error:  # a record that cannot be read
            content = f"{MARK}\n## pytest-autoloop: the records cannot be read\n\n{error}\n"
        for path, mode in zip(places, ("w", "a"), strict=True):
            if path is None:
                continue
            try:
                with path.open(mode, encoding="utf-8") as stream:
                    stream.write(content)
            except OSError as error:
                self._warn(f"the summary {path} cannot be written: {error.strerror or error}")

    def _summarised(self) -> Summary:
        endings = self._terminal.endings()
        header = self._campaign.ledger.journal.read_header() if self._campaign else None
        environment = (header or {}).get("environment")
        return Summary(
            endings,
            [*self._terminal.remarks(), *self._terminal.after(endings)],
            self.errors,
            self._system.artifacts,
            environment if isinstance(environment, dict) else {},
        )

    def _write(self, lines: list[str]) -> None:
        if lines and self._config.pluginmanager.get_plugin("terminalreporter") is not None:
            writer = self._config.get_terminal_writer()
            # A command begins a line; with -q letters stand in one.
            writer.line()
            for line in lines:
                writer.line(line)
            writer.flush()


def _checked(path: Path) -> Path:
    """Return a path at which a summary may be written.

    Raises:
        UsageError: there is no directory for it, or something else stands there.
    """
    fault = ""
    if path.is_dir():
        fault = "is a directory; name a file in it, such as summary.md"
    elif not path.parent.is_dir():
        fault = f"cannot be written, there is no directory {path.parent}; create that first"
    elif path.exists():
        try:
            ours = path.read_bytes().startswith(MARK.encode())
        except OSError as error:
            fault = f"cannot be read: {error.strerror or error}"
        else:
            fault = "" if ours else "exists and is no summary of pytest-autoloop; move it away"
    if fault:
        raise UsageError(f"--autoloop-summary: {path} {fault}")
    return path
