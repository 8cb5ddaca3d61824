"""Which of the kept changes are needed: each is dropped from the best in turn, and judged.

Backwards from the newest. A version without the change that is as good takes the place of the one
before; all are compared with the best itself, so that small losses cannot add up. What is left is
proposed as a branch of its own; that of the campaign stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop import text
from pytest_autoloop.history.merging import merged
from pytest_autoloop.shortening import SIMPLER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Decision, Direction, Effect, Experiment

    #: Guards content and compares it with the best; its status is "keep" if it is as good.
    Judge: TypeAlias = Callable[[bytes], Decision]

Outcome: TypeAlias = Literal["needed", "not needed", "cannot be dropped alone"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What one keep changed in the best version of its time."""

    number: int
    commit: str
    description: str
    proposer: str
    #: The target before and after.
    before: bytes
    after: bytes
    #: It was kept for being shorter: without it the target is as good, and longer again.
    simpler: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one change."""

    kept: Kept
    outcome: Outcome
    #: The target without whatever has turned out not to be needed so far.
    content: bytes
    #: Of the version without the change, against the best; None when it was not measured.
    effect: Effect | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Minimal:
    """The smallest set of changes that is as good as the best, as commits."""

    branch: str
    commit: str
    #: Numbers of the experiments in it, oldest first, and of those that are not needed.
    numbers: tuple[int, ...]
    dropped: tuple[int, ...]
    content: bytes
    #: What brings it into the branch that is checked out.
    command: str


def kept_changes(
    repository: Repository, target: str, baseline: Experiment, keeps: Sequence[Experiment]
) -> list[Kept]:
    """Return what each keep changed, oldest first.

    That is the difference to the keep before it, wherever the candidate itself started from.

    Raises:
        RepositoryError: a commit cannot be read.
    """
    changes = []
    before = repository.read(baseline.commit, target)
    for one in keeps:
        after = repository.read(one.commit, target)
        simpler = one.reason == SIMPLER
        told = (one.number, one.commit, one.description, one.proposer)
        changes.append(Kept(*told, before, after, simpler))
        before = after
    return changes


def ablate(changes: Sequence[Kept], target: str, judge: Judge) -> Iterator[Finding]:
    """Drop each change in turn, the newest first; a finding each, as soon as it is known.

    `judge` is asked at most once for each change. Whoever stops in between has lost nothing: what
    was found so far holds.
    """
    if not changes:
        return
    content = changes[-1].after
    for kept in reversed(changes):
        if kept.simpler:
            yield Finding(kept, "needed", content, detail="it makes the target shorter")
            continue
        without = merged(kept.after, kept.before, content, target)
        if without.fault:
            detail = "what was kept later builds on it"
            yield Finding(kept, "cannot be dropped alone", content, detail=detail)
        elif without.content == content:
            detail = "nothing is left of it in the best version"
            yield Finding(kept, "not needed", content, detail=detail)
        else:
            decision = judge(without.content)
            needless = decision.status == "keep"
            content = without.content if needless else content
            told = "" if needless else _why(decision)
            outcome: Outcome = "not needed" if needless else "needed"
            yield Finding(kept, outcome, content, decision.effect, told)


def minimise(
    repository: Repository,
    tag: str,
    target: str,
    changes: Sequence[Kept],
    judge: Judge,
    *,
    first: str,
    onto: str = "",
    say: Callable[[Finding], None],
    interrupted: Callable[[], bool] = bool,
) -> tuple[Minimal | None, list[str]]:
    """Ablate, propose what is left, and return it with what people read of it.

    `say` is told each finding at once; `first` and `onto` are those of `propose`. Interrupted, it
    proposes nothing: of the changes before nobody knows whether they are needed.

    Raises:
        AutoloopError: git refused, or the judge cannot go on.
    """
    findings: list[Finding] = []
    for finding in ablate(changes, target, judge):
        findings.append(finding)
        say(finding)
        if interrupted() and len(findings) < len(changes):
            return None, ["interrupted: which kept changes are needed is not known"]
    minimal = propose(repository, tag, target, first, findings, onto=onto)
    return minimal, told_minimal(minimal, findings, first) if findings else []


def propose(
    repository: Repository,
    tag: str,
    target: str,
    first: str,
    findings: Sequence[Finding],
    *,
    onto: str = "",
) -> Minimal | None:
    """Commit what is needed, one commit for each change, on a branch of its own.

    Returns None where that would be the best itself, or the first commit. The last commit holds
    exactly the content that was judged; those before it were not judged on their own.

    Args:
        repository: where the commits are made.
        tag: the campaign.
        target: the file, relative to the root of the repository.
        first: the commit that the target's experiments began on.
        findings: all that `ablate` found.
        onto: what was proposed for the target before this one, which the commits then follow, also
            when nothing of this target was dropped; empty to follow `first`.

    Raises:
        UsageError: the branch is checked out.
        RepositoryError: git refused.

    """
    dropped = {finding.kept.number for finding in findings if finding.outcome == "not needed"}
    needed = [finding.kept for finding in reversed(findings) if finding.kept.number not in dropped]
    if not needed or not (dropped or onto):
        return None
    content = findings[-1].content
    commit, state = onto or first, repository.read(first, target)
    waiting: list[Kept] = []
    for kept in needed:
        waiting.append(kept)
        if kept is needed[-1]:
            after, fault = content, ""
        else:
            change = merged(kept.before, kept.after, state, target)
            after, fault = change.content, change.fault
        # What does not fit alone any more becomes one commit with what follows it.
        if fault or (after == state and kept is not needed[-1]):
            continue
        commit = repository.commit_file(commit, target, after, _message(waiting, tag, commit))
        state, waiting = after, []
    branch = minimal_branch(repository, tag)
    repository.set_ref(f"refs/heads/{branch}", commit)
    numbers = tuple(kept.number for kept in needed)
    command = f"pytest-autoloop apply {tag} --minimal"
    return Minimal(branch, commit, numbers, tuple(sorted(dropped)), content, command)


def minimal_branch(repository: Repository, tag: str) -> str:
    """Return the name of the branch for what is proposed; never that of another campaign."""
    name = f"{tag}-minimal"
    while repository.refs(f"refs/autoloop/{name}"):
        name += "-minimal"
    return f"autoexp/{name}"


def told(finding: Finding, direction: Direction) -> str:
    """Say in one line whether a change is needed; the effect is that of doing without it."""
    measured = ""
    if finding.effect is not None:
        measured = f"without it {text.effect(finding.effect, direction)}"
    kept = finding.kept
    parts = (finding.outcome, measured, finding.detail, kept.description)
    return f"{kept.number:03} {kept.commit[:10]}  " + " · ".join(part for part in parts if part)


def told_minimal(minimal: Minimal | None, findings: Sequence[Finding], first: str) -> list[str]:
    """Say what is proposed, and how it is taken."""
    total = text.count(len(findings), "kept change")
    if minimal is None and findings and all(one.outcome == "not needed" for one in findings):
        return [f"none of {total} is needed: the first version is as good as the best"]
    if minimal is None or not minimal.dropped:
        return [f"no kept change can be dropped, of {total}"]
    numbers = ", ".join(f"{number:03}" for number in minimal.dropped)
    return [
        f"{len(minimal.numbers)} of {total} are as good as all: without {numbers}",
        f"see it: git diff {first[:10]} {minimal.branch}",
        f"take it: {minimal.command}",
    ]


def _why(decision: Decision) -> str:
    """Return why a version without a change was refused, where the effect does not say it."""
    if decision.reason == "no-gain" and decision.effect is not None:
        return ""
    lines = decision.detail.splitlines() or [""]
    return ": ".join(part for part in (decision.reason or decision.status, lines[0]) if part)


def _message(changes: Sequence[Kept], tag: str, parent: str) -> str:
    """Return the message of the commit that brings one change, or several that need each other."""
    last = changes[-1]
    also = "".join(f"{kept.description}\n" for kept in changes[:-1])
    numbers = "".join(f"Autoloop-Experiment: {tag}/{kept.number:03}\n" for kept in changes)
    return (
        f"{last.description}\n\n"
        + (f"Together with:\n{also}\n" if also else "")
        + f"{numbers}Autoloop-Parent: {parent}\nAutoloop-Proposer: {last.proposer}\n"
    )
