"""A seal names whatever differs, by looking at the files alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.history.gitparts import GitRefs, GitSettings
from pytest_autoloop.history.integrity import Difference, Seal
from pytest_autoloop.history.looks import Digests, Tree
from pytest_autoloop.history.repository import Repository
from tests.history.conftest import TARGET, Checkout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.history.looks import Entry

_HOUR_NS = 3_600_000_000_000

needs_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files or modes")
needs_change_time = pytest.mark.skipif(os.name == "nt", reason="Windows has no change time")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a small tree with a file, a directory, a script and a link."""
    place = tmp_path / "place"
    (place / "tests" / "deep").mkdir(parents=True)
    (place / "tests" / "test_a.py").write_text("def test_a(): assert f() == 1\n")
    (place / "tests" / "deep" / "data.csv").write_text("1,2\n")
    (place / "run.sh").write_text("#!/bin/sh\n")
    (place / "target.py").write_text("def f(): return 1\n")
    (place / ".hidden").write_text("x")
    (place / "link").symlink_to("run.sh")
    return place


def test_an_untouched_tree_is_whole(place: Path):
    """Nothing differs, however often it is asked, hashed anew or not."""
    seal = Seal.of(Tree(place))
    assert seal.broken() == []
    assert seal.broken(thorough=True) == []
    assert seal.broken() == []


def remove_directory(place: Path) -> None:
    """Remove a directory with what is in it."""
    (place / "tests" / "deep" / "data.csv").unlink()
    (place / "tests" / "deep").rmdir()


def swap_file_for_link(place: Path) -> None:
    """Put a link to the same content in place of a file."""
    (place / "run.sh").rename(place.parent / "moved")
    (place / "run.sh").symlink_to(place.parent / "moved")


def swap_directory_for_link(place: Path) -> None:
    """Move a directory away and link to it."""
    (place / "tests").rename(place.parent / "moved")
    (place / "tests").symlink_to(place.parent / "moved")


def new_directory(place: Path) -> None:
    """Make a package with files in it."""
    (place / "statistics").mkdir()
    (place / "statistics" / "__init__.py").touch()
    (place / "statistics" / "other.py").touch()


CHANGES: list[tuple[Callable[[Path], object], list[str]]] = [
    (lambda p: (p / "tests/test_a.py").write_text(""), ["tests/test_a.py: content changed"]),
    (lambda p: (p / ".hidden").write_text("y"), [".hidden: content changed"]),
    (lambda p: (p / "run.sh").unlink(), ["run.sh: file removed"]),
    (lambda p: (p / "new.log").touch(), ["new.log: new file"]),
    (remove_directory, ["tests/deep: directory removed"]),
    (new_directory, ["statistics: new directory"]),
    (lambda p: (p / "tests/__pycache__").mkdir(), ["tests/__pycache__: new directory"]),
    (lambda p: (p / "tests/a\nb\x1b[2K").touch(), ["tests/a\\nb\\x1b[2K: new file"]),
]


def lead_elsewhere(place: Path) -> None:
    """Let a link lead to another place."""
    (place / "link").unlink()
    (place / "link").symlink_to("/")


def swap_file_for_pipe(place: Path) -> None:
    """Put a pipe in place of a file."""
    (place / "run.sh").unlink()
    os.mkfifo(place / "run.sh")


UNIX_CHANGES: list[tuple[Callable[[Path], object], list[str]]] = [
    (lambda p: (p / "run.sh").chmod(0o777), ["run.sh: mode 644, now 777"]),
    (lambda p: (p / "tests").chmod(0o700), ["tests: mode 755, now 700"]),
    (lead_elsewhere, ["link: link leads elsewhere"]),
    (swap_file_for_link, ["run.sh: file, now a link"]),
    (
        swap_directory_for_link,
        [
            "tests: directory, now a link",
            "tests/deep: directory removed",
            "tests/test_a.py: file removed",
        ],
    ),
    (lambda p: os.mkfifo(p / "pipe"), ["pipe: new pipe"]),
    (swap_file_for_pipe, ["run.sh: file, now a pipe"]),
    (lambda p: (p / "loop").symlink_to("."), ["loop: new link"]),
]


@pytest.mark.parametrize(("change", "told"), CHANGES, ids=[told[0] for _, told in CHANGES])
def test_every_change_is_named(place: Path, change: Callable[[Path], object], told: list[str]):
    """Tracked or not, ignored, hidden or in a cache: git's opinion plays no part."""
    seal = Seal.of(Tree(place))
    change(place)
    assert seal.broken() == told
    assert seal.broken(thorough=True) == told


