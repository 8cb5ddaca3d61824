"""Ready-made metrics: ``from pytest_autoloop import metrics``.

Each function returns a `Measurement`. `autoloop.metric` takes one in place of a function, and
called it gives its number.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_autoloop.errors import MeasurementError
    from pytest_autoloop.metrics.combined import composite
    from pytest_autoloop.metrics.judge import llm_judge
    from pytest_autoloop.metrics.measurement import Measurement, Place
    from pytest_autoloop.metrics.memory import peak_memory
    from pytest_autoloop.metrics.models import Chat, chat
    from pytest_autoloop.metrics.printed import accuracy, json_from_output, regex_from_output
    from pytest_autoloop.metrics.sizes import file_size
    from pytest_autoloop.metrics.timing import latency

#: The module of each name. No module bears the name of a function: importing it would hide that.
_HOMES = {
    **dict.fromkeys(("Measurement", "Place"), "metrics.measurement"),
    **dict.fromkeys(("accuracy", "json_from_output", "regex_from_output"), "metrics.printed"),
    "MeasurementError": "errors",
    **dict.fromkeys(("Chat", "chat"), "metrics.models"),
    "composite": "metrics.combined",
    "file_size": "metrics.sizes",
    "latency": "metrics.timing",
    "llm_judge": "metrics.judge",
    "peak_memory": "metrics.memory",
}

__all__ = [
    "Chat",
    "Measurement",
    "MeasurementError",
    "Place",
    "accuracy",
    "chat",
    "composite",
    "file_size",
    "json_from_output",
    "latency",
    "llm_judge",
    "peak_memory",
    "regex_from_output",
]


def __getattr__(name: str) -> object:
    """Import what is asked for: a session pays only for the metrics that it has."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"pytest_autoloop.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
