"""What the decorators were given, and how a fixture carries it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_autoloop.model import Metric

#: Attribute under which a fixture carries its specification.
SPECIFICATION = "__autoloop__"

#: How far a candidate's float may lie from the original's when a target does not say.
DEFAULT_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class TargetSpecification:
    """What `@autoloop.target` was given."""

    name: str
    goal: str
    source: str
    #: Whether the target may remember results from one call to the next.
    allow_cross_call_cache: bool = False
    #: How far a float may lie from the original's, as a share of it.
    tolerance: float = DEFAULT_TOLERANCE
    #: Whether a candidate has to return what the original does.
    same_results: bool = True
    #: Names of the metrics that score it, the one to improve first; empty for all that there are.
    metrics: tuple[str, ...] = ()
    #: Its part of the campaign's budget, above 0 and at most 1; None for an equal part of the rest.
    share: float | None = None
    #: Targets of a lower stage are improved first, those of one stage as they are declared.
    stage: int = 1


@dataclass(frozen=True, slots=True)
class MetricSpecification:
    """What `@autoloop.metric` was given."""

    metric: Metric
    source: str
    #: Names of the fixtures that it requests itself.
    requests: frozenset[str] = frozenset()
    #: Whether it was given a measurement in place of a function.
    measured: bool = False

    @property
    def name(self) -> str:
        """The fixture's name, which is the metric's; empty until a variable has given it one."""
        return self.metric.name

    def named(self, attribute: str) -> MetricSpecification:
        """Return it with a name: pytest names a fixture by its attribute, unless told otherwise."""
        if self.name:
            return self
        return replace(self, metric=replace(self.metric, name=attribute))


@dataclass(frozen=True, slots=True)
class ProposerSpecification:
    """What `@autoloop.proposer` was given."""

    name: str
    source: str


#: What a fixture carries.
Specification: TypeAlias = TargetSpecification | MetricSpecification | ProposerSpecification


def specification_of(value: object) -> Specification | None:
    """Return what a decorator of this module attached to a fixture, None for anything else."""
    attached = getattr(value, "__dict__", {}).get(SPECIFICATION)
    return attached if isinstance(attached, Specification) else None
