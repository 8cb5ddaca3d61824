"""What the page ranges of a print dialog mean."""

import pytest
from ranges import parse, shown


def test_pages_and_ranges_are_named():
    assert parse("1-3, 7", 9) == [1, 2, 3, 7]


def test_pages_in_a_row_are_shown_as_a_range():
    assert shown([1, 2, 3]) == "1-3"


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="x"):
        parse("x", 9)