@needs_modes
@pytest.mark.parametrize(("change", "told"), UNIX_CHANGES, ids=[t[0] for _, t in UNIX_CHANGES])
def test_modes_links_and_types_are_named(
    place: Path, change: Callable[[Path], object], told: list[str]
):
    """The same content behind a link, or with another mode, is not the same file."""
    (place / "run.sh").chmod(0o644)
    (place / "tests").chmod(0o755)
    seal = Seal.of(Tree(place))
    change(place)
    assert seal.broken() == told


@needs_change_time
def test_a_change_that_restores_size_and_time_is_seen(place: Path):
    """A program can set a file's mtime back; the kernel's ctime tells of it."""
    file = place / "tests" / "test_a.py"
    seal = Seal.of(Tree(place), digests=Digests(tick_ns=0))
    before = after = file.stat()
    while after.st_ctime_ns == before.st_ctime_ns:  # until the clock of the file system moves on
        file.write_bytes(file.read_bytes()[:-2] + b"9\n")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = file.stat()
    same = ("st_ino", "st_size", "st_mtime_ns", "st_mode")
    assert [getattr(before, name) for name in same] == [getattr(after, name) for name in same]
    assert seal.broken() == ["tests/test_a.py: content changed"]


def test_changes_within_one_tick_are_seen(place: Path):
    """Files that were just written are hashed again: their times cannot be trusted yet."""
    file = place / "tests" / "test_a.py"
    for number in range(200):
        file.write_bytes(b"%03d" % number)
        seal = Seal.of(Tree(place))
        file.write_bytes(b"%03d" % (number + 1))
        assert seal.broken() == ["tests/test_a.py: content changed"]


def test_files_that_were_touched_but_are_the_same_are_whole(place: Path):
    """A checkout that git has restored has new inodes and times, and the same content."""
    seal = Seal.of(Tree(place))
    file = place / "tests" / "test_a.py"
    content, mode = file.read_bytes(), file.stat().st_mode
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode)
    os.utime(place / "run.sh", (1, 1))
    assert seal.broken() == []


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every file that is opened by its path."""
    paths: list[str] = []
    really = os.open

    def noting(path: str, flags: int) -> int:
        paths.append(path)
        return really(path, flags)

    monkeypatch.setattr(os, "open", noting)
    return paths


@needs_change_time
def test_old_files_are_not_read_again(place: Path, opened: list[str]):
    """What a second look costs is a look at the directory; a thorough one reads every file."""
    # Below zero even a file of this instant counts as old.
    digests = Digests(tick_ns=-60_000_000_000)
    seal = Seal.of(Tree(place), digests=digests)
    opened.clear()
    assert seal.broken() == []
    assert Seal.of(Tree(place), digests=digests).broken() == []
    assert opened == []
    assert seal.broken(thorough=True) == []
    assert len(opened) == 5


def test_files_of_this_instant_are_read_again(place: Path, opened: list[str]):
    """Where a file system counts in seconds, a second change may bear the time of the first."""
    seal = Seal.of(Tree(place), digests=Digests(tick_ns=60_000_000_000))
    opened.clear()
    assert seal.broken() == []
    assert len(opened) == 5


@needs_modes
def test_pipes_and_sockets_are_never_opened(place: Path):
    """Opening a pipe without a writer would wait for ever; a program looks, then another type."""
    os.mkfifo(place / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(place / "socket"))
        program = (
            "import sys; from pathlib import Path\n"
            "from pytest_autoloop.history.integrity import Seal\n"
            "from pytest_autoloop.history.looks import Tree\n"
            "seal = Seal.of(Tree(Path(sys.argv[1]))); print(seal.broken(thorough=True))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, place], capture_output=True, timeout=60, check=True
        )
    assert done.stdout.strip() == b"[]"


@needs_modes
def test_links_are_not_followed(place: Path, tmp_path: Path):
    """What a link leads to is not part of the tree, not even to look at."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("1")
    (place / "way_out").symlink_to(outside)
    (place / "itself").symlink_to("itself")
    seal = Seal.of(Tree(place))
    (outside / "secret").write_text("2")
    assert seal.broken() == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
)
def test_a_file_that_cannot_be_read_is_told_by_its_times(place: Path):
    """An unreadable file is whole while nobody touches it."""
    (place / "run.sh").chmod(0)
    seal = Seal.of(Tree(place))
    assert seal.broken() == []
    os.utime(place / "run.sh", (1, 1))
    assert seal.broken() == ["run.sh: content changed"]


def test_a_free_file_may_change_but_stays_a_file(place: Path):
    """The target's content is the candidate; nothing else of it may differ."""
    seal = Seal.of(Tree(place), free=["target.py"])
    (place / "target.py").write_text("def f(): return 2\n")
    assert seal.broken() == []
    (place / "target.py").unlink()
    assert seal.broken() == ["target.py: file removed"]
    (place / "target.py").mkdir()
    assert seal.broken() == ["target.py: file, now a directory"]


