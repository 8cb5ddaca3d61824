"""Experiments and campaigns as plain data, for JSON."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.working_tree import NAME as TRY
from pytest_autoloop.text import LARGEST_LOG

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def leg_document(campaign: Campaign, audit: Audit | None) -> dict[str, Json]:
    """Return what has become of one target; of an edit made by hand it is that experiment alone."""
    rows, name = campaign.rows, campaign.workplace.target.name
    last = campaign.chronicle.lean([rows[-1].number])[0]
    outcome: dict[str, Json] = {
        "target": name,
        "best": campaign.best,
        "audited": _effect(audit.effect if audit else None),
    }
    if last.proposer == TRY:
        message = " ".join(told_try(last, name, campaign.ledger.branch))
        return {**experiment_document(last), "message": message, **outcome}
    found = campaign.chronicle.all_lean()
    own = [experiment_document(one) for one in found if one.target in {name, ""}]
    return {**outcome, "experiments": list(own)}


def session_document(
    campaign: Campaign | None, legs: Sequence[dict[str, Json]], error: str
) -> dict[str, Json]:
    """Return the outcome of a session; only the error where no campaign came about.

    What became of the only target stands beside the rest, several are a list of `targets`.
    """
    if campaign is None or not legs:
        return {"error": error}
    spent = campaign.spent
    whole: dict[str, Json] = {
        "error": error,
        "tag": campaign.ledger.tag,
        "branch": campaign.ledger.branch,
        "tokens_used": spent.tokens,
        "cost_usd": None if spent.unpriced else spent.cost_usd,
    }
    if len(legs) > 1:
        return {**whole, "targets": list(legs)}
    # The cost of the session counts, also where the only experiment tells its own.
    return {**legs[0], **whole}


def told_try(experiment: Experiment, target: str, branch: str) -> list[str]:
    """Tell whoever edited the target what has become of the edit, and of the file."""
    target = target.partition("::")[0]
    if experiment.status == "keep":
        place = f"commit {experiment.commit[:10]} on {branch}"
        return [f"kept: {place}; {target} in your checkout is as you left it, go on from there"]
    reason = f" ({experiment.reason})" if experiment.reason else ""
    back = f"git restore --source {branch} {shlex.quote(f':/{target}')}"
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
