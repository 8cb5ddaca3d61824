"""Which commit the next proposal starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.model import Experiment
from pytest_autoloop.search.greedy import Greedy

if TYPE_CHECKING:
    from pytest_autoloop.model import Status
    from pytest_autoloop.search.base import SearchStrategy


def experiments(*statuses: Status) -> list[Experiment]:
    """Return a campaign; the commit of each experiment is its number."""
    return [
        Experiment(
            number=number,
            status=status,
            reason="",
            description="",
            proposer="",
            commit=str(number),
            parent="",
            timestamp="",
            seconds=0.0,
            metrics={},
        )
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
    assert strategy.parent(experiments(*statuses)) == parent


def test_greedy_has_no_memory_of_its_own() -> None:
    """A campaign that is taken up again goes on from the same commit."""
    history = experiments("baseline", "keep", "discard")
    assert Greedy().parent(history) == Greedy().parent(history) == "1"
