"""Small projects in real git repositories, and pytest sessions in them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: A target that a fixture scores without any noise: the number of letters in it, fewer is better.
COUNTED = {
    "words.txt": "alpha beta gamma\n",
    "conftest.py": '''
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            """Make it shorter."""
            return "words.txt"

        @autoloop.metric(direction="lower")
        def letters(target):
            return len(target.read_text())
    ''',
    "test_words.py": """
        def test_it_begins_with_alpha(target):
            assert target.read_text().startswith("alpha")
    """,
}

#: A Python target with a guard; a metric counts its characters, so nothing has to be timed.
MODULE = {
    "double.py": "def double(n):\n    return n + n\n",
    "conftest.py": '''
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            """Make it shorter."""
            return "double.py"

        @autoloop.metric
        def size(target):
            return len(target.read_bytes())
    ''',
    "test_double.py": """
        from double import double

        def test_double():
            assert double(4) == 8
    """,
}


def git(cwd: Path, *arguments: str) -> str:
    """Run git as a user would, and return what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {
        f"GIT_{who}_{what}": f"{who.lower()}@example.invalid"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=cwd,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


#: Only what a campaign needs: each of its many sessions then starts a quarter sooner.
_PLUGINS = ("pytest_autoloop.plugin", "pytest_benchmark.plugin", "pytest_timeout")


@dataclass(frozen=True)
class Project:
    """A project in a git repository of its own."""

    root: Path
    #: Whether its sessions load every plugin that is installed, as a user's do.
    all_plugins: bool = False

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, dedented, without committing them."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")

    def commit(self, files: Mapping[str, str | bytes] | None = None) -> None:
        """Write files and commit everything that is not ignored."""
        self.write(files or {})
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "Change the project", "--allow-empty", "--no-verify")

    def ideas(self, *contents: str, suffix: str = ".py") -> str:
        """Queue candidates outside the repository; return the proposer's spec."""
        folder = self.root.parent / f"{self.root.name}-ideas"
        folder.mkdir(exist_ok=True)
        for number, content in enumerate(contents, 1):
            (folder / f"{number:02}_idea_{number}{suffix}").write_text(content, encoding="utf-8")
        return f"replay:{folder}"

    def pytest(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> Session:
        """Run pytest in a process of its own, as a user would."""
        plugins = () if self.all_plugins else (f"-p{name}" for name in _PLUGINS)
        alone = {} if self.all_plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, *arguments],
            cwd=cwd or self.root,
            env={**clean_environment(), **alone, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Session(self.root, done.returncode, done.stdout, done.stderr)

    def autoloop(self, count: int, *arguments: str, **keywords: Any) -> Session:
        """Run a campaign."""
        return self.pytest(f"--autoloop={count}", *arguments, **keywords)


@dataclass(frozen=True)
class Session:
    """A finished pytest session."""

    root: Path
    returncode: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything it printed."""
        return self.stdout + self.stderr

    @property
    def journal(self) -> list[dict[str, Any]]:
        """The newest campaign's journal."""
        files = sorted(self.root.glob(".pytest_autoloop/*/experiments.jsonl"))
        newest = max(files, key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]

    @property
    def decisions(self) -> list[tuple[str, str]]:
        """Status and reason of each experiment, without the baseline."""
        return [(row["status"], row["reason"]) for row in self.journal[1:]]

    @property
    def results(self) -> list[dict[str, str]]:
        """The rows of results.tsv."""
        with (self.root / "results.tsv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))


def clean_environment() -> dict[str, str]:
    """Return an environment as on a user's machine: no test runner around, no keys."""
    dropped = ("PYTEST_", "GIT_", "OPENAI_", "COV_", "COVERAGE_", "PYTHON")
    return {k: v for k, v in os.environ.items() if not k.startswith(dropped)}


def snapshot(root: Path) -> dict[str, bytes]:
    """Return every file below a directory, git's own records too, byte for byte."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return an empty repository without a commit."""
    root = tmp_path / "project"
    root.mkdir()
    return new_project(root)


def new_project(root: Path) -> Project:
    """Make a repository without a commit in an empty directory."""
    git(root, "init", "-q")
    # What any pytest leaves in a checkout, and any user ignores.
    exclude = root / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("__pycache__/\n.pytest_cache/\n", encoding="utf-8")
    return Project(root)
