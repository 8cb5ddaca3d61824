"""The repository is read exactly and written without a trace in the user's checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import RepositoryError, UsageError
from pytest_autoloop.history.repository import Repository
from tests.history.conftest import TARGET, Checkout

if TYPE_CHECKING:
    from pathlib import Path

ODD_NAMES = [
    "with space.py",
    "new\nline.py",
    "tab\tand\"quote'.py",
    "naïve-日本.py",
    "*.py",
    ":(top)x",
    "-dash.py",
    "comma,name.py",
]
EXACT_BYTES = [
    b"",
    b"no end of line",
    b"two ends\n\n",
    b"dos\r\nlines\r\n",
    b"\xef\xbb\xbfwith a mark\n",
    bytes(range(256)),
    b"$Id$ ident\n",
]


@pytest.fixture
def repository(checkout: Checkout) -> Repository:
    """Open the repository of the checkout."""
    return Repository.open(checkout.root)


# Opening ------------------------------------------------------------------------------------


def test_open_finds_the_root_from_a_subdirectory(checkout: Checkout):
    """A session may start in any directory of the project."""
    repository = Repository.open(checkout.root / "src")
    assert repository.root == checkout.root.resolve()
    assert repository.head() == checkout.git("rev-parse", "HEAD")
    assert repository.branch() == "main"


def test_open_refuses_a_place_without_repository(tmp_path: Path):
    """Outside of git the user is told how to create a repository."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    with pytest.raises(UsageError, match="git init") as caught:
        Repository.open(place)
    assert str(place) in str(caught.value)


def test_open_refuses_a_missing_directory(tmp_path: Path):
    """A directory that does not exist is named, and git never runs somewhere else instead."""
    with pytest.raises(UsageError, match="nowhere is not a directory"):
        Repository.open(tmp_path / "nowhere")


def test_open_refuses_a_bare_repository(tmp_path: Path):
    """A bare repository has no checkout to start in, and the message says so."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "bare.git")], check=True)
    with pytest.raises(UsageError, match="bare"):
        Repository.open(tmp_path / "bare.git")


def test_open_refuses_the_git_directory(checkout: Checkout):
    """Started inside .git, the user is sent to the checkout."""
    with pytest.raises(UsageError, match="git's own directory"):
        Repository.open(checkout.root / ".git")


def test_open_refuses_a_repository_without_commit(empty_checkout: Checkout):
    """Without a commit there is no incumbent, and the message says how to make one."""
    with pytest.raises(UsageError, match=r"no commit yet.*git commit"):
        Repository.open(empty_checkout.root)


def test_open_refuses_submodules(checkout: Checkout):
    """A submodule would be empty in every worktree, so it is refused by name."""
    head = checkout.git("rev-parse", "HEAD")
    checkout.git("update-index", "--add", "--cacheinfo", f"160000,{head},vendor/lib")
    checkout.git("commit", "--quiet", "--message", "vendor")
    with pytest.raises(UsageError, match=r"submodules \(vendor/lib\)"):
        Repository.open(checkout.root)


def test_open_without_git_says_so(checkout: Checkout):
    """On a machine without git the user is told to install it."""
    program = (
        "import sys; from pathlib import Path\n"
        "from pytest_autoloop.errors import UsageError\n"
        "from pytest_autoloop.history.repository import Repository\n"
        "try: Repository.open(Path(sys.argv[1]))\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(checkout.root)],
        env={**os.environ, "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Install git" in done.stdout, done.stderr


# Looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_survive(checkout: Checkout, name: str):
    """A file may have any name: it is listed, read, committed and compared under that name."""
    checkout.put(name, b"one\n")
    repository = Repository.open(checkout.root)
    assert repository.untracked() == [name]
    assert not repository.is_tracked(name)
    assert not repository.is_ignored(name)
    assert repository.is_ignored(f"{name}.log")
    base = checkout.commit()
    assert repository.is_tracked(name)
    checkout.put(name, b"changed\n")
    assert repository.changed_tracked() == [name]
    made = repository.commit_file(base, name, b"two\n", "change")
    assert repository.read(made, name) == b"two\n"
    assert repository.mode_of(made, name) == "100644"
    assert repository.diff(base, made, name).endswith("-one\n+two\n")


def test_changed_tracked_sees_every_kind_of_change(checkout: Checkout):
    """Edited, staged, deleted, renamed and mode-changed files all count; untracked ones do not."""
    for name in ("edited", "staged", "deleted", "before", "mode"):
        checkout.put(name, name * 20)
    checkout.commit()
    checkout.put("edited", "x")
    checkout.put("staged", "x")
    checkout.git("add", "staged")
    (checkout.root / "deleted").unlink()
    checkout.git("mv", "before", "after")
    (checkout.root / "mode").chmod(0o755)
    checkout.put("new", "x")
    repository = Repository.open(checkout.root)
    expected = ["after", "before", "deleted", "edited", "mode", "staged"]
    assert repository.changed_tracked() == expected
    assert repository.untracked() == ["new"]


def test_touched_file_is_not_changed(checkout: Checkout, repository: Repository):
    """A file that is only newer, with the same content, does not stop a session."""
    os.utime(checkout.root / TARGET, (1, 1))
    before = (checkout.root / ".git" / "index").read_bytes()
    assert repository.changed_tracked() == []
    assert (checkout.root / ".git" / "index").read_bytes() == before


def test_ignored_is_collapsed_and_limited(checkout: Checkout, repository: Repository):
    """A directory of ten thousand ignored files is one name, and the list can be cut."""
    for number in range(5):
        checkout.put(f"data/deep/{number}.csv", "x")
    checkout.put("a.log", "x")
    checkout.put("src/b.log", "x")
    assert repository.ignored() == ["a.log", "data/", "src/b.log"]
    assert repository.ignored(limit=1) == ["a.log"]
    assert repository.is_ignored("data/deep/1.csv")
    assert repository.is_ignored("a.log")
    assert not repository.is_ignored(TARGET)


def test_mode_of_tells_files_links_and_nothing_apart(checkout: Checkout):
    """The target's kind is known before anything is spent on it."""
    checkout.put("run.sh", "x").chmod(0o755)
    (checkout.root / "link").symlink_to("run.sh")
    repository = Repository.open(checkout.root)
    commit = checkout.commit()
    assert repository.mode_of(commit, "run.sh") == "100755"
    assert repository.mode_of(commit, "link") == "120000"
    assert repository.mode_of(commit, TARGET) == "100644"
    assert repository.mode_of(commit, "absent") is None


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", ".git/config", "a\0b"])
def test_paths_outside_are_refused(repository: Repository, path: str):
    """No path leads out of the repository or into git's own files."""
    with pytest.raises(UsageError, match="relative to the root"):
        repository.commit_file("HEAD", path, b"", "x")


