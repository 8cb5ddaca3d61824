"""When a campaign asks for no further proposal, and what it says then."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.budget import (
    Account,
    Budget,
    Stop,
    crashes_in_a_row,
    share,
    since_keep,
    stop,
)
from pytest_autoloop.errors import UsageError
from pytest_autoloop.goals import Until
from pytest_autoloop.history.rows import Row
from pytest_autoloop.model import TIME, Metric, Status
from pytest_autoloop.option_types import goal
from pytest_autoloop.settings import Settings
from pytest_autoloop.usage import Spending, Usage

if TYPE_CHECKING:
    from pathlib import Path

LATENCY = Metric("latency", "lower", "ms")
ACCURACY = Metric("accuracy", "higher", "%")
RECALL = Metric("recall", "higher", at_most=1)
SCORE = Metric("score", "higher")
MEMORY = Metric("memory", "lower", "MiB")


@pytest.fixture
def unlimited(tmp_path: Path) -> Budget:
    """Return a budget that ends nothing."""
    return Budget(math.inf, None, None, None, 3, None, tmp_path / "STOP")


def dollars(amount: float) -> Spending:
    """Return what was spent when every price is known."""
    return Spending(1000, amount, 0)


def reason(found: Stop | None) -> str:
    """Return why; empty when nothing ends."""
    return "" if found is None else found.reason


def test_without_limits_nothing_ends(unlimited: Budget) -> None:
    """However much was used, and whatever it cost."""
    used = Account(10_000, 8, 0, Spending(10**9, 1e6, 10**6), 1e9, 9000, 2, {"time": 0.0})
    assert stop(unlimited, used) is None


@pytest.mark.parametrize(
    ("experiments", "in_flight", "limit", "ends"),
    [(0, 0, 0, True), (0, 0, 1, False), (0, 1, 1, True), (49, 0, 50, False), (48, 2, 50, True)],
)
def test_no_proposal_passes_the_number(
    unlimited: Budget, experiments: int, in_flight: int, limit: int, ends: bool
) -> None:
    """What is in flight counts as done."""
    budget = replace(unlimited, experiments=limit)
    found = stop(budget, Account(experiments, in_flight))
    assert reason(found) == ("experiments" if ends else "")


def test_figures_are_in_the_sentence(unlimited: Budget) -> None:
    """The summary shows how far the campaign came."""
    found = stop(replace(unlimited, experiments=1000), Account(1000))
    assert found == Stop("experiments", "1,000 of 1,000 experiments are done")


@pytest.mark.parametrize(
    ("spent", "experiments", "in_flight", "ends"),
    [
        (0.0, 0, 0, False),
        (1.0, 10, 0, False),
        (sum([0.1] * 19), 19, 0, False),  # twenty times 0.10 is 2.00, also in binary
        (1.93, 18, 0, True),
        (1.8, 18, 1, False),
        (1.8, 18, 2, True),
        (2.5, 10, 0, True),
    ],
)
def test_no_proposal_is_expected_to_pass_the_cap(
    unlimited: Budget, spent: float, experiments: int, in_flight: int, ends: bool
) -> None:
    """The next one and each in flight are expected to cost what they cost so far."""
    budget = replace(unlimited, cost_usd=2.0)
    found = stop(budget, Account(experiments, in_flight, spent=dollars(spent)))
    assert reason(found) == ("cost" if ends else "")


def test_answers_in_flight_have_been_paid(unlimited: Budget) -> None:
    """What waits to be judged is in the sum, so it is not expected once more."""
    budget = replace(unlimited, cost_usd=2.0)
    account = Account(8, 3, answered=2, spent=dollars(1.0))
    assert account.expected_usd == pytest.approx(0.1)
    assert stop(budget, account) is None
    assert reason(stop(budget, replace(account, answered=0, in_flight=9))) == "cost"


def test_before_the_first_price_one_proposal_is_waited_for(unlimited: Budget) -> None:
    """Several workers must not all ask before anybody knows what an answer costs."""
    budget = replace(unlimited, cost_usd=2.0)
    assert stop(budget, Account()) is None
    assert reason(stop(budget, Account(in_flight=1))) == "cost"
    assert stop(budget, Account(in_flight=1, answered=1, spent=dollars(0.1))) is None
    assert stop(unlimited, Account(in_flight=7)) is None


def test_refusals_cost_as_well(unlimited: Budget) -> None:
    """Answers that came to no proposal are all that is known of the price."""
    budget = replace(unlimited, cost_usd=2.0)
    assert reason(stop(budget, Account(spent=dollars(1.2)))) == "cost"
    assert stop(budget, Account(spent=dollars(0.9))) is None


def test_who_costs_nothing_is_never_too_dear(unlimited: Budget) -> None:
    """Rules have neither tokens nor a price."""
    budget = replace(unlimited, cost_usd=0.01)
    assert stop(budget, Account(500, 4, spent=Spending.of([Usage()] * 500))) is None


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        (
            Account(17, spent=dollars(1.93)),
            "the next proposal would pass $2.00: spent $1.93, a proposal costs $0.11",
        ),
        (
            Account(17, 2, spent=dollars(1.8)),
            (
                "the next proposal would pass $2.00: "
                "spent $1.80, 2 more in flight, a proposal costs $0.11"
            ),
        ),
        (Account(3, spent=dollars(2.25)), "$2.25 of $2.00 are spent"),
    ],
)
def test_dollars_are_told(unlimited: Budget, account: Account, sentence: str) -> None:
    """What was spent, what the limit is, what a proposal costs."""
    found = stop(replace(unlimited, cost_usd=2.0), account)
    assert found == Stop("cost", sentence)


def test_small_amounts_keep_their_digits(unlimited: Budget) -> None:
    """A cheap model's price is not $0.00."""
    found = stop(replace(unlimited, cost_usd=0.05), Account(40, spent=dollars(0.0496)))
    assert found is not None
    assert found.sentence.endswith("$0.050: spent $0.050, a proposal costs $0.0012")


