"""Experiments and campaigns as plain data, for JSON."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.working_tree import NAME as TRY
from pytest_autoloop.text import LARGEST_LOG

if TYPE_CHECKING:
    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.model import Effect, Experiment, Json


def experiment_document(experiment: Experiment) -> dict[str, Json]:
    """Return what a program may want to know of one experiment."""
    return {
        "number": experiment.number,
        "commit": experiment.commit,
        "parent": experiment.parent,
        "status": experiment.status,
        "reason": experiment.reason,
        "description": experiment.description,
        "detail": experiment.detail,
        "proposer": experiment.proposer,
        "metrics": dict(experiment.metrics),
        "effect": _effect(experiment.effect),
        "flags": list(experiment.flags),
        "tokens_used": experiment.tokens_used,
        "cost_usd": experiment.cost_usd,
        "seconds": experiment.seconds,
    }


def session_document(campaign: Campaign | None, audit: Audit | None, error: str) -> dict[str, Json]:
    """Return the outcome of a session; only the error where no campaign came about.

    Of an edit made by hand it is that experiment, with what it means for whoever made it.
    """
    if campaign is None or not campaign.experiments:
        return {"error": error}
    spent, last = campaign.spent, campaign.experiments[-1]
    tried = last.proposer == TRY and not error
    return {
        "error": error,
        **({**experiment_document(last), "message": " ".join(told_try(campaign))} if tried else {}),
        "tag": campaign.ledger.tag,
        "branch": campaign.ledger.branch,
        "target": campaign.workplace.target.path,
        "best": campaign.best,
        **(
            {} if tried else {"experiments": [experiment_document(e) for e in campaign.experiments]}
        ),
        "audited": _effect(audit.effect if audit else None),
        "tokens_used": spent.tokens,
        "cost_usd": None if spent.unpriced else spent.cost_usd,
    }


def told_try(campaign: Campaign) -> list[str]:
    """Tell whoever edited the target what has become of the edit, and of the file."""
    experiment, target = campaign.experiments[-1], campaign.workplace.target.path
    if experiment.status == "keep":
        place = f"commit {experiment.commit[:10]} on {campaign.ledger.branch}"
        return [f"kept: {place}; {target} in your checkout is as you left it, go on from there"]
    reason = f" ({experiment.reason})" if experiment.reason else ""
    back = f"git restore --source {campaign.ledger.branch} {shlex.quote(f':/{target}')}"
    return [
        f"not kept: {experiment.status}{reason}; {target} in your checkout is as you left it",
        f"the version to go on from: {back}",
    ]


def _effect(effect: Effect | None) -> dict[str, Json] | None:
    """Return an effect as factors: 1.25 is 25% better than before."""
    if effect is None:
        return None
    return {
        "gain": _factor(effect.log_gain),
        "low": _factor(effect.low),
        "high": _factor(effect.high),
        "level": effect.level,
    }


def _factor(log_gain: float) -> float:
    """Return a factor; one that no float can hold is the largest or smallest that can."""
    return math.exp(max(-LARGEST_LOG, min(log_gain, LARGEST_LOG)))