def test_option_like_revision_is_refused(repository: Repository):
    """A revision that looks like an option never reaches git as one."""
    with pytest.raises(RepositoryError, match="does not name a commit"):
        repository.log_subject("--output=x")


# Committing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", EXACT_BYTES)
def test_commit_keeps_bytes_exactly(checkout: Checkout, repository: Repository, content: bytes):
    """What was tried is what is kept, whatever line endings the user's settings prefer."""
    checkout.git("config", "core.autocrlf", "true")
    checkout.put(".gitattributes", "* text=auto ident\n")
    base = checkout.commit()
    made = repository.commit_file(base, TARGET, content, "change")
    assert repository.read(made, TARGET) == content
    changed = checkout.git("diff-tree", "--name-only", "-r", base, made)
    assert changed == TARGET


def test_commit_needs_no_identity_and_has_ours(checkout: Checkout, repository: Repository):
    """No user.name has to be configured, and nobody mistakes the commit for the user's."""
    made = repository.commit_file("HEAD", TARGET, b"x\n", "faster\n\nAutoloop-Experiment: 1\n")
    people = checkout.git("log", "-1", "--format=%an <%ae> %cn <%ce>", made)
    ours = "pytest-autoloop <autoloop@localhost>"
    assert people == f"{ours} {ours}"
    assert repository.log_subject(made) == "faster"
    assert checkout.git("log", "-1", "--format=%(trailers)", made).strip() == (
        "Autoloop-Experiment: 1"
    )
    assert checkout.git("rev-parse", f"{made}^") == repository.head()


def test_commit_keeps_the_executable_bit(checkout: Checkout, repository: Repository):
    """A script that could be run can be run after an edit."""
    checkout.put("run.sh", "x").chmod(0o755)
    base = checkout.commit()
    made = repository.commit_file(base, "run.sh", b"y", "change")
    assert repository.mode_of(made, "run.sh") == "100755"


