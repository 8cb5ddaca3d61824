"""Keeping a candidate runs no program that the repository names, and reads no inherited setting."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.history.gitparts import GitRefs, GitSettings
from pytest_autoloop.history.integrity import Seal
from pytest_autoloop.history.looks import Tree
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from tests.history.conftest import TARGET, Checkout

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the planted programs are shell scripts")

CONTENT = b"def answer():\r\n    return 43  # $Id$\n"
HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout"),
    *("post-merge", "pre-push", "post-rewrite", "reference-transaction", "post-index-change"),
    *("pre-auto-gc", "fsmonitor-watchman", "sendemail-validate"),
)
#: Settings that name a program, and what has to happen for git to run it.
SETTINGS = (
    "core.fsmonitor",
    "core.editor",
    "core.pager",
    "core.sshCommand",
    "core.askPass",
    "core.alternateRefsCommand",
    "credential.helper",
    "diff.external",
    "diff.spy.command",
    "diff.spy.textconv",
    "filter.spy.clean",
    "filter.spy.smudge",
    "merge.spy.driver",
    "gpg.program",
    "gpg.ssh.program",
    "sequence.editor",
    "trailer.spy.command",
    "uploadpack.packObjectsHook",
)
ALIASES = ("commit-tree", "hash-object", "update-ref", "read-tree", "write-tree", "update-index")


class Trap:
    """A repository in which whatever git can be made to run leaves its name."""

    def __init__(self, checkout: Checkout, witness: Path) -> None:
        self.checkout = checkout
        self.witness = witness

    @property
    def ran(self) -> list[str]:
        """What has been run, each name once."""
        text = self.witness.read_text() if self.witness.exists() else ""
        return sorted(set(text.split()))

    def program(self, name: str) -> Path:
        """Write a program that leaves its name and passes its input on."""
        path = self.checkout.root / ".git" / "trap" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {name} >> '{self.witness}'\nexec cat\n")
        path.chmod(0o755)
        return path

    def plant(self) -> None:
        """Plant every program, as a candidate that can write to the repository could."""
        git = self.checkout.root / ".git"
        (git / "hooks").mkdir(exist_ok=True)
        for hook in HOOKS:
            self.program(f"hook:{hook}").rename(git / "hooks" / hook)
        for key in SETTINGS:
            self.checkout.git("config", key, str(self.program(key)))
        for name in ALIASES:
            self.checkout.git("config", f"alias.{name}", f"!{self.program(f'alias:{name}')}")
        settings = {
            "core.hooksPath": str(git / "hooks"),
            "commit.gpgSign": "true",
            "tag.gpgSign": "true",
            "gc.auto": "1",
            "gc.autoDetach": "false",
            "maintenance.auto": "true",
            "core.autocrlf": "true",
            "filter.spy.required": "true",
            "user.signingKey": "x",
            "log.showSignature": "true",
        }
        for key, value in settings.items():
            self.checkout.git("config", key, value)
        (git / "info").mkdir(exist_ok=True)
        spied = "* filter=spy diff=spy merge=spy ident text eol=crlf\n"
        (git / "info" / "attributes").write_text(spied)
        (self.checkout.root / ".gitattributes").write_text(spied)


@pytest.fixture
def trap(checkout: Checkout, tmp_path: Path) -> Trap:
    """Make a repository with the file of attributes in its history, then plant the programs."""
    checkout.put(".gitattributes", "* filter=spy diff=spy merge=spy ident text eol=crlf\n")
    checkout.commit("attributes")
    trap = Trap(checkout, tmp_path / "witness")
    trap.plant()
    return trap


def keep(repository: Repository) -> str:
    """Do to git what keeping one candidate does; return the commit."""
    start = repository.head()
    commit = repository.commit_file(start, TARGET, CONTENT, "Make it answer\n\nTrailer: x")
    repository.set_ref("refs/autoloop/nov20/001", commit, "")
    repository.set_ref("refs/heads/autoexp/nov20", commit, "")
    assert repository.diff(start, commit, TARGET)
    assert repository.log_subject(commit) == "Make it answer"
    return commit


def test_the_trap_works(trap: Trap):
    """What a user's own commit runs, the witness tells: else the next tests would show nothing."""
    trap.checkout.put(TARGET, CONTENT)
    trap.checkout.git("add", "--all", check=False)
    trap.checkout.git("-c", "commit.gpgSign=false", "commit", "--message", "x", check=False)
    trap.checkout.git("commit", "--no-verify", "--allow-empty", "-m", "x", check=False)
    trap.checkout.git("update-ref", "refs/heads/x", "HEAD", check=False)
    trap.checkout.put(TARGET, "other")
    trap.checkout.git("diff", "HEAD", check=False)
    expected = {"hook:pre-commit", "hook:reference-transaction", "core.fsmonitor", "gpg.program"}
    expected |= {"filter.spy.clean", "diff.spy.command"}
    assert expected - set(trap.ran) == set()


