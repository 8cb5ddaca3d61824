"""What must stay true of the bot, however often it wins."""

import pytest
from game import OPPONENT, STRANGER, bot, win_rate

from pytest_autoloop.harness.baseline_fixture import original

#: Matches that are not scored.
OTHER_SEEDS = range(1000, 1300)
#: Percentage points that the bot may lose in them, against each opponent: so much is luck.
MAY_LOSE = 5


def test_it_is_legal(target):
    bot(target.read_text(encoding="utf-8"))


def test_the_same_matches_have_the_same_result(player):
    assert win_rate(player, STRANGER, range(20)) == win_rate(player, STRANGER, range(20))


@pytest.mark.autoloop_hidden
@pytest.mark.parametrize("opponent", [OPPONENT, STRANGER], ids=["same", "another"])
def test_other_matches(target, player, opponent):
    before = win_rate(bot(original(target).decode()), opponent, OTHER_SEEDS)
    assert win_rate(player, opponent, OTHER_SEEDS) >= before - MAY_LOSE
