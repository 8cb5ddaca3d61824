"""What a ready-made metric is: a number that is taken somewhere, and what it means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Direction


#: Scores farther from 0 are none: differences and squares of them have to be numbers as well.
MOST = 1e150
#: What an error shows of a value.
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number is taken: in a session, in the worktree of the candidate."""

    #: The file that may change, absolute; None where the measurement was given none.
    target: Path | None
    #: The project's root directory, absolute: commands run there, relative paths begin there.
    directory: Path

    def required_target(self) -> Path:
        """Return the target.

        Raises:
            MeasurementError: the measurement was given none.
        """
        if self.target is None:
            raise MeasurementError(
                "there is not exactly one target that could be meant: write a metric that requests "
                "yours, and call the measurement with it, as in metrics.file_size()(target)"
            )
        return self.target


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that can be taken, with what it means.

    `autoloop.metric(measurement)` makes a metric of it; called, it gives the number.

    Args:
        direction: whether a lower or a higher value is better.
        unit: written behind the value; `s` is shown as ms, µs or ns where that fits.
        description: one sentence that says what it measures, for people and proposers.
        take: returns the number; it raises `MeasurementError` where there is none.
    """

    direction: Direction
    unit: str
    description: str
    take: Callable[[Place], float]
    #: What luck can bring though the number comes out the same each time; None where it cannot.
    min_gain: float | None = None

    def __call__(self, target: Path | None = None, directory: Path | None = None) -> float:
        """Take the number.

        Args:
            target: the file that may change, where the measurement speaks of it.
            directory: where commands run and relative paths begin; the working directory if None.

        Returns:
            A finite number, in `unit`.

        Raises:
            MeasurementError: there is no number, or none that is finite and at most `MOST`.
        """
        around = Path.cwd() if directory is None else Path(directory).absolute()
        place = Place(None if target is None else around / target, around)
        return finite(self.take(place), self.description)


def finite(value: object, what: str) -> float:
    """Return a value as a number that can be compared.

    Args:
        value: what was measured.
        what: what it is called in an error.

    Raises:
        MeasurementError: it is no number, NaN, infinite or farther from 0 than `MOST`.
    """
    # A truth value is a number to Python, and a score to nobody.
    if isinstance(value, bool):
        number = math.nan
    else:
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
    if not math.isfinite(number):
        shown = shortened(repr(value), _SHOWN)
        raise MeasurementError(f"{what}: {shown} is not a finite number, so there is no score")
    if abs(number) > MOST:
        raise MeasurementError(
            f"{what}: {number:g} is no score: it is farther from 0 than {MOST:g}"
        )
    return number


def shortened(text: str, most: int) -> str:
    """Return a text's beginning: a sentence about what somebody printed has to stay readable."""
    return text if len(text) <= most else f"{text[:most]}…"
