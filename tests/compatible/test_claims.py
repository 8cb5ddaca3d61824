"""A parent holds what a child claims against its own clock."""

from __future__ import annotations

import pytest

from pytest_autoloop.evaluation.compatible.claims import plausible, unclaimed


def test_more_time_than_there_was_is_not_plausible() -> None:
    """Claims of several benchmarks add up."""
    assert plausible({"a": 0.6, "b": 0.3}, 1.0, 1.0) == ""
    assert "1.2 s of a session that took 1 s" in plausible({"a": 0.6, "b": 0.6}, 1.0, 1.0)


@pytest.mark.parametrize(("wall", "expected"), [(1.5, ""), (9.0, "claimed by no benchmark")])
def test_time_that_no_benchmark_claims_is_not_plausible(wall: float, expected: str) -> None:
    """A clock that is too slow leaves far more of it than the untouched target did."""
    usual = unclaimed({"a": 0.5}, 1.0)
    assert usual == 0.5
    message = plausible({"a": 0.5}, wall, wall, usual)
    assert expected in message
    assert bool(message) is bool(expected)


def test_waiting_for_a_processor_is_nobody_s_claim() -> None:
    """On a busy machine a session takes longer than it is busy."""
    assert plausible({"a": 0.5}, 9.0, 0.7, 0.15) == ""
