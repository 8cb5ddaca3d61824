"""Which commit the next proposal starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.history.rows import Row
from pytest_autoloop.search.base import Start
from pytest_autoloop.search.greedy import Greedy

if TYPE_CHECKING:
    from pytest_autoloop.model import Status
    from pytest_autoloop.search.base import SearchStrategy


def rows(*statuses: Status) -> list[Row]:
    """Return a campaign; the commit of each experiment is its number."""
    return [
        Row(number, status, "", str(number), "", None, "improve", "")
        for number, status in enumerate(statuses)
    ]


@pytest.mark.parametrize(
    ("statuses", "parent"),
    [
        (("baseline",), "0"),
        (("baseline", "keep"), "1"),
        (("baseline", "discard", "crash", "timeout", "explore"), "0"),
        (("baseline", "keep", "discard", "keep", "timeout"), "3"),
    ],
)
def test_greedy_goes_on_from_the_last_keep(statuses: tuple[Status, ...], parent: str) -> None:
    """Neither a discarded candidate nor one that is merely explored is built upon."""
    strategy: SearchStrategy = Greedy()
    assert strategy.start(len(statuses), rows(*statuses)).commit == parent


def test_greedy_has_no_memory_of_its_own() -> None:
    """A campaign that is taken up again goes on from the same commit."""
    history = rows("baseline", "keep", "discard")
    assert Greedy().start(3, history) == Greedy().start(3, history) == Start("1")
