"""What a campaign goes on with: its own records, another campaign's best, or a changed harness."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.history.merging import merged
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.working_tree import NAME as TRY
from pytest_autoloop.targets import harness_files, inside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Json, Metric, Target
    from pytest_autoloop.settings import Settings
    from pytest_autoloop.targets import Leg

_LISTED = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a campaign before its baseline is measured."""

    settings: Settings
    rootdir: Path
    tag: str
    results: Path
    #: Names of all targets, in the order in which they are improved, and all that is measured.
    targets: tuple[str, ...]
    metrics: tuple[Metric, ...]
    #: Node ids of the guards that no proposer is told of.
    hidden: frozenset[str]
    #: The commit whose harness judges.
    commit: str
    #: The journal of a campaign that goes on; None begins one.
    earlier: Journal | None = None
    #: What has changed in the harness since, which the user has accepted.
    changed: tuple[str, ...] = ()
    #: How pytest was called, as the header of a new campaign tells it.
    call: Mapping[str, Json] = field(default_factory=dict)
    #: By target: what is judged before anybody is asked.
    seeds: Mapping[str, Proposal] = field(default_factory=dict)


def earlier_campaign(rootdir: Path, tag: str | None) -> Journal | None:
    """Return the journal of the campaign that has this tag, None when it is a new one."""
    if tag is None or tag not in campaigns(rootdir):
        return None
    journal = Journal(rootdir, tag)
    # A session that was killed before its baseline was recorded has left nothing to go on with.
    return journal if has_begun(journal) else None


def earlier_tries(
    repository: Repository, rootdir: Path, target: str, chosen: str | None
) -> Journal | None:
    """Return the campaign that a try goes on with; None to begin one.

    Without a chosen tag it is the newest one that was made of tries, from the commit that is
    checked out now.

    Raises:
        UsageError: the chosen campaign began from another commit, or has another target.
    """
    wanted = {"commit": repository.head(), "target": target}
    journals = [Journal(rootdir, tag) for tag in campaigns(rootdir) if chosen in {None, tag}]
    journals.sort(key=lambda journal: journal.header_path.stat().st_mtime_ns)
    for journal in reversed(journals):
        header = journal.read_header() or {}
        same = all(header.get(name) == value for name, value in wanted.items())
        if same and (chosen or header.get("proposer") == TRY) and has_begun(journal):
            return journal
        if chosen:
            raise UsageError(
                f"--autoloop-tag={chosen}: that campaign began from commit "
                f"{str(header.get('commit'))[:10]} with the target {header.get('target')}, not "
                f"from {wanted['commit'][:10]} with {target}: choose another tag"
            )
    return None


def has_begun(journal: Journal) -> bool:
    """Tell whether a journal has a whole line, which is its baseline's."""
    if not journal.path.is_file():
        return False
    with journal.path.open("rb") as stream:
        return stream.readline().endswith(b"\n")


def gone_on(
    session: pytest.Session, repository: Repository, plan: Plan, legs: Sequence[Leg]
) -> Plan:
    """Return the plan of a campaign that goes on: judged by the harness that it began with.

    With a harness that has changed, and the user's leave, by that of the commit that is checked
    out; what was kept before is then the first candidate.

    Raises:
        UsageError: the campaign has other targets, or another harness.
    """
    earlier = plan.earlier
    assert earlier is not None
    header = earlier.read_header() or {}
    named = header.get("targets") or [header.get("target")]
    if named != list(plan.targets):
        had = ", ".join(map(str, named)) if isinstance(named, list) else str(named)
        raise UsageError(
            f"--autoloop-tag={plan.tag}: that campaign improves {had}, the target is now "
            f"{', '.join(plan.targets)}: choose another tag"
        )
    began = str(header.get("commit", ""))
    changed = _changed_files(session, repository, began, plan.commit, legs)
    if not plan.settings.rebaseline:
        refuse_changed(plan.tag, changed)
    if changed and len(legs) > 1:
        raise UsageError(
            f"--autoloop-rebaseline: {plan.tag} has several targets, each judged with the best of "
            f"those before it; begin another campaign with --autoloop-from={plan.tag}"
        )
    commit = plan.commit if changed else began
    plan = replace(plan, commit=commit, changed=tuple(changed))
    if not plan.settings.rebaseline:
        return plan
    # Not from the branch, which a session that was killed since may have left at the new baseline.
    kept = [e.commit for *_, e in earlier.scan(lean=True) if e.status == "keep"]
    if not kept:
        return plan
    # It is judged only if the manifest turns out to be another one, too.
    seeds = {
        leg.target.name: _carried(
            repository,
            leg.target,
            found=kept[-1],
            commit=commit,
            name="what was kept before",
            option="--autoloop-rebaseline",
        )
        for leg in legs
    }
    return replace(plan, seeds=seeds)


