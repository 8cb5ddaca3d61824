"""Candidates run in checkouts of their own, which are as new after every reset."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import RepositoryError, UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from tests.history.conftest import SOURCE, TARGET, Checkout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def repository(checkout: Checkout) -> Repository:
    """Open the repository of the checkout."""
    return Repository.open(checkout.root)


@pytest.fixture
def pool(repository: Repository, temporary_place: Path) -> Iterator[WorktreePool]:
    """Make a pool with two checkouts of HEAD."""
    with WorktreePool(repository, targets=(TARGET,)) as pool:
        pool.add("incumbent", "HEAD")
        pool.add("candidate", repository.head())
        yield pool


def content(root: Path) -> dict[str, bytes | str]:
    """Return every file and link below a checkout, without .git."""
    found: dict[str, bytes | str] = {}
    for file in sorted(root.rglob("*")):
        name = file.relative_to(root).as_posix()
        if file.is_symlink():
            found[name] = str(file.readlink())
        elif file.is_file() and name != ".git":
            found[name] = file.read_bytes()
        elif file.is_dir():
            found[name] = "directory"
    return found


def git(place: Path, *arguments: str) -> str:
    """Run git as a candidate's test would."""
    done = subprocess.run(
        ["git", *arguments], cwd=place, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


# Making and closing -------------------------------------------------------------------------


def test_pool_is_private_and_leaves_nothing(
    checkout: Checkout, repository: Repository, temporary_place: Path
):
    """The checkouts lie in a directory only the user may enter, and closing removes all of it."""
    before = checkout.state()
    with WorktreePool(repository) as pool:
        path = pool.add("incumbent", "HEAD")
        assert path == pool.path("incumbent")
        assert path.parent == pool.directory
        assert pool.directory.parent == temporary_place.resolve()
        assert pool.directory.name.startswith(f"pytest-autoloop-{os.getpid()}-")
        assert pool.directory.stat().st_mode & 0o777 == 0o700
        assert (path / TARGET).read_bytes() == SOURCE
        assert git(path, "branch", "--show-current") == ""
    assert list(temporary_place.iterdir()) == []
    assert repository.worktrees() == [repository.root]
    assert checkout.state() == before
    pool.close()


def test_pool_closes_when_a_session_fails(repository: Repository, temporary_place: Path):
    """An error in the loop does not leave checkouts behind."""

    def session() -> None:
        with WorktreePool(repository) as pool:
            pool.add("candidate", "HEAD")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session()
    assert list(temporary_place.iterdir()) == []
    assert repository.worktrees() == [repository.root]


def test_forked_child_does_not_close(pool: WorktreePool):
    """A child that inherited the pool leaves its parent's checkouts alone when it ends."""
    pool._owner = os.getppid()
    pool.close()
    assert (pool.path("candidate") / TARGET).exists()
    pool._owner = os.getpid()


def test_temporary_directory_inside_the_repository_is_refused(
    checkout: Checkout, repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """With TMPDIR inside the project nothing is written there; the user is asked to move it."""
    place = checkout.root / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with pytest.raises(UsageError, match="Set TMPDIR"):
        WorktreePool(repository)
    assert list(place.iterdir()) == []


def test_dead_owners_leftovers_are_removed_and_live_ones_kept(
    repository: Repository, temporary_place: Path, tmp_path: Path
):
    """A session that was killed is cleaned up after; one that runs, and the user's own, are not."""
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    place = temporary_place.resolve()
    killed = place / f"pytest-autoloop-{dead}-aaaa" / "candidate"
    running = place / f"pytest-autoloop-{os.getppid()}-bbbb" / "candidate"
    users = tmp_path.resolve() / f"pytest-autoloop-{dead}-cccc" / "feature"
    vanished = place / "another" / "gone"
    for tree in (killed, running, users, vanished):
        tree.parent.mkdir(parents=True)
        repository.add_worktree(tree, "HEAD")
    shutil.rmtree(vanished)
    with WorktreePool(repository):
        assert not killed.parent.exists()
        assert set(repository.worktrees()) == {repository.root, running, users, vanished}
        assert (running / TARGET).exists()
        assert (users / TARGET).exists()


def test_killed_session_is_cleaned_up_by_the_next(
    checkout: Checkout, repository: Repository, temporary_place: Path
):
    """After SIGKILL the same command starts, and nothing of the first is left."""
    program = (
        "import os, signal, sys, tempfile; from pathlib import Path\n"
        "from pytest_autoloop.history.repository import Repository\n"
        "from pytest_autoloop.history.worktrees import WorktreePool\n"
        "tempfile.tempdir = sys.argv[2]\n"
        "pool = WorktreePool(Repository.open(Path(sys.argv[1])))\n"
        "pool.add('candidate', 'HEAD')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    arguments = [sys.executable, "-c", program, str(checkout.root), str(temporary_place)]
    subprocess.run(arguments, check=False, capture_output=True)
    assert len(repository.worktrees()) == 2
    with WorktreePool(repository) as pool:
        assert repository.worktrees() == [repository.root]
        assert list(temporary_place.iterdir()) == [temporary_place / pool.directory.name]


# Writing ------------------------------------------------------------------------------------


def test_written_bytes_are_exact_and_only_in_one_checkout(pool: WorktreePool):
    """The candidate's bytes, line endings and all, are where it runs and nowhere else."""
    pool.write("candidate", TARGET, b"\xef\xbb\xbfa\r\n\0")
    assert (pool.path("candidate") / TARGET).read_bytes() == b"\xef\xbb\xbfa\r\n\0"
    assert (pool.path("incumbent") / TARGET).read_bytes() == SOURCE


def test_every_write_has_a_time_stamp_of_its_own(pool: WorktreePool):
    """Bytecode of an earlier candidate of the same size is never taken for this one's."""
    target = pool.path("candidate") / TARGET
    seen = {int(target.stat().st_mtime)}
    for number in range(5):
        pool.write("candidate", TARGET, f"x = {number}\n".encode())
        seen.add(int(target.stat().st_mtime))
        target.write_text("cheat")
        pool.reset("candidate")
        seen.add(int(target.stat().st_mtime))
    assert len(seen) == 11


def test_python_runs_what_was_written(pool: WorktreePool):
    """An import after each of several writes in one instant gives the present code."""
    place = pool.path("candidate") / "src"
    results = []
    for number in range(3):
        pool.write("candidate", TARGET, f"value = {number}\n".encode())
        done = subprocess.run(
            [sys.executable, "-c", "import target; print(target.value)"],
            cwd=place,
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(done.stdout.strip())
    assert results == ["0", "1", "2"]


def test_write_keeps_the_mode(checkout: Checkout, repository: Repository, temporary_place: Path):
    """An executable target stays executable."""
    checkout.put("run.sh", "x").chmod(0o755)
    checkout.commit()
    with WorktreePool(repository) as pool:
        path = pool.add("candidate", "HEAD")
        pool.write("candidate", "run.sh", b"y")
        assert (path / "run.sh").stat().st_mode & 0o111


def test_write_replaces_a_link_and_a_hard_link(pool: WorktreePool, tmp_path: Path):
    """A candidate that turned its file into a link cannot make the loop write elsewhere."""
    outside = tmp_path / "outside"
    target = pool.path("candidate") / TARGET
    for link in (os.symlink, os.link):
        outside.write_text("precious")
        target.unlink()
        link(outside, target)
        pool.write("candidate", TARGET, b"new")
        assert target.read_bytes() == b"new"
        assert not target.is_symlink()
        assert outside.read_text() == "precious"


def test_write_refuses_a_linked_directory(pool: WorktreePool, tmp_path: Path):
    """A directory that became a link is not written through, and the message names it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    directory = (pool.path("candidate") / TARGET).parent
    shutil.rmtree(directory)
    directory.symlink_to(outside)
    with pytest.raises(RepositoryError, match="not a directory but a link"):
        pool.write("candidate", TARGET, b"new")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/tmp/x", ".git", ".git/hooks/post-commit"])
def test_write_stays_inside(pool: WorktreePool, path: str):
    """No target's path leads out of its checkout or into git's files."""
    with pytest.raises(UsageError, match="relative to the root"):
        pool.write("candidate", path, b"x")


# Resetting ----------------------------------------------------------------------------------


def test_reset_restores_everything_else(pool: WorktreePool):
    """What a run edited, removed or left, ignored files too, is gone; the target's bytes stay."""
    place = pool.path("candidate")
    pool.write("candidate", TARGET, b"candidate\n")
    expected = {**content(pool.path("incumbent")), TARGET: b"candidate\n"}
    (place / "tests/test_target.py").write_text("def test_it(): pass\n")
    (place / ".gitignore").unlink()
    (place / "src/__pycache__").mkdir()
    (place / "src/__pycache__/target.pyc").write_bytes(b"x")
    (place / "conftest.py").write_text("x")
    (place / "out.log").write_text("x")
    (place / "empty/deeper").mkdir(parents=True)
    git(place, "init", "--quiet", "nested")
    (place / TARGET).write_text("cheat")
    pool.reset("candidate")
    assert content(place) == expected


def test_reset_to_another_commit(pool: WorktreePool, repository: Repository):
    """A new incumbent's commit replaces what was written for the old one."""
    made = repository.commit_file("HEAD", TARGET, b"better\n", "better")
    pool.write("incumbent", TARGET, b"written\n")
    pool.reset("incumbent", made)
    assert (pool.path("incumbent") / TARGET).read_bytes() == b"better\n"
    assert git(pool.path("incumbent"), "rev-parse", "HEAD") == made
    assert git(pool.path("incumbent"), "status", "--porcelain") == ""


def test_reset_never_moves_a_branch(checkout: Checkout, pool: WorktreePool):
    """A run that put one of the user's branches into HEAD cannot have it moved by the reset."""
    checkout.git("branch", "precious", checkout.commit("second"))
    precious = checkout.git("rev-parse", "precious")
    place = pool.path("candidate")
    git(place, "symbolic-ref", "HEAD", "refs/heads/precious")
    pool.reset("candidate")
    assert checkout.git("rev-parse", "precious") == precious
    assert git(place, "branch", "--show-current") == ""


def test_reset_does_not_believe_the_git_file(checkout: Checkout, pool: WorktreePool):
    """A checkout whose .git was pointed at the user's own repository cannot harm that."""
    checkout.put(TARGET, "the user edits meanwhile\n")
    before = checkout.state()
    place = pool.path("candidate")
    (place / ".git").write_text(f"gitdir: {checkout.root / '.git'}\n")
    pool.reset("candidate")
    assert checkout.state() == before
    assert "worktrees" in git(place, "rev-parse", "--git-dir")


def test_edit_after_a_look_is_seen(checkout: Checkout, pool: WorktreePool):
    """An edit of the same size and time, in the same second as the last look, does not pass."""
    checkout.git("config", "core.trustctime", "false")
    checkout.git("config", "core.checkStat", "minimal")
    file = pool.path("candidate") / "tests/test_target.py"
    original = file.read_bytes()
    os.utime(file, (1, 1))
    assert pool.altered("candidate") == []
    file.write_bytes(original.replace(b"True", b"None"))
    os.utime(file, (1, 1))
    assert pool.altered("candidate") == ["tests/test_target.py"]
    pool.reset("candidate")
    assert file.read_bytes() == original


def test_altered_needs_no_git_file(pool: WorktreePool):
    """A run that removed .git from its checkout is still found out."""
    place = pool.path("candidate")
    (place / ".git").unlink()
    (place / "tests/test_target.py").unlink()
    assert pool.altered("candidate") == [".git", "tests/test_target.py"]


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_hidden_edits_are_seen_and_undone(pool: WorktreePool, flag: str):
    """Telling git to overlook a file hides neither the edit nor keeps it."""
    place = pool.path("candidate")
    original = (place / "tests/test_target.py").read_bytes()
    git(place, "update-index", flag, "tests/test_target.py")
    found = (place / "tests/test_target.py").stat()
    (place / "tests/test_target.py").write_bytes(original.replace(b"True", b"None"))
    os.utime(place / "tests/test_target.py", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert pool.altered("candidate") == ["tests/test_target.py"]
    pool.reset("candidate")
    assert (place / "tests/test_target.py").read_bytes() == original
    assert pool.altered("candidate") == []


@pytest.mark.parametrize(
    "damage",
    ["index.lock", "gone", "file", "link", "bad HEAD", "no .git", ".git directory", "unwritable"],
)
def test_reset_survives_damage(checkout: Checkout, pool: WorktreePool, tmp_path: Path, damage: str):
    """A candidate that wrecked its checkout costs a new one, not the campaign."""
    place = pool.path("candidate")
    pool.write("candidate", TARGET, b"candidate\n")
    expected = content(place)
    git_dir = Path(git(place, "rev-parse", "--absolute-git-dir"))
    if damage == "index.lock":
        (git_dir / "index.lock").touch()
    elif damage == "bad HEAD":
        (git_dir / "HEAD").write_text("nonsense")
    elif damage == "unwritable":
        (place / "sealed/inner").mkdir(parents=True)
        (place / "sealed/inner/file").touch()
        (place / "sealed/inner").chmod(0o500)
        (place / "sealed").chmod(0)
    elif damage == "no .git":
        (place / ".git").unlink()
    elif damage == ".git directory":
        (place / ".git").unlink()
        git(place, "init", "--quiet")
    else:
        shutil.rmtree(place)
        if damage == "file":
            place.write_text("x")
        elif damage == "link":
            place.symlink_to(checkout.root)
    before = checkout.state()
    pool.reset("candidate")
    assert content(place) == expected
    assert git(place, "status", "--porcelain") == f"M {TARGET}"
    assert not (git_dir / "index.lock").exists()
    assert checkout.state() == before


def test_link_to_another_worktree_is_not_followed(
    checkout: Checkout, pool: WorktreePool, tmp_path: Path
):
    """A checkout that became a link to a worktree of the user's does not take that along."""
    feature = tmp_path / "feature"
    checkout.git("worktree", "add", "--quiet", "-b", "feature", str(feature))
    place = pool.path("candidate")
    shutil.rmtree(place)
    place.symlink_to(feature)
    pool.reset("candidate")
    assert (place / TARGET).read_bytes() == SOURCE
    assert not place.is_symlink()
    pool.close()
    assert (feature / TARGET).read_bytes() == SOURCE
    assert git(feature, "branch", "--show-current") == "feature"


def test_link_to_a_disguised_directory_is_not_followed(pool: WorktreePool, tmp_path: Path):
    """A directory that was made to look like the checkout is not emptied in its place."""
    place = pool.path("candidate")
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(place / ".git", outside)
    (outside / "precious").touch()
    shutil.rmtree(place)
    place.symlink_to(outside)
    pool.close()
    assert (outside / "precious").exists()


def test_altered_names_what_a_run_changed(checkout: Checkout, pool: WorktreePool):
    """Files that a run edited or removed are named, and new ones that act by being there."""
    place = pool.path("candidate")
    assert pool.altered("candidate") == []
    pool.write("candidate", TARGET, b"x")
    (place / "tests/test_target.py").write_text("pass")
    (place / ".gitignore").unlink()
    (place / "new").write_text("x")
    (place / "conftest.py").write_text("x")
    changed = [".gitignore", "conftest.py", "tests/test_target.py"]
    assert pool.altered("candidate") == changed
    (place / TARGET).write_bytes(b"y")
    assert pool.altered("candidate") == sorted([*changed, TARGET])
    assert pool.altered("incumbent") == []


def test_git_settings_that_change_meanwhile_end_everything(checkout: Checkout, pool: WorktreePool):
    """A planted hook or setting is named, and git is not run there any more."""
    pool.seal()
    assert pool.altered("candidate") == []
    checkout.git("config", "core.fsmonitor", "true")
    with pytest.raises(RepositoryError, match=r"\.git/config.* while a candidate ran"):
        pool.altered("candidate")


def test_no_hook_runs_in_the_pool(
    checkout: Checkout, repository: Repository, temporary_place: Path, tmp_path: Path
):
    """Hooks that a candidate plants are not run by making, resetting or removing checkouts."""
    witness = tmp_path / "witness"
    checkout.plant_hooks(witness)
    checkout.git("config", "core.fsmonitor", str(checkout.root / ".git/hooks/fsmonitor-watchman"))
    with WorktreePool(repository, targets=(TARGET,)) as pool:
        pool.add("candidate", "HEAD")
        pool.write("candidate", TARGET, b"x")
        (pool.path("candidate") / "tests/test_target.py").write_text("pass")
        assert pool.altered("candidate") == ["tests/test_target.py"]
        pool.reset("candidate")
    assert not witness.exists(), witness.read_text()


# Copying ------------------------------------------------------------------------------------


@pytest.fixture
def with_data(checkout: Checkout) -> Checkout:
    """Add to the checkout: ignored data, an ignored setting and an untracked file of odd name."""
    checkout.put("data/deep/a.csv", "1,2\n")
    checkout.put("data/b.csv", "3\n")
    checkout.put(".env", "KEY=1\n")
    checkout.put("odd \n*.txt", "odd")
    checkout.put("not-wanted.log", "x")
    return checkout


COPY = ("data", ".env", "odd*", "src/*.py")


def test_matching_files_are_copied_and_kept(
    with_data: Checkout, repository: Repository, temporary_place: Path
):
    """Data that git does not carry is in every checkout, before and after each reset."""
    with WorktreePool(repository, copy=COPY) as pool:
        for name in ("incumbent", "candidate"):
            place = pool.add(name, "HEAD")
            first = content(place)
            assert first["data/deep/a.csv"] == b"1,2\n"
            assert first[".env"] == b"KEY=1\n"
            assert first["odd \n*.txt"] == b"odd"
            assert first[TARGET] == SOURCE
            assert "not-wanted.log" not in first
            kept = (place / "data/b.csv").stat().st_ino
            (place / "data/left.csv").write_text("left by a run")
            pool.reset(name)
            assert content(place) == first
            assert (place / "data/b.csv").stat().st_ino == kept


@pytest.mark.parametrize("damage", ["edited", "removed", "link", "directory", "linked parent"])
def test_touched_copies_are_made_again(
    with_data: Checkout,
    repository: Repository,
    temporary_place: Path,
    tmp_path: Path,
    damage: str,
):
    """Labels that a candidate rewrote are the user's labels again for the next one."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with WorktreePool(repository, copy=COPY) as pool:
        place = pool.add("candidate", "HEAD")
        first = content(place)
        file = place / "data/b.csv"
        found = file.stat()
        if damage == "edited":
            file.write_text("9\n")
            os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
        elif damage == "linked parent":
            shutil.rmtree(place / "data")
            (place / "data").symlink_to(outside)
        else:
            file.unlink()
        if damage == "link":
            file.symlink_to(outside / "b.csv")
        elif damage == "directory":
            (file / "x").mkdir(parents=True)
        pool.reset("candidate")
        assert content(place) == first
    assert list(outside.iterdir()) == []
    assert (with_data.root / "data/b.csv").read_text() == "3\n"


def test_copies_outlive_a_change_of_commit(
    with_data: Checkout, repository: Repository, temporary_place: Path
):
    """With another commit, its files come and the copies stay."""
    made = repository.commit_file("HEAD", "extra.py", b"new", "adds a file")
    with WorktreePool(repository, copy=COPY) as pool:
        place = pool.add("candidate", "HEAD")
        pool.reset("candidate", made)
        assert (place / "extra.py").read_bytes() == b"new"
        assert (place / ".env").read_text() == "KEY=1\n"


def test_users_edit_does_not_change_a_running_campaign(
    with_data: Checkout, repository: Repository, temporary_place: Path
):
    """Both sides keep the data the campaign started with; a mix of two versions is refused."""
    with WorktreePool(repository, copy=["data"]) as pool:
        place = pool.add("candidate", "HEAD")
        with_data.put("data/b.csv", "4444\n")
        pool.reset("candidate")
        assert (place / "data/b.csv").read_text() == "3\n"
        (place / "data/b.csv").unlink()
        with pytest.raises(RepositoryError, match=r"b\.csv has changed since"):
            pool.reset("candidate")


def test_links_lead_to_the_same_place(
    with_data: Checkout, repository: Repository, temporary_place: Path, tmp_path: Path
):
    """A link to a big data set elsewhere is copied as a link that still finds it."""
    (tmp_path / "big").mkdir()
    (tmp_path / "big/set.bin").write_text("big")
    (with_data.root / "data/big").symlink_to("../../big")
    (with_data.root / "data/near").symlink_to("b.csv")
    with WorktreePool(repository, copy=["data/**"]) as pool:
        place = pool.add("candidate", "HEAD")
        assert (place / "data/big/set.bin").read_text() == "big"
        assert (place / "data/near").readlink() == Path("b.csv")
        pool.reset("candidate")
        assert (place / "data/big/set.bin").read_text() == "big"
    assert (tmp_path / "big/set.bin").read_text() == "big"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing/*.csv", "no file matches 'nothing"),
        ("../secret", "relative to the root"),
        ("/etc/passwd", "relative to the root"),
        ("", "relative to the root"),
    ],
)
def test_useless_patterns_are_refused(
    repository: Repository, temporary_place: Path, pattern: str, message: str
):
    """A pattern that cannot be right stops the session before it starts, and is named."""
    with pytest.raises(UsageError, match=message):
        WorktreePool(repository, copy=[pattern])
    assert list(temporary_place.iterdir()) == []


def test_patterns_are_relative_to_the_project(
    with_data: Checkout, repository: Repository, temporary_place: Path
):
    """In a repository of several projects, patterns speak of the one that is tested."""
    project = with_data.root / "data"
    with WorktreePool(repository, copy=["deep/*"], project=project) as pool:
        assert (pool.add("candidate", "HEAD") / "data/deep/a.csv").exists()


def test_patterns_outside_of_the_repository_are_refused(
    repository: Repository, temporary_place: Path, tmp_path: Path
):
    """A project directory above the repository is named instead of searched."""
    with pytest.raises(UsageError, match="outside of the repository"):
        WorktreePool(repository, copy=["*"], project=tmp_path)


def test_git_and_journal_are_never_copied(
    with_data: Checkout, repository: Repository, temporary_place: Path
):
    """A pattern for everything copies neither the repository nor the record of campaigns."""
    with_data.put(".pytest_autoloop/t/experiments.jsonl", "")
    with WorktreePool(repository, copy=["**/*"]) as pool:
        place = pool.add("candidate", "HEAD")
        assert (place / ".git").is_file()
        assert not (place / ".pytest_autoloop").exists()
        assert (place / "not-wanted.log").exists()


# Several threads at once --------------------------------------------------------------------


def test_threads_use_their_own_checkouts_at_once(
    checkout: Checkout, repository: Repository, pool: WorktreePool
) -> None:
    """Each sees what it wrote and what its run changed, whatever the others write and reset."""
    before = checkout.state()
    names = [f"candidate-{number}" for number in range(4)]
    pool.seal(refs=True)
    for name in names:
        pool.add(name, "HEAD")

    def use(name: str) -> list[list[str]]:
        found = []
        for number in range(3):
            content = f"{name} {number}".encode()
            pool.write(name, TARGET, content)
            clean = pool.altered(name)
            (pool.path(name) / "conftest.py").write_text(name)
            found += [clean, pool.altered(name)]
            pool.reset(name)
            found.append(pool.altered(name))
            assert (pool.path(name) / TARGET).read_bytes() == content
            commit = repository.commit_file("HEAD", TARGET, content, name)
            repository.set_ref(f"refs/autoloop/test/{name}", commit)
            assert repository.read(commit, TARGET) == content
        return found

    with ThreadPoolExecutor(len(names)) as executor:
        for found in executor.map(use, names):
            assert found == [[], ["conftest.py"], []] * 3
    assert checkout.state() == before
    stamps = {(pool.path(name) / TARGET).stat().st_mtime for name in names}
    assert len(stamps) == len(names)


def test_checkouts_are_lent_to_as_many_as_ask(pool: WorktreePool) -> None:
    """None is lent twice at once; one that comes back is as new, and lent again."""
    pool.seal(refs=True)
    everybody = threading.Barrier(3)

    def borrow(number: int) -> str:
        with pool.lend("candidate") as name:
            file = pool.path(name) / TARGET
            assert file.read_bytes() == SOURCE
            pool.write(name, TARGET, b"edited %d" % number)
            (pool.path(name) / "left").write_text("")
            everybody.wait(30)
            assert pool.altered(name) == []
            assert file.read_bytes() == b"edited %d" % number
        return name

    with ThreadPoolExecutor(3) as executor:
        first = set(executor.map(borrow, range(3)))
    assert first == {"lent-0", "lent-1", "lent-2"}
    pool.write("candidate", TARGET, b"a candidate")
    with pool.lend("candidate") as name:
        assert name in first
        assert (pool.path(name) / TARGET).read_bytes() == SOURCE
        assert not (pool.path(name) / "left").exists()
        pool.reset_all()
    assert (pool.path("candidate") / TARGET).read_bytes() == b"a candidate"


def test_a_checkout_that_is_added_later_is_under_seal(pool: WorktreePool) -> None:
    """Git reads what its link names: nobody may have turned it elsewhere."""
    pool.seal()
    place = pool.add("later", "HEAD")
    assert pool.altered("later") == []
    directory = Path((place / ".git").read_text().removeprefix("gitdir: ").strip())
    (directory / "commondir").write_text("/elsewhere\n")
    with pytest.raises(RepositoryError, match="worktrees/later/commondir"):
        pool.altered("candidate")
    (directory / "commondir").write_text("../..\n")


def test_what_a_killed_session_had_for_a_moment_is_removed(
    repository: Repository, temporary_place: Path
):
    """Also its own directory before there was a checkout in it; another repository's are its."""
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    place = temporary_place.resolve()
    gone = [f"pytest-autoloop-{name}-aaaa" for name in (dead, f"index-{dead}", f"probe-{dead}")]
    kept = [f"pytest-autoloop-merge-{os.getpid()}-bbbb", f"pytest-autoloop-{dead}-cccc", "x-1-d"]
    for name in (*gone, *kept):
        (place / name / "candidate").mkdir(parents=True)
    (place / kept[1] / "candidate" / ".git").touch()
    with WorktreePool(repository) as pool:
        assert {path.name for path in place.iterdir()} == {*kept, pool.directory.name}


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Note every git command that is started, and start it."""
    started: list[tuple[str, ...]] = []
    start = GitCommand.attempt

    def noting(self: GitCommand, *arguments: str, **more: object) -> object:
        started.append(arguments)
        return start(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(GitCommand, "attempt", noting)
    return started


def leave_nothing(_: Path) -> None:
    """Run without a trace."""


def leave_files(place: Path) -> None:
    """Leave a report, a cache that python would load, and a directory that cannot be listed."""
    (place / "report.txt").write_text("x")
    (place / "tests/__pycache__").mkdir()
    (place / "tests/__pycache__/conftest.pyc").write_bytes(b"x")
    (place / "locked/deeper").mkdir(parents=True)
    (place / "locked").chmod(0o000)


def rewrite_the_target(place: Path) -> None:
    """Let the candidate change its own file."""
    (place / TARGET).write_text("cheat")


def refresh_the_index(place: Path) -> None:
    """Ask git for the state, which writes its index anew, and leave its lock."""
    os.utime(place / "tests/test_target.py")
    git(place, "status")
    Path(git(place, "rev-parse", "--absolute-git-dir"), "index.lock").touch()


@pytest.mark.parametrize(
    ("run", "altered"),
    [
        (leave_nothing, []),
        (leave_files, ["locked", "tests/__pycache__"]),
        (rewrite_the_target, [TARGET]),
        (refresh_the_index, []),
    ],
)
def test_what_was_only_added_is_removed_without_git(
    pool: WorktreePool,
    starts: list[tuple[str, ...]],
    run: Callable[[Path], None],
    altered: list[str],
) -> None:
    """What a run did is told and undone, and no command of git is started for it."""
    place = pool.path("candidate")
    pool.seal(refs=True)
    pool.write("candidate", TARGET, b"candidate\n")
    pool.reset("candidate")
    index = Path(git(place, "rev-parse", "--absolute-git-dir"), "index")
    expected = content(place), index.read_bytes()
    starts.clear()
    for _ in range(2):
        run(place)
        assert pool.put_back("candidate") == altered
        assert starts == []
        assert (content(place), index.read_bytes()) == expected
        assert not index.with_name("index.lock").exists()
        assert pool.altered("candidate") == []


def move_head(place: Path) -> None:
    """Put a branch into HEAD: what asks git there would be told another story."""
    git(place, "checkout", "--quiet", "-b", "elsewhere")


def edit_a_guard(place: Path) -> None:
    """Empty a test."""
    (place / "tests/test_target.py").write_text("")


def drop_a_guard(place: Path) -> None:
    """Remove a test, and leave a file in exchange: as many are there as before."""
    (place / "tests/test_target.py").unlink()
    (place / "tests/other.txt").write_text("")


def swap_a_directory(place: Path) -> None:
    """Put a link in place of a directory that looks the same."""
    (place / "tests").rename(place / "moved")
    (place / "tests").symlink_to("moved")


@pytest.mark.parametrize("run", [move_head, edit_a_guard, drop_a_guard, swap_a_directory])
def test_what_was_altered_is_restored_by_git(
    pool: WorktreePool, starts: list[tuple[str, ...]], run: Callable[[Path], None]
) -> None:
    """Nothing else knows what stood there; the checkout is as new, its HEAD too."""
    place = pool.path("candidate")
    pool.write("candidate", TARGET, b"candidate\n")
    pool.reset("candidate")
    expected, head = content(place), git(place, "rev-parse", "HEAD")
    run(place)
    starts.clear()
    pool.put_back("candidate")
    assert any("checkout" in arguments for arguments in starts)
    assert content(place) == expected
    assert git(place, "rev-parse", "--symbolic-full-name", "HEAD") == "HEAD"
    assert git(place, "rev-parse", "HEAD") == head
    assert pool.altered("candidate") == []


def test_a_target_that_was_not_written_is_restored_too(pool: WorktreePool) -> None:
    """Its content is not under seal, so that git alone knows it."""
    place = pool.path("candidate")
    (place / TARGET).write_text("cheat")
    pool.put_back("candidate")
    assert (place / TARGET).read_bytes() == SOURCE


def test_what_was_written_is_known_whatever_became_of_it(pool: WorktreePool) -> None:
    """A candidate that reaches the other checkout does not choose what it is compared with."""
    assert pool.written("incumbent", TARGET) == SOURCE
    pool.write("incumbent", TARGET, b"best\n")
    (pool.path("incumbent") / TARGET).write_text("slow")
    assert pool.written("incumbent", TARGET) == b"best\n"
