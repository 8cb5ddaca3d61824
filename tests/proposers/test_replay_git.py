"""Commits, branches, ranges and globs become candidates, each with what it started from."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.screen import content_of
from pytest_autoloop.model import Brief, Decision, Edit, Proposal, Target
from pytest_autoloop.proposers.replay import ReplayProposer, from_spec
from tests.history.conftest import Checkout

if TYPE_CHECKING:
    from pathlib import Path

PATH = "src/work.py"
TARGET = Target(PATH, "Be fast.")
SOURCE = b"def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"


def changed(*numbers: int) -> bytes:
    """Return the source with these functions made ten times better."""
    content = SOURCE
    for number in numbers:
        content = content.replace(b"return %d\n" % number, b"return %d0\n" % number)
    return content


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one repository for all: three ideas, words only, a merge, a tag and experiments.

    main: start · words · HEAD; idea/one: one; idea/two: two, then three; idea/words: words.
    """
    root = tmp_path_factory.mktemp("pristine") / "project"
    root.mkdir()
    checkout = Checkout(root)
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.put(PATH, SOURCE)
    checkout.commit()
    checkout.git("checkout", "--quiet", "-b", "idea/one")
    checkout.put(PATH, changed(1))
    checkout.commit("Ten times one")
    checkout.git("tag", "--annotate", "--message", "first", "v1")
    checkout.git("checkout", "--quiet", "-b", "idea/two", "main")
    checkout.put(PATH, changed(2))
    checkout.commit("Ten times two")
    checkout.git("update-ref", "refs/autoloop/nov20/001", "HEAD")
    checkout.put(PATH, changed(2, 3))
    checkout.commit("Ten times three")
    checkout.git("update-ref", "refs/autoloop/nov20/002", "HEAD")
    checkout.git("checkout", "--quiet", "-b", "idea/words", "main")
    checkout.put("README", "words\n")
    checkout.commit("Words")
    checkout.git("checkout", "--quiet", "-b", "wide", "main")
    checkout.put(PATH, changed(1))
    checkout.put("tests/test_work.py", "pass\n")
    checkout.put("conftest.py", "pass\n")
    checkout.commit("Change the tests too")
    checkout.git("checkout", "--quiet", "main")
    checkout.put("NEWS", "more\n")
    checkout.commit("Go on")
    return root


@pytest.fixture
def checkout(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Copy the repository, in a place without a user's git configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return Checkout(shutil.copytree(pristine, tmp_path / "project"))


def queue(checkout: Checkout, items: str, *, stack: bool = False) -> ReplayProposer:
    """Return the proposer that has read these items."""
    proposer = from_spec(f"git:{items}", checkout.root, stack=stack)
    proposer.check(TARGET, SOURCE)
    return proposer


def drained(proposer: ReplayProposer, source: bytes = SOURCE) -> list[Proposal]:
    """Return all that is left in the queue."""
    return list(iter(lambda: proposer.propose(Brief(1, TARGET, source, ())), None))


def contents(checkout: Checkout, items: str) -> list[bytes]:
    """Return what each candidate makes of the target."""
    return [proposal.edits[-1].content for proposal in drained(queue(checkout, items))]


def hash_of(checkout: Checkout, name: str) -> str:
    """Return the first digits of a commit."""
    return checkout.git("rev-parse", f"{name}^{{commit}}")[:7]


# What a list may name -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("idea/one", [changed(1)]),
        ("refs/heads/idea/two", [changed(2, 3)]),
        ("v1", [changed(1)]),
        ("idea/two~1", [changed(2)]),
        ("idea/one, idea/two", [changed(1), changed(2, 3)]),
        ("main..idea/two", [changed(2), changed(2, 3)]),
        ("..idea/two", [changed(2), changed(2, 3)]),
        ("idea/two~1..idea/two", [changed(2, 3)]),
        ("idea/*", [changed(1), changed(2, 3)]),
        ("main..idea/*", [changed(1), changed(2, 3)]),
        ("..idea/t?o", [changed(2, 3)]),
        ("idea/two~1..idea/t*", [changed(2, 3)]),
        ("refs/autoloop/nov20/*", [changed(2), changed(2, 3)]),
        ("autoloop/nov20/*", [changed(2), changed(2, 3)]),
        ("idea/two,idea/*", [changed(2, 3), changed(1)]),
    ],
)
def test_each_form_of_an_item(checkout: Checkout, items: str, expected: list[bytes]) -> None:
    """Each candidate is the target as the commit or the tip has it, once, in the list's order."""
    assert contents(checkout, items) == expected


