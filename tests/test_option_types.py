"""What options take, and what they say of the rest."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop import option_types
from pytest_autoloop.option_types import Goal

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("0.5", 0.5),
        ("30m", 1800.0),
        ("30min", 1800.0),
        ("8h", 28800.0),
        ("8 h", 28800.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("1.5h", 5400.0),
        ("1h30", 3630.0),
        ("1h0m5s", 3605.0),
        ("1d", 86400.0),
        ("1d 12h", 129600.0),
        (" 8h ", 28800.0),
        ("0h90", 90.0),
    ],
)
def test_a_time_is_read_in_seconds(written: str, seconds: float) -> None:
    """Days, hours, minutes and seconds in this order, and a plain number of seconds."""
    assert option_types.duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "0", "0h", "h", "-1h", "30m8h", "8h8h", "1:30:00", "soon", "nan", "1e3", "1 0"),
        "9" * 400,
    ],
)
def test_what_is_no_time_is_refused(written: str) -> None:
    """Nothing, zero, another order, other forms."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a time: write for example 8h"):
        option_types.duration(written)


@pytest.mark.parametrize(
    ("written", "number"), [("0", 0), ("50", 50), ("10000", 10000), ("inf", math.inf)]
)
def test_experiments_may_be_without_end(written: str, number: float) -> None:
    """A whole number, or inf."""
    assert option_types.count_or_infinite(written) == number


@pytest.mark.parametrize(
    ("read", "written", "says"),
    [
        (option_types.count_or_infinite, "-1", "write 0 .baseline only. or more, or inf"),
        (option_types.count_or_infinite, "infinity", "or inf"),
        (option_types.count_or_infinite, "nan", "or inf"),
        (option_types.count_or_infinite, "9" * 5000, "or inf"),
        (option_types.count, "-1", "whole number from 0 on"),
        (option_types.count, "\u00b2", "whole number from 0 on"),
        (option_types.at_least_one, "0", "whole number from 1 on"),
        (option_types.at_least_one, "9" * 5000, "whole number from 1 on"),
        (option_types.at_least_one, "inf", "whole number from 1 on"),
        (option_types.at_least_two, "1", "whole number from 2 on"),
    ],
)
def test_what_is_no_count_is_refused(
    read: Callable[[str], object], written: str, says: str
) -> None:
    """The message says from where on it counts."""
    with pytest.raises(argparse.ArgumentTypeError, match=says):
        read(written)


@pytest.mark.parametrize(("written", "amount"), [("2", 2.0), ("$2.50", 2.5), (" $0.05", 0.05)])
def test_dollars_may_have_their_sign(written: str, amount: float) -> None:
    """In front of the number."""
    assert option_types.dollars(written) == amount


@pytest.mark.parametrize("written", ["", "$", "0", "$0", "-1", "2,50", "free", "inf", "nan"])
def test_what_is_no_amount_is_refused(written: str) -> None:
    """The message repeats what was written."""
    with pytest.raises(argparse.ArgumentTypeError, match="positive amount of dollars") as refused:
        option_types.dollars(written)
    assert str(refused.value).startswith(repr(written))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("latency<=5ms", Goal("latency", at_least=False, value=5.0, unit="ms")),
        (" latency <= 5 ms ", Goal("latency", at_least=False, value=5.0, unit="ms")),
        ("score>=.9", Goal("score", at_least=True, value=0.9)),
        ("score>=9.", Goal("score", at_least=True, value=9.0)),
        ("score>=-1.5e-3", Goal("score", at_least=True, value=-0.0015)),
        ("accuracy>=95%", Goal("accuracy", at_least=True, value=95.0, unit="%")),
        ("time<=250\u00b5s", Goal("time", at_least=False, value=250.0, unit="\u00b5s")),
        ("speed>=3 tokens per s", Goal("speed", at_least=True, value=3.0, unit="tokens per s")),
    ],
)
def test_a_goal_is_a_metric_a_relation_and_a_value(written: str, expected: Goal) -> None:
    """With or without a unit and blanks."""
    assert option_types.goal(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", "latency", "latency<5ms", "latency=5", "latency<=", "latency<=ms", "5ms>=latency"),
        *("latency<=5.5.5", "latency<=5 5", "latency<=1e999", "latency<=inf", "a b<=5"),
    ],
)
def test_what_is_no_goal_is_refused(written: str) -> None:
    """The message has an example."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no goal: write a metric, <= or >="):
        option_types.goal(written)
