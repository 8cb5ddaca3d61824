"""The target answers as it did when the campaign began, on inputs that are not measured.

Sizes are the point: what saves memory by keeping less is right as long as everything is small.
"""

import index as candidate
import pytest
import workload


@pytest.mark.autoloop_hidden
@pytest.mark.parametrize("prepared", workload.held_out(), ids=lambda _: "input")
def test_it_answers_as_the_original_does(autoloop_baseline, prepared):
    expected = workload.answers(autoloop_baseline, prepared)
    assert workload.answers(candidate, prepared) == expected
