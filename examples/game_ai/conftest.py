"""A bot whose settings may change, and how often it wins in a simulator.

To adapt: the simulator, `game.py` here, which has to offer what is imported from it; the number of
matches; and whom the bot meets. Seeds are fixed, so that a bot that is the same scores the same.
"""

import pytest
from game import OPPONENT, bot, win_rate

import pytest_autoloop as autoloop

#: One match for each: the more, the less is luck.
SEEDS = range(100)


@autoloop.target
def target():
    """Find the settings with which the bot wins most matches, whoever it plays against.

    The score is a fixed set of matches against one opponent. A hidden guard has other matches, and
    an opponent who plays in another way: what merely exploits one of them is no gain.
    """
    return "ai.json"


@pytest.fixture
def player(target):
    """Return the bot with the settings as they are now."""
    return bot(target.read_text(encoding="utf-8"))


@autoloop.metric(direction="higher", unit="%", min_gain=0.05)
def wins(player):
    """Share of the matches that the bot wins."""
    return win_rate(player, OPPONENT, SEEDS)
