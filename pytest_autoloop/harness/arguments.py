"""Refuses what a decorator cannot be given, where it is written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard, get_args

from pytest_autoloop.model import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a metric may lose unless something else is chosen, and what stands for any loss: a number,
#: for the record knows no infinity.
ALLOWED_LOSS, UNLIMITED = 0.05, 1e9


def check_target(
    *,
    allow_cross_call_cache: object,
    tolerance: object,
    same_results: object,
    metrics: object,
    share: object,
    stage: object,
) -> None:
    """Refuse what `@autoloop.target` cannot be given.

    Raises:
        ValueError: naming the argument, its value, and what to write.
    """
    __tracebackhide__ = True
    if not isinstance(allow_cross_call_cache, bool):
        # A string such as "no" would be taken for yes, and the guard against caches be off.
        message = f"allow_cross_call_cache={allow_cross_call_cache!r}: write True or False"
        raise ValueError(message)  # noqa: TRY004 - as for every other option, a value is wrong
    if not isinstance(same_results, bool):
        raise ValueError(f"same_results={same_results!r}: write True or False")  # noqa: TRY004
    if not (_is_number(tolerance) and 0 <= tolerance < 1):
        raise ValueError(
            f"tolerance={tolerance!r}: write a share of the value, at least 0 and below 1, "
            "such as 1e-6"
        )
    if share is not None and not (_is_number(share) and 0 < share <= 1):
        raise ValueError(
            f"share={share!r}: write a part of the campaign's budget, above 0 and at most 1, "
            "such as 0.5"
        )
    if not isinstance(stage, int) or isinstance(stage, bool):
        message = f"stage={stage!r}: write a whole number; lower stages are improved first"
        raise ValueError(message)  # noqa: TRY004 - as above
    if metrics is not None:
        _check_names(metrics)


def _check_names(metrics: object) -> None:
    __tracebackhide__ = True
    # A string is a sequence of strings as well, of its letters.
    names = list(metrics) if isinstance(metrics, list | tuple) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"metrics={metrics!r}: write a list of names of metric fixtures, such as ['time'], or "
            "leave it out for all of them"
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"metrics={metrics!r}: {twice[0]!r} stands in it twice; write it once")


def check_function(value: object, kind: str) -> None:
    """Refuse what no fixture can be made of.

    Raises:
        TypeError: it is no function, or one that would have made a measurement.
    """
    __tracebackhide__ = True
    if not callable(value):
        raise TypeError(
            f"autoloop.{kind}: {value!r} is no function: decorate one that returns the value"
            + (", or give a measurement such as metrics.file_size()" if kind == "metric" else "")
        )
    module, name = getattr(value, "__module__", ""), getattr(value, "__name__", "")
    if kind == "metric" and str(module).startswith("pytest_autoloop.metrics"):
        message = f"autoloop.metric(metrics.{name}): call it, as in metrics.{name}(...)"
        raise TypeError(message)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_metric(
    *,
    direction: Direction,
    at_least: float | None,
    at_most: float | None,
    weight: float,
    max_regression: float | None,
    min_gain: float | None,
    resources: Mapping[str, float] | None = None,
) -> None:
    """Refuse what `@autoloop.metric` cannot be given.

    Raises:
        ValueError: naming the argument, its value, and what to write.
    """
    __tracebackhide__ = True
    if direction not in get_args(Direction):
        raise ValueError(f"direction={direction!r}: write 'lower' or 'higher'")
    for bound in (at_least, at_most):
        if bound is not None and not (isinstance(bound, int | float) and math.isfinite(bound)):
            raise ValueError(f"{bound!r} bounds nothing: leave it out, or write a finite number")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValueError(f"at_least={at_least} is above at_most={at_most}: no value meets both")
    if not 0 < weight < math.inf:
        raise ValueError(f"weight={weight!r}: write a positive number")
    for name, value in (("max_regression", max_regression or 0.0), ("min_gain", min_gain or 0.0)):
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value!r}: write a relative change, 0.05 for 5%")
    for resource, amount in (resources or {}).items():
        if not (isinstance(resource, str) and _is_number(amount) and 0 < amount < math.inf):
            raise ValueError(
                f"resources={{{resource!r}: {amount!r}}}: write a name and a positive number, such "
                'as {"GPU": 1}'
            )


def allowed_loss(
    direction: Direction, at_least: float | None, at_most: float | None, chosen: float | None
) -> float:
    """Return what a metric may lose when another one decides, as a relative change.

    One that is bounded on the side on which it gets worse is there to be held: within the bound it
    may lose whatever it does.
    """
    if chosen is not None:
        return chosen
    held = at_most if direction == "lower" else at_least
    return ALLOWED_LOSS if held is None else UNLIMITED
