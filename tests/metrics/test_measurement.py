"""What every ready-made metric has in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop import metrics
from pytest_autoloop.metrics import Measurement, MeasurementError

if TYPE_CHECKING:
    from pytest_autoloop.metrics import Place


def test_it_is_taken_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative target is below the directory; without one, that is the working directory."""
    seen: list[Place] = []

    def take(place: Place) -> float:
        seen.append(place)
        return 1

    measurement = Measurement("lower", "", "a constant", take)
    monkeypatch.chdir(tmp_path)
    assert measurement() == measurement(tmp_path / "a") == 1
    assert measurement(Path("b"), tmp_path / "c") == 1
    assert [(place.target, place.directory) for place in seen] == [
        (None, tmp_path),
        (tmp_path / "a", tmp_path),
        (tmp_path / "c" / "b", tmp_path / "c"),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), None, "many", True, 10**400])
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    """It would compare with nothing; the error says what was measured and what came."""
    measurement = Measurement("lower", "", "what it weighs", lambda _: value)
    with pytest.raises(MeasurementError, match=r"what it weighs: .* is not a finite number"):
        measurement()


@pytest.mark.parametrize("value", [1e151, -1e308, 10**200])
def test_a_number_that_cannot_be_reckoned_with_is_refused(value: float) -> None:
    """The middle of two such numbers is infinite, which no record takes."""
    measurement = Measurement("lower", "", "what it weighs", lambda _: value)
    with pytest.raises(MeasurementError, match=r"it is farther from 0 than 1e\+150"):
        measurement()


def test_a_target_that_is_needed_and_missing_is_told() -> None:
    """The next step is to request one."""
    with pytest.raises(MeasurementError, match=r"not exactly one target.*file_size\(\)\(target\)"):
        metrics.file_size()()


@pytest.mark.parametrize("name", metrics.__all__)
def test_each_name_is_there(name: str) -> None:
    """The façade knows where each comes from, and that none is hidden by a module of its name."""
    assert callable(getattr(metrics, name))
    assert name in dir(metrics)


def test_a_name_that_is_not_there_is_told() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="no attribute 'speed'"):
        _ = metrics.speed


def test_only_what_is_used_is_imported() -> None:
    """The names alone cost nothing."""
    code = (
        "import sys; from pytest_autoloop import metrics; "
        "print(*(name for name in sys.modules if name.startswith('pytest_autoloop.')));"
        "metrics.file_size(); print('subprocess' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["pytest_autoloop.metrics", "False"]
