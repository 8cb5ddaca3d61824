"""Makes review branches of what a campaign kept: one for each part that stands by itself.

Each part is judged against the commit that the campaign began on, by the guards and benchmarks of
that commit. A branch has one commit, of the user's: with the user's identity and hooks, in a
worktree of its own, so that the user's branch and checkout are never touched.
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.ablation import Kept, kept_changes
from pytest_autoloop.applying import _UserGit as UserGit
from pytest_autoloop.cleaning import REVIEWS, checked_out
from pytest_autoloop.errors import UsageError
from pytest_autoloop.forge import markdown, plain
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.scratch import scratch_directory
from pytest_autoloop.hunks import independent, joined, patched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.hunks import Group
    from pytest_autoloop.model import Effect, Experiment, Metric
    from pytest_autoloop.remeasuring import Bench, Opener, Outcome
    from pytest_autoloop.verifying import Wanted

_SUBJECT = 72
_SLUG = 40
_JUDGED = (
    "This change was judged by itself against {base}: the tests of that commit pass, and it was "
    "measured side by side with it in fresh processes, and confirmed on fresh measurements."
)


@dataclass(frozen=True, slots=True)
class Part:
    """One independent part of what was kept for a file, as it was judged."""

    target: str
    path: str
    group: Group
    #: The experiments in it, the one that gained most first.
    kept: tuple[Kept, ...]
    #: The file with this part alone.
    content: bytes
    outcome: Outcome
    metric: Metric
    guards: int

    @property
    def title(self) -> str:
        """What is said of the part in one line."""
        return textwrap.shorten(plain(self.kept[0].description), _SUBJECT, placeholder="…")


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch for review."""

    name: str
    commit: str
    part: Part
    message: str


@dataclass(slots=True)
class Finalized:
    """What a campaign's keeps have become."""

    base: str
    branches: list[Branch] = field(default_factory=list)
    #: Parts that do not hold by themselves; no branch has them.
    left_out: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be made of a campaign."""

    repository: Repository
    tag: str
    #: The commit that it began on.
    base: str
    parts: Sequence[Wanted]
    #: Make one branch of all that was kept for a file.
    whole: bool = False
    #: Whether the user's hooks run.
    hooks: bool = True
    #: Where it was measured, for the commit's message: a line.
    measured_on: str = ""


def check(request: Request, *, replace: bool) -> None:
    """Refuse what could not be finished, before anything is measured.

    Raises:
        UsageError: there are such branches already, or git knows no identity for the commits.
    """
    existing = request.repository.refs(f"refs/heads/{REVIEWS}/{request.tag}")
    if existing and not replace:
        name = next(iter(existing)).removeprefix("refs/heads/")
        raise UsageError(
            f"there are review branches of campaign {request.tag} already, such as {name}: remove "
            "them with `git branch -D`, or say --force to replace them"
        )
    standing = checked_out(request.repository) & {
        ref.removeprefix("refs/heads/") for ref in existing
    }
    if standing:
        raise UsageError(
            f"the review branch {min(standing)} is checked out: switch to another one, then "
            "finalize again"
        )
    git = UserGit(request.repository.root)
    for role in ("AUTHOR", "COMMITTER"):
        answer = git.run("var", f"GIT_{role}_IDENT")
        if answer.exit_code != 0:
            raise UsageError(
                f"the commits would be yours, and git does not know you: {answer.said}"
            )


def judge(
    request: Request,
    open_bench: Opener,
    *,
    begun: Callable[[str], None],
    say: Callable[[Part], None],
) -> tuple[list[Part], list[Part]]:
    """Judge each independent part; return those that hold, and those that do not.

    Parts that do not hold alone are judged once more as one: they may need each other.

    Raises:
        AutoloopError: the baseline is red, or something of ours failed.
    """
    held: list[Part] = []
    left: list[Part] = []
    for path in dict.fromkeys(one.path for one in request.parts):
        own = [one for one in request.parts if one.path == path]
        begun(f"measuring the baseline of {own[0].target}")
        bench = open_bench(own[0].target, request.base)
        changes = _changes(request, own)
        groups = independent(changes, path)
        groups = [joined(groups)] if request.whole and groups else groups
        failed: list[Part] = []
        for number, group in enumerate(groups, 1):
            begun(f"measuring part {number} of {len(groups)} of {path}")
            part = _judged(bench, own[0], group, changes)
            say(part)
            (held if part.outcome.holds else failed).append(part)
        if len(failed) > 1:
            begun(f"measuring {len(failed)} parts of {path} together")
            part = _judged(bench, own[0], joined(one.group for one in failed), changes)
            say(part)
            failed = [] if part.outcome.holds else failed
            held += [part] if part.outcome.holds else []
        left += failed
    return held, left


def finalize(request: Request, held: Sequence[Part], left: Sequence[Part]) -> Finalized:
    """Commit each part that holds on a branch of its own; all of them or none.

    Raises:
        UsageError: a hook refused a commit, or changed what was measured.
        RepositoryError: git failed.
    """
    repository = request.repository
    commits = [
        (part, message, _committed(request, part, message))
        for part in held
        for message in [commit_message(part, request)]
    ]
    found = Finalized(request.base, left_out=list(left))
    old = repository.refs(f"refs/heads/{REVIEWS}/{request.tag}")
    orders = [f"delete {ref} {commit}" for ref, commit in old.items()]
    for number, (part, message, commit) in enumerate(commits, 1):
        name = f"{REVIEWS}/{request.tag}/{number}-{_slug(part.title)}"
        found.branches.append(Branch(name, commit, part, message))
        ref = f"refs/heads/{name}"
        orders = [order for order in orders if not order.startswith(f"delete {ref} ")]
        orders.append(f"update {ref} {commit} {old.get(ref, '0' * len(commit))}")
    if orders:
        lines = "".join(f"{order}\n" for order in orders)
        GitCommand(repository.root, durable=True).run("update-ref", "--stdin", stdin=lines.encode())
    return found


def commit_message(part: Part, request: Request) -> str:
    """Return the message of a part's commit: what it does, and what was measured."""
    others = [f"- {plain(kept.description)}" for kept in part.kept[1:]]
    also = ["Together with:", *others, ""] if others else []
    body = textwrap.fill(f"{measured(part)}, {request.measured_on}.", _SUBJECT)
    trailers = [f"Autoloop-Experiment: {request.tag}/{n:03}" for n in part.group.numbers]
    whole = plain(part.kept[0].description)
    long = [textwrap.fill(whole, _SUBJECT), ""] if whole != part.title else []
    return "\n".join([part.title, "", *long, *also, body, "", *trailers, ""])