def test_a_full_commit_runs_nothing(trap: Trap):
    """Hooks, fsmonitor, filters, signatures, aliases, gc: none runs, and the bytes are exact."""
    repository = Repository.open(trap.checkout.root)
    commit = keep(repository)
    assert trap.ran == []
    assert repository.read(commit, TARGET) == CONTENT
    assert b"gpgsig" not in repository._git.run("cat-file", "commit", commit)
    assert repository.ref("refs/heads/autoexp/nov20") == commit


def test_a_commit_leaves_the_checkout_and_its_settings_alone(trap: Trap):
    """The index is private; only objects and own refs are new."""
    common = trap.checkout.root / ".git"
    repository = Repository.open(trap.checkout.root)
    index = (common / "index").read_bytes()
    seal = Seal.of(Tree(trap.checkout.root), GitSettings(common), GitRefs(common))
    keep(repository)
    assert seal.broken(thorough=True) == []
    assert (common / "index").read_bytes() == index


def test_inherited_variables_run_nothing(trap: Trap, monkeypatch: pytest.MonkeyPatch):
    """`GIT_*` can carry settings, another directory and programs, too: none arrives."""
    program = str(trap.program("variable"))
    variables = {
        "GIT_DIR": "/nonexistent",
        "GIT_INDEX_FILE": "/nonexistent",
        "GIT_WORK_TREE": "/",
        "GIT_OBJECT_DIRECTORY": "/nonexistent",
        "GIT_EXTERNAL_DIFF": program,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": program,
        "GIT_CONFIG_KEY_1": "core.hooksPath",
        "GIT_CONFIG_VALUE_1": str(trap.checkout.root / ".git" / "hooks"),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor'='{program}'",
        "GIT_PAGER": program,
        "GIT_EDITOR": program,
        "GIT_ASKPASS": program,
        "GIT_SSH_COMMAND": program,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    commit = keep(Repository.open(trap.checkout.root))
    assert trap.ran == []
    monkeypatch.undo()
    assert trap.checkout.git("rev-parse", "refs/autoloop/nov20/001") == commit


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_setting_from_the_users_home_runs_nothing(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
):
    """The global configuration is a file like any other, and may be planted as late as any."""
    trap = Trap(checkout, tmp_path / "witness")
    settings = tmp_path / "global"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    home = tmp_path / "elsewhere"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    repository = Repository.open(checkout.root) if when == "after" else None
    (home / ".gitconfig").write_text(
        f'[core]\n\tfsmonitor = "{trap.program("home")}"\n\thooksPath = {tmp_path}\n'
        "[commit]\n\tgpgSign = true\n"
        f'[gpg]\n\tprogram = "{trap.program("home:gpg")}"\n'
    )
    hook = trap.program("home:hook").rename(tmp_path / "reference-transaction")
    assert hook.exists()
    keep(repository or Repository.open(checkout.root))
    assert trap.ran == []


def test_looking_for_changes_runs_nothing(
    checkout: Checkout, temporary_place: Path, tmp_path: Path
):
    """A seal tells what a run changed without asking git, which would run a planted filter."""
    repository = Repository.open(checkout.root)
    with WorktreePool(repository) as pool:
        path = pool.add("one", repository.head())
        common = checkout.root / ".git"
        seal = Seal.of(Tree(path), GitSettings(common), free=[TARGET])
        trap = Trap(checkout, tmp_path / "witness")
        trap.plant()
        trap.witness.unlink(missing_ok=True)
        (path / TARGET).write_bytes(CONTENT)
        (path / "tests" / "test_target.py").write_bytes(b"")
        told = seal.broken()
        assert "tests/test_target.py: content changed" in told
        assert {".git/config: content changed", ".git/info/attributes: new file"} <= set(told)
        assert ".git/hooks/pre-commit: new file" in told or ".git/hooks: new directory" in told
        assert trap.ran == []
