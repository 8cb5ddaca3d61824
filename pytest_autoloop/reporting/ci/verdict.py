"""Whether a session won as much as was asked for, and what a test report says of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_autoloop import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_autoloop.model import Json
    from pytest_autoloop.reporting.ending import Ending

#: Keys of the outcome that become properties of the test suite.
_TOLD = ("tag", "branch", "target", "best", "error", "tokens_used", "cost_usd")


def shortfall(endings: Sequence[Ending], least: float) -> str:
    """Say which audited gains are below a factor; empty where none is.

    What was not changed has gained nothing: a factor of 1. What could not be audited counts as
    missed, since nobody knows.
    """
    return "; ".join(missed for end in endings if (missed := _missed(end, least)))


def _missed(end: Ending, least: float) -> str:
    asked = f"--autoloop-fail-under={least:g} asks for"
    if end.kept and end.audit is None:
        return f"{end.target}: what was kept could not be audited, {asked} {least:g}×"
    found = end.audit.effect.log_gain if end.kept and end.audit is not None else 0.0
    if found >= math.log(least):
        return ""
    if end.kept and end.audit is not None:
        return (
            f"{end.target}: the audited gain is {text.gain(end.audit.effect)}, {asked} {least:g}×"
        )
    return f"{end.target}: nothing was kept, {asked} {least:g}×"


def properties(outcome: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Return the properties of a test suite that ran a campaign, from its outcome as plain data.

    What is unknown is empty. Those of several targets are numbered from 1.
    """
    yield from _properties("autoloop", outcome)
    targets = outcome.get("targets")
    for place, leg in enumerate(targets if isinstance(targets, list) else (), 1):
        if isinstance(leg, dict):
            yield from _properties(f"autoloop_{place}", leg)


def _properties(prefix: str, outcome: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for key in _TOLD:
        if key in outcome:
            yield f"{prefix}_{key}", "" if outcome[key] is None else str(outcome[key])
    if "audited" not in outcome:
        return
    audited = outcome["audited"]
    for key in ("gain", "low", "high"):
        yield f"{prefix}_audited_{key}", str(audited[key]) if isinstance(audited, dict) else ""
