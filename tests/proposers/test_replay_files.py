"""A folder is replayed file by file: whole versions of the target, and patches."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.model import Brief, Edit, Proposal, Target
from pytest_autoloop.proposers.replay import ReplayProposer, from_spec
from pytest_autoloop.proposers.replay.files import read

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = Target("src/work.py", "Be fast.")
SOURCE = b"def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"
HUNK = b"@@ -4,3 +4,3 @@\n \n def two():\n-    return 2\n+    return 22\n"
DIFF = b"--- a/src/work.py\n+++ b/src/work.py\n" + HUNK
TWENTY_TWO = SOURCE.replace(b"return 2\n", b"return 22\n")


def queue(root: Path, files: Mapping[str, bytes], **options: object) -> ReplayProposer:
    """Make a folder of these files; return the proposer that has read it."""
    folder = root / "ideas"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    proposer = from_spec("ideas", root, **options)  # type: ignore[arg-type]
    proposer.check(TARGET, SOURCE)
    return proposer


def brief(source: bytes = SOURCE, remark: str = "") -> Brief:
    """Ask for the next candidate."""
    return Brief(1, TARGET, source, (), remark=remark)


def drained(proposer: ReplayProposer, source: bytes = SOURCE) -> list[Proposal]:
    """Return all that is left in the queue."""
    return list(iter(lambda: proposer.propose(brief(source)), None))


def only(root: Path, diff: bytes, **options: object) -> Proposal:
    """Return what becomes of one patch."""
    (proposal,) = drained(queue(root, {"1.patch": diff}, **options))
    return proposal


# Folders ------------------------------------------------------------------------------------


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Hidden files and folders are no candidates, a README.md is one like any other."""
    files = {"10-b.py": b"b", "02_a_dict.py": b"a\r\n", ".hidden": b"h", "README.md": b"r"}
    (tmp_path / "ideas" / "folder").mkdir(parents=True)

    proposals = drained(queue(tmp_path, files))

    assert [proposal.description for proposal in proposals] == ["a dict", "b", "README"]
    contents = [proposal.edits for proposal in proposals]
    assert contents == [(Edit("src/work.py", text),) for text in (b"a\r\n", b"b", b"r")]
    assert {proposal.proposer for proposal in proposals} == {"replay"}


def test_one_file_is_a_queue_of_one(tmp_path: Path) -> None:
    """A path of a file needs no folder around it."""
    (tmp_path / "idea.py").write_bytes(b"idea\n")
    proposer = from_spec(str(tmp_path / "idea.py"), tmp_path / "elsewhere")
    proposer.check(TARGET, SOURCE)
    assert [proposal.edits[0].content for proposal in drained(proposer)] == [b"idea\n"]


def test_the_queue_is_complete_before_the_campaign(tmp_path: Path) -> None:
    """What becomes of the folder afterwards changes nothing."""
    proposer = queue(tmp_path, {"1.py": b"first\n"})
    (tmp_path / "ideas" / "1.py").write_bytes(b"other\n")
    (tmp_path / "ideas" / "2.py").write_bytes(b"late\n")
    assert [proposal.edits[0].content for proposal in drained(proposer)] == [b"first\n"]


def test_shuffled_is_a_permutation_that_repeats(tmp_path: Path) -> None:
    """A seed names an order; without one it is 0."""
    files = {f"{number:02}.py": b"%d" % number for number in range(12)}

    def order(name: str) -> list[bytes]:
        proposals = drained(queue(tmp_path, files, order=name))
        return [proposal.edits[0].content for proposal in proposals]

    listed = order("listed")
    assert order("shuffled:7") == order("shuffled:7") != listed
    assert order("shuffled") == order("shuffled:0") != order("shuffled:7")
    assert sorted(order("shuffled:7")) == sorted(listed)


