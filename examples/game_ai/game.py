"""A card game of two players with bets and bluffs, and two players of it that stay as they are.

Each player has one of thirteen cards and puts in one chip. The first may bet two more; the second
then calls or gives up. If the first passes, the second may bet two, and the first calls or gives
up. If nobody gave up, the higher card takes all chips.
"""

import json
import random
import re
from dataclasses import dataclass

CARDS = range(2, 15)
#: Deals of a match; each is played twice, with the cards exchanged, so that neither has the luck.
DEALS = 20
ANTE, BET = 1, 2


@dataclass(frozen=True)
class Bot:
    """Cards from which it acts; 15 is higher than any."""

    #: It bets as the first player, and as the second after the first has passed.
    bet_at: int
    steal_at: int
    #: It calls a bet.
    call_at: int
    #: Share of the cards up to 5 with which it bets all the same.
    bluff: float

    def bets(self, card, at, chance):
        """Tell whether it bets; `chance` is a number from 0 to 1, drawn for this hand."""
        return card >= at or (card <= 5 and chance < self.bluff)


#: Values that a bot may have.
LEGAL = {"bet_at": (2, 15), "steal_at": (2, 15), "call_at": (2, 15), "bluff": (0.0, 1.0)}
#: Who it is scored against, a shy one, and who only a hidden guard lets it meet, a stubborn one.
OPPONENT = Bot(bet_at=10, steal_at=10, call_at=10, bluff=0.1)
STRANGER = Bot(bet_at=9, steal_at=8, call_at=6, bluff=0.3)


def bot(text):
    """Return the bot that a JSON text describes; `//` begins a comment.

    Raises:
        ValueError: it is no such text, or a value is missing, unknown, or not legal.
    """
    values = json.loads(re.sub(r"//.*", "", text))
    if not isinstance(values, dict) or values.keys() != LEGAL.keys():
        raise ValueError(f"a bot has exactly the values {', '.join(LEGAL)}")
    for name, (least, most) in LEGAL.items():
        kinds = int if isinstance(least, int) else (int, float)
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            raise ValueError(f"{name} is {value!r}: from {least} to {most} are legal")
    return Bot(**values)


def hand(first, second, cards, chances):
    """Return the chips that the first player wins, or loses when the number is below zero."""
    mine, other = cards
    sign = 1 if mine > other else -1
    if first.bets(mine, first.bet_at, chances[0]):
        return sign * (ANTE + BET) if other >= second.call_at else ANTE
    if second.bets(other, second.steal_at, chances[1]):
        return sign * (ANTE + BET) if mine >= first.call_at else -ANTE
    return sign * ANTE


def match(player, opponent, seed):
    """Return 1 if the player has won chips after all deals, 0.5 if nobody has, and else 0."""
    dealer = random.Random(seed)
    chips = 0
    for _ in range(DEALS):
        cards = tuple(dealer.sample(CARDS, 2))
        chances = dealer.random(), dealer.random()
        chips += hand(player, opponent, cards, chances)
        chips -= hand(opponent, player, cards, chances)
    return (chips > 0) + (chips == 0) / 2


def win_rate(player, opponent, seeds):
    """Return the percentage of matches that a player wins."""
    return 100 * sum(match(player, opponent, seed) for seed in seeds) / len(seeds)
