"""What a proposer is told before it suggests the next candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.model import Brief, Outcome, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.model import Experiment, Metric, Target


def brief_for(
    experiments: Sequence[Experiment],
    target: Target,
    source: bytes,
    metrics: tuple[Metric, ...],
    *,
    number: int,
    program: Path,
    smallest_gain: float | None,
) -> Brief:
    """Return the brief of an experiment: the target as it is, and what became of earlier ideas."""
    present = next(e for e in reversed(experiments) if e.status in {"keep", "baseline"})
    return Brief(
        number=number,
        target=target,
        source=source,
        readings=tuple(Reading(m, present.metrics.get(m.name)) for m in metrics),
        directives=_read_program(program),
        smallest_gain=smallest_gain,
        history=tuple(_outcome(e, metrics[0]) for e in experiments[1:]),
    )


def _outcome(experiment: Experiment, primary: Metric) -> Outcome:
    effect = experiment.effect
    detail = experiment.detail
    if experiment.guard is not None and experiment.guard.test:
        detail = f"{experiment.guard.test}: {detail}"
    return Outcome(
        number=experiment.number,
        status=experiment.status,
        reason=experiment.reason,
        description=experiment.description,
        effect="" if effect is None else text.effect(effect, primary.direction),
        detail=detail,
    )


def _read_program(path: Path) -> str:
    """Read the human's standing orders; they may come, go and change while a campaign runs."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
