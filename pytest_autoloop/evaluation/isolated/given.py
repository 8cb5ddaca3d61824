"""Inputs that the user gives for the differential guard and for timing: `autoloop_inputs`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Positional and keyword arguments of one call.
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
_ADVICE = (
    "let autoloop_inputs return a mapping from the name of a function to a callable that takes a "
    "random.Random and returns the arguments as a tuple, or to a hypothesis strategy of such tuples"
)


class GivenInputsError(Exception):
    """What the user's fixture gives cannot be used."""


def check(inputs: object) -> Mapping[str, Any]:
    """Return what a fixture gave, if it can be used.

    Raises:
        GivenInputsError: it is no mapping from names to callables or strategies.
    """
    if not isinstance(inputs, Mapping):
        raise GivenInputsError(f"autoloop_inputs returned {inputs!r:.200}: {_ADVICE}")
    for name, source in inputs.items():
        if not isinstance(name, str) or not (_is_strategy(source) or callable(source)):
            raise GivenInputsError(f"autoloop_inputs has {name!r}: {source!r:.200}; {_ADVICE}")
    return inputs


def drawn(inputs: Mapping[str, Any], seed: int, count: int) -> dict[str, list[Arguments]]:
    """Return so many calls of each function, the same ones for the same seed.

    Raises:
        GivenInputsError: a source raised, or gave something else than a tuple.
    """
    return {name: _drawn(name, source, seed, count) for name, source in inputs.items()}


def _drawn(name: str, source: Any, seed: int, count: int) -> list[Arguments]:  # noqa: ANN401
    try:
        if _is_strategy(source):
            found = _examples(source, seed, count)
        else:
            generator = random.Random(seed)  # noqa: S311 - the seed is the secret
            found = [source(generator) for _ in range(count)]
    # The user's function, or a strategy of theirs, may raise anything.
    except Exception as error:
        message = f"autoloop_inputs[{name!r}] raised {type(error).__name__}: {error}"
        raise GivenInputsError(message) from error
    for arguments in found:
        if not isinstance(arguments, tuple):
            raise GivenInputsError(f"autoloop_inputs[{name!r}] gave {arguments!r:.200}; {_ADVICE}")
    return [(arguments, {}) for arguments in found]


def _is_strategy(source: object) -> bool:
    # Without hypothesis there are none, and it takes time to import.
    return any(kind.__module__.startswith("hypothesis.") for kind in type(source).__mro__)


def _examples(strategy: SearchStrategy[Any], seed: int, count: int) -> list[Any]:
    import hypothesis  # noqa: PLC0415 - only where the user has it

    found: list[Any] = []
    take: Callable[[Any], None] = found.append

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def draw(value: Any) -> None:  # noqa: ANN401 - whatever the strategy gives
        take(value)

    draw()
    return found
