"""Answers on their way to being judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.model import Experiment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.asking import Attempt
    from pytest_autoloop.model import GuardReport, Metric, Target

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DESCRIPTION_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that is committed, and what is known of it before it is measured."""

    attempt: Attempt
    experiment: Experiment
    #: None when nothing in it can be run.
    content: bytes | None = None
    #: What its guards said already; None when they have not run.
    guard: GuardReport | None = None
    #: What was decided before its turn, and the commit that was the best then.
    judged: Experiment | None = None
    against: str = ""


def opened(attempt: Attempt, number: int, target: Target, metrics: Iterable[Metric]) -> Experiment:
    """Return an experiment of which only the proposal is known."""
    proposal = attempt.proposal
    return Experiment(
        number=number,
        status="discard",
        reason="",
        description=_one_line(proposal.description),
        proposer=_one_line(proposal.proposer),
        commit="",
        parent=attempt.start.commit,
        timestamp=now(),
        seconds=0.0,
        metrics=dict.fromkeys((metric.name for metric in metrics), None),
        tokens_used=proposal.usage.tokens,
        cost_usd=proposal.usage.cost_usd,
        stages={"propose": attempt.proposing},
        flags=tuple(map(_one_line, proposal.remarks)),
        target=target.name,
        search=attempt.start.why,
    )


def now() -> str:
    """Return the time as the journal has it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _one_line(description: str) -> str:
    words = text.visible(" ".join(_CONTROL.sub(" ", description).split()))
    return words[:_DESCRIPTION_LIMIT] or "no description"
