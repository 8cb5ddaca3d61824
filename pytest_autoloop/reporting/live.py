"""What is shown while a campaign runs: on a terminal one line that moves, elsewhere plain lines."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.model import Effect
from pytest_autoloop.reporting import live_line
from pytest_autoloop.reporting.live_line import Status
from pytest_autoloop.reporting.live_screen import replaced, restored
from pytest_autoloop.shortening import standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from _pytest.terminal import TerminalReporter

    from pytest_autoloop.budget import Budget
    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.model import Experiment
    from pytest_autoloop.progress import Phase
    from pytest_autoloop.reporting.live_screen import Screen

#: Seconds between two looks at the clock, and at least between two drawings.
_TICK = 1.0
_PAUSE = 0.1
#: Seconds after which a log that has been silent gets a line: CI systems end what seems to hang.
_SILENCE = 240.0
#: Experiments whose pace tells how long the others will take.
_RECENT = 8
#: Name of pytest's plugin that shows the progress in a terminal's tab.
_IN_A_TAB = "terminalprogress-plugin"


@dataclass(slots=True)
class _Gain:
    """The best over the baseline: the sum of what each keep was measured to gain."""

    below: float = 0.0
    above: float = 0.0
    bases: set[str] = field(default_factory=set)

    def add(self, effect: Effect | None) -> None:
        """Add a keep's effect; the keeps' errors are independent, so their squares add up."""
        if effect is not None:
            self.below += (effect.log_gain - effect.low) ** 2
            self.above += (effect.high - effect.log_gain) ** 2
            self.bases.add(effect.basis)

    def over(self, claimed: float) -> Effect | None:
        """Return it with its interval; None where first calls and warm ones would be added up."""
        if len(self.bases) != 1:
            return None
        return Effect(claimed, claimed - math.sqrt(self.below), claimed + math.sqrt(self.above))


class Live:
    """Watches the work: it is told of phases from any thread, of all else from the main one.

    Nothing is shown before `open` and after `close`, nor with ``-q``. A line that moves needs a
    terminal that obeys and is nobody else's: ``-s`` lets others print, a CI system keeps a log.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._screen: Screen | None = None
        self._reporter: TerminalReporter | None = None
        self._moves = False
        self._changed = threading.Condition()
        self._doing: dict[object, tuple[Phase, int]] = {}
        self._before: tuple[Phase, int] = ("baseline", 0)
        self._status = Status()
        self._began = self._last = time.monotonic()
        self._earlier = 0.0
        self._budget: Budget | None = None
        self._paces: deque[float] = deque(maxlen=_RECENT)
        self._gain = _Gain()
        self._told = ""
        self._closed = True
        self._ticker: threading.Thread | None = None

    # What it is told ---------------------------------------------------------------------------

    @contextmanager
    def phase(self, name: Phase, step: int = 0) -> Iterator[None]:
        """Note that something is done while the block runs."""
        token = object()
        with self._changed:
            self._doing[token] = (name, step)
            self._changed.notify()
        self._tell()
        try:
            yield
        finally:
            with self._changed:
                del self._doing[token]
                # Told until something else begins: what is between two phases takes no time.
                self._before = (name, step)

    def turn(self, campaign: Campaign, budget: Budget) -> None:
        """Take note of a target's turn, and watch who works on it."""
        campaign.asker.progress = campaign.judge.progress = self
        campaign.judge.comparison.progress = self
        self._budget, self._gain = budget, _Gain()
        kept = (row.number for row in campaign.rows if row.status == "keep")
        for experiment in campaign.chronicle.lean(kept):
            self._gain.add(experiment.effect)
        self._earlier = campaign.elapsed - (time.monotonic() - self._began)
        self._last = time.monotonic()
        self._look(campaign)

    def finished(self, campaign: Campaign, experiment: Experiment | None) -> None:
        """Take note that an experiment has ended; None where it came to nothing."""
        now = time.monotonic()
        self._paces.append(now - self._last)
        self._last = now
        if experiment is not None and experiment.status == "keep":
            self._gain.add(experiment.effect)
        self._look(campaign)
        done, total = self._status.number - 1, self._status.total
        if self._screen is not None and self._config.pluginmanager.hasplugin(_IN_A_TAB):
            # pytest itself counts items that it knows beforehand.
            share = 0 if math.isinf(total) else int(100 * done / max(total, 1))
            self._screen.write(f"\x1b]9;4;1;{share}\x1b\\")
            self._screen.flush()

    def _look(self, campaign: Campaign) -> None:
        """Read what the campaign has come to; only the main thread may."""
        rows, budget = campaign.rows, self._budget
        done = sum(row.status != "baseline" for row in campaign.chronicle.rows)
        kept = sum(row.status == "keep" for row in rows)
        total = budget.experiments if budget else math.inf
        primary = campaign.primary
        best = campaign.best_metrics.get(primary.name)
        with self._changed:
            self._status = Status(
                number=done + 1,
                total=total,
                kept=kept,
                best=text.value(best, primary.unit),
                gain=self._gain.over(standing(rows).claimed) if kept else None,
                spent_usd=campaign.spent.cost_usd,
                cap_usd=budget.cost_usd if budget else None,
            )
            self._changed.notify()

    # What it shows -----------------------------------------------------------------------------

    def open(self) -> None:
        """Begin to show what is going on, if anybody is to see it."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._config.get_verbosity() < 0:
            return
        self._reporter = reporter
        self._moves = may_move(self._config)
        self._screen = replaced(self._config.get_terminal_writer())
        if self._screen is None:
            return
        self._closed = False
        work = self._draw_on if self._moves else self._break_silence
        self._ticker = threading.Thread(target=work, name="pytest-autoloop-live", daemon=True)
        self._ticker.start()

    def close(self) -> None:
        """Give pytest its terminal back."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        if self._screen is not None:
            restored(self._config.get_terminal_writer(), self._screen)
            self._screen = None

    def end_line(self) -> None:
        """Show the line of an experiment now, which pytest would end when it writes another."""
        if self._screen is not None:
            self._screen.end_line()

    def announce(self, phase: Phase, line: str) -> None:
        """Say what the session does next beside experiments; a line that moves says so itself."""
        with self._changed:
            self._status, self._told = replace(self._status, number=0), phase
        if self._screen is not None and not self._moves:
            self._screen.print(f"autoloop: {line}")

    def tell(self, line: str) -> None:
        """Say at once what has happened, from any thread, also while an experiment runs."""
        if self._screen is not None:
            self._screen.print(f"autoloop: {line}")

    def line(self, width: int | None = None) -> str:
        """Return the status as it is now."""
        return live_line.told(self._now(), width)

    def _now(self) -> Status:
        now = time.monotonic()
        with self._changed:
            status, doing = self._status, tuple(self._doing.values()) or (self._before,)
            elapsed = self._earlier + now - self._began
            left = self._left(status, elapsed, now - self._last)
        return replace(status, doing=doing, elapsed=elapsed, left=left)

    def _left(self, status: Status, elapsed: float, since: float) -> float | None:
        """Return the seconds that are probably left, by the budget that ends first."""
        budget = self._budget
        if budget is None or not self._paces or status.number < 1:
            return None
        pace, done = median(self._paces), status.number - 1
        more = status.total - done
        if budget.cost_usd is not None and status.spent_usd and done:
            more = min(more, (budget.cost_usd - status.spent_usd) / (status.spent_usd / done))
        left = max(0.0, more * pace - min(since, pace))
        if budget.seconds is not None:
            left = min(left, max(0.0, budget.seconds - elapsed))
        return None if math.isinf(left) else left

    def _tell(self) -> None:
        """With -v, write a line whenever something else is done, where no line moves."""
        verbosity = self._config.get_verbosity()
        if self._moves or verbosity < 1 or self._screen is None:
            return
        with self._changed:
            now = live_line.doing(self._doing.values(), steps=verbosity > 1)
            if now == self._told:
                return
            self._told, number = now, self._status.number
            self._screen.print(f"autoloop: {f'{number:03}: ' if number else ''}{now}")

    def _draw_on(self) -> None:
        """Draw the status when something changes, and every second; in a thread of its own."""
        while not self._closed:
            with suppress(OSError):  # a terminal that is gone
                self._draw()
            # Not more often than anybody can read.
            time.sleep(_PAUSE)
            with self._changed:
                self._changed.wait(_TICK - _PAUSE)

    def _draw(self) -> None:
        if self._screen is not None:
            self._screen.show(self._styled)

    def _styled(self, width: int) -> str:
        line = self.line(width)
        return self._config.get_terminal_writer().markup(line, cyan=True)

    def _break_silence(self) -> None:
        """Write the status when nothing has been written for long; in a thread of its own."""
        screen = self._screen
        while screen is not None:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, _SILENCE):
                    return
            if screen.silent_for() >= _SILENCE:
                with suppress(OSError):
                    screen.print(f"autoloop: {self.line()}")


def may_move(config: pytest.Config) -> bool:
    """Say whether a line can be drawn over: by a terminal that obeys, and shows nothing else."""
    stream = getattr(config.get_terminal_writer(), "_file", None)
    return (
        sys.platform != "win32"  # whose terminals may not obey
        and stream is not None
        and stream.isatty()
        and os.environ.get("TERM", "dumb") not in {"", "dumb"}
        and not any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))
        and config.option.capture != "no"
    )
