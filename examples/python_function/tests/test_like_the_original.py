"""The target does what it did when the campaign began, on inputs that nobody thought of.

Results, classes of exceptions and what is left in the arguments are compared. Make the inputs look
like yours, at their oddest: a search finds whatever they leave out.
"""

import inputs
import pytest
import records as candidate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_autoloop.guards import assert_same_outcome

# The same inputs each time: a guard that fails by chance would reject good candidates.
THOROUGH = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("name", inputs.CALLS)
@THOROUGH
@given(data=st.data())
def test_it_does_what_the_original_does(autoloop_baseline, name, data):
    arguments = data.draw(inputs.CALLS[name])
    assert_same_outcome(getattr(candidate, name), getattr(autoloop_baseline, name), *arguments)
