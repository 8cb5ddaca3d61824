"""Which kept changes are needed, on real repositories; the judge counts what it would measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.ablation import (
    ablate,
    kept_changes,
    minimal_branch,
    minimise,
    propose,
    told,
    told_minimal,
)
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.model import Decision, Effect, Experiment
from pytest_autoloop.shortening import SIMPLER
from tests.projects import git

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.ablation import Finding, Kept
    from tests.projects import Project

TARGET = "lines.txt"
START = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n"


class Campaign:
    """A campaign whose keeps are written by hand."""

    def __init__(self, project: Project) -> None:
        project.commit({TARGET: START, "other.txt": "x\n"})
        self.root = project.root
        self.repository = Repository.open(project.root)
        self.first = self.repository.head()
        self.baseline = experiment(0, self.first, "baseline")
        self.keeps: list[Experiment] = []
        self.asked: list[str] = []

    @property
    def best(self) -> str:
        """The last commit that was kept."""
        return self.keeps[-1].commit if self.keeps else self.first

    def keep(self, old: str, new: str, reason: str = "") -> None:
        """Keep a change of the best version."""
        content = self.repository.read(self.best, TARGET).replace(old.encode(), new.encode())
        number = len(self.keeps) + 1
        commit = self.repository.commit_file(self.best, TARGET, content, f"{old.strip()} to {new}")
        self.keeps.append(experiment(number, commit, f"{old.strip()} to {new.strip()}", reason))

    def changes(self) -> list[Kept]:
        """Return what each keep changed."""
        return kept_changes(self.repository, TARGET, self.baseline, self.keeps)

    def ablated(self, needed: Callable[[str], bool]) -> list[Finding]:
        """Ablate; content is as good as the best when it holds what is needed."""

        def judge(content: bytes) -> Decision:
            self.asked.append(content.decode())
            good = needed(content.decode())
            effect = Effect(0.0, -0.004, 0.004) if good else Effect(-0.2, -0.21, -0.19)
            return Decision("keep" if good else "discard", "" if good else "no-gain", "", effect)

        return list(ablate(self.changes(), TARGET, judge))


def experiment(number: int, commit: str, description: str, reason: str = "") -> Experiment:
    """Return a keep."""
    return Experiment(
        number=number,
        status="keep" if number else "baseline",
        reason=reason,
        description=description,
        proposer="by hand",
        commit=commit,
        parent="",
        timestamp="",
        seconds=1.0,
        metrics={},
    )


@pytest.fixture
def campaign(project: Project) -> Campaign:
    """Return a campaign that has kept nothing yet."""
    return Campaign(project)


def outcomes(findings: list[Finding]) -> dict[int, str]:
    """Return what became of each change."""
    return {finding.kept.number: finding.outcome for finding in findings}


def test_what_is_not_needed_leaves_and_the_rest_is_proposed(campaign: Campaign) -> None:
    """A branch of its own holds exactly what was judged, a commit for each change."""
    campaign.keep("a\n", "A\n")
    campaign.keep("f\n", "F\n")
    campaign.keep("l\n", "L\n")

    findings = campaign.ablated(lambda content: "A" in content and "L" in content)

    assert outcomes(findings) == {3: "needed", 2: "not needed", 1: "needed"}
    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings)
    assert minimal is not None
    assert (minimal.branch, minimal.numbers, minimal.dropped) == (
        "autoexp/nov20-minimal",
        (1, 3),
        (2,),
    )
    content = START.replace("a\n", "A\n").replace("l\n", "L\n")
    assert minimal.content.decode() == content
    log = git(
        campaign.root, "log", "--reverse", "--format=%s", f"{campaign.first}..{minimal.branch}"
    )
    assert log.splitlines() == ["a to A", "l to L"]
    assert git(campaign.root, "show", f"{minimal.branch}:{TARGET}") == content
    assert git(campaign.root, "diff", "--name-only", campaign.first, minimal.branch).split() == [
        TARGET
    ]
    body = git(campaign.root, "log", "-1", "--format=%B", minimal.branch)
    assert "Autoloop-Experiment: nov20/003" in body
    # Done again, the branch is made anew.
    assert propose(campaign.repository, "nov20", TARGET, campaign.first, findings) is not None


def test_each_version_is_judged_without_all_that_left_before(campaign: Campaign) -> None:
    """Two changes that stand in for each other: one of them stays."""
    campaign.keep("a\n", "A\n")
    campaign.keep("l\n", "L\n")
    findings = campaign.ablated(lambda content: "A" in content or "L" in content)
    assert outcomes(findings) == {2: "not needed", 1: "needed"}
    assert campaign.asked == [START.replace("a\n", "A\n"), START]


def test_what_others_build_on_stays(campaign: Campaign) -> None:
    """Its lines have been changed since, so nobody is asked."""
    campaign.keep("f\n", "F\n")
    campaign.keep("F\n", "FF\n")
    campaign.keep("a\n", "A\n")

    findings = campaign.ablated(lambda content: "FF" in content)

    assert outcomes(findings) == {3: "not needed", 2: "needed", 1: "cannot be dropped alone"}
    assert len(campaign.asked) == 2
    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings)
    assert minimal is not None
    assert minimal.numbers == (1, 2)
    assert minimal.content.decode() == START.replace("f\n", "FF\n")


def test_what_was_undone_since_is_not_needed(campaign: Campaign) -> None:
    """It has left no trace, so nothing is measured for it."""
    campaign.keep("f\n", "f\nF\n")
    campaign.keep("f\nF\n", "f\n")
    campaign.keep("a\n", "A\n")
    findings = campaign.ablated(lambda content: "A" in content and "F" not in content)
    assert outcomes(findings)[3] == "needed"
    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings)
    content = START.replace("a\n", "A\n")
    assert findings[-1].content.decode() == content
    assert minimal is None or minimal.content.decode() == content


def test_a_change_that_no_longer_fits_alone_is_committed_with_the_next(campaign: Campaign) -> None:
    """What is proposed ends with what was judged, whatever its commits look like."""
    campaign.keep("f\n", "F\n")
    campaign.keep("g\n", "G\n")
    campaign.keep("F\nG\n", "F\nGG\n")
    campaign.keep("l\n", "L\n")
    findings = campaign.ablated(lambda content: "GG" in content)
    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings)
    assert minimal is not None
    assert git(campaign.root, "show", f"{minimal.branch}:{TARGET}").encode() == minimal.content
    log = git(campaign.root, "log", "--format=%B", f"{campaign.first}..{minimal.branch}")
    for number in minimal.numbers:
        assert f"Autoloop-Experiment: nov20/{number:03}" in log


def test_a_simplification_is_never_dropped(campaign: Campaign) -> None:
    """Without it the target would be as good, and longer again."""
    campaign.keep("a\n", "A\n")
    campaign.keep("f\n", "", SIMPLER)
    findings = campaign.ablated(lambda content: "A" in content)
    assert outcomes(findings) == {2: "needed", 1: "needed"}
    assert len(campaign.asked) == 1


@pytest.mark.parametrize("needed", [True, False])
def test_all_or_nothing_is_no_proposal(campaign: Campaign, needed: bool) -> None:
    """There is the best already, and the first commit."""
    campaign.keep("a\n", "A\n")
    findings = campaign.ablated(lambda content: needed is False)
    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings)
    assert minimal is None
    assert campaign.repository.ref("refs/heads/autoexp/nov20-minimal") is None
    (line,) = told_minimal(minimal, findings, campaign.first)
    assert line == (
        "no kept change can be dropped, of 1 kept change"
        if needed
        else "none of 1 kept change is needed: the first version is as good as the best"
    )


def test_a_later_target_goes_on_top_of_what_was_proposed_before(campaign: Campaign) -> None:
    """Also when all of its own changes are needed."""
    other = campaign.repository.commit_file(campaign.first, "other.txt", b"y\n", "Of the other")
    campaign.keep("a\n", "A\n")
    findings = campaign.ablated(lambda content: "A" in content)

    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings, onto=other)

    assert minimal is not None
    assert (minimal.numbers, minimal.dropped) == ((1,), ())
    changed = git(campaign.root, "diff", "--name-only", campaign.first, minimal.branch)
    assert changed.split() == [TARGET, "other.txt"]


def test_without_a_keep_there_is_nothing_to_drop(campaign: Campaign) -> None:
    """Nobody is asked."""
    assert campaign.ablated(lambda content: True) == []


def test_the_branch_of_another_campaign_is_left_alone(campaign: Campaign) -> None:
    """A campaign may be called what the proposal would be called."""
    assert minimal_branch(campaign.repository, "nov20") == "autoexp/nov20-minimal"
    campaign.repository.set_ref("refs/autoloop/nov20-minimal/001", campaign.first)
    assert minimal_branch(campaign.repository, "nov20") == "autoexp/nov20-minimal-minimal"


@pytest.mark.parametrize("after", [1, 2])
def test_all_of_it_in_one_call(campaign: Campaign, after: int) -> None:
    """Each finding is told at once; interrupted before the last one, nothing is proposed."""
    campaign.keep("a\n", "A\n")
    campaign.keep("f\n", "F\n")
    said: list[Finding] = []

    minimal, lines = minimise(
        campaign.repository,
        "nov20",
        TARGET,
        campaign.changes(),
        lambda content: Decision("keep" if b"A" in content else "discard", "no-gain"),
        first=campaign.first,
        say=said.append,
        interrupted=lambda: len(said) == after,
    )

    assert outcomes(said) == ({2: "not needed"} if after == 1 else {2: "not needed", 1: "needed"})
    assert (minimal is None) == (after == 1)
    assert lines[0].startswith("interrupted" if after == 1 else "1 of 2 kept changes")


def test_what_people_read(campaign: Campaign) -> None:
    """A line for each change, then the proposal with the command that takes it."""
    campaign.keep("a\n", "A\n")
    campaign.keep("f\n", "F\n")
    findings = campaign.ablated(lambda content: "A" in content)
    lines = [told(finding, "lower") for finding in findings]
    second, first = (one.commit[:10] for one in reversed(campaign.keeps))
    assert lines == [
        f"002 {second}  not needed · without it +0.0% [-0.4, +0.4] · f to F",
        f"001 {first}  needed · without it +22.1% [+20.9, +23.4] · a to A",
    ]
    minimal = propose(campaign.repository, "nov20", TARGET, campaign.first, findings)
    assert told_minimal(minimal, findings, campaign.first) == [
        "1 of 2 kept changes are as good as all: without 002",
        f"see it: git diff {campaign.first[:10]} autoexp/nov20-minimal",
        "take it: pytest-autoloop apply nov20 --minimal",
    ]
