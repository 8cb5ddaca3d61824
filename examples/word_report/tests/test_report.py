"""What must stay true, and what is measured."""

import pytest
from report import clean, report

TEXT = "It was the best of times, it was the worst of times; and the Age of wisdom. " * 40


def test_a_word_keeps_its_letters():
    assert clean("it's!") == "its"


def test_repetition_is_summed():
    assert report("The cat and the dog, a cat") == (("cat", 2), pytest.approx(3.169925), 9)


def test_speed(benchmark):
    assert benchmark(report, TEXT)[2] > 0
