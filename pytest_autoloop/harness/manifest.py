"""The manifest: what the harness is, fixed once by the baseline."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.model import TIME

if TYPE_CHECKING:
    from pytest_autoloop.model import Metric


@dataclass(frozen=True, slots=True)
class Manifest:
    """What every candidate must satisfy, and what scores it."""

    #: Node ids that passed in the baseline: each must pass in every candidate.
    required: frozenset[str]
    #: Node ids of the benchmarks that make the score; empty when metric fixtures do.
    benchmarks: frozenset[str]
    #: What is measured, the metric to improve first; `TIME` stands for the benchmarks.
    metrics: tuple[Metric, ...]
    #: Node ids that no proposer is told of, neither by name nor by what they say.
    hidden: frozenset[str] = frozenset()

    @property
    def fixtures(self) -> tuple[Metric, ...]:
        """The metrics that a fixture returns."""
        return tuple(metric for metric in self.metrics if metric.name != TIME.name)

    @property
    def digest(self) -> str:
        """SHA-256 over everything in the manifest, to notice that a harness has changed."""
        lines = sorted(self.required) + sorted(self.benchmarks) + [repr(m) for m in self.metrics]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
