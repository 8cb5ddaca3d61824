"""Measurements in the place of metric functions."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeGuard, cast, runtime_checkable

import pytest

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.harness.specifications import TargetSpecification, specification_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pytest_autoloop.model import Direction


class Unsaid(str):
    """A default that gives way to what a measurement says, as the same word given does not."""

    __slots__ = ()


#: The direction of a metric, unless it is given or a measurement has another.
LOWER: Direction = cast("Direction", Unsaid("lower"))


@runtime_checkable
class Measuring(Protocol):
    """What `autoloop.metric` takes in place of a function: `pytest_autoloop.metrics` makes it."""

    @property
    def direction(self) -> Direction:
        """Whether a lower or a higher value is better."""

    @property
    def unit(self) -> str:
        """What is written behind the value."""

    @property
    def description(self) -> str:
        """What it measures, in a sentence."""

    def __call__(self, target: Path | None = None, directory: Path | None = None) -> float:
        """Return the value, of a target, in a directory.

        Raises:
            MeasurementError: there is none.
        """


def is_measurement(value: object) -> TypeGuard[Measuring]:
    """Tell whether a value measures something; a class does not, its instances may."""
    return isinstance(value, Measuring) and not isinstance(value, type)


def luck_of(measurement: Measuring | None) -> float | None:
    """Return the smallest gain of a measurement that is more than luck; None if it names none."""
    found: float | None = getattr(measurement, "min_gain", None)
    return found


def function_of(measurement: Measuring, caller: FrameType) -> Callable[..., float]:
    """Return a fixture function that takes a measurement where the test session stands.

    It measures the target, where there is exactly one, in pytest's root directory. What it raises
    is reported in one sentence: no line of the user's is at fault.
    """

    # In a class it is called with an instance, too.
    def measured(*_: object, request: pytest.FixtureRequest) -> float:
        try:
            return measurement(only_target(request), request.config.rootpath)
        except MeasurementError as error:
            reason = str(error)
        pytest.fail(reason, pytrace=False)

    # What pytest and people are told of a fixture: where it stands, and what it is for.
    code = caller.f_code
    measured.__code__ = measured.__code__.replace(
        co_filename=code.co_filename, co_firstlineno=caller.f_lineno
    )
    measured.__module__ = caller.f_globals.get("__name__", __name__)
    measured.__doc__ = measurement.description
    return measured


def only_target(request: pytest.FixtureRequest) -> Path | None:
    """Return the target that a test sees; None unless there is exactly one."""
    names = {found.name for module in _modules(request) for found in _targets(module)}
    if len(names) != 1:
        return None
    path = request.getfixturevalue(names.pop())
    return path if isinstance(path, Path) else None


def _modules(request: pytest.FixtureRequest) -> Iterator[object]:
    """Yield the modules whose fixtures a test sees: its own, conftest files above it, plugins."""
    place = request.node.path
    for plugin in request.config.pluginmanager.get_plugins():
        if not inspect.ismodule(plugin):
            continue
        file = Path(getattr(plugin, "__file__", None) or "")
        if file.name != "conftest.py" or place.is_relative_to(file.parent):
            yield plugin
    module = request.node.getparent(pytest.Module)
    if module is not None:
        yield module.obj


def _targets(module: object) -> Iterator[TargetSpecification]:
    for value in list(vars(module).values()):
        found = specification_of(value)
        if isinstance(found, TargetSpecification):
            yield found