def test_unknown_price_ends_a_campaign_with_a_cap(unlimited: Budget) -> None:
    """Nobody can keep to it; without a cap it is no matter."""
    used = Account(1, spent=Spending.of([Usage(1000, 234)]))
    found = stop(replace(unlimited, cost_usd=2.0), used)
    assert found is not None
    assert found.reason == "unpriced"
    assert "$2.00 cannot be kept to: the price of 1234 tokens is unknown" in found.sentence
    assert "leave out --autoloop-max-cost" in found.sentence
    assert stop(unlimited, used) is None


@pytest.mark.parametrize(("seconds", "ends"), [(0.0, False), (3599.9, False), (3600.0, True)])
def test_nothing_is_asked_after_the_time(unlimited: Budget, seconds: float, ends: bool) -> None:
    """The time of all sessions together."""
    found = stop(replace(unlimited, seconds=3600.0), Account(seconds=seconds))
    assert reason(found) == ("time" if ends else "")
    if found is not None:
        assert found.sentence == "the time is over: 1:00:00 of 1:00:00"


@pytest.mark.parametrize(
    ("since", "in_flight", "ends"), [(0, 0, False), (4, 0, False), (5, 0, True), (3, 2, True)]
)
def test_patience_ends(unlimited: Budget, since: int, in_flight: int, ends: bool) -> None:
    """What is in flight may be kept: until it is back, no more is asked for than patience lasts."""
    found = stop(replace(unlimited, patience=5), Account(20, in_flight, since_keep=since))
    assert reason(found) == ("patience" if ends else "")
    if since == 5:
        assert found == Stop("patience", "nothing was kept in the last 5 experiments")


def test_crashes_in_a_row_end_it(unlimited: Budget) -> None:
    """What is in flight is not taken for one."""
    assert stop(unlimited, Account(9, 8, crashes=2)) is None
    found = stop(unlimited, Account(9, crashes=3))
    assert found is not None
    assert found.reason == "crashes"
    assert found.sentence.startswith("3 experiments in a row crashed or ran out of time")


