"""Stacked, a change is merged three-way onto what has been kept: all of it, or nothing."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.model import Brief, Proposal, Target
from pytest_autoloop.proposers.replay import from_spec

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.proposers.replay import ReplayProposer

TARGET = Target("src/work.py", "Be fast.")
LINES = [b"line %d" % number for number in range(1, 31)]


def version(changes: dict[int, bytes] | None = None, end: bytes = b"\n") -> bytes:
    """Return thirty lines, some of them changed; the last one has no line end."""
    changes = changes or {}
    return end.join(changes.get(number, line) for number, line in enumerate(LINES, 1))


def queue(root: Path, source: bytes, **files: bytes) -> ReplayProposer:
    """Return a stacking proposer of these files, whose campaign began with `source`."""
    folder = root / "ideas"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_patch", ".patch")).write_bytes(content)
    proposer = from_spec("ideas", root, stack=True)
    proposer.check(TARGET, source)
    return proposer


def stacked(root: Path, first: bytes, content: bytes, source: bytes) -> Proposal:
    """Return what becomes of one version, made of `first`, on `source`."""
    proposal = queue(root, first, idea=content).propose(Brief(1, TARGET, source, ()))
    assert proposal is not None
    return proposal


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_merge_keeps_every_byte(tmp_path: Path, end: bytes) -> None:
    """Line ends stay as they are, and so does a missing last one."""
    first = version(end=end)
    content = version({2: b"\xff\tb\xe9st  "}, end)
    proposal = stacked(tmp_path, first, content, version({20: b"kept"}, end))
    assert proposal.edits[0].content == version({2: b"\xff\tb\xe9st  ", 20: b"kept"}, end)


def test_nothing_is_merged_where_nothing_was_kept(tmp_path: Path) -> None:
    """On the first version a candidate is what it is, binary or not."""
    first, content = b"\x00old", b"\x00new\r\n"
    assert stacked(tmp_path, first, content, first).edits[0].content == content


@pytest.mark.parametrize("content", [version({2: b"two"}), version()])
def test_what_is_contained_changes_nothing(tmp_path: Path, content: bytes) -> None:
    """A change that was kept already, or that is none, leaves the incumbent as it is."""
    source = version({2: b"two", 20: b"kept"})
    assert stacked(tmp_path, version(), content, source).edits[0].content == source


@pytest.mark.parametrize(
    ("changes", "kept", "says"),
    [
        ({5: b"a"}, {5: b"b"}, "line 5 of"),
        ({5: b"a", 6: b"a", 20: b"a"}, {5: b"b", 6: b"b", 20: b"b"}, "lines 5-6, line 20 of"),
        # A clean change above moves the lines of the merge, not those of the incumbent.
        ({2: b"a\na\na", 20: b"a"}, {20: b"b"}, "line 20 of"),
        ({20: b"a"}, {2: b"b\nb\nb", 20: b"b"}, "line 22 of"),
        (
            dict.fromkeys(range(1, 31, 5), b"a"),
            dict.fromkeys(range(1, 31, 5), b"b"),
            "line 1, line 6, line 11, line 16, line 21, and 1 more of",
        ),
    ],
)
def test_a_conflict_is_a_row_that_names_the_lines(
    tmp_path: Path, changes: dict[int, bytes], kept: dict[int, bytes], says: str
) -> None:
    """The lines are those of the incumbent, and nothing is applied in part."""
    proposal = stacked(tmp_path, version(), version(changes), version(kept))
    assert proposal.edits == ()
    assert f"conflicts with what was kept since: {says} src/work.py; " in proposal.invalid
    assert "bring idea up to date" in proposal.invalid


def test_binary_contents_are_not_merged(tmp_path: Path) -> None:
    """Git's own words are the reason of the row."""
    proposal = stacked(tmp_path, b"\x00a\n", b"\x00b\n", b"\x00c\n")
    assert "Cannot merge binary files" in proposal.invalid
    assert proposal.edits == ()


def test_the_users_style_of_conflicts_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other markers in the output would be counted as lines."""
    (tmp_path / ".gitconfig").write_text("[merge]\nconflictStyle = diff3\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    kept = version({5: b"b", 20: b"b"})
    proposal = stacked(tmp_path, version(), version({5: b"a", 20: b"a"}), kept)
    assert "line 5, line 20 of src/work.py" in proposal.invalid


def test_a_series_of_patches_builds_on_itself(tmp_path: Path) -> None:
    """A patch that fits only what an earlier one made is applied to that."""
    head = b"--- a/src/work.py\n+++ b/src/work.py\n@@ -4,3 +4,3 @@\n line 4\n"
    first = head + b"-line 5\n+five\n line 6\n"
    second = head + b"-five\n+5\n line 6\n"
    proposer = queue(tmp_path, version(), **{"1_patch": first, "2_patch": second})
    one = proposer.propose(Brief(1, TARGET, version(), ()))
    assert one is not None
    two = proposer.propose(Brief(2, TARGET, one.edits[0].content, ()))
    assert two is not None
    assert two.edits[0].content == version({5: b"5"})

    # What it builds on was not kept.
    proposer = queue(tmp_path, version(), **{"1_patch": second})
    one = proposer.propose(Brief(1, TARGET, version(), ()))
    assert one is not None
    assert "patch does not apply" in one.invalid


def test_a_patch_is_merged_around_what_was_kept(tmp_path: Path) -> None:
    """Its context is that of the first version, so a change nearby is no obstacle."""
    diff = (
        b"--- a/src/work.py\n+++ b/src/work.py\n@@ -2,5 +2,5 @@\n line 2\n line 3\n"
        b"-line 4\n+four\n line 5\n line 6\n"
    )
    proposer = queue(tmp_path, version(), **{"1_patch": diff})
    proposal = proposer.propose(Brief(1, TARGET, version({2: b"b", 6: b"b"}), ()))
    assert proposal is not None
    assert proposal.edits[0].content == version({2: b"b", 4: b"four", 6: b"b"})


def test_a_candidate_is_not_lost_with_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not the candidate's fault is an error, and it is proposed again."""
    proposer = queue(tmp_path, version(), idea=version({2: b"a"}))
    brief = Brief(1, TARGET, version({20: b"b"}), ())
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        with pytest.raises(ProposerError, match=r"cannot work on idea .*: No such file .*TMPDIR"):
            proposer.propose(brief)
    assert proposer.propose(brief) is not None
    assert proposer.propose(brief) is None
