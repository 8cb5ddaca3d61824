"""A sweep that goes on visits the points that it would have visited without a break."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.evaluation.screen import fingerprint
from pytest_autoloop.model import Brief, Target
from pytest_autoloop.proposers.sweep import SweepProposer
from tests.proposers.test_sweep import (
    PATH,
    QUADRATIC,
    SMALL,
    Bench,
    quadratic,
    result,
    trials,
    values,
)

optuna = pytest.importorskip("optuna")

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from pytest_autoloop.model import Experiment, Proposal

    Cost: TypeAlias = "Callable[[dict[str, Any]], float | None]"


def small(point: dict[str, Any]) -> float | None:
    """Cost of a small space; some points fail."""
    return None if point["MODE"] == "c" else 5 - point["N"] + (point["MODE"] == "a")


@dataclass
class Campaign:
    """All that outlives a session: the records, the rows and the best version."""

    records: Path
    source: bytes
    cost: Cost
    sampler: str = "tpe"
    best: str = "first"
    rows: list[Experiment] = field(default_factory=list)
    tried: list[dict[str, Any]] = field(default_factory=list)

    def session(self) -> SweepProposer:
        """Begin a session."""
        proposer = SweepProposer(sampler=self.sampler, seed=3)
        proposer.check(Target(PATH, ""), self.source)
        proposer.start(Bench(self.records, self.records))
        proposer.resume(self.rows)
        return proposer

    def ask(self, proposer: SweepProposer, ahead: int = 1, remark: str = "") -> Proposal | None:
        """Ask for a proposal; `ahead` says how many are in flight with it."""
        number, target = len(self.rows) + ahead, Target(PATH, "")
        return proposer.propose(
            Brief(number, target, self.source, (), parent=self.best, remark=remark)
        )

    def judge(self, proposal: Proposal, shift: int = 0) -> Experiment:
        """Record what becomes of a proposal."""
        content = proposal.edits[0].content
        point = values(content)
        self.tried.append(point)
        cost, before = self.cost(point), self.cost(values(self.source))
        assert before is not None
        gain = None if cost is None else math.log(before / cost)
        status = "keep" if gain is not None and gain > 0.001 else "discard"
        number = len(self.rows) + 1 + shift
        experiment = result(
            number,
            status,
            gain,
            parent=self.best,
            description=proposal.description,
            fingerprint=fingerprint(content, program=True),
        )
        self.rows.append(experiment)
        if status == "keep":
            self.source, self.best = content, experiment.commit
        return experiment

    def run(self, proposer: SweepProposer, most: int) -> Campaign:
        """Run experiments until there is nothing left."""
        while most and (proposal := self.ask(proposer)) is not None:
            proposer.observe(self.judge(proposal))
            most -= 1
        return self


#: A source, the cost of its points, who samples, and how many experiments there are.
SPACES = [
    (QUADRATIC, quadratic, "tpe", 14),
    (QUADRATIC, quadratic, "random", 6),
    (SMALL, small, "tpe", 11),
    (SMALL, small, "grid", 11),
]


@pytest.mark.parametrize("space", SPACES, ids=["tpe", "random", "walk", "grid"])
@pytest.mark.parametrize("how", ["closed", "untold", "lost", "killed"])
def test_a_sweep_cut_everywhere_is_the_whole_sweep(
    tmp_path: Path, how: str, space: tuple[bytes, Cost, str, int]
) -> None:
    """Each session gets one experiment; it may end before the study is told, or after an ask."""
    source, cost, sampler, count = space
    whole = Campaign(tmp_path / "whole", source, cost, sampler)
    whole.run(whole.session(), count)
    cut = Campaign(tmp_path / "cut", source, cost, sampler)
    for _ in range(count):
        proposer = cut.session()
        if how == "lost":
            assert cut.ask(proposer) is not None
            proposer = cut.session()
        proposal = cut.ask(proposer)
        assert proposal is not None
        if how == "killed":
            # Judged again by the next session, before that asks.
            proposer = cut.session()
        row = cut.judge(proposal)
        if how != "untold":
            proposer.observe(row)
        if how == "closed":
            proposer.close()
    assert cut.tried == whole.tried
    cut.session()
    told = [trial for trial in trials(cut.records) if trial.state.name != "FAIL"]
    expected = [trial.value for trial in trials(whole.records) if trial.state.name != "FAIL"]
    assert [trial.value for trial in told] == pytest.approx(expected)


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
@pytest.mark.parametrize("resumed", [False, True])
def test_several_trials_are_in_flight(tmp_path: Path, sampler: str, resumed: bool) -> None:
    """All points differ; rows may come in another order, under other numbers, in a new session."""
    campaign = Campaign(tmp_path, SMALL, lambda _: 1.0, sampler)
    proposer = campaign.session()
    flying = [campaign.ask(proposer, ahead) for ahead in range(1, 6)]
    if resumed:
        proposer = campaign.session()
    for proposal in reversed(flying):
        assert proposal is not None
        proposer.observe(campaign.judge(proposal, shift=3))
    states = [trial.state.name for trial in trials(tmp_path)]
    assert states.count("COMPLETE") >= 6
    assert "RUNNING" not in states
    campaign.run(proposer, 100)
    points = {(point["N"], point["MODE"]) for point in campaign.tried}
    assert len(points) == len(campaign.tried) == 11


def test_points_that_were_lost_with_a_session_are_free_again(tmp_path: Path) -> None:
    """Several were in flight when it was killed, and nobody judges them."""
    campaign = Campaign(tmp_path, SMALL, lambda _: 1.0)
    proposer = campaign.session()
    assert all(campaign.ask(proposer, ahead) for ahead in range(101, 106))
    campaign.run(campaign.session(), 100)
    assert len(campaign.tried) == 11


def test_a_space_whose_rest_is_in_flight_has_nothing_left(tmp_path: Path) -> None:
    """Nothing is proposed twice, also while results are missing."""
    source = b"N = 1  # autoloop: int 1..3\n"
    for sampler in ("tpe", "random", "grid"):
        campaign = Campaign(tmp_path / sampler, source, lambda _: 1.0, sampler)
        proposer = campaign.session()
        assert campaign.ask(proposer, 1)
        assert campaign.ask(proposer, 2)
        assert campaign.ask(proposer, 3) is None


def test_asked_again_the_others_stay_in_flight(tmp_path: Path) -> None:
    """A remark speaks of the last answer alone."""
    campaign = Campaign(tmp_path, SMALL, lambda _: 1.0)
    proposer = campaign.session()
    first = campaign.ask(proposer, 1)
    assert campaign.ask(proposer, 2)
    assert campaign.ask(proposer, 2, remark="a duplicate")
    assert first is not None
    proposer.observe(campaign.judge(first))
    states = [trial.state.name for trial in trials(tmp_path)]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "RUNNING"]


def test_a_refusal_of_an_earlier_session_is_remembered(tmp_path: Path) -> None:
    """A duplicate that was judged again is not asked for any more, in later sessions either."""
    campaign = Campaign(tmp_path, SMALL, lambda _: 1.0)
    proposal = campaign.ask(campaign.session())
    assert proposal is not None
    campaign.session().observe(replace(campaign.judge(proposal), reason="duplicate"))
    campaign.rows.clear()
    refused = campaign.tried.pop()
    campaign.run(campaign.session(), 100)
    assert refused not in campaign.tried
    assert len(campaign.tried) == 10


@pytest.mark.parametrize("fields", [{"reason": "conflict"}, {"fingerprint": "merged"}], ids=str)
def test_what_was_not_run_as_proposed_says_nothing(tmp_path: Path, fields: dict[str, str]) -> None:
    """A candidate that was merged onto another best is another point; its own is free again."""
    campaign = Campaign(tmp_path, SMALL, lambda _: 1.0)
    proposer = campaign.session()
    proposal = campaign.ask(proposer)
    assert proposal is not None
    proposer.observe(replace(campaign.judge(proposal), **fields))  # type: ignore[arg-type]
    assert trials(tmp_path)[-1].state.name == "FAIL"
    assert campaign.ask(proposer) == proposal


def test_a_gain_is_one_over_the_best(tmp_path: Path) -> None:
    """Whatever the candidate started from; the best of another target says nothing."""
    campaign = Campaign(tmp_path, SMALL, lambda _: 1.0)
    campaign.rows = [
        result(1, "keep", 0.5, proposer="rules", target=PATH),
        result(2, "keep", 4.0, proposer="rules", target="other.py"),
    ]
    proposer = campaign.session()
    proposal = campaign.ask(proposer)
    assert proposal is not None
    proposer.observe(result(3, "discard", -0.2, parent="side line", target=PATH))
    assert trials(tmp_path)[-1].value == pytest.approx(0.3)


def test_what_was_begun_and_not_proposed_is_given_up(tmp_path: Path) -> None:
    """A session may end between any two steps of an ask; the next one is not confused by it."""
    campaign = Campaign(tmp_path / "cut", QUADRATIC, quadratic)
    campaign.run(campaign.session(), 3)
    whole = Campaign(tmp_path / "whole", QUADRATIC, quadratic)
    whole.run(whole.session(), 4)
    backend = optuna.storages.journal.JournalFileBackend(str(campaign.records / "sweep.log"))
    storage = optuna.storages.JournalStorage(backend)
    study = optuna.load_study(study_name=PATH, storage=storage)
    study.ask()
    study.enqueue_trial({"X": 1.0, "Y": 1})
    campaign.run(campaign.session(), 1)
    assert campaign.tried == whole.tried
    states = [trial.state.name for trial in trials(campaign.records)]
    assert states[-3:] == ["FAIL", "FAIL", "COMPLETE"]
    assert "WAITING" not in states


def test_each_target_has_a_study(tmp_path: Path) -> None:
    """One proposer may serve several; going back and forth loses no trial."""
    proposer = SweepProposer(seed=0)
    targets = [Target("a.py", ""), Target("b.py", "")]
    for target in targets:
        proposer.check(target, SMALL)
    proposer.start(Bench(tmp_path, tmp_path))
    proposals = [proposer.propose(Brief(n, targets[n % 2], SMALL, ())) for n in range(4)]
    for number, proposal in enumerate(proposals):
        assert proposal is not None
        proposer.observe(result(number, "discard", -0.1, description=proposal.description))
    for target in targets:
        states = [trial.state.name for trial in trials(tmp_path, target.path)]
        assert states == ["COMPLETE"] * 3


def test_draws_are_the_seeds(tmp_path: Path) -> None:
    """The number of the experiment and the seed say what is drawn, not the session."""
    drawn = set()
    for seed in (1, 1, 2, None, None):
        proposer = SweepProposer(sampler="random", seed=seed)
        records = tmp_path / hashlib.sha256(str(len(list(tmp_path.iterdir()))).encode()).hexdigest()
        proposer.check(Target(PATH, ""), QUADRATIC)
        proposer.start(Bench(records, records))
        proposal = proposer.propose(Brief(1, Target(PATH, ""), QUADRATIC, ()))
        assert proposal is not None
        drawn.add(proposal.description)
    assert len(drawn) == 4
