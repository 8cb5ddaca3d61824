"""What the tests of the rewrite rules share; it holds no test itself."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import libcst as cst

from pytest_autoloop.proposers.rules.catalogue import RULES

if TYPE_CHECKING:
    from pytest_autoloop.proposers.rules.rule import Rule


def rule(name: str) -> Rule:
    """Return the rule of this name."""
    (found,) = [known for known in RULES if known.name == name]
    return found


def rewritten(rule: Rule, source: str) -> list[str]:
    """Return every source that the rule makes of a source."""
    module = cst.parse_module(dedent(source))
    return [rewrite.build().code for rewrite in rule.find(module)]


def only(rule: Rule, source: str) -> str:
    """Return the one source that the rule makes of a source."""
    (code,) = rewritten(rule, source)
    return code


def executed(code: str) -> dict[str, Any]:
    """Run a module's code and return its variables."""
    namespace: dict[str, Any] = {"__name__": "candidate"}
    exec(compile(dedent(code), "candidate", "exec"), namespace)
    return namespace
