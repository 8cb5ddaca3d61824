"""What a proposer is asked, asked again, and charged for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pytest_autoloop.asking import Asker
from pytest_autoloop.errors import ProposerError, TruncatedReplyError
from pytest_autoloop.evaluation import screen
from pytest_autoloop.history.notes import Notes, append_to_section
from pytest_autoloop.model import (
    Brief,
    Edit,
    Experiment,
    GuardReport,
    HotLine,
    Lessons,
    Metric,
    Proposal,
    Target,
)
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.search.base import Start
from pytest_autoloop.usage import Usage
from tests.chronicles import chronicle_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.asking import Attempt

Answer: TypeAlias = "Proposal | ProposerError | None"
SOURCE = b"x = 1\n"
TARGET = Target("a.py", "Make it faster.")
BASELINE = Experiment(
    number=0,
    status="baseline",
    reason="",
    description="baseline",
    proposer="",
    commit="c0",
    parent="",
    timestamp="",
    seconds=1.0,
    metrics={"time": 2.0},
)


@dataclass
class Scripted(ProposerBase):
    """Gives the scripted answers, and keeps the briefs."""

    answers: list[Answer]
    lessons: Lessons | ProposerError | None = None
    name: str = "scripted"
    briefs: list[Brief] = field(default_factory=list)
    reviews: list[Brief] = field(default_factory=list)

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the next answer, or raise it."""
        self.briefs.append(brief)
        answer = self.answers.pop(0)
        if isinstance(answer, ProposerError):
            raise answer
        return answer

    def review(self, brief: Brief) -> Lessons | None:
        """Return the scripted lessons."""
        self.reviews.append(brief)
        if isinstance(self.lessons, ProposerError):
            raise self.lessons
        return self.lessons


def edit(content: bytes, tokens: int | None = None, cost: float | None = None) -> Proposal:
    """Propose a content of the target."""
    usage = Usage(completion_tokens=tokens, cost_usd=cost)
    return Proposal(f"write {content!r}", (Edit("a.py", content),), usage=usage)


def experiment(number: int, **changes: object) -> Experiment:
    """Return a discarded experiment."""
    base = replace(BASELINE, number=number, status="discard", reason="guard", description="idea")
    return replace(base, **changes)  # type: ignore[arg-type]


def asker(folder: Path, proposer: Scripted, **more: object) -> Asker:
    """Return what stands before a proposer, without a hook, in a campaign that has begun."""
    return Asker(
        proposer=proposer,
        hook=lambda _: None,
        target=TARGET,
        metrics=(Metric("time", "lower"),),
        directives=folder / "program.md",
        program=True,
        notes=Notes(folder),
        chronicle=chronicle_of(folder, [BASELINE]),
        **more,  # type: ignore[arg-type]
    )


def ask(
    asked: Asker, number: int = 1, *experiments: Experiment, tried: dict[bytes, int] | None = None
) -> Attempt | None:
    """Ask for an experiment of a campaign in which some were recorded since."""
    known = {screen.fingerprint(content, program=True): n for content, n in (tried or {}).items()}
    if experiments:
        folder = asked.notes.path.parent
        asked.chronicle = chronicle_of(folder, [BASELINE, *experiments])
    question = asked.question(number, Start("c0"), SOURCE, smallest_gain=0.01)
    return asked.answer(question, known.get)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (edit(SOURCE), "the candidate is identical to the incumbent"),
        (edit(b"x = 1  # quick\n"), "the incumbent in another layout or with other comments"),
        (Proposal("idle"), "the proposal changes nothing"),
        (edit(b"x = 2\n"), "duplicate of 003, which was discard (guard): idea"),
    ],
    ids=["same", "comment", "empty", "duplicate"],
)
def test_an_answer_that_tells_nothing_new_goes_back_once(
    tmp_path: Path, first: Proposal, told: str
) -> None:
    """The proposer hears why; its second answer is what counts, and both are paid for."""
    proposer = Scripted([replace(first, usage=Usage(5, 1, 0.5)), edit(b"x = 3\n", 2, 0.25)])
    attempt = ask(asker(tmp_path, proposer), 4, experiment(3), tried={b"x = 2\n": 3})
    assert attempt is not None
    assert attempt.proposal.edits[0].content == b"x = 3\n"
    assert attempt.proposal.usage == Usage(5, 3, 0.75)
    assert [told in brief.remark for brief in proposer.briefs] == [False, True]


