"""All rules, in the order in which they are tried where no profile says more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.proposers.rules import (
    accumulation,
    algorithms,
    arithmetic,
    cache,
    collecting,
    comprehension,
    conditions,
    constants,
    containers,
    functions,
    hoist,
    iteration,
    join,
    lookups,
    membership,
)

if TYPE_CHECKING:
    from pytest_autoloop.proposers.rules.rule import Rule

#: By the gain to expect: a better order of growth first, a constant factor last.
RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            cache.RECURSIVE,
            cache.OTHER,
            membership.VARIABLES,
            membership.LITERALS,
            hoist.RULE,
            join.RULE,
            comprehension.RULE,
            *accumulation.RULES,
            *algorithms.RULES,
            *arithmetic.RULES,
            *collecting.RULES,
            *conditions.RULES,
            *constants.RULES,
            *containers.RULES,
            *functions.RULES,
            *iteration.RULES,
            *lookups.RULES,
        ),
        key=lambda rule: rule.expected,
        reverse=True,
    )
)