def test_descriptions_say_where_a_candidate_is_from(checkout: Checkout) -> None:
    """A commit by hash and subject; a branch, a tag or an experiment by name and subject."""
    proposals = drained(
        queue(
            checkout, f"main..idea/two,idea/one,refs/autoloop/nov20/001,{hash_of(checkout, 'v1')}"
        )
    )
    assert [proposal.description for proposal in proposals] == [
        f"{hash_of(checkout, 'idea/two~1')} Ten times two",
        f"{hash_of(checkout, 'idea/two')} Ten times three",
        f"idea/one ({hash_of(checkout, 'idea/one')}): Ten times one",
        f"autoloop/nov20/001 ({hash_of(checkout, 'idea/two~1')}): Ten times two",
        f"{hash_of(checkout, 'v1')} Ten times one",
    ]
    assert {proposal.proposer for proposal in proposals} == {"replay"}


def test_branches_of_a_remote_are_found(checkout: Checkout, tmp_path: Path) -> None:
    """A clone has the ideas of others as branches of its remote."""
    clone = Checkout(tmp_path / "clone")
    checkout.git("clone", "--quiet", str(checkout.root), str(clone.root))
    assert contents(clone, "origin/idea/*") == [changed(1), changed(2, 3)]
    # The remote's HEAD is another name of one of them.
    clone.git("remote", "set-head", "origin", "idea/two")
    assert contents(clone, "origin/[Hi]*") == [changed(1), changed(2, 3)]
    (proposal,) = drained(queue(clone, "origin/idea/one"))
    assert proposal.description == f"origin/idea/one ({hash_of(checkout, 'v1')}): Ten times one"


def test_the_queue_does_not_follow_git(checkout: Checkout) -> None:
    """A branch that moves or goes during the campaign was read before."""
    proposer = queue(checkout, "idea/*")
    checkout.git("branch", "--quiet", "-D", "idea/one")
    checkout.git("branch", "--quiet", "--force", "idea/two", "main")
    assert [one.edits[0].content for one in drained(proposer)] == [changed(1), changed(2, 3)]


def test_binary_targets_are_read_byte_for_byte(checkout: Checkout) -> None:
    """No filter, no line end and no encoding stands between git and the candidate."""
    every = bytes(range(256)) + b"\r\n\n\r"
    checkout.git("checkout", "--quiet", "-b", "binary")
    checkout.put(PATH, every)
    checkout.commit("Every byte")
    checkout.put(PATH, every * 2)
    checkout.commit("Twice")
    assert contents(checkout, "main..binary") == [every, every * 2]


def test_a_first_commit_and_a_merge_have_a_change(checkout: Checkout) -> None:
    """A commit without parent has added all; a merge is what it did to its first parent."""
    checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge", "idea/one")
    assert contents(checkout, "HEAD") == [changed(1)]
    assert contents(checkout, "HEAD~2") == [SOURCE]


# What is not to be --------------------------------------------------------------------------


def test_other_files_are_out_of_scope(checkout: Checkout) -> None:
    """A commit or branch that changes more than the target is a row that names the rest."""
    for items in ("wide", "main..wide", "wide~1..wide", hash_of(checkout, "wide")):
        (proposal,) = drained(queue(checkout, items, stack=True))
        assert proposal.edits[0] == Edit(PATH, changed(1))
        found = content_of(proposal, PATH)
        assert isinstance(found, Decision)
        assert found.reason == "out-of-scope"
        assert "edits conftest.py, tests/test_work.py" in found.detail


def test_very_many_other_files_are_counted(checkout: Checkout) -> None:
    """A row stays readable; nothing is left unsaid."""
    checkout.git("checkout", "--quiet", "-b", "huge")
    checkout.put(PATH, changed(1))
    for number in range(25):
        checkout.put(f"more/{number:02}.py", "pass\n")
    checkout.commit("Huge")
    (proposal,) = drained(queue(checkout, "HEAD~1..huge"))
    assert len(proposal.edits) == 21
    assert proposal.remarks == ("changes 5 files more",)


