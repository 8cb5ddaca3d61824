"""What must stay true, and what is measured."""

import pytest
from fib import fib


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (5, 5), (10, 55), (17, 1597), (19, 4181)],
)
def test_known_values(n, expected):
    assert fib(n) == expected


def test_each_is_the_sum_of_the_two_before():
    for n in range(2, 18):
        assert fib(n) == fib(n - 1) + fib(n - 2)


def test_a_negative_n_is_refused():
    with pytest.raises(ValueError, match="-1"):
        fib(-1)


def test_speed(benchmark):
    assert benchmark(fib, 18) == 2584
