"""Bringing what was kept into the user's branch: with the user's git, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.applying import Source, apply, at_the_end, why_not
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.model import Effect
from tests.projects import git, snapshot

if TYPE_CHECKING:
    from tests.projects import Project

LINES = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"


@pytest.fixture
def source(project: Project) -> Source:
    """Return a campaign that kept two versions of a file, in a repository with an identity."""
    git(project.root, "config", "user.name", "Maintainer")
    git(project.root, "config", "user.email", "maintainer@example.invalid")
    project.commit({"lines.txt": LINES, "other.txt": "as it is\n"})
    repository = Repository.open(project.root)
    first = tip = repository.head()
    for number, word in enumerate(("ONE", "TWO"), 1):
        content = repository.read(tip, "lines.txt").replace(word.lower().encode(), word.encode())
        tip = repository.commit_file(tip, "lines.txt", content, f"Shout {word}\n\nIt is {number}")
    repository.set_ref("refs/heads/autoexp/nov20", tip)
    return Source("autoexp/nov20", first, tip, ("lines.txt",))


def edited(project: Project, old: str, new: str) -> None:
    """Change the target in the checkout."""
    path = project.root / "lines.txt"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def refused(project: Project, source: Source, message: str, *, squash: bool = False) -> None:
    """Expect a refusal that leaves files, index and branches as they were."""
    index, head = (project.root / ".git" / name for name in ("index", "HEAD"))
    before = (git(project.root, "status", "--porcelain"), head.read_bytes())
    before_index = git(project.root, "ls-files", "--stage")
    files = {n: c for n, c in snapshot(project.root).items() if not n.startswith(".git/")}
    branches = git(project.root, "for-each-ref")

    with pytest.raises(UsageError, match=message):
        apply(Repository.open(project.root), source, squash=squash)

    assert (git(project.root, "status", "--porcelain"), head.read_bytes()) == before
    assert git(project.root, "ls-files", "--stage") == before_index
    assert {n: c for n, c in snapshot(project.root).items() if not n.startswith(".git/")} == files
    assert git(project.root, "for-each-ref") == branches
    assert not (project.root / ".git" / "MERGE_HEAD").exists()
    assert index.exists()


def test_a_branch_that_has_not_moved_is_moved_forward(project: Project, source: Source) -> None:
    """No merge commit, and files that git does not know stay where they are."""
    project.write({"results.tsv": "commit\n", "other.txt": "edited meanwhile\n"})

    applied = apply(Repository.open(project.root), source)

    assert applied.how == "fast-forward"
    assert git(project.root, "rev-parse", "HEAD").strip() == source.best == applied.after
    assert (project.root / "lines.txt").read_text(encoding="utf-8").startswith("ONE\nTWO\n")
    assert (project.root / "other.txt").read_text(encoding="utf-8") == "edited meanwhile\n"
    assert git(project.root, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    place = f"main is at {source.best[:10]} now (fast-forward of autoexp/nov20)"
    assert applied.told() == [
        f"applied: {place}: lines.txt",
        f"undo it: git reset --keep {source.first[:10]}",
    ]
    git(project.root, *applied.told()[1].removeprefix("undo it: git ").split())
    assert (project.root / "lines.txt").read_text(encoding="utf-8") == LINES


def test_it_is_applied_once(project: Project, source: Source) -> None:
    """The second time there is nothing to do."""
    repository = Repository.open(project.root)
    apply(repository, source)
    again = apply(repository, source)
    assert again.how == "already"
    assert "nothing was changed" in again.told()[0]


@pytest.mark.parametrize("squash", [False, True])
def test_a_branch_that_has_moved_on_is_merged(
    project: Project, source: Source, squash: bool
) -> None:
    """By the user, with the user's hooks, and only the target changes."""
    project.commit({"new.txt": "of the user\n"})
    before = git(project.root, "rev-parse", "HEAD").strip()
    hook = project.root / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "Seen-By: a hook" >> "$1"\n', encoding="utf-8")
    hook.chmod(0o755)

    applied = apply(Repository.open(project.root), source, squash=squash)

    assert applied.how == ("squash" if squash else "merge")
    assert applied.as_measured
    assert git(project.root, "diff", "--name-only", before, "HEAD").split() == ["lines.txt"]
    author, parents, body = git(project.root, "log", "-1", "--format=%an%x00%P%x00%B").split("\0")
    assert author == "Maintainer"
    assert "Seen-By: a hook" in body
    if squash:
        assert parents == before
        assert body.startswith("Improve lines.txt (autoexp/nov20)\n\n- Shout ONE\n- Shout TWO\n")
        again = apply(Repository.open(project.root), source, squash=True)
        assert again.how == "already"
    else:
        assert parents.split() == [before, source.best]
        assert body.startswith("Merge branch 'autoexp/nov20'")


def test_a_merge_of_both_sides_of_the_target_is_called_untested(
    project: Project, source: Source
) -> None:
    """Nobody has measured the combination."""
    edited(project, "eight", "nine")
    project.commit()
    applied = apply(Repository.open(project.root), source)
    assert not applied.as_measured
    assert applied.told()[-1].endswith("run pytest")


@pytest.mark.parametrize("squash", [False, True])
def test_conflicts_are_undone(project: Project, source: Source, squash: bool) -> None:
    """The message names the file, and its advice begins that very merge."""
    edited(project, "one", "first")
    project.commit()
    project.write({"other.txt": "not committed\n"})
    refused(project, source, "both changed lines.txt, in the same places", squash=squash)