@pytest.mark.parametrize("link", [False, True])
def test_a_target_that_is_gone_is_a_row(checkout: Checkout, link: bool) -> None:
    """A commit that removes the target, or makes it a link, has no content to judge."""
    checkout.git("checkout", "--quiet", "-b", "gone")
    (checkout.root / PATH).unlink()
    if link:
        (checkout.root / PATH).symlink_to("/etc/hosts")
    checkout.commit("Remove it")
    (proposal,) = drained(queue(checkout, "main..gone"))
    assert proposal.invalid.endswith(f"leaves no regular file {PATH}")
    assert proposal.edits == ()


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ("", r"replay:git: is incomplete, its list is empty: write a commit, a branch"),
        (" , ", "its list is empty"),
        ("idea/one,", "an item of its list is empty"),
        ("main...idea/one", r"'main...idea/one' is no range of the form A\.\.B"),
        ("a..b..c", r"'a..b..c' is no range"),
        ("idea/*..main", "begins at a pattern: name one commit or branch"),
    ],
)
def test_a_malformed_list_is_refused_at_once(tmp_path: Path, items: str, says: str) -> None:
    """Without git, and before any test is collected."""
    with pytest.raises(UsageError, match=says):
        from_spec(f"git:{items}", tmp_path)


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ("idea/on", "'idea/on' names no commit, branch or tag in .*; list .* with git branch -a"),
        ("--all", "'--all' names no commit"),
        ("mian..idea/one", "'mian' names no commit"),
        ("main..idea/on", "'idea/on' names no commit"),
        ("plan/*", r"no branch in .* matches 'plan/\*'; list them with git branch -a"),
        ("main..plan/*", r"no branch in .* matches 'plan/\*'"),
        ("refs/autoloop/dec24/*", r"no branch in .* matches 'refs/autoloop/dec24/\*'"),
        ("idea/one..main", r"no commit of 'idea/one\.\.main' changes src/work\.py in .*git log"),
        ("..", r"no commit of '\.\.' changes"),
        ("idea/words", r"'idea/words' does not change src/work\.py"),
        ("HEAD", r"'HEAD' does not change src/work\.py"),
        ("idea/w*", r"no branch that matches 'idea/w\*' changes src/work\.py"),
        ("main..idea/w*", r"no branch that matches 'main\.\.idea/w\*' changes"),
    ],
)
def test_what_names_no_candidate_is_refused(checkout: Checkout, items: str, says: str) -> None:
    """The message quotes the item and says how to find a better one."""
    with pytest.raises(UsageError, match=says) as caught:
        queue(checkout, f"idea/one,{items}")
    assert str(checkout.root) in str(caught.value)


def test_a_place_without_git_is_refused(tmp_path: Path) -> None:
    """The message says how to create a repository."""
    proposer = from_spec("git:main", tmp_path)
    with pytest.raises(UsageError, match="not inside a git repository"):
        proposer.check(TARGET, SOURCE)


def test_a_history_of_its_own_is_refused(checkout: Checkout) -> None:
    """What a branch changed is unknown where it never left anything."""
    checkout.git("checkout", "--quiet", "--orphan", "apart")
    checkout.commit("Apart")
    checkout.git("checkout", "--quiet", "main")
    with pytest.raises(UsageError, match="apart shares no commit with"):
        queue(checkout, "apart")


# Stacked ------------------------------------------------------------------------------------


def test_the_wins_of_branches_are_composed(checkout: Checkout) -> None:
    """Each branch is merged onto what has been kept: after both, both are in."""
    proposer = queue(checkout, "main..idea/*", stack=True)
    source = SOURCE
    for expected in (changed(1), changed(1, 2, 3)):
        proposal = proposer.propose(Brief(1, TARGET, source, ()))
        assert proposal is not None
        source = proposal.edits[0].content
        assert source == expected


def test_a_commit_brings_only_its_own_change(checkout: Checkout) -> None:
    """Stacked, a commit of a range or an experiment leaves out what came before it."""
    for items in ("main..idea/two", "refs/autoloop/nov20/*"):
        stacked = drained(queue(checkout, items, stack=True), changed(1))
        assert [one.edits[0].content for one in stacked] == [changed(1, 2), changed(1, 3)]
