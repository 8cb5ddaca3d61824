"""The rule works on days that are not scored. Nobody who proposes is shown this file."""

import pytest

pytestmark = pytest.mark.autoloop_hidden

#: Minutes by which a job is late with the original rule, on the days that are scored and on those
#: that are held out: to adapt.
SCORED, HELD_OUT = 62.5, 63.2


def test_what_is_won_on_scored_days_is_won_on_others(scored_days, held_out_days, late):
    """At least half of it: a table of the scored days wins nothing elsewhere."""
    gain = 1 - late(held_out_days) / HELD_OUT
    assert gain >= max(0, (1 - late(scored_days) / SCORED) / 2) - 0.01