def test_stop_file_ends_it(unlimited: Budget) -> None:
    """Before anything else, a link that leads nowhere too; removing it is told."""
    budget = replace(unlimited, experiments=0, patience=1)
    budget.stop_file.symlink_to("nowhere")
    found = stop(budget, Account(since_keep=1))
    assert found == Stop("stop-file", f"{budget.stop_file} exists: remove it to go on")
    budget.stop_file.unlink()
    assert reason(stop(budget, Account(since_keep=1))) == "experiments"


def test_stop_file_in_a_place_that_cannot_be_entered_is_none(
    unlimited: Budget, tmp_path: Path
) -> None:
    """A path through a regular file is no STOP file, and no error."""
    (tmp_path / "file").write_bytes(b"")
    assert stop(replace(unlimited, stop_file=tmp_path / "file" / "STOP"), Account()) is None


def test_first_reason_in_the_fixed_order_is_given(unlimited: Budget) -> None:
    """All limits are passed at once; each one, once lifted, gives way to the next."""
    until = Until("time", 1.0, at_least=False, unit="s", written="time<=1s")
    budget = replace(
        unlimited, experiments=5, cost_usd=1.0, seconds=1.0, patience=2, until=until, max_crashes=1
    )
    budget.stop_file.touch()
    account = Account(5, 0, 0, Spending(9, 3.0, 4), 2.0, 5, 5, {"time": 0.5})
    seen = [reason(stop(budget, account))]
    budget.stop_file.unlink()
    lifted: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"until": None}, {}),
        ({"experiments": math.inf}, {}),
        ({"max_crashes": 9}, {}),
        ({}, {"spent": dollars(3.0)}),
        ({"cost_usd": None}, {}),
        ({"seconds": None}, {}),
        ({"patience": None}, {}),
    ]
    for limits, used in lifted:
        budget, account = replace(budget, **limits), replace(account, **used)
        seen.append(reason(stop(budget, account)))
    assert seen == [
        *("stop-file", "until", "experiments", "crashes", "unpriced", "cost", "time"),
        *("patience", ""),
    ]


# Goals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "written", "value"),
    [
        (TIME, "time<=5ms", 0.005),
        (TIME, "time <= 5 ms", 0.005),
        (TIME, "time<=5", 5.0),
        (TIME, "time<=250us", 250e-6),
        (TIME, "time<=250\u00b5s", 250e-6),
        (TIME, "time<=250\u03bcs", 250e-6),
        (TIME, "time<=40ns", 40e-9),
        (TIME, "time<=2min", 120.0),
        (LATENCY, "latency<=5s", 5000.0),
        (LATENCY, "latency<=5", 5.0),
        (LATENCY, "latency<=5e3us", 5.0),
        (MEMORY, "memory<=1GiB", 1024.0),
        (MEMORY, "memory<=1048576B", 1.0),
        (replace(MEMORY, unit="kB"), "memory<=2MB", 2000.0),
        (ACCURACY, "accuracy>=95%", 95.0),
        (ACCURACY, "accuracy>=95", 95.0),
        (RECALL, "recall>=95%", 0.95),
        (replace(RECALL, unit="share", at_most=None), "recall>=95%", 0.95),
        (SCORE, "score>=-.5", -0.5),
        (replace(SCORE, unit="points"), "score>=5points", 5.0),
    ],
)
def test_a_goal_is_turned_into_the_metrics_unit(metric: Metric, written: str, value: float) -> None:
    """Times, sizes and shares; other units stand for themselves."""
    found = Until.of(goal(written), (metric, SCORE, TIME))
    assert found.metric == metric.name
    assert found.value == pytest.approx(value)
    assert found.at_least == (metric.direction == "higher")
    assert found.unit == metric.unit


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("speed>=5", "there is no metric 'speed'; name one of: latency, accuracy, score"),
        ("latency<=5MB", "latency has the unit 'ms', to which 'MB' does not fit"),
        ("latency<=5MB", "or write one of: ms, s, sec, us, \u03bcs, ns, min, h"),
        ("latency<=5%", "'%' does not fit"),
        ("score>=95%", "score has no unit, to which '%' does not fit; leave the unit out"),
        ("latency>=5ms", "latency is to become lower, .* write latency<=VALUE"),
        ("accuracy<=5", "accuracy is to become higher, .* write accuracy>=VALUE"),
    ],
)
def test_a_goal_that_means_nothing_is_refused(written: str, says: str) -> None:
    """The message repeats the goal and says what to write."""
    with pytest.raises(UsageError, match=says) as refused:
        Until.of(goal(written), (LATENCY, ACCURACY, SCORE))
    assert f"--autoloop-until {written}: " in str(refused.value)