def _changed_files(
    session: pytest.Session, repository: Repository, began: str, head: str, legs: Sequence[Leg]
) -> list[str]:
    """Return the files that judge and are not what they were at the campaign's first commit."""
    if head == began:
        return []
    judging = {inside(repository, file) for file in harness_files(session)}
    changes = repository.changes(began, head)
    targets = {leg.target.path for leg in legs}
    return sorted(c.path for c in changes if c.path in judging and c.path not in targets)


def refuse_changed(tag: str, changed: list[str]) -> None:
    """Refuse to go on with a campaign whose candidates were judged otherwise.

    Raises:
        UsageError: naming what has changed.
    """
    if not changed:
        return
    more = f" and {len(changed) - _LISTED} more" if len(changed) > _LISTED else ""
    raise UsageError(
        f"the harness of the campaign {tag} has changed: {'; '.join(changed[:_LISTED])}{more}. "
        "Put it back, choose another tag, or judge what was kept by the new harness and go on "
        "with --autoloop-rebaseline"
    )


def with_warm_start(repository: Repository, plan: Plan, legs: Sequence[Leg]) -> Plan:
    """Return the plan of a campaign that begins with what was found elsewhere, if it is to.

    The user names a campaign, whose best is taken, or a commit. What has changed in a target since
    they parted is merged. It is judged like any other candidate.

    Raises:
        UsageError: there is no such campaign or commit, it lacks a target, or cannot be merged.
    """
    wanted = plan.settings.warm_start
    if wanted is None:
        return plan
    option = f"--autoloop-from={wanted}"
    known = wanted in campaigns(plan.rootdir)
    found = repository.resolve(f"refs/heads/autoexp/{wanted}" if known else wanted)
    if found is None:
        tags = ", ".join(campaigns(plan.rootdir)) or "there is none"
        raise UsageError(f"{option} is neither a campaign ({tags}) nor a commit: correct it")
    name = f"the best of {wanted}" if known else f"the target of {wanted}"
    seeds = {
        leg.target.name: _carried(
            repository, leg.target, found=found, commit=plan.commit, name=name, option=option
        )
        for leg in legs
    }
    return replace(plan, seeds=seeds)


def _carried(
    repository: Repository, target: Target, *, found: str, commit: str, name: str, option: str
) -> Proposal:
    """Return a proposal that brings the target of one commit to another one.

    Raises:
        UsageError: the commit lacks the target, or both have changed the same lines of it.
    """
    path = target.path
    if repository.mode_of(found, path) is None:
        raise UsageError(f"{option}: {found} has no file {path}; choose another commit")
    content, source = repository.read(found, path), repository.read(commit, path)
    base = repository.merge_base(found, commit)
    if base is not None and repository.mode_of(base, path) is not None:
        change = merged(repository.read(base, path), content, source, path)
        if change.content is None or change.fault:
            raise UsageError(
                f"{option}: {path} has changed in commit {commit[:10]}, too, and cannot be merged; "
                "merge it by hand and commit it first"
            )
        content = change.content
    return Proposal(f"begin with {name}", (Edit(path, content),), "autoloop")