def test_what_is_left_out_is_not_looked_at(place: Path):
    """Left out are a name and all below it, and no other name that begins alike."""
    (place / "tests" / "deeper").mkdir()
    seal = Seal.of(Tree(place, leaving=frozenset({"tests/deep"})))
    (place / "tests" / "deep" / "data.csv").write_text("")
    (place / "tests" / "deeper" / "data.csv").write_text("")
    assert seal.broken() == ["tests/deeper/data.csv: new file"]


def test_what_the_harness_writes_is_tolerated(place: Path):
    """A database that tests keep is told once, then let be, with the rest still sealed."""
    seal = Seal.of(Tree(place))
    (place / ".cache").mkdir()
    (place / ".cache" / "one").touch()
    seal.tolerate(difference.name for difference in seal.differences())
    (place / ".cache" / "two").touch()
    (place / ".cached").touch()
    assert seal.broken() == [".cached: new file"]


def test_renewed_names_are_taken_as_they_are(place: Path):
    """A change that the loop itself made is right from then on, and no other."""
    seal = Seal.of(Tree(place))
    (place / "tests" / "deep" / "data.csv").write_text("3\n")
    (place / "tests" / "deep" / "more.csv").write_text("4\n")
    (place / "run.sh").write_text("#")
    seal.renew("tests/deep")
    assert seal.broken() == ["run.sh: content changed"]
    (place / "tests" / "deep" / "more.csv").unlink()
    assert seal.broken() == ["run.sh: content changed", "tests/deep/more.csv: file removed"]


def test_a_flood_of_files_is_told_without_reading_them_all(place: Path):
    """A run may leave any number of files; the search ends, and what was changed is told."""
    seal = Seal.of(Tree(place))
    for directory in range(101):
        (place / "tests" / f"flood{directory}").mkdir()
        for number in range(100):
            (place / "tests" / f"flood{directory}" / str(number)).touch()
    told = seal.broken()
    assert all(line.endswith(("new directory", "content changed")) for line in told)
    assert len(told) <= 101


@pytest.mark.parametrize(
    ("name", "detail", "expected"),
    [
        ("tests/helper.py", "new file", True),
        ("tests/__pycache__/test_a.cpython-311.pyc", "new file", True),
        ("tests/__pycache__", "new directory", True),
        (".hypothesis", "new directory", False),
        ("sub/pytest.ini", "new file", True),
        ("x.txt", "new link", True),
        ("out/report.txt", "new file", False),
        (".coverage", "new file", False),
    ],
)
def test_files_that_act_by_being_there_are_told_apart(name: str, detail: str, expected: bool):
    """A new module can stand before another; a new text file cannot."""
    assert Difference(name, "added", detail).loadable is expected


# Git's own directory ------------------------------------------------------------------------


def git_seal(checkout: Checkout) -> Seal:
    """Seal all that can run a program or move a ref."""
    common = checkout.root / ".git"
    return Seal.of(GitSettings(common), GitRefs(common))


def test_git_is_left_out_of_a_checkout_but_not_its_file(checkout: Checkout, tmp_path: Path):
    """The directory has a seal of its own; the file of a linked worktree is part of the tree."""
    seal = Seal.of(Tree(checkout.root))
    (checkout.root / ".git" / "description").write_text("x")
    assert seal.broken() == []
    Repository.open(checkout.root).add_worktree(tmp_path / "linked", "HEAD")
    linked = Seal.of(Tree(tmp_path / "linked"))
    (tmp_path / "linked" / ".git").write_text("gitdir: /elsewhere\n")
    assert linked.broken() == [".git: content changed"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("config", "content changed"),
        ("config.worktree", "new file"),
        ("hooks/pre-commit", "new file"),
        ("info/attributes", "new file"),
        ("info/grafts", "new file"),
        ("objects/info/alternates", "new file"),
        ("refs/heads/other", "new file"),
        ("refs/heads/main", "content changed"),
        ("refs/replace", "new file"),
        ("refs/stash", "new file"),
        ("HEAD", "content changed"),
        ("packed-refs", "new file"),
        ("worktrees/x/commondir", "new file"),
        ("worktrees/x/HEAD", "new file"),
        ("modules", "new directory"),
    ],
)
def test_what_can_run_a_program_or_move_a_ref_is_sealed(checkout: Checkout, path: str, told: str):
    """Each way to make git run something, or see another history, is named."""
    for name in ("hooks", "info"):
        (checkout.root / ".git" / name).mkdir(exist_ok=True)
    seal = git_seal(checkout)
    assert seal.broken() == []
    file = checkout.root / ".git" / path
    if path == "modules":
        (file / "sub" / "hooks").mkdir(parents=True)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1234\n")
    assert f".git/{path}: {told}" in seal.broken()


