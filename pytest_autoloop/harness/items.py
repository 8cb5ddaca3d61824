"""Items that evaluate a fixture, and where they must stand to see it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def uses_benchmark(item: pytest.Item) -> bool:
    """Tell whether a test requests pytest-benchmark's fixture."""
    names = getattr(item, "fixturenames", ())
    return "benchmark" in names or "benchmark_weave" in names


def fixture_item(
    parent: pytest.Collector, fixture: str, receive: Callable[[object], None]
) -> pytest.Function:
    """Make an item that requests one fixture and hands its value over."""

    def take(**values: object) -> None:
        receive(values[fixture])

    keyword = inspect.Parameter(fixture, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    take.__signature__ = inspect.Signature([keyword])  # type: ignore[attr-defined]
    return pytest.Function.from_parent(parent, name=f"autoloop[{fixture}]", callobj=take)


def visible_parent(
    session: pytest.Session, items: list[pytest.Item], home: object
) -> pytest.Collector:
    """Return the collector below which an item sees the fixtures that `home` declares."""
    if isinstance(home, pytest.Collector):
        return home
    file = getattr(home, "__file__", None)
    if file is not None:
        directory = Path(file).parent
        for node in _collectors(items):
            if node.path == directory:
                return node
    return session


def _collectors(items: list[pytest.Item]) -> Iterator[pytest.Collector]:
    for item in items:
        for node in item.listchain():
            if isinstance(node, pytest.Directory):
                yield node
