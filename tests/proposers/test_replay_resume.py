"""A campaign that goes on replays each item once, whatever happened to the queue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.evaluation.screen import fingerprint
from pytest_autoloop.model import Brief, Experiment, Proposal, Target
from pytest_autoloop.proposers.replay import ReplayProposer, from_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_autoloop.proposers.base import Checkout

TARGET = Target("work.py", "Be fast.")
SOURCE = b"x = 0\ny = 0\nz = 0\n"
#: Two share a description, two a content; one is no patch, and one changes another file.
FILES = {
    "01_a.py": b"x = 1\n",
    "02-a.py": b"x = 2\n",
    "03_same.py": b"x = 2\n",
    "04_broken.patch": b"nonsense\n",
    "05_other.patch": b"--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-a\n+b\n",
    "06_last.py": b"x = 6\n",
}


@dataclass
class Bench:
    """A workbench that lends nothing but the records."""

    root: Path

    @property
    def records(self) -> Path:
        """Return a directory that nobody has made yet."""
        return self.root / "records"

    def checkout(self, source: bytes) -> AbstractContextManager[Checkout]:
        """No queue needs a checkout."""
        raise AssertionError


def session(root: Path, files: Mapping[str, bytes], order: str = "listed") -> ReplayProposer:
    """Begin a session of a campaign whose folder holds these files now."""
    folder = root / "ideas"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    proposer = from_spec("ideas", root, order=order)
    proposer.check(TARGET, SOURCE)
    proposer.start(Bench(root))
    return proposer


def rows(proposals: list[Proposal]) -> list[Experiment]:
    """Return what is remembered of some proposals."""
    return [row(proposal, number) for number, proposal in enumerate(proposals, 1)]


def row(proposal: Proposal, number: int = 1, **others: str) -> Experiment:
    """Return what is remembered of a proposal: no content, but its fingerprint."""
    own = [edit.content for edit in proposal.edits if edit.path == TARGET.path]
    experiment = Experiment(
        number=number,
        status="discard",
        reason="no-gain" if own else "invalid-edit",
        description=proposal.description,
        proposer=proposal.proposer,
        commit="",
        parent="",
        timestamp="",
        seconds=0.0,
        metrics={},
        fingerprint=fingerprint(own[0], program=True) if own else "",
    )
    return replace(experiment, **others)  # type: ignore[arg-type]


def ask(proposer: ReplayProposer, target: Target = TARGET) -> Proposal | None:
    """Ask for the next item."""
    return proposer.propose(Brief(1, target, SOURCE, ()))


def told(proposer: ReplayProposer) -> list[Proposal]:
    """Return all that is left."""
    return list(iter(lambda: ask(proposer), None))


def some(proposer: ReplayProposer, count: int) -> list[Proposal]:
    """Return the next items, of which there are as many."""
    found = [ask(proposer) for _ in range(count)]
    return [proposal for proposal in found if proposal is not None]


@pytest.mark.parametrize("cut", range(len(FILES) + 1))
@pytest.mark.parametrize("order", ["listed", "shuffled:3"])
def test_a_queue_cut_in_two_is_the_whole_queue(tmp_path: Path, cut: int, order: str) -> None:
    """Wherever it is cut, with equal descriptions, equal contents and items without one."""
    whole = told(session(tmp_path / "whole", FILES, order))
    first = some(session(tmp_path, FILES, order), cut)
    second = session(tmp_path, FILES, order)
    second.resume(rows(first))
    assert first + told(second) == whole


@pytest.mark.parametrize("cut", range(len(FILES)))
def test_what_was_interrupted_is_tried(tmp_path: Path, cut: int) -> None:
    """It was handed out and has no row: it comes first again."""
    whole = told(session(tmp_path / "whole", FILES))
    first = some(session(tmp_path, FILES), cut + 1)
    second = session(tmp_path, FILES)
    second.resume(rows(first[:cut]))
    assert told(second) == whole[cut:]


def test_of_two_with_the_same_words_the_content_tells(tmp_path: Path) -> None:
    """The first one was interrupted; the row is about the second one."""
    first = some(session(tmp_path, FILES), 2)
    second = session(tmp_path, FILES)
    second.resume([row(first[1])])
    assert told(second)[0] == first[0]


def test_an_answer_that_is_judged_again_is_not_tried_again(tmp_path: Path) -> None:
    """Its row comes after the session has begun."""
    first = some(session(tmp_path, FILES), 2)
    second = session(tmp_path, FILES)
    second.resume(rows(first[:1]))
    second.observe(row(first[1], 2))
    rest = told(second)
    assert [proposal.description for proposal in rest] == ["same", "broken", "other", "last"]
    for number, proposal in enumerate(rest, 3):
        second.observe(row(proposal, number))


@pytest.mark.parametrize("order", ["listed", "shuffled:1"])
def test_a_queue_that_changed_is_tried_once_each(tmp_path: Path, order: str) -> None:
    """Items that were added, removed, renumbered, renamed, edited; and another order."""
    first = some(session(tmp_path, FILES), 3)
    changed = {
        "00_new.py": b"x = 9\n",
        "10_a.py": b"x = 1\n",  # renumbered
        "other name.py": b"x = 2\n",  # one of the two of this content, renamed
        "12_same.py": b"x = 3\n",  # edited: it is another idea now
        "06_last.py": b"x = 6\n",
    }
    second = session(tmp_path, changed, order)
    second.resume(rows(first))
    left = {proposal.description: proposal.edits[0].content for proposal in told(second)}
    assert left == {"new": b"x = 9\n", "same": b"x = 3\n", "last": b"x = 6\n"}


def test_what_was_merged_is_known_by_its_description(tmp_path: Path) -> None:
    """The row of a candidate that was merged onto another best has a content of its own."""
    first = some(session(tmp_path, FILES), 2)
    second = session(tmp_path, FILES)
    second.resume([replace(one, fingerprint="merged") for one in rows(first)])
    assert told(second)[0].description == "same"


def test_without_a_record_the_description_counts(tmp_path: Path) -> None:
    """Records that were lost cost no second try."""
    first = some(session(tmp_path, FILES), 2)
    (tmp_path / "records" / "replay.jsonl").write_bytes(b'{"item": \n[]\n\xff\n')
    second = session(tmp_path, FILES)
    second.resume([row(first[1], 2), row(first[0], 1, fingerprint="")])
    assert told(second)[0].description == "same"


def test_rows_of_others_say_nothing(tmp_path: Path) -> None:
    """A model may have had the same words, or the same idea."""
    first = some(session(tmp_path, FILES), 1)
    second = session(tmp_path, FILES)
    second.resume([row(first[0], 1, proposer="openai:gpt"), row(first[0], 2, proposer="")])
    second.observe(row(first[0], 3, proposer="rules"))
    assert len(told(second)) == len(FILES)


def test_several_may_be_in_flight(tmp_path: Path) -> None:
    """Rows come in any order, and take nothing from the queue."""
    proposer = session(tmp_path, FILES)
    flying = some(proposer, 4)
    for one in reversed(rows(flying)):
        proposer.observe(one)
    assert [proposal.description for proposal in told(proposer)] == ["other", "last"]


def test_each_target_has_its_queue(tmp_path: Path) -> None:
    """A row leaves an item out for its own target alone; being told twice changes nothing."""
    other = Target("other.py", "Be fast.")
    proposer = session(tmp_path, FILES)
    proposer.check(other, SOURCE)
    first = some(session(tmp_path, FILES), 1)
    for _ in range(2):
        proposer.start(Bench(tmp_path))
        proposer.resume([row(first[0], target="other.py")])
    found = [ask(proposer, target) for target in (TARGET, other)]
    assert [one.edits[0].content for one in found if one] == [b"x = 1\n", b"x = 2\n"]
    proposer.observe(row(first[0], 2, target="work.py"))
    assert len(told(proposer)) == len(FILES) - 1
    assert ask(proposer, Target("unknown.py", "")) is None


def test_a_description_is_compared_as_a_row_has_it(tmp_path: Path) -> None:
    """Long ones are cut, and what a terminal would obey is escaped."""
    files = {f"{'long ' * 45}.py": b"x = 1\n", "b\x1bell\u202e.py": b"x = 2\n", "c.py": b"x = 3\n"}
    first = some(session(tmp_path, files), 3)
    known = [
        row(first[0], 1, description="b ell\\u202e", fingerprint=""),
        row(first[2], 3, description=("long " * 45)[:200], fingerprint=""),
    ]
    second = session(tmp_path, files)
    second.resume(known)
    assert [proposal.description for proposal in told(second)] == ["c"]


def test_an_item_stays_queued_when_it_cannot_be_noted(tmp_path: Path) -> None:
    """The message names the file; nothing is lost."""
    proposer = session(tmp_path, FILES)
    (tmp_path / "records").write_bytes(b"")
    with pytest.raises(ProposerError, match=r"replay\.jsonl cannot be written"):
        ask(proposer)
    (tmp_path / "records").unlink()
    assert len(told(proposer)) == len(FILES)
