"""Guards that no proposer is shown: neither their source nor what they say when they fail.

A guard that is known can be met by answering just the inputs in it. A hidden one keeps its value,
because a proposer learns of it only that it failed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pytest

    from pytest_autoloop.model import GuardReport

#: Put on a test, a class or (as `pytestmark`) a module.
MARKER = "autoloop_hidden"

#: All that a proposer hears of a hidden guard.
REDACTED = "a hidden guard failed"

_HELP = (
    f"{MARKER}: a guard that no proposer is shown, neither its source nor what it says when it "
    "fails (pytest-autoloop)"
)


def register(config: pytest.Config) -> None:
    """Make the marker known, as `--strict-markers` asks; runs in every pytest session."""
    config.addinivalue_line("markers", _HELP)


def hidden_nodes(items: Iterable[pytest.Item]) -> frozenset[str]:
    """Return the node ids of the guards that are hidden."""
    return frozenset(item.nodeid for item in items if item.get_closest_marker(MARKER) is not None)


def redact(report: GuardReport, hidden: Collection[str]) -> GuardReport:
    """Return a report that a proposer may read: of a hidden guard only that it failed.

    The node id goes, too: it names the file, and an agent could read that.
    """
    if report.passed:
        return report
    if any(_tells(node, report) for node in hidden):
        return replace(report, test="", message=REDACTED, output="")
    # With -v a session names every test that it ran before the one that failed.
    listed = any(node.partition("::")[0] in report.output for node in hidden)
    return replace(report, output="") if listed else report


def _tells(node: str, report: GuardReport) -> bool:
    """Tell whether a report speaks of a node: as its test, or within another's words."""
    # A report's node id stands on one line; an id made from a parameter may have more.
    line = " ".join(node.split())
    # A file that cannot be collected is reported as a whole, with lines of its source.
    within = bool(report.test) and line.startswith(f"{report.test}::")
    return within or line == report.test or node in report.message