def test_a_queue_has_no_better_answer(tmp_path: Path) -> None:
    """Asked again it gives none, and the next candidate keeps its own turn."""
    proposer = queue(tmp_path, {"1.py": b"1", "2.py": b"2"})
    first = proposer.propose(brief())
    assert first is not None
    assert proposer.propose(brief(remark="a duplicate")) is None
    assert len(drained(proposer)) == 1


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("", "names no queue: write replay:FOLDER"),
        ("  ", "names no queue: write replay:FOLDER"),
        ("missing", "missing does not exist; name a folder that holds one file"),
        ("empty", "empty holds no files; put one file into it"),
    ],
)
def test_a_spec_without_candidates_is_refused(tmp_path: Path, argument: str, says: str) -> None:
    """What needs no target is told before there is one."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=says):
        from_spec(argument, tmp_path)


def test_a_folder_that_was_emptied_is_refused(tmp_path: Path) -> None:
    """Between the start and the collection of tests a folder can change."""
    proposer = queue(tmp_path, {"1.py": b"1"})
    (tmp_path / "ideas" / "1.py").unlink()
    with pytest.raises(UsageError, match="holds no files"):
        proposer.check(TARGET, SOURCE)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Nothing is spent before the whole queue has been read."""
    proposer = from_spec("/proc/self/mem", tmp_path)
    with pytest.raises(UsageError, match=r"cannot read the candidate /proc/self/mem: Input/output"):
        proposer.check(TARGET, SOURCE)


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """What lies elsewhere may be a secret; a link to another file of the folder is none."""
    (tmp_path / "ideas").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "ideas" / "2.py").symlink_to("1.py")
    assert len(drained(queue(tmp_path, {"1.py": b"1"}))) == 2
    for name, aim in {"3.py": "../secret", "4.patch": str(tmp_path), "5.py": "../none"}.items():
        link = tmp_path / "ideas" / name
        link.symlink_to(aim)
        with pytest.raises(UsageError, match=rf"ideas.{name} is a link that leads out") as raised:
            from_spec("ideas", tmp_path)
        assert "secret" not in str(raised.value).replace(str(tmp_path), "")
        link.unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names")
