"""`@autoloop.target`, `metric` and `proposer`: ordinary fixtures that carry a specification."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast, overload

import pytest

from pytest_autoloop.harness.anchoring import anchored, source_of
from pytest_autoloop.harness.arguments import (
    allowed_loss,
    check_function,
    check_metric,
    check_target,
)
from pytest_autoloop.harness.measuring import (
    LOWER,
    Measuring,
    Unsaid,
    function_of,
    is_measurement,
    luck_of,
)
from pytest_autoloop.harness.specifications import (
    DEFAULT_TOLERANCE,
    SPECIFICATION,
    MetricSpecification,
    ProposerSpecification,
    Specification,
    TargetSpecification,
)
from pytest_autoloop.model import Direction, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Scope: TypeAlias = Literal["function", "class", "module", "package", "session"]
Fixture = TypeVar("Fixture", bound="Callable[..., object]")


@overload
def target(function: Fixture, /) -> Fixture: ...


@overload
def target(
    *,
    allow_cross_call_cache: bool = False,
    tolerance: float = DEFAULT_TOLERANCE,
    same_results: bool = True,
    metrics: Sequence[str] | None = None,
    share: float | None = None,
    stage: int = 1,
    scope: Scope = "session",
    name: str | None = None,
) -> Callable[[Fixture], Fixture]: ...


def target(
    function: Fixture | None = None,
    /,
    *,
    allow_cross_call_cache: bool = False,
    tolerance: float = DEFAULT_TOLERANCE,
    same_results: bool = True,
    metrics: Sequence[str] | None = None,
    share: float | None = None,
    stage: int = 1,
    scope: Scope = "session",
    name: str | None = None,
) -> Fixture | Callable[[Fixture], Fixture]:
    """Declare the file that may change, or one function or class in it.

    The function returns a path, relative to pytest's root directory or to the directory of the
    file that declares it; `"pkg/parser.py::Parser.feed"` names one function or class of a Python
    file. Tests that request the fixture get the file as an absolute `pathlib.Path`.
    The docstring is the goal that a proposer is told.

    Several targets are improved one after the other, each on top of what the earlier ones gained.

    Args:
        function: the fixture function, when the decorator is used without parentheses.
        allow_cross_call_cache: the target's job is to remember results from one call to the next.
            A gain is then confirmed on inputs that repeat; otherwise each timed call gets an
            input of its own, and a cache that outlives the call is no gain.
        tolerance: how far a float in a candidate's result may lie from the original's, as a share
            of it: 0 asks for the same bits, 1e-6 lets sums be added up in another order.
        same_results: False where results are meant to change, as those of a heuristic or a model:
            a candidate's are not compared with the original's, and its gain in time is not
            confirmed from outside; your tests alone say what is right.
        metrics: names of the metrics that score it, the one to improve first, ``"time"`` for the
            benchmarks; all that there are by default. A metric with a bound holds in any case.
        share: its part of the campaign's budget, above 0 and at most 1; by default targets share
            equally what the others leave.
        stage: targets of a lower stage are improved first, those of one stage as declared.
        scope: as for `pytest.fixture`.
        name: as for `pytest.fixture`.

    Raises:
        TypeError: the function is asynchronous or a generator.
        ValueError: an argument is out of range, or of another kind.
    """
    __tracebackhide__ = True  # pytest then shows the line of the user's file alone
    check_target(
        allow_cross_call_cache=allow_cross_call_cache,
        tolerance=tolerance,
        same_results=same_results,
        metrics=metrics,
        share=share,
        stage=stage,
    )

    def decorate(declared: Fixture) -> Fixture:
        __tracebackhide__ = True
        if inspect.isgeneratorfunction(declared):
            message = f"{declared.__qualname__}: a target returns a path, it does not yield one"
            raise TypeError(message)
        _refuse_async(declared, "target")
        specification = TargetSpecification(
            name=name or declared.__name__,
            goal=inspect.getdoc(declared) or "",
            source=source_of(declared),
            allow_cross_call_cache=allow_cross_call_cache,
            tolerance=float(tolerance),
            same_results=same_results,
            metrics=tuple(metrics or ()),
            share=None if share is None else float(share),
            stage=stage,
        )
        made: Fixture = _fixture(anchored(declared), specification, scope, name)
        return made

    return decorate if function is None else decorate(function)


@overload
def metric(function: Fixture, /) -> Fixture: ...


@overload
def metric(
    measurement: Measuring,
    /,
    *,
    direction: Direction = ...,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    weight: float = 1.0,
    max_regression: float | None = None,
    min_gain: float | None = None,
    resources: Mapping[str, float] | None = None,
    scope: Scope = "function",
    name: str | None = None,
) -> Callable[..., float]: ...


@overload
def metric(
    *,
    direction: Direction = "lower",
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    weight: float = 1.0,
    max_regression: float | None = None,
    min_gain: float | None = None,
    resources: Mapping[str, float] | None = None,
    scope: Scope = "function",
    name: str | None = None,
) -> Callable[[Fixture], Fixture]: ...


def metric(
    function: Fixture | Measuring | None = None,
    /,
    *,
    direction: Direction = LOWER,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    weight: float = 1.0,
    max_regression: float | None = None,
    min_gain: float | None = None,
    resources: Mapping[str, float] | None = None,
    scope: Scope = "function",
    name: str | None = None,
) -> Fixture | Callable[[Fixture], Fixture] | Callable[..., float]:
    """Declare a fixture that returns a score: one finite number.

    The first metric that pytest collects is the one to improve.

    A measurement of `pytest_autoloop.metrics` may stand in place of a function, as in
    ``size = autoloop.metric(metrics.file_size(), at_most=4096)``. Direction and unit are then the
    measurement's, unless they are given; the metric has the name of the variable. It measures the
    target, where a test sees exactly one, in pytest's root directory.

    Args:
        function: the fixture function, when the decorator is used without parentheses.
        direction: whether a lower or a higher value is better.
        unit: written behind the value; `s` is shown as ms, µs or ns where that fits.
        at_least: lower bound of the value; a candidate below is discarded, however good its score.
        at_most: upper bound of the value.
        weight: share of the objective `weighted`, above zero.
        max_regression: what it may lose when another metric decides, as a relative change; by
            default 0.05, and whatever its bound allows where it has one on that side.
        min_gain: smallest relative gain worth keeping; None leaves it to `--autoloop-min-gain`,
            and of a metric without noise any gain is kept.
        resources: what a worker elsewhere must have to measure it, such as ``{"GPU": 1}``.
        scope: as for `pytest.fixture`.
        name: as for `pytest.fixture`.

    Raises:
        TypeError: the function is asynchronous, or neither a function nor a measurement.
        ValueError: an unknown direction, a bound that no value can meet, or a number out of range.
    """
    __tracebackhide__ = True  # pytest then shows the line of the user's file alone
    measurement = function if is_measurement(function) else None
    if isinstance(direction, Unsaid):
        direction = "lower" if measurement is None else measurement.direction
    min_gain = luck_of(measurement) if min_gain is None else min_gain
    check_metric(
        direction=direction,
        at_least=at_least,
        at_most=at_most,
        weight=weight,
        max_regression=max_regression,
        min_gain=min_gain,
        resources=resources,
    )

    def decorate(declared: Fixture) -> Fixture:
        __tracebackhide__ = True
        check_function(declared, "metric")
        _refuse_async(declared, "metric")
        specification = MetricSpecification(
            Metric(
                # That of the variable is known when pytest has found it.
                name=name or ("" if measurement else declared.__name__),
                direction=direction,
                unit=unit or (measurement.unit if measurement else ""),
                at_least=at_least,
                at_most=at_most,
                description=inspect.getdoc(declared) or "",
                weight=weight,
                max_regression=allowed_loss(direction, at_least, at_most, max_regression),
                min_gain=min_gain,
                resources=tuple(sorted((resources or {}).items())),
            ),
            source=source_of(declared),
            requests=_requests(declared),
            measured=measurement is not None,
        )
        made: Fixture = _fixture(declared, specification, scope, name)
        return made

    given = function if measurement is None else function_of(measurement, sys._getframe(1))
    return decorate if given is None else decorate(cast("Any", given))


@overload
def proposer(function: Fixture, /) -> Fixture: ...


@overload
def proposer(*, name: str | None = None) -> Callable[[Fixture], Fixture]: ...


def proposer(
    function: Fixture | None = None, /, *, name: str | None = None
) -> Fixture | Callable[[Fixture], Fixture]:
    """Declare a fixture that gives a proposer of your own.

    It returns, or yields, an object with a method ``propose(brief)`` that returns an
    `autoloop.Proposal`, or None when there is nothing left; such a function alone; or a spec such
    as ``"openai:gpt-5"``. The object's optional methods are those of
    `pytest_autoloop.proposers.base.Proposer`. The fixture has session scope, and is the proposer
    where `--autoloop-proposer` names no other.

    Args:
        function: the fixture function, when the decorator is used without parentheses.
        name: as for `pytest.fixture`.

    Raises:
        TypeError: the function is asynchronous.
    """
    __tracebackhide__ = True

    def decorate(declared: Fixture) -> Fixture:
        __tracebackhide__ = True
        _refuse_async(declared, "proposer")
        specification = ProposerSpecification(name or declared.__name__, source_of(declared))
        made: Fixture = _fixture(declared, specification, "session", name)
        return made

    return decorate if function is None else decorate(function)


def _fixture(
    function: Callable[..., object],
    specification: Specification,
    scope: Scope,
    name: str | None,
) -> Any:  # noqa: ANN401 - the overloads promise the declared type
    # Set before pytest wraps the function: the wrapper copies __dict__, and has no other slot.
    setattr(function, SPECIFICATION, specification)
    return pytest.fixture(scope=scope, name=name)(function)


def _requests(function: Callable[..., object]) -> frozenset[str]:
    """Return the names of the fixtures that a function requests."""
    parameters = inspect.signature(function).parameters.items()
    return frozenset(name for name, one in parameters if one.kind is not one.VAR_POSITIONAL)


def _refuse_async(function: Callable[..., object], kind: str) -> None:
    __tracebackhide__ = True
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        message = (
            f"{function.__qualname__}: a {kind} cannot be asynchronous; "
            "run the coroutine inside it (asyncio.run) and return the value"
        )
        raise TypeError(message)