@pytest.mark.parametrize("squash", [False, True])
def test_a_hook_that_refuses_is_heard(project: Project, source: Source, squash: bool) -> None:
    """What had been merged is taken back."""
    project.commit({"new.txt": "of the user\n"})
    hook = project.root / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no ticket named >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    refused(project, source, "nothing was changed: git said: .*no ticket named", squash=squash)


def test_the_user_s_configuration_holds(project: Project, source: Source) -> None:
    """Who allows fast-forwards only gets no merge."""
    git(project.root, "config", "merge.ff", "only")
    project.commit({"new.txt": "of the user\n"})
    refused(project, source, "git said: .*fast-forward")


def test_what_is_not_committed_is_not_merged_into(project: Project, source: Source) -> None:
    """Neither an edited target nor a staged file that a merge commit would take in."""
    edited(project, "eight", "nine")
    refused(project, source, "lines.txt in your checkout has changes that are not committed")
    git(project.root, "stash")
    project.commit({"new.txt": "of the user\n"})
    project.write({"other.txt": "staged\n"})
    git(project.root, "add", "other.txt")
    refused(project, source, "changes of other.txt are staged")


def test_without_a_branch_there_is_nothing_to_merge_into(project: Project, source: Source) -> None:
    """A detached HEAD would lose the merge."""
    git(project.root, "checkout", "-q", "--detach")
    refused(project, source, "HEAD is detached")


@pytest.mark.parametrize(
    ("trace", "command"),
    [
        ("MERGE_HEAD", "merge"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
        ("rebase-apply/applying", "am"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
    ],
)
def test_what_is_under_way_is_ended_first(
    project: Project, source: Source, trace: str, command: str
) -> None:
    """With the command that ends it."""
    path = project.root / ".git" / trace
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{source.first}\n", encoding="ascii")
    with pytest.raises(UsageError, match=rf"git {command} --abort"):
        apply(Repository.open(project.root), source)


def test_nothing_kept_is_nothing_to_apply(project: Project, source: Source) -> None:
    """The branch is where it began."""
    refused(project, replace(source, best=source.first), "nothing was kept on autoexp/nov20")


def test_a_branch_that_was_moved_or_removed_is_put_right(project: Project, source: Source) -> None:
    """With the command in the message."""
    git(project.root, "branch", "-f", "autoexp/nov20", source.first)
    told = rf"git branch -f autoexp/nov20 {source.best[:10]}`"
    refused(project, source, told)
    git(project.root, "branch", "-D", "autoexp/nov20")
    refused(project, source, rf"is gone: .*`git branch autoexp/nov20 {source.best[:10]}`")
    git(project.root, "branch", "autoexp/nov20", source.best[:10])
    assert apply(Repository.open(project.root), source).how == "fast-forward"


def test_commits_that_the_campaign_began_on_are_not_brought_along(
    project: Project, source: Source
) -> None:
    """What would come with them is named, and the advice takes the kept changes alone."""
    git(project.root, "checkout", "-q", "-b", "feature")
    project.commit({"feature.txt": "not for main\n"})
    repository = Repository.open(project.root)
    first = repository.head()
    content = repository.read(first, "lines.txt").replace(b"one", b"ONE")
    best = repository.commit_file(first, "lines.txt", content, "Shout")
    repository.set_ref("refs/heads/autoexp/nov21", best)
    git(project.root, "checkout", "-q", "main")
    other = Source("autoexp/nov21", first, best, ("lines.txt",))

    command = f"cherry-pick {first[:10]}..autoexp/nov21"
    refused(project, other, f"would also bring feature.txt: .*`git {command}`")
    git(project.root, *command.split())
    assert git(project.root, "diff", "--name-only", source.first, "HEAD").split() == ["lines.txt"]


def test_histories_without_a_common_commit_are_refused(project: Project, source: Source) -> None:
    """Git would not merge them either."""
    git(project.root, "checkout", "-q", "--orphan", "apart")
    git(project.root, "commit", "-q", "-m", "Begin again")
    refused(project, source, "no common history")


@pytest.mark.parametrize(
    ("lows", "told"),
    [
        ([], "nothing was kept"),
        ([0.1, None], "not all that was kept was audited in this session"),
        ([0.1, -0.01], "the audit does not show a gain for certain"),
        ([0.1, 0.2], ""),
    ],
)
def test_only_a_certain_gain_is_applied_unseen(lows: list[float | None], told: str) -> None:
    """At the end of a session nobody looks at it first; of several targets each has to be one."""
    audited = [None if low is None else Effect(0.2, low, 0.3) for low in lows]
    assert why_not(audited) == (f"not applied: {told}" if told else "")


def test_at_the_end_of_a_session_it_is_always_said_what_became_of_it(
    project: Project, source: Source
) -> None:
    """Not applied for lack of a gain, refused by the checkout, or applied."""
    repository, sure = Repository.open(project.root), Effect(0.2, 0.1, 0.3)
    assert at_the_end(repository, source, []) == ["not applied: nothing was kept"]
    edited(project, "eight", "nine")
    (line,) = at_the_end(repository, source, [sure])
    assert line.startswith("not applied: lines.txt in your checkout has changes")
    edited(project, "nine", "eight")
    assert at_the_end(repository, source, [sure])[0].startswith("applied: main is at")
