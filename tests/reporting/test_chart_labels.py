"""Where the names of the keeps go."""

from __future__ import annotations

import random
from itertools import combinations

from pytest_autoloop.reporting.chart.labels import Box, Name, Room, chosen, named, place, shortened
from pytest_autoloop.reporting.chart.points import Point

AREA = Box(0.0, 0.0, 1000.0, 500.0)


def keep(number: int, log_gain: float | None = 0.1, description: str = "idea") -> Point:
    """Return a keep."""
    return Point(number, "keep", "", description, 1.0, log_gain=log_gain)


def test_names_cover_neither_each_other_nor_the_line() -> None:
    """Wherever the points are, and however many there are."""
    for seed in range(6):
        chance = random.Random(seed)
        line = [Box(x, x / 3, x + 50, x / 3 + 6) for x in range(0, 1000, 50)]
        names = [
            Name(x, x / 3 + 3, chance.uniform(50, 250), 12)
            for x in (chance.uniform(0, 1000) for _ in range(chance.randrange(1, 25)))
        ]
        found = [box for box in place(names, Room(AREA, line)) if box is not None]
        assert found
        assert all(AREA.holds(box) for box in found)
        assert not any(one.overlaps(other) for one, other in combinations([*found], 2))
        assert not any(box.overlaps(part) for box in found for part in line)


def test_a_name_lies_above_its_point_where_better_is_above() -> None:
    """Else below it, and on the other side rather than nowhere."""
    name = Name(500.0, 250.0, 100.0, 12.0)
    (above,) = place([name], Room(AREA, []))
    assert above is not None
    assert above.bottom > name.y
    (below,) = place([name], Room(AREA, [], side=-1))
    assert below is not None
    assert below.top < name.y
    (other,) = place([name], Room(AREA, [Box(0.0, 251.0, 1000.0, 500.0)]))
    assert other is not None
    assert other.top < name.y


def test_a_name_without_room_is_left_out() -> None:
    """A point says more than what nobody can read."""
    assert place([Name(500.0, 250.0, 100.0, 12.0)], Room(AREA, [AREA])) == [None]
    assert place([Name(500.0, 250.0, 2000.0, 12.0)], Room(AREA, [])) == [None]
    assert place([], Room(AREA, [])) == []


def test_points_are_rather_not_covered() -> None:
    """A little further away costs less."""
    name = Name(500.0, 250.0, 100.0, 12.0)
    crowd = [(x, 262.0) for x in range(380, 620, 4)]
    (found,) = place([name], Room(AREA, [], crowd))
    assert found is not None
    assert not any(
        found.left <= x <= found.right and found.bottom <= y <= found.top for x, y in crowd
    )


def test_what_gained_most_is_named() -> None:
    """One whose gain is unknown comes last."""
    kept = [keep(1, 0.1), keep(2, None), keep(3, 0.5)]
    assert [point.number for point in chosen(kept, 9)] == [3, 1, 2]


def test_of_a_long_campaign_all_of_it_is_told() -> None:
    """Most gain is won in the beginning; the rest of the night has names, too."""
    kept = [keep(number, 1 / number) for number in range(1, 101)]
    found = [point.number for point in chosen(kept, 12)]
    assert len(found) == 12
    assert found[:8] == list(range(1, 9))
    assert 100 in found
    assert sum(number > 20 for number in found) == 4


def test_a_long_description_is_cut_between_words() -> None:
    """A long word is cut where it has to be."""
    words = "hoist the regular expression out of the loop, for short inputs"
    assert shortened(words, 46) == "hoist the regular expression out of the loop…"
    assert shortened("x" * 60, 20) == "x" * 19 + "…"
    assert shortened("short", 20) == "short"


def test_a_description_cannot_reorder_or_break_the_line() -> None:
    """What it says is a candidate's."""
    assert named(keep(7, description="a\n\nb\u202e\x1b[31m"), 46) == "#7 a b\\u202e\\x1b[31m"
    assert named(keep(7, description=""), 46) == "#7"