def test_commit_refuses_a_link(checkout: Checkout, repository: Repository):
    """A link as target would turn code into a link's text, so the user is asked for the file."""
    (checkout.root / "link.py").symlink_to(TARGET)
    base = checkout.commit()
    with pytest.raises(UsageError, match=r"link\.py is not a regular file.*120000"):
        repository.commit_file(base, "link.py", b"x", "change")


def test_message_may_hold_anything(repository: Repository):
    """A description written by a model cannot make the commit fail."""
    made = repository.commit_file("HEAD", TARGET, b"x", "naïve \0 日本 \udcff")
    assert repository.log_subject(made) == "naïve   日本 ?"


def test_no_hook_or_filter_runs(checkout: Checkout, tmp_path: Path):
    """Whatever a candidate plants in .git is not run by what the loop does next."""
    base = checkout.commit()
    witness = tmp_path / "witness"
    checkout.plant_hooks(witness)
    checkout.plant_filters(witness)
    repository = Repository.open(checkout.root)
    made = repository.commit_file(base, TARGET, b"x\n", "change")
    repository.set_ref("refs/autoloop/t/1", made, "")
    repository.set_ref("refs/heads/autoexp/t", made)
    assert "+x" in repository.diff(base, made, TARGET)
    repository.add_worktree(tmp_path / "tree", made)
    repository.remove_worktree(tmp_path / "tree")
    assert repository.log_subject(made) == "change"
    assert not witness.exists(), witness.read_text()


def test_signing_setting_is_ignored(checkout: Checkout, repository: Repository):
    """A user who signs commits is not asked for a passphrase fifty times a night."""
    checkout.git("config", "commit.gpgsign", "true")
    checkout.git("config", "gpg.program", "/bin/false")
    checkout.git("config", "log.showSignature", "true")
    made = repository.commit_file("HEAD", TARGET, b"x", "change")
    assert "gpgsig" not in checkout.git("cat-file", "commit", made)
    assert repository.log_subject(made) == "change"


def test_diff_is_free_of_settings(checkout: Checkout, repository: Repository):
    """The diff in the journal has one form, whatever the user's diff settings are."""
    for key, value in [("diff.noprefix", "true"), ("color.ui", "always"), ("diff.context", "0")]:
        checkout.git("config", key, value)
    base = repository.head()
    made = repository.commit_file(base, TARGET, b"def answer():\n    return 43\n", "change")
    lines = repository.diff(base, made, TARGET).splitlines()
    assert lines[0] == f"diff --git a/{TARGET} b/{TARGET}"
    assert lines[-3:] == [" def answer():", "-    return 42", "+    return 43"]
    assert repository.diff(base, base, TARGET) == ""


def test_commits_in_parallel(repository: Repository):
    """Several workers may commit at once; each commit is its own."""
    made: dict[int, str] = {}

    def work(number: int) -> None:
        commit = repository.commit_file("HEAD", TARGET, str(number).encode(), f"try {number}")
        repository.set_ref(f"refs/autoloop/t/{number}", commit, "")
        made[number] = commit

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert repository.refs("refs/autoloop/t") == {
        f"refs/autoloop/t/{number}": commit for number, commit in made.items()
    }
    contents = {repository.read(made[number], TARGET) for number in range(8)}
    assert len(contents) == 8


# The environment ----------------------------------------------------------------------------


@pytest.mark.parametrize("has_env_program", [True, False])
def test_inherited_git_variables_do_not_lead_astray(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_env_program: bool
):
    """Run from a hook, with GIT_DIR set, everything still happens in the user's repository."""
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    if not has_env_program:
        place = tmp_path / "only-git"
        place.mkdir()
        git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True)
        (place / "git").symlink_to(git.stdout.strip())
        monkeypatch.setenv("PATH", str(place))
    variables = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
        "GIT_OBJECT_DIRECTORY": str(other / "objects"),
        "GIT_AUTHOR_DATE": "nonsense",
        "GIT_CONFIG_COUNT": "broken",
        "GIT_EXTERNAL_DIFF": "/bin/false",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    repository = Repository.open(checkout.root)
    made = repository.commit_file("HEAD", TARGET, b"x\n", "change")
    repository.set_ref("refs/autoloop/t/1", made)
    assert dict(os.environ) == before
    for name in variables:
        monkeypatch.delenv(name)
    assert repository.root == checkout.root.resolve()
    assert checkout.git("rev-parse", "refs/autoloop/t/1") == made
    assert not (other / "index").exists()
    assert not (other / "objects").exists()


