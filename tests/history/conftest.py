"""Real git repositories in a place without any git configuration of a user."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = b"def answer():\n    return 42\n"
TARGET = "src/target.py"


class Checkout:
    """A repository as a user has it, driven by plain git."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git as the user would, with an identity of the user's own."""
        identity = ("-c", "user.name=User", "-c", "user.email=user@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, capture_output=True, check=False
        )
        assert done.returncode == 0 or not check, os.fsdecode(done.stderr)
        return os.fsdecode(done.stdout).removesuffix("\n")

    def put(self, path: str, content: bytes | str) -> Path:
        """Write a file into the checkout."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def commit(self, message: str = "start") -> str:
        """Commit everything and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def state(self) -> dict[str, object]:
        """Return everything of the checkout that must not change: files, index, HEAD, settings."""
        files = {
            str(file.relative_to(self.root)): (file.lstat().st_mode, file.read_bytes())
            for file in sorted(self.root.rglob("*"))
            if file.is_file() and ".git" not in file.relative_to(self.root).parts
        }
        own = ("HEAD", "index", "config", "logs/HEAD")
        branches = self.git("for-each-ref", "refs/heads", "refs/tags")
        kept = {name: (self.root / ".git" / name).read_bytes() for name in own}
        return {"files": files, "branches": branches, **kept}

    def plant_hooks(self, witness: Path) -> None:
        """Make every hook of git leave its name in a file, and fail."""
        hooks = self.root / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        names = (
            "pre-commit prepare-commit-msg commit-msg post-commit post-checkout post-rewrite "
            "post-index-change reference-transaction pre-auto-gc fsmonitor-watchman"
        )
        for name in names.split():
            self._program(hooks / name, f"echo {name} >> '{witness}'\nexit 1\n")

    def plant_filters(self, witness: Path) -> None:
        """Make an fsmonitor, a clean filter and an external diff leave their name in a file."""
        for key in ("core.fsmonitor", "filter.spy.clean", "diff.external", "diff.spy.textconv"):
            program = self.root / ".git" / key
            self._program(program, f"echo {key} >> '{witness}'\ncat\n")
            self.git("config", key, str(program))
        (self.root / ".git" / "info").mkdir(exist_ok=True)
        (self.root / ".git" / "info" / "attributes").write_text("* filter=spy diff=spy\n")

    @staticmethod
    def _program(path: Path, body: str) -> None:
        path.write_text(f"#!/bin/sh\n{body}")
        path.chmod(0o755)


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No identity, no configuration and no inherited repository, as on a fresh machine."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)


@pytest.fixture
def temporary_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a system's temporary directory of its own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


@pytest.fixture
def empty_checkout(tmp_path: Path) -> Checkout:
    """Make a repository without a commit."""
    root = tmp_path / "project"
    root.mkdir()
    checkout = Checkout(root)
    checkout.git("init", "--quiet", "--initial-branch=main")
    return checkout


@pytest.fixture
def checkout(empty_checkout: Checkout) -> Checkout:
    """Make a repository with a target, a test and something ignored."""
    empty_checkout.put(TARGET, SOURCE)
    empty_checkout.put("tests/test_target.py", "def test_it():\n    assert True\n")
    empty_checkout.put(".gitignore", "*.log\ndata/\n.env\n")
    empty_checkout.commit()
    return empty_checkout