@pytest.mark.parametrize("name", ["2.py", "2.patch"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, name: str) -> None:
    """Also one that comes after the start; nobody waits for a pipe."""
    proposer = queue(tmp_path, {"1.py": b"1"})
    os.mkfifo(tmp_path / "ideas" / name)
    with pytest.raises(UsageError, match=rf"ideas.{name} is no regular file; take it out"):
        from_spec("ideas", tmp_path)
    with pytest.raises(UsageError, match=rf"ideas.{name} is no regular file"):
        proposer.check(TARGET, SOURCE)


@pytest.mark.parametrize("name", ["2.py", "2.diff"])
def test_a_file_that_is_too_large_is_refused(tmp_path: Path, name: str) -> None:
    """Named with its size, and never read."""
    (tmp_path / "ideas").mkdir()
    with (tmp_path / "ideas" / name).open("wb") as stream:
        stream.truncate(16 * 2**20 + 1)
    says = rf"ideas.{name} has 16,777,217 bytes, more than the 16 MB"
    for argument in ("ideas", f"ideas/{name}"):
        with pytest.raises(UsageError, match=says):
            from_spec(argument, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names")
def test_what_a_file_turns_into_is_looked_at_again(tmp_path: Path) -> None:
    """Between the look and the opening somebody may put a pipe in its place."""
    os.mkfifo(tmp_path / "1.py")
    with pytest.raises(UsageError, match="no regular file"):
        read(tmp_path / "1.py")


# Patches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "diff",
    [
        pytest.param(DIFF, id="plain"),
        pytest.param(b"diff --git a/src/work.py b/src/work.py\n" + DIFF, id="git"),
        pytest.param(b"--- src/work.py\n+++ src/work.py\n" + HUNK, id="no prefix"),
        pytest.param(b"--- src/work.py.orig\n+++ src/work.py\n" + HUNK, id="original beside it"),
        pytest.param(DIFF.replace(b"-4,3 +4,3", b"-1,3 +1,3"), id="wrong line"),
        pytest.param(DIFF.replace(b"-4,3 +4,3", b"-4,9 +4,7"), id="wrong counts"),
        pytest.param(DIFF.replace(b"\n \n def", b"\n\n def"), id="blank context"),
        pytest.param(DIFF.replace(b"def two():", b"def  two():"), id="spaces in context"),
        pytest.param(
            b"From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] Twenty-two\n\n---\n"
            b" src/work.py | 2 +-\n\ndiff --git a/src/work.py b/src/work.py\n"
            + DIFF
            + b"-- \n2.39\n",
            id="mailed",
        ),
    ],
)
def test_a_patch_is_applied_to_the_first_version(tmp_path: Path, diff: bytes) -> None:
    """Also one whose numbers, spaces or prefixes a model or a mail has damaged."""
    proposal = only(tmp_path, diff)
    assert (proposal.invalid, proposal.edits) == ("", (Edit("src/work.py", TWENTY_TWO),))


@pytest.mark.parametrize("name", ["1.patch", "1.diff", "1.PATCH"])
def test_a_patch_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    """Both endings count, in either case."""
    (proposal,) = drained(queue(tmp_path, {name: DIFF}))
    assert proposal.edits[0].content == TWENTY_TWO


@pytest.mark.parametrize(
    ("diff", "says"),
    [
        (DIFF.replace(b"-    return 2\n", b"-    return 5\n"), "src/work.py: patch does not apply"),
        (b"", "1.patch is no patch that git can read"),
        (b"Try a dict.\n", "1.patch is no patch that git can read"),
        (
            b"diff --git a/src/work.py b/src/work.py\ndeleted file mode 100644\n"
            b"--- a/src/work.py\n+++ /dev/null\n@@ -1,10 +0,0 @@\n"
            + b"".join(b"-" + line for line in SOURCE.splitlines(keepends=True)),
            "the patch leaves no regular file src/work.py",
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_a_row(tmp_path: Path, diff: bytes, says: str) -> None:
    """A candidate's fault is told in git's words and nothing of it is applied."""
    proposal = only(tmp_path, diff)
    assert says in proposal.invalid
    assert proposal.edits == ()


def test_a_patch_cannot_lead_elsewhere_by_a_link(tmp_path: Path) -> None:
    """A target turned into a link is not followed."""
    delete = b"".join(b"-" + line for line in SOURCE.splitlines(keepends=True))
    head = b"diff --git a/src/work.py b/src/work.py\n"
    diff = (
        head + b"deleted file mode 100644\n--- a/src/work.py\n+++ /dev/null\n@@ -1,10 +0,0 @@\n"
        + delete + head + b"new file mode 120000\n--- /dev/null\n+++ b/src/work.py\n"
        b"@@ -0,0 +1 @@\n+/etc/hosts\n\\ No newline at end of file\n"
    )  # fmt: skip
    proposal = only(tmp_path, diff)
    assert "no regular file" in proposal.invalid


def test_a_patch_of_other_files_names_them(tmp_path: Path) -> None:
    """The edits carry their paths, so that the row says which files may not change."""
    other = DIFF.replace(b"src/work.py", b"tests/test_work.py")
    for diff in (other, DIFF + other):
        proposal = only(tmp_path, diff)
        assert Edit("tests/test_work.py", b"") in proposal.edits
        assert proposal.invalid == ""


@pytest.mark.parametrize(
    "setting", ["[core]\nautocrlf = input\n", "[apply]\nwhitespace = fix\n", ""]
)
def test_the_bytes_of_a_target_survive_a_patch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """Mixed line ends and a missing last one stay, whatever the user has configured."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    (tmp_path / ".gitconfig").write_text(f"{setting}[core]\nattributesFile = ~/attributes\n")
    (tmp_path / "attributes").write_text("" if setting else "* text eol=lf\n")
    source = b"one\r\ntwo  \nthree\nfour\r\nfive"
    diff = b"--- a/w\n+++ b/w\n@@ -2,2 +2,2 @@\n-two  \n+2  \n three\n"
    (tmp_path / "1.patch").write_bytes(diff)
    proposer = from_spec("1.patch", tmp_path)
    target = Target("w", "")
    proposer.check(target, source)

    proposal = proposer.propose(Brief(1, target, source, ()))

    assert proposal is not None
    assert proposal.edits[0].content == b"one\r\n2  \nthree\nfour\r\nfive"


def test_what_fits_exactly_is_never_read_leniently(tmp_path: Path) -> None:
    """The same lines in another indentation, nearer to where the patch points, are not taken."""
    block = b"%(in)sif x:\n%(in)s    y()\n%(in)sz()\n\n\n"
    source = b"def f():\n" + block % {b"in": b"        "} + b"def g():\n" + block % {b"in": b"    "}
    diff = b"--- a/w\n+++ b/w\n@@ -2,3 +2,3 @@\n     if x:\n-        y()\n+        w()\n     z()\n"
    (tmp_path / "1.patch").write_bytes(diff)
    proposer = from_spec("1.patch", tmp_path)
    target = Target("w", "")
    proposer.check(target, source)

    proposal = proposer.propose(Brief(1, target, source, ()))

    assert proposal is not None
    assert proposal.edits[0].content == source.replace(b"\n        y()", b"\n        w()")


def test_a_repository_around_the_temporary_directory_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside one, git would leave out what a patch changes above the present directory."""
    from tests.projects import git

    git(tmp_path, "init", "--quiet")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert only(tmp_path, DIFF).edits[0].content == TWENTY_TWO
    assert list((tmp_path / "temporary").iterdir()) == []
