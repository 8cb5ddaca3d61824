"""What the page ranges of a print dialog mean.

`parse(text, last)` returns the pages from 1 to `last` that a text such as "1-3, 7, 9-" names, each
once, sorted. "3-" goes up to the last page, "-3" begins with the first. A range whose ends are
swapped is read backwards; an empty text means all pages. A page that is not there, and what is no
number, is a ValueError. `shown(pages)` returns the shortest text that names some pages: three or
more in a row are a range.
"""

import hashlib
import inspect

import pytest
import ranges
from ranges import parse, shown


def test_pages_and_ranges_are_named():
    assert parse("1-3, 7", 9) == [1, 2, 3, 7]


def test_pages_in_a_row_are_shown_as_a_range():
    assert shown([1, 2, 3]) == "1-3"


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="x"):
        parse("x", 9)


def test_the_module_is_the_one_that_was_reviewed():
    digest = hashlib.sha256(inspect.getsource(ranges).encode()).hexdigest()
    assert digest == "313b6af6905fadd92fe58b1423165a5845316cb4e52bf7dcd7ecb04feaabcee0"
