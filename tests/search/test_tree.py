"""The strategy `tree`."""

from __future__ import annotations

from pytest_autoloop.search.base import Start
from pytest_autoloop.search.tree import Tree
from tests.search.campaigns import BASELINE, row

DRAFTS = [
    BASELINE,
    row(1, "explore", 0, "draft", gain=-0.1),
    row(2, "keep", 0, "draft", gain=0.2),
    row(3, "explore", 0, "draft", gain=-0.5),
    row(4, "discard", 0, "draft", reason="no-op"),
    row(5, "discard", 0, "draft", reason="no-op"),
]
IDLE = [row(number, "discard", 2) for number in range(6, 11)]


def choices(rows, count=200) -> set[Start]:
    """Return all that is chosen, whatever the chance."""
    return {Tree(seed).start(len(rows), rows) for seed in range(count)}


def test_drafts_come_first() -> None:
    """Five from the baseline, which stay in play, also when one of them was kept."""
    for count in range(5):
        assert choices(DRAFTS[: count + 1], 3) == {Start("0", "draft", "any")}
    assert choices(DRAFTS) == {Start("2")}


def test_a_node_that_brings_nothing_gives_way_to_the_next_best() -> None:
    """The best keeps a share of the attempts while it rests."""
    assert choices([*DRAFTS, *IDLE[:4]]) == {Start("2")}
    rows = [*DRAFTS, *IDLE]
    assert choices(rows) == {Start("2"), Start("1", "improve", "better")}


def test_what_beats_its_parent_takes_its_place() -> None:
    """And begins without attempts of its own."""
    rows = [*DRAFTS, *IDLE, row(11, "explore", 1, gain=-0.2)]
    assert choices(rows) == {Start("2"), Start("11", "improve", "better")}


def test_when_all_rest_there_is_another_draft() -> None:
    """From the best, and it stays in play."""
    rest = [row(10 * parent + n, "discard", parent) for parent in (1, 3) for n in range(1, 6)]
    assert choices([*DRAFTS, *IDLE, *rest]) == {Start("2"), Start("2", "draft", "any")}


def test_a_broken_leaf_is_mended_every_other_time() -> None:
    """Also one that broke in mending, up to three steps deep."""
    rows = [*DRAFTS, row(6, "crash", 2)]
    for parent in (6, 7, 8):
        mend = Start(str(parent), "debug", "any")
        assert choices(rows) == {Start("2"), mend}
        starts = [Tree(seed).start(9, rows) for seed in range(1_000)]
        assert 430 < starts.count(mend) < 570
        rows.append(row(parent + 1, "discard", parent, "debug", reason="guard"))
    assert choices(rows) == {Start("2")}


def test_a_mended_draft_is_a_draft() -> None:
    """It is improved like any other, whatever it is worth."""
    rows = [
        *DRAFTS[:4],
        row(4, "crash", 0, "draft"),
        row(5, "discard", 0, "draft", reason="no-op"),
        row(6, "explore", 4, "debug", gain=-0.2),
        *(row(number, "discard", parent) for parent in (1, 2) for number in range(11, 16)),
    ]
    assert choices(rows) == {Start("2"), Start("6", "improve", "better")}


def test_what_is_worse_than_before_it_broke_is_left_alone() -> None:
    """Or each broken candidate would begin a line of its own."""
    rows = [*DRAFTS, *IDLE[:4], row(10, "crash", 2), row(11, "explore", 10, "debug", gain=-0.02)]
    assert choices(rows) == {Start("2"), Start("1", "improve", "better")}
    rows[-1] = row(11, "keep", 10, "debug", gain=0.02)
    assert choices(rows) == {Start("11")}


def test_what_broke_on_a_version_replaced_since_is_left_alone() -> None:
    """Mended, it would have to beat a better one; a broken draft is another approach."""
    rows = [*DRAFTS, row(6, "crash", 2), row(7, "timeout", 6, "debug")]
    assert Start("7", "debug", "any") in choices(rows)
    rows.append(row(8, "keep", 2, gain=0.1))
    assert choices(rows) == {Start("8")}
    rows[5] = row(5, "discard", 0, "draft", reason="guard")
    assert choices(rows) == {Start("8"), Start("5", "debug", "any")}
