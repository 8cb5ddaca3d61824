"""Several proposers in one campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.model import Brief, Effect, Experiment, Lessons, Proposal, Target
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.team import Team
from pytest_autoloop.proposers.tiers import Tiers
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from pytest_autoloop.model import Status
    from pytest_autoloop.proposers.base import Proposer


class Member(ProposerBase):
    """Proposes its name as often as it is told to; -1 is without end, "!" fails."""

    def __init__(self, name: str, answers: int = -1) -> None:
        self.name = name
        self.left = answers
        self.seen: list[int] = []
        self.closed = False
        self.spent: int | None = None

    def propose(self, brief: Brief) -> Proposal | None:
        """Answer, as long as there is something left."""
        if self.name == "!":
            raise ProposerError("no answer", tokens_used=self.spent)
        self.left -= 1
        return None if self.left == -1 else Proposal(self.name, proposer=self.name)

    def review(self, brief: Brief) -> Lessons | None:
        """Look back."""
        return Lessons((f"lesson of {self.name}",))

    def observe(self, experiment: Experiment) -> None:
        """Remember the number."""
        self.seen.append(experiment.number)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def brief(number: int = 1, remark: str = "") -> Brief:
    """Return a brief without a history."""
    return Brief(number, Target("a.py", ""), b"", (), remark=remark)


def finished(
    number: int, gain: float = 0.0, seconds: float = 1.0, cost: float | None = None
) -> Experiment:
    """Return an experiment that was kept if it gained."""
    status: Status = "keep" if gain else "discard"
    return Experiment(
        number=number,
        status=status,
        reason="",
        description="",
        proposer="",
        commit="",
        parent="",
        timestamp="",
        seconds=seconds,
        metrics={},
        cost_usd=cost,
        effect=Effect(gain, gain, gain) if gain else None,
    )


def asked(proposer: Proposer, number: int, outcome: Experiment | None = None) -> str:
    """Ask once and tell the outcome; return who answered, empty when nobody did."""
    proposal = proposer.propose(brief(number))
    if proposal is None:
        return ""
    proposer.observe(outcome or finished(number))
    return proposal.proposer


def test_members_take_turns_and_drop_out() -> None:
    """One after another; who has nothing left is passed over, and at the end nobody is left."""
    team = Team([Member("a", 2), Member("b", 1), Member("c", 3)])
    assert [asked(team, n) for n in range(1, 9)] == ["a", "b", "c", "a", "c", "c", "", ""]


def test_a_second_answer_comes_from_the_same_member() -> None:
    """What does not count goes back to whoever said it, and is not the next one's turn."""
    team = Team([Member("a"), Member("b")])
    first, second = team.propose(brief(1)), team.propose(brief(1, remark="no-op"))
    assert first is not None
    assert second is not None
    assert (first.proposer, second.proposer) == ("a", "a")
    assert asked(team, 2) == "b"


def test_a_member_that_fails_three_times_is_put_aside() -> None:
    """Another one answers in its place, and says so; after the third failure it is not asked."""
    team = Team([Member("!"), Member("b"), Member("c")])
    proposals = [team.propose(brief(number)) for number in range(1, 9)]
    found = [(one.proposer, one.remarks) for one in proposals if one is not None]
    failed = ("! failed: no answer",)
    assert len(found) == 8
    assert sum(remarks == failed for _, remarks in found) == 3
    assert not any(remarks for _, remarks in found[-3:])


def test_what_failed_is_charged_to_the_answer_that_came_instead() -> None:
    """Its tokens were spent for the same experiment; without a price the sum has none either."""
    failing = Member("!")
    failing.spent = 7
    proposal = Team([failing, Member("b")]).propose(brief())
    assert proposal is not None
    assert proposal.usage == Usage(completion_tokens=7)


def test_nobody_is_credited_for_what_a_hook_proposed() -> None:
    """An experiment that no member was asked for changes nobody's record."""
    team = Team([Member("a"), Member("b")], bandit=True)
    asked(team, 1, finished(1))
    team.observe(finished(2, 5.0))
    answers = [asked(team, number) for number in range(3, 5)]
    assert answers[0] == "b"


