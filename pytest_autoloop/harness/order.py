"""In which order guards run: the likeliest to fail first, then the cheapest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.harness.hidden import hidden_nodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest


def arrange(items: list[pytest.Item], killers: Sequence[str], seconds: Mapping[str, float]) -> None:
    """Bring guards into the order of `ranked`, those that are hidden behind all others.

    A proposer learns more of a guard that it may know, and each look at a hidden one wears it.
    Where neither killers nor times are known, the order stays.
    """
    if not killers and not seconds:
        return
    by_node: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_node.setdefault(item.nodeid, []).append(item)
    order = ranked(list(by_node), killers, seconds)
    order.sort(key=hidden_nodes(items).__contains__)
    items[:] = [item for node in order for item in by_node[node]]


def ranked(nodes: Sequence[str], killers: Sequence[str], seconds: Mapping[str, float]) -> list[str]:
    """Return node ids in a new order: killers as given, then cheap modules before dear ones.

    A module's tests stay together, the cheaper ones first, so that its fixtures are set up once.
    Without `seconds` the others keep their order.
    """
    known = set(nodes)
    first = [node for node in dict.fromkeys(killers) if node in known]
    hoisted = set(first)
    rest = [node for node in nodes if node not in hoisted]
    totals: dict[str, float] = {}
    for node in rest:
        module = _module(node)
        totals[module] = totals.get(module, 0.0) + seconds.get(node, 0.0)
    place = {module: index for index, module in enumerate(dict.fromkeys(map(_module, nodes)))}

    def rank(node: str) -> tuple[float, int, float]:
        module = _module(node)
        return totals[module], place[module], seconds.get(node, 0.0)

    return [*first, *sorted(rest, key=rank)]


def _module(node: str) -> str:
    return node.split("::", 1)[0]