@needs_modes
def test_a_hook_that_becomes_executable_is_named(checkout: Checkout):
    """Git's own examples of hooks are harmless until their mode changes."""
    hook = checkout.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o644)
    seal = git_seal(checkout)
    hook.chmod(0o755)
    assert seal.broken() == [".git/hooks/pre-commit: mode 644, now 755"]


@needs_modes
def test_a_directory_of_hooks_that_becomes_a_link_is_named(checkout: Checkout, tmp_path: Path):
    """Hooks elsewhere are hooks, and are not taken for the sealed ones."""
    hooks = checkout.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    seal = git_seal(checkout)
    hooks.rename(tmp_path / "hooks")
    hooks.symlink_to(tmp_path / "hooks")
    assert ".git/hooks: directory, now a link" in seal.broken()


def test_what_a_campaign_writes_breaks_no_seal(checkout: Checkout):
    """Commits, own refs and own branches come and go, loose or packed."""
    repository = Repository.open(checkout.root)
    seal = git_seal(checkout)
    start = repository.head()
    for number in range(3):
        commit = repository.commit_file(start, TARGET, b"%d\n" % number, "try")
        repository.set_ref(f"refs/autoloop/nov20/{number:03}", commit)
        repository.set_ref("refs/heads/autoexp/nov20", commit)
    assert seal.broken() == []


def test_packed_refs_are_compared_without_our_own(checkout: Checkout):
    """Packing adds a campaign's refs to the file of the user's, and only the latter are sealed."""
    repository = Repository.open(checkout.root)
    repository.set_ref("refs/autoloop/nov20/001", "HEAD")
    checkout.git("tag", "-a", "-m", "x", "v1")
    checkout.git("pack-refs", "--all", "--no-prune")
    seal = git_seal(checkout)
    repository.set_ref("refs/autoloop/nov20/001", repository.commit_file("HEAD", TARGET, b"", "x"))
    checkout.git("pack-refs", "--all", "--no-prune")
    assert seal.broken() == []
    packed = checkout.root / ".git" / "packed-refs"
    packed.write_bytes(packed.read_bytes().replace(b"refs/tags/v1", b"refs/tags/v2"))
    assert seal.broken() == [".git/packed-refs: content changed"]


def test_the_head_of_an_own_worktree_may_move(checkout: Checkout, tmp_path: Path):
    """The campaign checks commits out in its worktrees; where they belong stays sealed."""
    repository = Repository.open(checkout.root)
    repository.add_worktree(tmp_path / "ours", "HEAD")
    common = checkout.root / ".git"
    strict, ours = GitRefs(common), GitRefs(common, own_worktrees=frozenset({"ours"}))
    seals = Seal.of(strict), Seal.of(ours, GitSettings(common))
    head = common / "worktrees" / "ours" / "HEAD"
    head.write_text("0" * 40 + "\n")
    assert [seal.broken() for seal in seals] == [
        [".git/worktrees/ours/HEAD: content changed"],
        [],
    ]
    (head.parent / "commondir").write_text("/elsewhere\n")
    assert seals[1].broken() == [".git/worktrees/ours/commondir: content changed"]


def test_many_old_files_are_compared_by_their_looks(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three hundred that were found whole are looked at, and nothing more; each change shows."""
    for number in range(300):
        (place / f"many{number % 3}").mkdir(exist_ok=True)
        (place / f"many{number % 3}" / f"file{number}").write_text("x")
    seal = Seal.of(Tree(place), digests=Digests(tick_ns=-_HOUR_NS))
    assert seal.differences() == []
    compared: list[str] = []
    state = Seal._state

    def noting(self: Seal, entry: Entry, *, thorough: bool = False) -> object:
        compared.append(entry.name)
        return state(self, entry, thorough=thorough)

    monkeypatch.setattr(Seal, "_state", noting)
    assert seal.differences() == []
    assert compared == []
    changed = place / "many1" / "file1"
    looked = changed.stat()
    changed.write_text("y")
    os.utime(changed, ns=(looked.st_atime_ns, looked.st_mtime_ns))
    (place / "many2" / "file2").rename(place / "many2" / "other")
    assert seal.broken() == [
        "many1/file1: content changed",
        "many2/file2: file removed",
        "many2/other: new file",
    ]
    changed.write_text("x")
    (place / "many2" / "other").rename(place / "many2" / "file2")
    assert seal.broken() == []
    compared.clear()
    assert seal.broken() == []
    assert compared == []


def test_looks_are_not_trusted_within_one_tick(place: Path) -> None:
    """Files that changed a moment ago are compared again each time, however they look."""
    seal = Seal.of(Tree(place), digests=Digests(tick_ns=_HOUR_NS))
    assert seal.differences() == []
    assert seal._alike == {}
