"""What a proposer is told before it suggests the next candidate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.history.notes import without_section
from pytest_autoloop.model import Brief, Failure, Outcome, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.model import Experiment, HotLine, Metric, Target

#: What to think of: left alone, a model tries one kind of idea all night. Ten in a row are all
#: different, and who is asked every second or fifth time comes to hear all of them as well.
STRATEGIES = (
    "The algorithm: is there one whose work grows more slowly with the input?",
    "The data structure: would another one make the commonest operation cheap?",
    "Work done twice: compute once, outside of the loop or the call, what does not change.",
    "Batching: handle many items in one operation instead of one after another.",
    "A library call: does the standard library do this in C already?",
    "Simplification: what can be left out, and nothing that is promised is lost?",
    "The common case: can it leave early, before the general one is prepared?",
    "Parameters: sizes, thresholds and limits that were guessed once.",
    "Memory: fewer objects, fewer copies, views and generators where they are enough.",
    "Two ideas that were nearly good enough: would they be, together?",
)
#: How far back a failure is still worth telling.
_RECENT = 10
#: What stands around an exported protocol: it is for agents that run the loop, not in it.
EXPORTED, EXPORT_ENDS = "<!-- pytest-autoloop export -->", "<!-- end of the export -->"
#: Section of the directives that the loop may add to.
TRIED = "## What has been tried"
_DUPLICATE = re.compile(r"duplicate of (\d+)")


def brief_for(
    experiments: Sequence[Experiment],
    target: Target,
    source: bytes,
    metrics: tuple[Metric, ...],
    *,
    number: int,
    program: Path,
    smallest_gain: float | None,
    parent: str = "",
    profile: tuple[HotLine, ...] = (),
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
        parent=parent,
        failure=_failure(experiments[-_RECENT:]),
        profile=profile,
        hint=STRATEGIES[(7 * number + 3 * (number // 10)) % len(STRATEGIES)],
    )


def result_of(detail: str, experiments: Sequence[Experiment]) -> str:
    """Return the detail of a duplicate with what became of the experiment that it repeats."""
    found = _DUPLICATE.fullmatch(detail)
    earlier = next((e for e in experiments if found and e.number == int(found[1])), None)
    if earlier is None:
        return detail
    reason = f" ({earlier.reason})" if earlier.reason else ""
    return f"{detail}, which was {earlier.status}{reason}: {earlier.description}"


def tried_line(experiment: Experiment, primary: Metric) -> str:
    """Return an experiment as a line of the directives."""
    told = _outcome(experiment, primary)
    reason = f" ({told.reason})" if told.reason else ""
    effect = f" {told.effect}" if told.effect else ""
    return f"- {told.number:03} {told.status}{reason}{effect}: {told.description}"


def _failure(experiments: Sequence[Experiment]) -> Failure | None:
    """Return the last candidate that did not pass its guards."""
    for experiment in reversed(experiments):
        guard = experiment.guard
        if guard is not None and not guard.passed:
            return Failure(experiment.number, guard.test, guard.message, guard.output)
    return None


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
        log_gain=None if effect is None else effect.log_gain,
    )


def _read_program(path: Path) -> str:
    """Read the human's standing orders; they may come, go and change while a campaign runs.

    What the loop itself has written there is no order: the history tells it.
    """
    try:
        written = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    before, begins, rest = written.partition(EXPORTED)
    written = before + rest.partition(EXPORT_ENDS)[2] if begins else written
    return without_section(written, TRIED)