def measured(part: Part) -> str:
    """Say what a part gains, with the interval, and what it was judged by."""
    effect, guards = part.outcome.effect, text.count(part.guards, "test")
    if effect is None:
        return f"The program is the same, and {guards} of the harness pass"
    told = _gain(effect, part.metric)
    pairs = text.count(part.outcome.pairs, "pair")
    if all(kept.simpler for kept in part.kept):
        told = f"shorter and as good ({told})"
    return f"{part.metric.name}: {told}, measured in {pairs}; {guards} of the harness pass"


def _gain(effect: Effect, metric: Metric) -> str:
    """Say what an effect is; one that is exact has no interval."""
    exact = effect.low == effect.high and effect.log_gain >= math.log(2)
    return (
        f"{text.factor(effect.log_gain)} better" if exact else text.effect(effect, metric.direction)
    )


def _changes(request: Request, parts: Sequence[Wanted]) -> list[Kept]:
    """Return what each keep made of a file, oldest first, also for several symbols of it."""
    keeps: list[Experiment] = sorted(
        (keep for one in parts for keep in one.keeps), key=lambda keep: keep.number
    )
    baseline = min((one.baseline for one in parts), key=lambda one: one.number)
    return kept_changes(request.repository, parts[0].path, baseline, keeps)


def _judged(bench: Bench, wanted: Wanted, group: Group, changes: Sequence[Kept]) -> Part:
    base = changes[0].before
    content = patched(base, group)
    kept = [one for one in changes if one.number in group.numbers]
    gains = {keep.number: keep.effect.log_gain if keep.effect else 0.0 for keep in wanted.keeps}
    kept.sort(key=lambda one: (one.simpler, -gains.get(one.number, 0.0)))
    only_simpler = all(one.simpler for one in kept)
    outcome = bench.as_good(content, base) if only_simpler else bench.better(content, base)
    return Part(
        target=wanted.target,
        path=wanted.path,
        group=group,
        kept=tuple(kept),
        content=content,
        outcome=outcome,
        metric=bench.primary,
        guards=bench.guards,
    )


def _committed(request: Request, part: Part, message: str) -> str:
    """Commit a part as the user would, in a worktree of its own; return the commit.

    Raises:
        UsageError: git or a hook refused it, or a hook changed it.
    """
    repository = request.repository
    staged = repository.commit_file(request.base, part.path, part.content, part.title)
    with _worktree(repository, request.base) as place:
        plain = GitCommand(place)
        plain.run("restore", f"--source={staged}", "--staged", "--worktree", "--", part.path)
        verify = () if request.hooks else ("--no-verify",)
        answer = UserGit(place).run(
            "commit", "--quiet", *verify, "--cleanup=verbatim", "-m", message
        )
        if answer.exit_code != 0:
            raise UsageError(
                f"git did not commit {part.title!r}, and no branch was made; it said: {answer.said}"
            )
        commit = plain.line("rev-parse", "--verify", "HEAD^{commit}")
    changed = [change.path for change in repository.changes(staged, commit)]
    if changed:
        raise UsageError(
            f"a hook of yours changed {', '.join(changed)} while {part.title!r} was committed, "
            "which is then no more what was measured: no branch was made; --no-verify leaves "
            "hooks out"
        )
    return commit


@contextmanager
def _worktree(repository: Repository, commit: str) -> Iterator[Path]:
    """Lend a worktree at a commit."""
    with scratch_directory("review", ignore_errors=True) as directory:
        place = Path(directory).resolve() / "review"
        repository.add_worktree(place, commit)
        try:
            yield place
        finally:
            repository.remove_worktree(place)


def _slug(title: str) -> str:
    """Return a part of a branch's name."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG].strip("-") or "change"


def pull_request(
    branch: Branch, request: Request, *, count: int, environment: Mapping[str, object]
) -> str:
    """Return what a pull request may say, as Markdown; its first line is the title."""
    part = branch.part
    effect = part.outcome.effect
    told = "the same" if effect is None else _gain(effect, part.metric)
    lines = [
        f"# {markdown(part.title)}",
        "",
        f"| {markdown(part.metric.name)} | tests | pairs measured | file |",
        "|---|---|---|---|",
        f"| {markdown(told)} | {part.guards} pass | {part.outcome.pairs} | {markdown(part.path)} |",
        "",
        *(f"- {markdown(kept.description)} ({request.tag}/{kept.number:03})" for kept in part.kept),
        "",
        _JUDGED.format(base=request.base[:10]),
    ]
    if effect is not None and effect.low != effect.high:
        lines[-1] += f" The interval is one of {effect.level:.0%}."
    if count > 1:
        lines += ["", f"It is one of {count} parts of the campaign, and needs none of the others."]
    known = [f"{name} {value}" for name, value in environment.items()]
    if known:
        lines += ["", f"Measured on: {markdown(', '.join(known))}"]
    return "\n".join([*lines, ""])
