"""What the page ranges of a print dialog mean.

`parse(text, last)` returns the pages from 1 to `last` that a text such as "1-3, 7, 9-" names, each
once, sorted. "3-" goes up to the last page, "-3" begins with the first. A range whose ends are
swapped is read backwards; an empty text means all pages. A page that is not there, and what is no
number, is a ValueError. `shown(pages)` returns the shortest text that names some pages: three or
more in a row are a range.
"""

import pytest
from ranges import parse, shown


def test_pages_and_ranges_are_named():
    assert parse("1-3, 7", 9) == [1, 2, 3, 7]


def test_pages_in_a_row_are_shown_as_a_range():
    assert shown([1, 2, 3]) == "1-3"


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="x"):
        parse("x", 9)


def test_the_first_and_the_last_page_may_be_named():
    assert parse("1", 1) == [1]
    assert parse("9", 9) == [9]
    assert parse("1-9", 9) == list(range(1, 10))


def test_a_range_may_lack_an_end():
    assert parse("7-", 9) == [7, 8, 9]
    assert parse("-3", 9) == [1, 2, 3]
    assert parse("-", 3) == [1, 2, 3]


def test_an_empty_text_means_all_pages():
    assert parse(" ", 3) == [1, 2, 3]
    assert parse("", 1) == [1]


def test_swapped_ends_are_read_backwards():
    assert parse("3-1", 9) == [1, 2, 3]


def test_two_in_a_row_are_no_range():
    assert shown([1, 2, 4, 6, 7, 8, 9]) == "1, 2, 4, 6-9"


def test_nothing_is_shown_as_nothing():
    assert shown([]) == ""


def test_some_pages_and_ranges_are_named():
    assert parse("2-4, 8", 9) == [2, 3, 4, 8]


def test_more_pages_in_a_row_are_shown_as_a_range():
    assert shown([4, 5, 6, 7]) == "4-7"
