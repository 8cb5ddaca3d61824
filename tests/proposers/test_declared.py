"""A project's own proposer: which of its methods are called, and what becomes of their faults."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Brief, Edit, Experiment, Proposal, Target
from pytest_autoloop.proposers.declared import declared
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Target("a.py", "")
BRIEF = Brief(1, TARGET, b"", ())
PROPOSAL = Proposal("an idea", (Edit("a.py", b"1"),))


def row(number: int) -> Experiment:
    """Return an experiment."""
    return Experiment(number, "discard", "", f"idea {number}", "mine", "", "", "", 0.0, {})


def rows() -> Iterator[Experiment]:
    """Return experiments that can be walked once, as a long record gives them."""
    yield from map(row, (1, 2))


class Whole:
    """A proposer with all that one may have."""

    name = "whole"
    uses_profile = True
    parallel = True

    def __init__(self) -> None:
        self.called: list[str] = []
        self.tried: list[str] = []

    def check(self, *_: object) -> None:
        """Note the call."""
        self.called.append("check")

    def start(self, _: object) -> None:
        """Note the call."""
        self.called.append("start")

    def resume(self, experiments: list[Experiment]) -> None:
        """Walk twice."""
        self.called.append(f"resume {len(experiments)}")
        self.tried = [one.description for one in experiments]

    def propose(self, _: Brief) -> Proposal:
        """Suggest something."""
        return PROPOSAL

    def observe(self, experiment: Experiment) -> None:
        """Note the call."""
        self.called.append(f"observe {experiment.number}")

    def close(self) -> None:
        """Note the call."""
        self.called.append("close")


def test_everything_that_is_there_is_called() -> None:
    """What was tried before is told as a list."""
    own = Whole()
    proposer = declared(own, "fixture", "conftest.py:1")
    assert (proposer.name, proposer.uses_profile, proposer.parallel) == ("whole", True, True)
    proposer.check(TARGET, b"")
    proposer.start(None)  # type: ignore[arg-type]
    proposer.resume(rows())
    proposal = proposer.propose(BRIEF)
    assert proposal is not None
    assert proposal.proposer == "whole"
    proposer.observe(row(3))
    proposer.close()
    assert own.called == ["check", "start", "resume 2", "observe 3", "close"]
    assert own.tried == ["idea 1", "idea 2"]


def test_a_function_is_enough() -> None:
    """It is asked one call at a time, and told of nothing."""
    proposer = declared(lambda _: PROPOSAL, "quick", "conftest.py:1")
    assert (proposer.name, proposer.uses_profile, proposer.parallel) == ("quick", False, False)
    proposer.resume(rows())
    proposer.observe(row(1))
    assert proposer.propose(BRIEF) is not None


class Faulty:
    """A proposer whose every method fails."""

    def __getattr__(self, name: str) -> Any:
        """Return a method that fails; there are no settings."""
        if name in {"name", "uses_profile", "parallel"} or name.startswith("__"):
            raise AttributeError(name)

        def fail(*_: object) -> None:
            raise RuntimeError(name)

        return fail


def test_a_fault_is_told_with_its_place() -> None:
    """One in resume ends the session before anything is spent, as one in start does."""
    proposer = declared(Faulty(), "mine", "conftest.py:1")
    with pytest.raises(UsageError, match=r"mine failed in resume\(\): RuntimeError: resume \("):
        proposer.resume(rows())
    with pytest.raises(ProposerError, match=r"mine failed in propose\(\): RuntimeError: propose"):
        proposer.propose(BRIEF)


@pytest.mark.parametrize(
    "usage",
    [Usage(2**70), Usage(-1, 1), Usage(1, 1, -0.5), Usage(1, 1, float("nan")), Usage("7")],  # type: ignore[arg-type]
)
def test_a_cost_that_cannot_be_added_up_is_refused(usage: Usage) -> None:
    """Below zero it would be a credit; what is too large no record could hold."""
    proposer = declared(lambda _: replace(PROPOSAL, usage=usage), "mine", "conftest.py:1")
    with pytest.raises(ProposerError, match="none below zero"):
        proposer.propose(BRIEF)


def test_what_cannot_be_called_is_no_proposer() -> None:
    """The message names the fixture and says what to return."""
    with pytest.raises(
        UsageError, match=r"proposer fixture .mine. \(conftest\.py:1\) gave 7: return"
    ):
        declared(7, "mine", "conftest.py:1")
