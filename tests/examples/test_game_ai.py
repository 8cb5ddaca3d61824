"""The bot of a card game: a sweep and a queue take turns, and what exploits one opponent is out."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tests.projects import Project

pytest.importorskip("optuna", reason="the extra 'sweep' brings Optuna")


@pytest.fixture
def game(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the example's simulator."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "game_ai"))
    monkeypatch.delitem(sys.modules, "game", raising=False)
    found = importlib.import_module("game")
    monkeypatch.delitem(sys.modules, "game")
    return found


def test_who_bluffs_always_beats_one_opponent_and_is_refused(
    example: Callable[[str], Project],
) -> None:
    """The queue's exploit and illegal value fail their guards; the sweep wins more matches."""
    project = example("game_ai")
    session = project.autoloop(14)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    found = {row["description"]: row for row in rows}
    assert found["be sure to bet"]["guard"]["test"].endswith("test_it_is_legal")
    bluff = found["bluff with every weak card"]
    assert (bluff["status"], bluff["reason"]) == ("discard", "guard")
    assert "hidden" in bluff["detail"]
    assert found["bluff once in a hundred"]["reason"] == "no-gain"
    kept = [row for row in rows if row["status"] == "keep"]
    assert {row["proposer"] for row in kept} == {"replay", "sweep"}
    assert kept[-1]["metrics"]["wins"] > baseline["metrics"]["wins"] + 10


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"bet_at": 12}', "exactly the values"),
        ('{"bet_at": 16, "steal_at": 2, "call_at": 2, "bluff": 0}', "bet_at is 16"),
        ('{"bet_at": 12.5, "steal_at": 2, "call_at": 2, "bluff": 0}', "bet_at is 12.5"),
        ('{"bet_at": 12, "steal_at": true, "call_at": 2, "bluff": 0}', "steal_at is True"),
        ('{"bet_at": 12, "steal_at": 2, "call_at": 2, "bluff": NaN}', "bluff is nan"),
    ],
)
def test_values_that_are_not_legal(game: ModuleType, text: str, problem: str) -> None:
    """A bot has all values and no other, each in its range and of its kind."""
    with pytest.raises(ValueError, match=problem):
        game.bot(text)


def test_a_match_favours_nobody(game: ModuleType) -> None:
    """Each deal is played from both sides: a bot against itself neither wins nor loses."""
    assert game.win_rate(game.OPPONENT, game.OPPONENT, range(50)) == 50
