"""What a proposer is told before it suggests the next candidate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.commanded.improve import orders
from pytest_autoloop.history.notes import without_section
from pytest_autoloop.model import Brief, Failure, Outcome, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.designs import Archive
    from pytest_autoloop.history.chronicle import Chronicle
    from pytest_autoloop.model import Experiment, HotLine, Metric, Target
    from pytest_autoloop.search.base import Start

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
#: Experiments that a brief tells of: the latest, and those that gained most before them.
_LATEST = 300
_BIGGEST = 20
#: What to think of instead where the search does not go on from the best version.
_BY_SEARCH = {
    "draft": "A first draft of its own: another approach than those that were tried, however "
    "large the change.",
    "debug": "This version failed, as told above: mend it, and keep the idea that it was made for.",
    "explore": "Another direction than the best version's: it need not be better at once.",
    "restart": "A fresh start from an earlier version: another direction than before.",
}
#: What stands around an exported protocol: it is for agents that run the loop, not in it.
EXPORTED, EXPORT_ENDS = "<!-- pytest-autoloop export -->", "<!-- end of the export -->"
#: Section of the directives that the loop may add to.
TRIED = "## What has been tried"
_DUPLICATE = re.compile(r"duplicate of (\d+)")


def brief_for(
    chronicle: Chronicle,
    start: Start,
    target: Target,
    source: bytes,
    metrics: tuple[Metric, ...],
    *,
    number: int,
    program: Path,
    smallest_gain: float | None,
    profile: tuple[HotLine, ...] = (),
    archive: Archive | None = None,
) -> Brief:
    """Return the brief of an experiment: the target as it is, and what became of earlier ideas.

    Of a long campaign it tells the latest experiments, and those that gained most.

    Raises:
        RepositoryError: a design of the archive cannot be read.
    """
    latest = chronicle.latest(target.name, _LATEST)
    first = latest[0].number if latest else 0
    biggest = [e for e in chronicle.biggest(target.name, _BIGGEST) if e.number < first]
    told = [*sorted(biggest, key=lambda e: e.number), *latest]
    present = chronicle.made(start.commit).metrics
    hint = STRATEGIES[(7 * number + 3 * (number // 10)) % len(STRATEGIES)]
    return Brief(
        number=number,
        target=target,
        source=source,
        readings=tuple(Reading(metric, present.get(metric.name)) for metric in metrics),
        directives=_read_program(program),
        smallest_gain=smallest_gain,
        history=tuple(_outcome(e, metrics[0]) for e in told if e.status != "baseline"),
        counts=dict(chronicle.statuses(target.name)),
        parent=start.commit,
        failure=_failure(chronicle, latest[-_RECENT:], start),
        profile=profile,
        hint=_BY_SEARCH.get(start.why, hint),
        archive=archive.designs(chronicle, target, source, metrics) if archive else (),
    )


def result_of(detail: str, chronicle: Chronicle) -> str:
    """Return the detail of a duplicate with what became of the experiment that it repeats."""
    found = _DUPLICATE.fullmatch(detail)
    if found is None:
        return detail
    earlier = chronicle.experiment(int(found[1]))
    reason = f" ({earlier.reason})" if earlier.reason else ""
    return f"{detail}, which was {earlier.status}{reason}: {earlier.description}"


def tried_line(experiment: Experiment, primary: Metric) -> str:
    """Return an experiment as a line of the directives."""
    told = _outcome(experiment, primary)
    reason = f" ({told.reason})" if told.reason else ""
    effect = f" {told.effect}" if told.effect else ""
    return f"- {told.number:03} {told.status}{reason}{effect}: {told.description}"


def _failure(chronicle: Chronicle, latest: Sequence[Experiment], start: Start) -> Failure | None:
    """Return the last candidate that did not pass its guards, or the one that is to be mended."""
    if start.why == "debug":
        latest = [chronicle.made(start.commit)]
    for experiment in reversed(latest):
        if experiment.guard is not None and not experiment.guard.passed:
            guard = chronicle.experiment(experiment.number).guard
            assert guard is not None
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
    return without_section(orders(written), TRIED)
