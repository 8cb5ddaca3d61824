"""A campaign that goes on gets the rewrites that it would have got without a break."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.evaluation.screen import fingerprint
from pytest_autoloop.model import Brief, Experiment, Outcome, Proposal, Target
from pytest_autoloop.proposers.rules import RulesProposer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_autoloop.model import Status
    from pytest_autoloop.proposers.base import Checkout

SOURCE = b"""\
def total(xs):
    result = 0
    for x in xs:
        result += x ** 2
    return result


def distance(x, y):
    return (x ** 2 + y ** 2) ** 0.5


def longest(words):
    return sorted(words, key=lambda word: len(word))
"""
TARGET = Target("a.py", "faster")
#: How many of the last experiments a brief tells.
TOLD = 2


@dataclass
class Bench:
    """A workbench that lends nothing but the records."""

    root: Path

    @property
    def records(self) -> Path:
        """Return a directory."""
        return self.root

    def checkout(self, source: bytes) -> AbstractContextManager[Checkout]:
        """No rule needs a checkout."""
        raise AssertionError


@dataclass
class Campaign:
    """All that outlives a session, and a judge who keeps and refuses by the content alone."""

    records: Path
    source: bytes = SOURCE
    rows: list[Experiment] = field(default_factory=list)
    proposed: list[Proposal] = field(default_factory=list)
    #: How far numbers are from those that briefs had.
    shift: int = 0

    def __post_init__(self) -> None:
        """Record the baseline."""
        self.rows.append(self.row(Proposal("baseline"), SOURCE, "baseline"))

    def session(self) -> RulesProposer:
        """Begin a session."""
        proposer = RulesProposer(with_ruff=False)
        proposer.start(Bench(self.records))
        if len(self.rows) > 1:
            proposer.resume(self.rows)
        return proposer

    def ask(self, proposer: RulesProposer) -> Proposal | None:
        """Ask for the next proposal."""
        told = tuple(
            Outcome(row.number, row.status, row.reason, row.description)
            for row in self.rows[1:][-TOLD:]
        )
        number = len(self.rows)
        return proposer.propose(Brief(number, TARGET, self.source, (), history=told))

    def judge(self, proposal: Proposal) -> Experiment:
        """Keep some, refuse some, find some too slow."""
        self.proposed.append(proposal)
        content = proposal.edits[0].content
        verdict = hashlib.sha256(content).digest()[0] % 5
        status: Status = "keep" if verdict == 0 else "discard"
        reason = {0: "", 1: "guard"}.get(verdict, "no-gain")
        self.rows.append(replace(self.row(proposal, content, status), reason=reason))
        if status == "keep":
            self.source = content
        return self.rows[-1]

    def row(self, proposal: Proposal, content: bytes, status: Status) -> Experiment:
        """Return what is remembered of a proposal."""
        return Experiment(
            number=len(self.rows) + (self.shift if self.rows else 0),
            status=status,
            reason="",
            description=" ".join(proposal.description.split())[:200],
            proposer=proposal.proposer,
            commit="",
            parent="",
            timestamp="",
            seconds=0.0,
            metrics={},
            fingerprint=fingerprint(content, program=True),
        )

    def run(self, proposer: RulesProposer, most: int = 1000) -> Campaign:
        """Run experiments until there is nothing left."""
        while most and (proposal := self.ask(proposer)) is not None:
            proposer.observe(self.judge(proposal))
            most -= 1
        return self


def descriptions(campaign: Campaign) -> list[str]:
    """Return what was proposed."""
    return [proposal.description for proposal in campaign.proposed]


def test_a_campaign_cut_anywhere_is_the_whole_campaign(tmp_path: Path) -> None:
    """What was kept, refused and too slow counts as it would have; every session gets one."""
    whole = Campaign(tmp_path / "whole")
    whole.run(whole.session())
    statuses = {(row.status, row.reason) for row in whole.rows[1:]}
    assert statuses == {("keep", ""), ("discard", "guard"), ("discard", "no-gain")}
    assert len(set(descriptions(whole))) < len(whole.proposed), "some ideas are tried twice"
    cut = Campaign(tmp_path / "cut")
    for _ in range(len(whole.proposed) + 1):
        cut.run(cut.session(), 1)
    assert cut.proposed == whole.proposed


@pytest.mark.parametrize("shift", [0, 3])
def test_what_was_interrupted_is_proposed_again(tmp_path: Path, shift: int) -> None:
    """It was handed out and has no row; numbers need not be those of the briefs."""
    whole = Campaign(tmp_path / "whole")
    whole.run(whole.session())
    cut = Campaign(tmp_path / "cut", shift=shift)
    while len(cut.proposed) < len(whole.proposed):
        proposer = cut.session()
        cut.run(proposer, 4)
        cut.ask(proposer)
    assert cut.proposed == whole.proposed


def test_an_answer_that_is_judged_again_counts_as_tried(tmp_path: Path) -> None:
    """Its row comes after the session has begun."""
    whole = Campaign(tmp_path / "whole")
    whole.run(whole.session())
    cut = Campaign(tmp_path / "cut")
    first = cut.session()
    cut.run(first, 2)
    answer = cut.ask(first)
    assert answer is not None
    second = cut.session()
    second.observe(cut.judge(answer))
    cut.run(second)
    assert cut.proposed == whole.proposed


def test_several_may_be_in_flight(tmp_path: Path) -> None:
    """All are different, and their rows may come in another order and under other numbers."""
    campaign = Campaign(tmp_path)
    proposer = campaign.session()
    flying = [campaign.ask(proposer) for _ in range(4)]
    assert all(flying)
    assert len({one.description for one in flying if one}) == 4
    campaign.shift = 7
    for proposal in reversed(flying):
        assert proposal is not None
        proposer.observe(replace(campaign.judge(proposal), status="discard", reason="guard"))
    campaign.source = b"import os\n\n\n" + SOURCE
    campaign.rows = campaign.rows[:1]
    again = {one.description for one in iter(lambda: campaign.ask(proposer), None)}
    assert again
    assert not again & {one.description for one in flying if one}


def test_records_that_are_damaged_cost_no_more_than_that(tmp_path: Path) -> None:
    """Without them the present place of an idea is taken for that of its row."""
    campaign = Campaign(tmp_path)
    first = campaign.session()
    tried = campaign.run(first, 3).proposed.copy()
    (tmp_path / "rules.jsonl").write_bytes(
        b'nonsense\n{"number": 1}\n{"number": 2, "description": "x", "occurrence": 0, '
        b'"place": "no hex"}\n{"number": "x"}\n[]\n{"number": 3, "desc'
    )
    second = campaign.session()
    proposal = campaign.ask(second)
    assert proposal is not None
    assert proposal.description not in {one.description for one in tried}
    assert campaign.session() is not None


def test_being_told_twice_changes_nothing(tmp_path: Path) -> None:
    """Each target of a campaign begins with a start and all rows."""
    whole = Campaign(tmp_path / "whole")
    whole.run(whole.session())
    campaign = Campaign(tmp_path / "again")
    proposer = campaign.session()
    campaign.run(proposer, 3)
    proposer.start(Bench(campaign.records))
    proposer.resume(campaign.rows)
    assert campaign.run(proposer).proposed == whole.proposed


def test_a_rewrite_that_cannot_be_noted_comes_next(tmp_path: Path) -> None:
    """The message names the file; nothing is lost."""
    campaign = Campaign(tmp_path / "records")
    proposer = campaign.session()
    campaign.records.write_bytes(b"")
    with pytest.raises(ProposerError, match=r"rules\.jsonl cannot be written"):
        campaign.ask(proposer)
    campaign.records.unlink()
    expected = RulesProposer(with_ruff=False).propose(Brief(1, TARGET, SOURCE, ()))
    assert campaign.ask(proposer) == expected