def test_the_last_member_is_left_to_the_campaign() -> None:
    """When nobody else is there, failures go on until the campaign gives up."""
    team = Team([Member("!")])
    for number in range(1, 6):
        with pytest.raises(ProposerError):
            team.propose(brief(number))


def test_everyone_hears_of_every_experiment_and_is_closed() -> None:
    """A sweep has to know what others gained; the first look back is taken."""
    members = [Member("a"), Member("b")]
    team = Team(members)
    asked(team, 1)
    asked(team, 2)
    team.close()
    assert [(member.seen, member.closed) for member in members] == [([1, 2], True)] * 2
    assert team.review(brief()) == Lessons(("lesson of a",))
    assert team.name == "a + b"


def test_the_bandit_goes_where_the_gain_is() -> None:
    """After each has been tried, the one that gains per second is asked most."""
    team = Team([Member("idle"), Member("good"), Member("slow")], bandit=True)
    gains = {"good": (0.1, 1.0), "slow": (0.1, 100.0), "idle": (0.0, 1.0)}
    counts = dict.fromkeys(gains, 0)
    for number in range(1, 101):
        proposal = team.propose(brief(number))
        assert proposal is not None
        counts[proposal.proposer] += 1
        gain, seconds = gains[proposal.proposer]
        team.observe(finished(number, gain, seconds))
    assert counts["good"] > 70
    assert min(counts.values()) >= 3


def test_the_bandit_counts_dollars_where_all_are_known() -> None:
    """Two that gain alike: the cheaper one is asked more often, though it is slower."""
    team = Team([Member("dear"), Member("cheap")], bandit=True)
    counts = {"dear": 0, "cheap": 0}
    for number in range(1, 61):
        proposal = team.propose(brief(number))
        assert proposal is not None
        counts[proposal.proposer] += 1
        dear = proposal.proposer == "dear"
        team.observe(finished(number, 0.1, 1.0 if dear else 2.0, cost=1.0 if dear else 0.01))
    assert counts["cheap"] > 2 * counts["dear"]


def test_the_bandit_leaves_a_plateau() -> None:
    """Who has not gained in its last five experiments waits, however well it began."""
    team = Team([Member("early"), Member("other")], bandit=True)
    answers: list[str] = []
    for number in range(1, 15):
        proposal = team.propose(brief(number))
        assert proposal is not None
        answers.append(proposal.proposer)
        team.observe(finished(number, 5.0 if number == 1 else 0.0))
    assert "other" in answers[7:9]
    assert answers[:7].count("early") >= 5


def test_a_strong_model_is_asked_every_kth_time() -> None:
    """Two cheap answers, then one of the strong model; that looks back as well."""
    tiers = Tiers(Member("cheap"), Member("strong"), every=3)
    gained = [asked(tiers, n, finished(n, 0.1)) for n in range(1, 7)]
    assert gained == ["cheap", "cheap", "strong", "cheap", "cheap", "strong"]
    assert tiers.review(brief()) == Lessons(("lesson of strong",))


def test_a_strong_model_is_asked_after_a_plateau() -> None:
    """Five experiments without a keep call it once; then it is the cheap one's turn again."""
    tiers = Tiers(Member("cheap"), Member("strong"), every=100)
    assert [asked(tiers, n) for n in range(1, 13)] == [
        *[*["cheap"] * 5, "strong"],
        *[*["cheap"] * 4, "strong", "cheap"],
    ]


def test_the_tier_that_was_asked_is_asked_again() -> None:
    """A second answer comes from the model that gave the first one."""
    tiers = Tiers(Member("cheap"), Member("strong"), every=2)
    asked(tiers, 1)
    answers = [tiers.propose(brief(2)), tiers.propose(brief(2, remark="duplicate"))]
    assert [answer.proposer for answer in answers if answer] == ["strong", "strong"]
