"""Student's t distribution against the tables that everybody prints."""

from __future__ import annotations

import pytest

from pytest_autoloop.decision import student

#: Degrees of freedom to the two-sided 95% and 99% quantiles of published tables.
TABLE = {
    1: (12.706, 63.657),
    2: (4.303, 9.925),
    3: (3.182, 5.841),
    4: (2.776, 4.604),
    5: (2.571, 4.032),
    9: (2.262, 3.250),
    10: (2.228, 3.169),
    20: (2.086, 2.845),
    30: (2.042, 2.750),
    60: (2.000, 2.660),
    120: (1.980, 2.617),
}


@pytest.mark.parametrize("degrees", TABLE)
def test_quantiles_are_those_of_the_tables(degrees: int) -> None:
    """The 97.5% and 99.5% quantiles agree with a printed table to all its digits."""
    middle, outer = TABLE[degrees]
    assert student.quantile(0.975, degrees) == pytest.approx(middle, abs=0.0006)
    assert student.quantile(0.995, degrees) == pytest.approx(outer, abs=0.0006)


def test_one_degree_of_freedom_is_cauchy() -> None:
    """With one degree of freedom the quartile is exactly one."""
    assert student.quantile(0.75, 1) == pytest.approx(1.0, rel=1e-8)


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 25])
def test_the_distribution_is_symmetric_and_inverts(degrees: int) -> None:
    """P(T ≤ −t) is 1 − P(T ≤ t), and a quantile has the probability it was asked for."""
    for t in (0.0, 0.3, 1.7, 12.0):
        both = student.cumulative(t, degrees) + student.cumulative(-t, degrees)
        assert both == pytest.approx(1.0)
    for probability in (0.5, 0.6, 0.9, 0.999):
        found = student.cumulative(student.quantile(probability, degrees), degrees)
        assert found == pytest.approx(probability, abs=1e-8)