def test_a_second_answer_counts_whatever_it_is(tmp_path: Path) -> None:
    """Nobody is asked a third time, and None leaves the first answer standing."""
    again = Scripted([edit(SOURCE), edit(SOURCE)])
    attempt = ask(asker(tmp_path, again))
    assert attempt is not None
    assert len(again.briefs) == 2
    queue = Scripted([edit(b"x = 1 # a\n"), None])
    attempt = ask(asker(tmp_path, queue))
    assert attempt is not None
    assert attempt.proposal.edits[0].content == b"x = 1 # a\n"


def test_a_second_answer_that_fails_costs_no_experiment(tmp_path: Path) -> None:
    """The first answer counts, and what the failure cost is charged to it."""
    failure = TruncatedReplyError("cut", tokens_used=7, cost_usd=0.125)
    proposer = Scripted([edit(SOURCE, 1, 0.5), failure])
    attempt = ask(asker(tmp_path, proposer))
    assert attempt is not None
    assert attempt.proposal.usage == Usage(None, 8, 0.625)


def test_a_failure_is_charged_to_the_next_experiment(tmp_path: Path) -> None:
    """Tokens of replies that came to nothing are spent all the same."""
    failure = TruncatedReplyError("cut", tokens_used=7, cost_usd=0.125)
    asked = asker(tmp_path, Scripted([failure, failure, edit(b"x = 2\n", 1, 0.5)]))
    for _ in range(2):
        with pytest.raises(TruncatedReplyError):
            ask(asked)
    assert asked.unbilled == Usage(None, 14, 0.25)
    attempt = ask(asked)
    assert attempt is not None
    assert attempt.proposal.usage == Usage(None, 15, 0.75)
    assert asked.unbilled == Usage()


def test_nothing_left_is_nothing(tmp_path: Path) -> None:
    """None ends the campaign."""
    assert ask(asker(tmp_path, Scripted([None]))) is None


def test_every_ten_experiments_lessons_are_drawn(tmp_path: Path) -> None:
    """They are told from then on, people may edit them, and looking back is paid for."""
    lessons = Lessons(("sets win", "lists lose"), Usage(1, 1, 0.5))
    proposer = Scripted([edit(bytes(f"x = {n}\n", "ascii")) for n in range(9, 14)], lessons)
    asked = asker(tmp_path, proposer)
    ask(asked, 9)
    attempt = ask(asked, 10, experiment(9))
    ask(asked, 11)
    notes = tmp_path / "notes.md"
    text = notes.read_text(encoding="utf-8")
    assert text.endswith("## Before experiment 010\n\n- sets win\n- lists lose\n")
    assert attempt is not None
    assert attempt.proposal.usage == Usage(1, 1, 0.5)
    assert [brief.number for brief in proposer.reviews] == [10]
    assert ["sets win" in brief.notes for brief in proposer.briefs] == [False, True, True]
    notes.write_text("people know better\n", encoding="utf-8")
    ask(asked, 12)
    assert proposer.briefs[-1].notes == "people know better"


def test_a_look_back_that_fails_costs_only_itself(tmp_path: Path) -> None:
    """The experiment goes on without lessons."""
    proposer = Scripted([edit(b"x = 2\n")], ProposerError("no", tokens_used=3))
    attempt = ask(asker(tmp_path, proposer), 10)
    assert attempt is not None
    assert attempt.proposal.usage.tokens == 3
    assert not (tmp_path / "notes.md").exists()


def test_directives_are_read_before_every_proposal(tmp_path: Path) -> None:
    """A human steers a campaign that runs by editing the file."""
    proposer = Scripted([edit(b"x = 2\n"), edit(b"x = 3\n"), edit(b"x = 4\n")])
    asked = asker(tmp_path, proposer)
    ask(asked)
    (tmp_path / "program.md").write_text("Use sets.", encoding="utf-8")
    ask(asked)
    (tmp_path / "program.md").write_text("Use lists.", encoding="utf-8")
    ask(asked)
    assert [brief.directives for brief in proposer.briefs] == ["", "Use sets.", "Use lists."]


def test_strategies_take_turns(tmp_path: Path) -> None:
    """Ten in a row are different; who is asked every second or fifth time hears all ten, too."""
    proposer = Scripted([edit(bytes(f"x = {n}\n", "ascii")) for n in range(2, 102)])
    asked = asker(tmp_path, proposer)
    for number in range(1, 101):
        ask(asked, number)
    hints = [brief.hint for brief in proposer.briefs]
    assert len(set(hints[9:19])) == 10
    assert all(len(set(hints[step - 1 :: step])) == 10 for step in (2, 5, 10))


