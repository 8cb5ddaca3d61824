"""What a test arranges around a session: a scripted score, a plugin that starts a thread.

The score is the target's number, times factors taken from a queue.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.harness.manifest import Manifest
from pytest_autoloop.model import Metric
from tests.pitfalls.bench import Bench, open_bench
from tests.projects import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projects import Project

TARGET = "score.txt"
METRIC = Metric("score", "higher")
MANIFEST = Manifest(frozenset(), frozenset(), (METRIC,))
CONFTEST = """
    import pathlib
    import pytest_autoloop as autoloop

    @autoloop.target
    def target():
        return "score.txt"

    @autoloop.metric(direction="higher")
    def score(target):
        folder = pathlib.Path({folder!r})
        with (folder / "hashes").open("a") as stream:
            print(hash("layout"), file=stream)
        factors = (folder / "factors").read_text().split()
        (folder / "factors").write_text(" ".join(factors[1:]))
        return float(target.read_text()) * float(factors[0] if factors else 1)
"""


@dataclass(frozen=True)
class Scripted:
    """What is measured, and the queue of factors."""

    bench: Bench
    folder: Path

    def place(self, incumbent: object, candidate: object) -> None:
        """Write both sides' scores, as the targets' whole content."""
        for name, content in (("incumbent", incumbent), ("candidate", candidate)):
            self.bench.pool.write(name, TARGET, f"{content}\n".encode())

    def next(self, *factors: float) -> None:
        """Multiply the scores of the next turns; after those, by one."""
        (self.folder / "factors").write_text(" ".join(map(str, factors)), encoding="utf-8")

    @property
    def hashes(self) -> list[str]:
        """What a string's hash was, turn by turn."""
        return (self.folder / "hashes").read_text(encoding="utf-8").split()


@contextmanager
def scripted(project: Project) -> Iterator[Scripted]:
    """Make the project, and open a bench in it."""
    folder = project.root.parent / "script"
    folder.mkdir()
    conftest = CONFTEST.format(folder=str(folder))
    project.commit({TARGET: "100\n", "conftest.py": conftest, "test_it.py": "def test_it(): pass"})
    with open_bench(project, TARGET, launcher="auto") as bench:
        found = Scripted(bench, folder)
        found.next()
        yield found


def plugged_in(folder: Path, source: str) -> dict[str, str]:
    """Install a pytest plugin; return the environment that has it."""
    information = folder / "plugged-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "plugged.py").write_text(source, encoding="utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[pytest11]\nplugged = plugged\n")
    return {**clean_environment(), "PYTHONPATH": str(folder)}


def threaded(folder: Path) -> dict[str, str]:
    """Install a pytest plugin that starts a thread; return the environment that has it."""
    thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    return plugged_in(folder, f"import threading\n{thread}\n")
