"""How long a campaign goes on: its limits, what it has used, and whether it asks once more.

Everything here is pure but for one look at the STOP file. A limit is held by not asking, never by
ending what runs: what is in flight is counted as if it had come back already.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop import text
from pytest_autoloop.goals import Until
from pytest_autoloop.usage import Spending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.history.rows import Row
    from pytest_autoloop.model import Metric
    from pytest_autoloop.settings import Settings

Reason: TypeAlias = Literal[
    "stop-file", "until", "experiments", "crashes", "unpriced", "cost", "time", "patience"
]

#: Whoever creates a file of this name in the campaign's records ends the campaign.
STOP_FILE = "STOP"
#: What a sum of many dollars may differ from what it would be in decimals.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a campaign, over all its sessions; None for no limit."""

    #: Experiments without the baseline; infinite to go on until interrupted.
    experiments: float
    cost_usd: float | None
    seconds: float | None
    #: Experiments in a row without a keep.
    patience: int | None
    #: Crashes and timeouts in a row.
    max_crashes: int
    until: Until | None
    #: Ends the campaign as soon as it exists.
    stop_file: Path

    @classmethod
    def of(cls, settings: Settings, metrics: Sequence[Metric], records: Path) -> Budget:
        """Return what the settings allow; `records` is the directory ``.pytest_autoloop/<tag>``.

        Raises:
            UsageError: the goal of ``--autoloop-until`` fits none of the metrics.
        """
        return cls(
            experiments=settings.experiments,
            cost_usd=settings.max_cost,
            seconds=settings.max_time,
            patience=settings.patience,
            max_crashes=settings.max_crashes,
            until=None if settings.until is None else Until.of(settings.until, metrics),
            stop_file=records / STOP_FILE,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """What a campaign has used of its budget, over all its sessions."""

    #: Recorded ones, without the baseline.
    experiments: int = 0
    #: Proposals that were asked for, or wait to be judged: everything without a row yet.
    in_flight: int = 0
    #: Of those in flight, how many have answered and have their cost in `spent` already.
    answered: int = 0
    #: Of all rows, all answers in flight, and of what came to neither.
    spent: Spending = field(default_factory=lambda: Spending.of(()))
    seconds: float = 0.0
    #: Experiments since the last keep, or since the baseline.
    since_keep: int = 0
    #: Crashes and timeouts in a row, up to the last row.
    crashes: int = 0
    #: The best's values, by the metrics' names.
    best: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def expected_usd(self) -> float | None:
        """Dollars that a proposal has cost so far, on average; None before the first answer.

        What came to no proposal (a refusal, a look back) is part of it: it comes again, too.
        """
        answers = self.experiments + self.answered
        cost = self.spent.cost_usd or 0.0
        if not answers:
            return cost or None
        return cost / answers


@dataclass(frozen=True, slots=True)
class Stop:
    """Why no further proposal is asked for.

    While proposals are in flight this may still change, for instance when one of them is kept:
    it is final once there are none.
    """

    reason: Reason
    #: With the figures, and what to do where there is something to do.
    sentence: str


def stop(budget: Budget, account: Account) -> Stop | None:
    """Tell whether, and why, the next proposal must not be asked for.

    The first reason that holds is given, in this order: the user's STOP file, the goal, the number
    of experiments, crashes, a price that is unknown, dollars, time, patience.
    """
    for reason, rule in _RULES.items():
        sentence = rule(budget, account)
        if sentence:
            return Stop(reason, sentence)
    return None


def share(budget: Budget, part: float, experiments: float) -> Budget:
    """Return the budget of a leg: one of several targets that share a campaign.

    Dollars and seconds are multiplied by `part`, 0 to 1; patience, crashes, goal and STOP file are
    those of the whole. The number of experiments is given, as shares of it must be whole.
    """
    return replace(
        budget,
        experiments=experiments,
        cost_usd=None if budget.cost_usd is None else part * budget.cost_usd,
        seconds=None if budget.seconds is None else part * budget.seconds,
    )


def since_keep(rows: Sequence[Row]) -> int:
    """Count the last experiments of which none was kept; rows are in the order of their numbers."""
    return _last(rows, lambda row: row.status not in {"keep", "baseline"})


def crashes_in_a_row(rows: Sequence[Row]) -> int:
    """Count the last experiments that all crashed or ran out of time."""
    return _last(rows, lambda row: row.status in {"crash", "timeout"})


def _last(rows: Sequence[Row], holds: Callable[[Row], bool]) -> int:
    count = 0
    for row in reversed(rows):
        if not holds(row):
            break
        count += 1
    return count


def _stop_file(budget: Budget, _: Account) -> str:
    # Not Path.exists, which raises where a directory may not be entered.
    there = os.path.lexists(budget.stop_file)
    return f"{budget.stop_file} exists: remove it to go on" if there else ""


def _until(budget: Budget, account: Account) -> str:
    until = budget.until
    if until is None:
        return ""
    value = account.best.get(until.metric)
    if not until.reached_by(value):
        return ""
    return f"{until.metric} is {text.value(value, until.unit)}, the goal was {until.written}"


def _experiments(budget: Budget, account: Account) -> str:
    if account.experiments + account.in_flight < budget.experiments:
        return ""
    return f"{account.experiments:,} of {int(budget.experiments):,} experiments are done"


def _crashes(budget: Budget, account: Account) -> str:
    # A brake and no budget: what is in flight is not taken for a crash.
    if account.crashes < budget.max_crashes:
        return ""
    return (
        f"{text.count(account.crashes, 'experiment')} in a row crashed or ran out of time: see "
        "why, or raise --autoloop-max-crashes"
    )


def _unpriced(budget: Budget, account: Account) -> str:
    if budget.cost_usd is None or not account.spent.unpriced:
        return ""
    return (
        f"{_dollars(budget.cost_usd)} cannot be kept to: the price of "
        f"{text.count(account.spent.unpriced, 'token')} is unknown; install "
        "'pytest-autoloop[prices]', choose a model whose price is known, or leave out "
        "--autoloop-max-cost"
    )


def _cost(budget: Budget, account: Account) -> str:
    cap = budget.cost_usd
    if cap is None:
        return ""
    spent = account.spent.cost_usd or 0.0
    waiting = max(0, account.in_flight - account.answered)
    expected = account.expected_usd
    if expected is None:
        # Nobody knows what a proposal costs: the first one is waited for.
        return f"what a proposal costs of {_dollars(cap)} is not known yet" if waiting else ""
    if spent + (waiting + 1) * expected <= cap * (1 + _ROUNDING):
        return ""
    if spent >= cap * (1 - _ROUNDING):
        return f"{_dollars(spent)} of {_dollars(cap)} are spent"
    flying = f", {waiting} more in flight" if waiting else ""
    return (
        f"the next proposal would pass {_dollars(cap)}: spent {_dollars(spent)}{flying}, a "
        f"proposal costs {_dollars(expected)}"
    )


def _time(budget: Budget, account: Account) -> str:
    if budget.seconds is None or account.seconds < budget.seconds:
        return ""
    return f"the time is over: {_clock(account.seconds)} of {_clock(budget.seconds)}"


def _patience(budget: Budget, account: Account) -> str:
    if budget.patience is None or account.since_keep + account.in_flight < budget.patience:
        return ""
    return f"nothing was kept in the last {text.count(account.since_keep, 'experiment')}"


#: In the order in which they are looked at.
_RULES: dict[Reason, Callable[[Budget, Account], str]] = {
    "stop-file": _stop_file,
    "until": _until,
    "experiments": _experiments,
    "crashes": _crashes,
    "unpriced": _unpriced,
    "cost": _cost,
    "time": _time,
    "patience": _patience,
}


def _dollars(amount: float) -> str:
    """Write dollars with cents, and more digits where it is less than a few of them."""
    digits = 2 if amount >= 0.1 or amount <= 0 else 1 - math.floor(math.log10(amount))  # noqa: PLR2004
    return f"${amount:,.{digits}f}"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
