"""A change that was made for one version of a file, brought into another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pytest_autoloop.history.merging import Change, merged

BASE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(20))
FIRST = BASE.replace(b"= 2\n", b"= 20\n")
LAST = BASE.replace(b"= 18\n", b"= 180\n")
OTHER = BASE.replace(b"= 2\n", b"= 21\n")


def test_changes_elsewhere_come_together() -> None:
    """Byte for byte, in either direction."""
    both = FIRST.replace(b"= 18\n", b"= 180\n")
    assert merged(BASE, FIRST, LAST, "a.py") == Change(both)
    assert merged(BASE, LAST, FIRST, "a.py") == Change(both)


def test_changes_of_the_same_lines_conflict() -> None:
    """All of it or nothing; the lines are those of the version it was to be brought into."""
    change = merged(BASE, FIRST, OTHER, "a.py")
    assert change == Change(fault="conflicts with what was kept since: line 3 of a.py")


def test_what_is_there_already_stays() -> None:
    """The same change made twice is that version; no change leaves it alone."""
    assert merged(BASE, FIRST, FIRST, "a.py") == Change(FIRST)
    assert merged(BASE, BASE, FIRST, "a.py") == Change(FIRST)
    assert merged(BASE, FIRST, BASE, "a.py") == Change(FIRST)


def test_threads_may_merge_at_once() -> None:
    """Each in a place of its own."""
    with ThreadPoolExecutor(4) as executor:
        found = set(executor.map(lambda _: merged(BASE, FIRST, LAST, "a.py"), range(8)))
    assert len(found) == 1
