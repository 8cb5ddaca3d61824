"""The trading strategy: what fits the past alone, or knows the future, is refused."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tests.projects import Project

np = pytest.importorskip("numpy", reason="the extra 'examples' brings NumPy")


@pytest.fixture
def backtest(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return what the example's score and guards share."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "trading"))
    monkeypatch.delitem(sys.modules, "backtest", raising=False)
    found = importlib.import_module("backtest")
    monkeypatch.delitem(sys.modules, "backtest")
    return found


def test_overfitting_and_foresight_are_refused(example: Callable[[str], Project]) -> None:
    """A table of weeks fails on later years, a centred mean on another future; a rule is kept."""
    project = example("trading")
    session = project.autoloop(7)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    found = {row["description"]: row for row in rows}
    smooth, double = found["smooth around each day"], found["twice the capital"]
    assert smooth["guard"]["test"].endswith("test_no_position_depends_on_the_future")
    assert double["guard"]["test"].endswith("test_a_position_for_each_day_and_no_borrowed_money")
    table = found["good weeks of the year"]
    assert (table["reason"], table["detail"]) == ("guard", "a hidden guard failed")
    assert found["a little longer average"]["reason"] == "no-gain"
    kept = [row for row in rows if row["status"] == "keep"]
    assert [row["description"] for row in kept] == [
        "shorter average",
        "sell short as well",
        "less in wild times",
    ]
    assert kept[-1]["metrics"]["sharpe"] > 1.4 * baseline["metrics"]["sharpe"]
    assert kept[-1]["metrics"]["drawdown"] < 30
    assert kept[-1]["metrics"]["trades"] >= 20


def test_the_table_of_weeks_would_have_won(example: Callable[[str], Project]) -> None:
    """It shines on the prices that are scored: only the later years tell that it was luck."""
    project = example("trading")
    table = project.root / "ideas" / "02_good_weeks_of_the_year.py"
    (project.root / "strategy.py").write_bytes(table.read_bytes())
    (project.root / "tests" / "test_score.py").write_text(
        "def test_score(sharpe):\n    assert sharpe > 2\n", encoding="utf-8"
    )
    session = project.pytest("-q", "--no-header", "-rf")

    assert session.returncode == 1
    assert "test_later_days" in session.stdout
    assert "1 failed, 4 passed" in session.stdout


def test_each_position_is_decided_with_what_is_known_then(backtest: ModuleType) -> None:
    """The strategy never holds an array that has more days than it may know."""
    seen = []

    def strategy(dates: Any, prices: Any) -> Any:
        assert dates.base is None
        assert prices.base is None
        seen.append(prices[-1])
        return prices

    prices = np.array([1.0, 2.0, 3.0])
    assert backtest.walked(strategy, prices.copy(), prices).tolist() == seen == [1, 2, 3]
    assert backtest.walked(strategy, prices.copy(), prices, first=3).tolist() == [3]


def test_costs_and_falls_count(backtest: ModuleType) -> None:
    """What is held earns on the next day, each change costs, a fall begins at the height."""
    prices = np.array([100.0, 110.0, 99.0])
    net = backtest.returns(np.array([1.0, 1.0, 0.0]), prices)
    assert net == pytest.approx([0.1 - backtest.COST, -0.1])
    assert backtest.drawdown(np.array([1.0, 1.0, 1.0]), prices) == pytest.approx(10)
    assert backtest.sharpe(np.zeros(3), prices) == 0
    assert backtest.trades(np.array([0.0, 1.0, 0.5, -0.5, -1.0])) == 2
