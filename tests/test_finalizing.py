"""Review branches: which parts get one, and what their commits are."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_autoloop import finalizing
from pytest_autoloop.errors import UsageError
from pytest_autoloop.finalizing import Part, Request, commit_message, finalize, judge
from pytest_autoloop.forge import markdown, plain
from pytest_autoloop.model import Effect, Metric
from pytest_autoloop.remeasuring import Outcome, without_campaign
from pytest_autoloop.verifying import Checked, wanted
from tests.cli.campaigns import Made
from tests.projects import COUNTED, git

if TYPE_CHECKING:
    from tests.projects import Project

LINES = [f"line {number}\n" for number in range(20)]
EFFECT = Effect(0.1, 0.09, 0.11)
LETTERS = Metric("letters", "lower", "letters")


@dataclass
class Scale:
    """Judges a version by its lines: what it has to have, and to do without."""

    needs: dict[str, str] = field(default_factory=dict)
    primary: Metric = LETTERS
    guards: int = 3
    asked: list[str] = field(default_factory=list)

    def better(self, content: bytes, before: bytes) -> Outcome:
        """Return a keep, unless a line is there without the one that it needs."""
        text = content.decode()
        self.asked.append("better")
        lacking = [line for line, other in self.needs.items() if line in text and other not in text]
        failed = Outcome("discard", "guard", "test_words.py::test_it")
        return failed if lacking else Outcome("keep", effect=EFFECT, pairs=5)

    def as_good(self, content: bytes, best: bytes) -> Outcome:
        """Return a keep that is no better."""
        self.asked.append("as good")
        return Outcome("keep", "simpler", effect=Effect(0.0, -0.01, 0.01), pairs=4)


@pytest.fixture
def made(project: Project, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Return a campaign that has changed three places of a file."""
    project.commit({**COUNTED, "words.txt": "".join(LINES)})
    for who in ("user.name", "user.email"):
        git(project.root, "config", who, "maintainer@example.invalid")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    campaign = Made(project, "nov20")
    lines = list(LINES)
    for place in (2, 8, 14):
        lines[place] = f"changed {place}\n"
        campaign.keep("".join(lines), f"change {place}")
    return campaign


def request_of(made: Made, **fields: Any) -> Request:
    """Return what is to be made of it."""
    parts = tuple(wanted(("words.txt",), made.journal.read()))
    asked = Request(repository=made.repository, tag="nov20", base=made.first, parts=parts)
    return replace(asked, **fields)


def judged(request: Request, scale: Scale) -> tuple[list[Part], list[Part]]:
    """Judge all parts."""
    return judge(request, lambda *_: cast("Any", scale), begun=_ignore, say=_ignore)


def _ignore(_: object) -> None:
    return None


def test_each_part_gets_a_branch_of_the_user_s_own(made: Made) -> None:
    """One commit on the first one, with that part alone; the checkout does not notice."""
    root = made.project.root
    head, request = git(root, "rev-parse", "HEAD"), request_of(made)

    found = finalize(request, *judged(request, Scale()))

    names = [branch.name for branch in found.branches]
    assert names == [f"autoloop/nov20/{n}-change-{p}" for n, p in ((1, 2), (2, 8), (3, 14))]
    told = git(root, "log", "--format=%ae %ce %P", "-1", names[1]).split()
    assert told == ["maintainer@example.invalid"] * 2 + [made.first]
    assert git(root, "show", f"{names[1]}:words.txt") == "".join(
        "changed 8\n" if line == "line 8\n" else line for line in LINES
    )
    assert git(root, "rev-parse", "HEAD") == head
    assert git(root, "status", "--porcelain", "--untracked-files=no") == ""
    assert len(git(root, "worktree", "list").splitlines()) == 1


def test_parts_that_need_each_other_are_judged_together(made: Made) -> None:
    """Those that fail alone make one; if that fails too they are left out."""
    scale = Scale(needs={"changed 2": "changed 14", "changed 14": "changed 2"})
    held, left = judged(request_of(made), scale)
    assert [part.group.numbers for part in held] == [(2,), (1, 3)]
    assert left == []

    alone = Scale(needs={"changed 2": "nothing has that", "changed 8": "nor that"})
    held, left = judged(request_of(made), alone)
    assert [part.group.numbers for part in held] == [(3,)]
    assert [part.group.numbers for part in left] == [(1,), (2,)]
    (whole,), _ = judged(request_of(made, whole=True), Scale())
    assert whole.group.numbers == (1, 2, 3)


def test_what_is_only_simpler_has_to_be_as_good(made: Made) -> None:
    """Not better: it never was."""
    lines = [f"changed {n}\n" if n in {2, 8, 14} else line for n, line in enumerate(LINES)]
    made.keep("".join(lines[:-1]), "drop a line", reason="simpler")
    scale = Scale()
    held, _ = judged(request_of(made), scale)
    assert "as good" in scale.asked
    (simple,) = [part for part in held if part.group.numbers == (4,)]
    assert "shorter and as good" in finalizing.measured(simple)