def test_messages_are_english_in_any_locale(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """What is read from git does not depend on the language of the user."""
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    with pytest.raises(RepositoryError, match="fatal: ") as caught:
        repository.read("HEAD", "absent.py")
    assert "git cat-file blob HEAD:absent.py" in str(caught.value)
    assert str(repository.root) in str(caught.value)


# Refs ---------------------------------------------------------------------------------------


def test_set_ref_checks_what_it_replaces(repository: Repository):
    """Two sessions of one tag cannot both advance the branch."""
    base = repository.head()
    one = repository.commit_file(base, TARGET, b"1", "one")
    two = repository.commit_file(base, TARGET, b"2", "two")
    branch = "refs/heads/autoexp/t"
    assert repository.ref(branch) is None
    repository.set_ref(branch, one, expected_old="")
    with pytest.raises(RepositoryError, match="update-ref"):
        repository.set_ref(branch, two, expected_old="")
    with pytest.raises(RepositoryError, match="update-ref"):
        repository.set_ref(branch, two, expected_old=base)
    assert repository.ref(branch) == one
    repository.set_ref(branch, two, expected_old=one)
    assert repository.ref(branch) == two
    assert repository.refs("refs/heads") == {branch: two, "refs/heads/main": base}


def test_set_ref_refuses_a_branch_that_is_checked_out(checkout: Checkout, repository: Repository):
    """A branch under a checkout is never moved, because its files would look edited."""
    made = repository.commit_file("HEAD", TARGET, b"1", "one")
    with pytest.raises(UsageError, match=r"main is checked out in .*git switch"):
        repository.set_ref("refs/heads/main", made)
    checkout.git("switch", "--quiet", "--detach")
    assert repository.branch() is None
    repository.set_ref("refs/heads/main", made)


def test_set_ref_wants_a_full_name(repository: Repository):
    """A short name cannot overwrite HEAD by accident."""
    with pytest.raises(RepositoryError, match="refs/"):
        repository.set_ref("HEAD", repository.head())


# Worktrees and the checkout -----------------------------------------------------------------


def test_worktree_is_added_and_removed(repository: Repository, tmp_path: Path):
    """A worktree is a detached checkout of a commit that leaves no trace when removed."""
    tree = (tmp_path / "tree").resolve()
    made = repository.commit_file("HEAD", TARGET, b"x", "change")
    repository.add_worktree(tree, made)
    assert (tree / TARGET).read_bytes() == b"x"
    assert repository.worktrees() == [repository.root, tree]
    repository.remove_worktree(tree)
    assert repository.worktrees() == [repository.root]
    assert not tree.exists()


@pytest.mark.parametrize("damage", ["gone", "no .git", "wrong .git", "dirty", "locked"])
def test_damaged_worktree_is_removed(
    checkout: Checkout, repository: Repository, tmp_path: Path, damage: str
):
    """Whatever a candidate did to a worktree, it can be removed."""
    tree = (tmp_path / "tree").resolve()
    repository.add_worktree(tree, "HEAD")
    if damage == "gone":
        (tree / TARGET).parent.rename(tmp_path / "aside")
        subprocess.run(["rm", "-r", str(tree)], check=True)
    elif damage == "no .git":
        (tree / ".git").unlink()
    elif damage == "wrong .git":
        (tree / ".git").write_text(f"gitdir: {checkout.root / '.git'}\n")
    elif damage == "dirty":
        (tree / TARGET).write_text("edited")
        (tree / "new").write_text("x")
    else:
        checkout.git("worktree", "lock", str(tree))
    before = checkout.state()
    repository.remove_worktree(tree)
    assert repository.worktrees() == [repository.root]
    assert not tree.exists()
    assert checkout.state() == before


def test_users_checkout_is_not_touched(checkout: Checkout, tmp_path: Path):
    """After everything the room can do, the files, index, HEAD and settings are the same bytes."""
    checkout.put(TARGET, "edited by the user\n")
    checkout.put("staged.py", "x")
    checkout.git("add", "staged.py")
    checkout.put("untracked.py", "x")
    os.utime(checkout.root / "tests/test_target.py", (1, 1))
    before = checkout.state()
    repository = Repository.open(checkout.root)
    repository.changed_tracked()
    repository.untracked()
    repository.ignored()
    made = repository.commit_file("HEAD", TARGET, b"x", "change")
    repository.set_ref("refs/autoloop/t/1", made)
    repository.add_worktree(tmp_path / "tree", made)
    repository.remove_worktree(tmp_path / "tree")
    assert checkout.state() == before