def test_the_last_failure_is_told(tmp_path: Path) -> None:
    """The latest guard that failed, with what its session printed."""
    report = GuardReport(passed=False, test="t::a", message="assert 0", output="long output")
    proposer = Scripted([edit(b"x = 2\n")])
    ask(asker(tmp_path, proposer), 3, experiment(1, guard=report), experiment(2, reason="no-gain"))
    failure = proposer.briefs[0].failure
    assert failure is not None
    assert (failure.number, failure.test, failure.output) == (1, "t::a", "long output")


def test_a_profile_is_taken_once_for_each_version(tmp_path: Path) -> None:
    """It costs a run of the benchmarks, so only a new incumbent is profiled again."""
    taken: list[bytes] = []

    def profile(source: bytes) -> tuple[HotLine, ...]:
        taken.append(source)
        return (HotLine(1, 1.0),)

    proposer = Scripted([edit(b"x = 2\n"), edit(b"x = 3\n")])
    asked = asker(tmp_path, proposer, profile=profile)
    ask(asked)
    ask(asked)
    assert taken == [SOURCE]
    assert [brief.profile for brief in proposer.briefs] == [(HotLine(1, 1.0),)] * 2


def test_what_was_tried_is_noted_in_the_directives_on_request(tmp_path: Path) -> None:
    """One line for each experiment, in a section of its own; all else stays as it was."""
    program = tmp_path / "program.md"
    program.write_text("# Orders\n\nBe quick.\n", encoding="utf-8")
    asker(tmp_path, Scripted([])).observe(experiment(1))
    assert program.read_text(encoding="utf-8") == "# Orders\n\nBe quick.\n"
    asked = asker(tmp_path, Scripted([]), updates_directives=True)
    asked.observe(experiment(1))
    asked.observe(experiment(2, status="keep", reason=""))
    assert program.read_text(encoding="utf-8") == (
        "# Orders\n\nBe quick.\n\n## What has been tried\n\n"
        "- 001 discard (guard): idea\n- 002 keep: idea\n"
    )


def test_a_line_goes_to_the_end_of_its_section(tmp_path: Path) -> None:
    """A section in the middle grows there, and the file may be new."""
    file = tmp_path / "a.md"
    append_to_section(file, "## Tried", "- one")
    assert file.read_text(encoding="utf-8") == "## Tried\n\n- one\n"
    file.write_text("## Tried\n\n- one\n\n## Later\nx\n", encoding="utf-8")
    append_to_section(file, "## Tried", "- two")
    assert file.read_text(encoding="utf-8") == "## Tried\n\n- one\n- two\n\n## Later\nx\n"


def test_what_is_open_is_kept_for_the_next_session(tmp_path: Path) -> None:
    """A failure is remembered when it is billed, and forgotten when an answer carries it."""
    kept: list[Usage] = []
    failure = TruncatedReplyError("cut", tokens_used=7, cost_usd=0.125)
    proposer = Scripted([failure, edit(b"x = 2\n", 1, 0.5)])
    asked = asker(tmp_path, proposer, keep_bill=kept.append)
    with pytest.raises(TruncatedReplyError):
        ask(asked)
    ask(asked)
    asked.settle()
    assert kept == [Usage(None, 7, 0.125), Usage()]


def test_where_the_search_goes_back_the_brief_says_so(tmp_path: Path) -> None:
    """Its values are those of the version that is edited; to mend one, its own failure is told."""
    report = GuardReport(passed=False, test="t::a", message="assert 0", output="its output")
    broken = experiment(1, commit="c1", guard=report, metrics={"time": None})
    better = experiment(2, status="keep", commit="c2", metrics={"time": 1.0})
    later = experiment(3, commit="c3", guard=replace(report, output="another output"))
    proposer = Scripted([edit(b"x = 2\n"), edit(b"x = 3\n")])
    asked = asker(tmp_path, proposer)
    asked.chronicle = chronicle_of(tmp_path, [BASELINE, broken, better, later])
    for start in (Start("c2"), Start("c1", "debug", "any")):
        asked.answer(asked.question(4, start, SOURCE, smallest_gain=None), lambda _: None)
    best, mended = proposer.briefs
    assert [reading.value for reading in (*best.readings, *mended.readings)] == [1.0, None]
    assert best.failure is not None
    assert mended.failure is not None
    assert (best.failure.output, mended.failure.output) == ("another output", "its output")
    assert (best.parent, mended.parent) == ("c2", "c1")
    assert mended.hint.startswith("This version failed")