def test_hooks_of_the_user_take_part(made: Made) -> None:
    """One that refuses or rewrites stops it, before there is any branch."""
    root = made.project.root
    request = request_of(made)
    parts = judged(request, Scale())
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no change on Fridays >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(UsageError, match="no branch was made; it said: no change on Fridays"):
        finalize(request, *parts)
    hook.write_text("#!/bin/sh\necho more >> words.txt\ngit add words.txt\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a hook of yours changed words\.txt"):
        finalize(request, *parts)
    assert git(root, "branch", "--list", "autoloop/*") == ""
    assert len(git(root, "worktree", "list").splitlines()) == 1
    assert finalize(replace(request, hooks=False), *parts).branches


def test_an_earlier_call_is_replaced_only_when_told(made: Made) -> None:
    """And never under somebody who has one of its branches checked out."""
    request = request_of(made)
    finalize(request, *judged(request, Scale()))
    with pytest.raises(UsageError, match="there are review branches of campaign nov20 already"):
        finalizing.check(request, replace=False)
    finalizing.check(request, replace=True)
    whole = replace(request, whole=True)
    finalize(whole, *judged(whole, Scale()))
    root = made.project.root
    (name,) = git(root, "branch", "--list", "autoloop/*", "--format=%(refname:short)").split()
    git(root, "switch", "-q", name)
    with pytest.raises(UsageError, match="is checked out"):
        finalizing.check(request, replace=True)


def test_without_an_identity_nothing_is_measured(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commits would be the user's, of whom git knows nothing."""
    git(made.project.root, "config", "user.useConfigOnly", "true")
    git(made.project.root, "config", "--unset", "user.email")
    for name in ("EMAIL", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="git does not know you"):
        finalizing.check(request_of(made), replace=False)


def test_a_message_says_what_was_measured(made: Made) -> None:
    """The effect with its interval, what is in it, and the experiments as trailers."""
    request = request_of(made, whole=True, measured_on="against abc on Python 3.13")
    ((part,), _) = judged(request, Scale())
    message = commit_message(part, request)
    assert message == (
        "change 2\n\nTogether with:\n- change 8\n- change 14\n\n"
        "letters: -9.5% [-10.4, -8.6], measured in 5 pairs; 3 tests of the\n"
        "harness pass, against abc on Python 3.13.\n\n"
        "Autoloop-Experiment: nov20/001\nAutoloop-Experiment: nov20/002\n"
        "Autoloop-Experiment: nov20/003\n"
    )


@pytest.mark.parametrize(
    ("line", "message", "escaped"),
    [
        ("fixes #12 for @user", "fixes # 12 for @ user", "fixes #\u200b12 for @\u200buser"),
        ("[skip ci] GH-7", "(skip ci) GH 7", "\\[skip ci\\] GH-\u200b7"),
        ("<img src=x> `a`|b", "<img src=x> `a`|b", "&lt;img src=x&gt; \\`a\\`\\|b"),
        ("a\x1b[1m\u202eb", "a\\x1b(1m\\u202eb", "a\\\\x1b\\[1m\\\\u202eb"),
        ("see https://a.example", "see https: //a.example", "see https:\u200b//a.example"),
    ],
)
def test_what_candidates_say_has_no_effect_on_a_forge(
    line: str, message: str, escaped: str
) -> None:
    """It names nobody, closes nothing, skips no job, and is no markup."""
    assert plain(line) == message
    assert markdown(line) == escaped


def test_an_unsure_measurement_is_no_failure() -> None:
    """Only what is surely no better fails, or what a guard refuses."""
    kept: Any = None
    for outcome, finding in (
        (Outcome("keep", effect=EFFECT), "holds"),
        (Outcome("discard", "no-gain", effect=Effect(0.0, -0.1, 0.1)), "not shown"),
        (Outcome("discard", "no-gain", effect=Effect(-0.1, -0.2, -0.01)), "fails"),
        (Outcome("discard", "guard"), "fails"),
        (Outcome("discard", "regression", effect=Effect(0.0, -0.1, 0.1)), "fails"),
    ):
        assert Checked(kept, None, outcome).finding == finding


def test_arguments_of_a_campaign_are_left_out() -> None:
    """What begins one, asks a proposer or writes a table; the rest is what judges."""
    given = ["--autoloop", "5", "-k", "x", "--autoloop-proposer=a", "--autoloop-tag", "t"]
    given += ["--autoloop-json", "--autoloop-min-gain", "0.1", "--", "--autoloop"]
    assert without_campaign(given) == ["-k", "x", "--autoloop-min-gain", "0.1", "--", "--autoloop"]
