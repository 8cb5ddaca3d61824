"""The static screen: what a candidate does that its baseline does not."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static.facts import Fact, Findings
from pytest_autoloop.evaluation.static.rules import hard_facts
from pytest_autoloop.evaluation.static.scopes import Layout
from pytest_autoloop.evaluation.static.soft import soft_facts
from pytest_autoloop.evaluation.static.source import growth, text_facts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def findings(candidate: bytes, baseline: bytes, *, allow: Collection[str] = ()) -> Findings:
    """Return what a candidate does beyond its baseline; nothing for what does not parse.

    `allow` names modules, with all below them, that it may import and use.
    """
    layout = _layout(candidate)
    if layout is None:
        return Findings()
    before = _layout(baseline)
    hard = [*growth(candidate, baseline), *text_facts(candidate), *hard_facts(layout, allow)]
    known: list[Fact] = [*text_facts(baseline)]
    if before is not None:
        known += hard_facts(before, allow)
    soft = _new(soft_facts(layout), () if before is None else soft_facts(before))
    return Findings(
        tuple(fact.finding for fact in _new(hard, known)),
        tuple(fact.finding for fact in soft),
    )


def news(candidate: bytes, baseline: bytes) -> tuple[str, ...]:
    """Return what is new in a candidate that its reader should know: a line each."""
    return tuple(f"line {one.line}: {one.what}" for one in findings(candidate, baseline).soft)


def _new(facts: Iterable[Fact], known: Iterable[Fact]) -> list[Fact]:
    """Return the first fact of each kind that is not known, in the order of the text."""
    keys = {fact.key for fact in known}
    found: dict[tuple[str, ...], Fact] = {}
    for fact in facts:
        if fact.key not in keys:
            found.setdefault(fact.key, fact)
    return sorted(found.values(), key=lambda fact: fact.line)


def _layout(content: bytes) -> Layout | None:
    with warnings.catch_warnings():
        # A candidate's warnings are for its own session to show.
        warnings.simplefilter("ignore")
        try:
            return Layout(ast.parse(content))
        # The last two are how the parser says that code is nested too deeply for it.
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