@pytest.mark.parametrize(
    ("written", "value", "ends"),
    [
        ("latency<=5", 5.0, True),
        ("latency<=5", 5.001, False),
        ("latency<=5", None, False),
        ("latency<=5", math.nan, False),
        ("accuracy>=95", 95.0, True),
        ("accuracy>=95", 94.9, False),
    ],
)
def test_a_goal_is_reached_by_the_best(
    unlimited: Budget, written: str, value: float | None, ends: bool
) -> None:
    """A value as good as the goal is enough, an unknown one is not."""
    until = Until.of(goal(written), (LATENCY, ACCURACY))
    found = stop(replace(unlimited, until=until), Account(best={until.metric: value}))
    assert reason(found) == ("until" if ends else "")
    assert stop(replace(unlimited, until=until), Account()) is None


def test_a_reached_goal_is_told_with_its_value(unlimited: Budget) -> None:
    """In units that people read."""
    budget = replace(unlimited, until=Until.of(goal("time<=5ms"), (TIME,)))
    found = stop(budget, Account(best={"time": 0.0048}))
    assert found == Stop("until", "time is 4.8 ms, the goal was time<=5ms")


# Where it comes from ---------------------------------------------------------------------------


def test_settings_become_a_budget(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """Each option has its limit; a goal of an unknown metric is refused."""
    pytester.makeini("[pytest]\nautoloop_patience = 7\n")
    arguments = ("--autoloop=inf", "--autoloop-max-cost=2.5", "--autoloop-max-time=8h")
    config = pytester.parseconfig(*arguments, "--autoloop-until=time<=5ms")
    settings = Settings.from_config(config)
    budget = Budget.of(settings, (TIME,), tmp_path)
    until = Until("time", 0.005, at_least=False, unit="s", written="time<=5ms")
    assert budget == Budget(math.inf, 2.5, 28800.0, 7, 3, until, tmp_path / "STOP")
    assert Budget.of(replace(settings, until=None), (), tmp_path).until is None
    with pytest.raises(UsageError, match="there is no metric 'time'"):
        Budget.of(settings, (SCORE,), tmp_path)


def test_a_leg_has_a_share(unlimited: Budget) -> None:
    """Dollars and seconds are divided, what counts in a row is not."""
    whole = replace(unlimited, experiments=10, cost_usd=2.0, seconds=60.0, patience=4)
    assert share(whole, 0.25, 3) == replace(whole, experiments=3, cost_usd=0.5, seconds=15.0)
    assert share(unlimited, 0.25, math.inf) == unlimited


def row(number: int, status: Status) -> Row:
    """Return a row of this status."""
    return Row(number, status, "", "", "", None, "", "")


@pytest.mark.parametrize(
    ("statuses", "kept", "crashed"),
    [
        ((), 0, 0),
        (("discard", "explore", "crash"), 3, 1),
        (("keep", "discard", "timeout", "crash"), 3, 2),
        (("crash", "crash", "keep"), 0, 0),
        (("crash", "timeout", "crash"), 3, 3),
    ],
)
def test_what_is_in_a_row_is_counted_from_the_end(
    statuses: tuple[Status, ...], kept: int, crashed: int
) -> None:
    """The baseline ends either count; a side line is no keep."""
    rows = [row(number, status) for number, status in enumerate(("baseline", *statuses))]
    assert since_keep(rows) == kept
    assert crashes_in_a_row(rows) == crashed
