"""The first experiment of a campaign: its baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.candidates import now
from pytest_autoloop.history.answers import Answer
from pytest_autoloop.model import Experiment
from pytest_autoloop.search.base import Start

if TYPE_CHECKING:
    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.model import Proposal


def open_campaign(campaign: Campaign, seed: Proposal | None = None) -> Experiment:
    """Record the baseline: the branch starts where the user stands.

    Of a campaign that goes on, return the baseline as it was measured just now instead. A
    `seed` is a first candidate that nobody is asked for; it waits as if it had been answered.
    """
    if not campaign.anew:
        return _reopened(campaign)
    workplace = campaign.workplace
    experiment = Experiment(
        number=campaign.first_number,
        status="baseline",
        reason="",
        description="baseline",
        proposer="",
        commit=workplace.commit,
        parent="",
        timestamp=now(),
        seconds=campaign.baseline.seconds,
        elapsed=campaign.elapsed,
        metrics=campaign.judge.values(campaign.baseline.pairs),
        pairs=campaign.baseline.pairs,
        target=workplace.target.name,
        fingerprint=campaign.judge.fingerprint(workplace.source),
        host=campaign.judge.host,
    )
    if seed is not None:
        # Before the baseline, with which the campaign counts as begun.
        start, number = Start(workplace.commit), campaign.ledger.take_number()
        where = (start.commit, workplace.target.name, start.why, start.stays)
        campaign.ledger.answers.put(Answer(number, *where, seed, times=0))
    campaign.record(experiment)
    campaign.ledger.journal.write_header(campaign.header)
    return experiment


def _reopened(campaign: Campaign) -> Experiment:
    return replace(
        campaign.chronicle.experiment(campaign.rows[0].number),
        seconds=campaign.baseline.seconds,
        metrics=campaign.judge.values(campaign.baseline.pairs),
        pairs=campaign.baseline.pairs,
    )
