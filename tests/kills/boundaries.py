"""A pytest plugin that ends its own session with SIGKILL at a boundary of writing.

A boundary lies before anything that changes the project's records: a file that is opened to be
written, renamed or removed, a directory that is made or removed, a command of git that writes, what
one that stays is told to write, a row of the index; and in the middle of a line, of a row and of a
file that is to be renamed. What follows a write is what precedes the next one. Python tells of all
of them but those of SQLite and of what git is told, so that a write which is new has its boundary
without a word here.

What is to happen is said in the environment, which no child of a session sees:

KILLS_LOG     a file that gets the name of each boundary that is reached
KILLS_AT      the name of a boundary, or `#` and how many are passed before, to be killed at
KILLS_STOP    the name of a boundary to be stopped at, once
KILLS_GROUP   when set, the whole process group is killed
KILLS_COPIES  a directory that gets a copy of the project at each boundary
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from pytest_autoloop.history.index import Index
from pytest_autoloop.history.processes import GitProcess
from pytest_autoloop.history.results import ResultsFile

#: Commands of git that write, and how many of the arguments after them name what is written.
_WRITERS = {
    "hash-object": 0,
    "read-tree": 0,
    "update-index": 0,
    "write-tree": 0,
    "commit-tree": 0,
    "update-ref": 4,
    "worktree": 1,
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: What has another name each time, and what it is called here.
_NAMES = (
    (re.compile(r"\.autoloop-\d+-[0-9a-f]{16}\.tmp"), "temporary"),
    (re.compile(r"torn-\w+(-\d+)?"), "torn"),
    (re.compile(r"pytest-autoloop-((?:[a-z]+-)?)\d+-\w+"), r"pytest-autoloop-\1NUMBER"),
    (re.compile(r"\b\d{3,}\b"), "NUMBER"),
)


class Boundaries:
    """Counts the boundaries of one session, and does at each what the environment says."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.log = os.environ.get("KILLS_LOG")
        self.at = os.environ.get("KILLS_AT", "")
        self.copies = os.environ.get("KILLS_COPIES")
        self.stop = os.environ.get("KILLS_STOP", "")
        self.passed = 0
        self.process = os.getpid()
        self._copying = threading.local()

    def reach(self, name: str) -> bool:
        """Take note of a boundary; return whether the session is to be killed there."""
        if os.getpid() != self.process:
            return False
        number, self.passed = self.passed, self.passed + 1
        if self.log:
            descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(descriptor, f"{name}\n".encode())
            os.close(descriptor)
        if self.copies:
            self._copy(Path(self.copies) / f"{number:04}")
        if self.stop == name:
            self.stop = ""
            os.kill(self.process, signal.SIGSTOP)
        return self.at in {name, f"#{number}"}

    def pass_or_die(self, name: str) -> None:
        """Pass a boundary, or end the session there."""
        if self.reach(name):
            self.kill()

    def _copy(self, to: Path) -> None:
        self._copying.now = True
        try:
            shutil.copytree(self.root, to, symlinks=True)
        finally:
            self._copying.now = False

    def kill(self) -> None:
        """End the session as the system does when there is no memory left."""
        if os.environ.get("KILLS_GROUP"):
            os.killpg(0, signal.SIGKILL)
        os.kill(self.process, signal.SIGKILL)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of what Python is about to do."""
        if getattr(self._copying, "now", False):
            return
        if event == "os.rename" and self._ours(arguments[0]):
            place = self._name(arguments[1])
            if self.reach(f"half of {place}"):
                os.truncate(arguments[0], os.stat(arguments[0]).st_size // 2)  # noqa: PTH116
                self.kill()
            self.pass_or_die(f"rename {place}")
        elif name := self._boundary(event, arguments):
            self.pass_or_die(name)

    def _boundary(self, event: str, arguments: tuple[Any, ...]) -> str:
        """Return the name of the boundary before an event, empty where there is none."""
        if event == "subprocess.Popen":
            return _command(list(map(os.fsdecode, arguments[1])))
        if event == "open" and not arguments[2] & _WRITES:
            return ""
        if event in {"open", "os.remove", "os.mkdir", "os.rmdir"} and self._ours(arguments[0]):
            return f"{event.removeprefix('os.')} {self._name(arguments[0])}"
        if event in {"tempfile.mkdtemp", "shutil.rmtree"}:
            name = self._name(arguments[0])
            return f"{event} {name}" if name.startswith("pytest-autoloop-") else ""
        return "truncate" if event == "os.truncate" else ""

    def _ours(self, path: Any) -> bool:
        """Tell whether a path leads to a file of the records."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return False
        found = Path(os.fsdecode(path))
        return found.is_relative_to(self.root) and "__pycache__" not in found.parts

    def _name(self, path: Any) -> str:
        found = Path(os.fsdecode(path))
        name = f"{found.parent.name}/{found.name}" if self._ours(path) else found.name
        for pattern, instead in _NAMES:
            name = pattern.sub(instead, name)
        return name


def _command(arguments: list[str]) -> str:
    """Return the name of a command of git that writes, empty for any other."""
    words = [word for word in arguments if word in _WRITERS]
    if Path(arguments[0]).name != "git" or not words:
        return ""
    place = arguments.index(words[0]) + 1
    named = [w for w in arguments[place : place + _WRITERS[words[0]]] if not w.startswith("-")]
    # Of a ref that is moved, its name; of worktrees, what is done with them.
    named = [re.sub(r"\d{3,}", "NUMBER", w) for w in named if w.startswith("refs/") or w in _DEEDS]
    return " ".join(("git", words[0], *named)) if named or not _WRITERS[words[0]] else ""


_DEEDS = {"add", "remove"}


def _told(process: GitProcess, question: bytes) -> str:
    """Return the name of the boundary before git is told to write, empty before it is asked."""
    words = [word for word in process._arguments[:1] if word in _WRITERS]
    refs = [w for w in question.decode().split() if words == ["update-ref"] and "refs/" in w]
    return re.sub(r"\d{3,}", "NUMBER", " ".join(("git", *words, *refs))) if words else ""


def _halves(boundaries: Boundaries) -> None:
    """Add the boundaries that Python does not tell of."""
    from pytest_autoloop.history import journal

    append_line, append_row, add = journal._append_line, ResultsFile.append, Index.add
    write = GitProcess._write

    def half_a_line(descriptor: int, line: bytes) -> int:
        if boundaries.reach("half of a line"):
            os.lseek(descriptor, 0, os.SEEK_END)
            os.write(descriptor, line[: len(line) // 2])
            boundaries.kill()
        place = append_line(descriptor, line)
        boundaries.pass_or_die("after a line")
        return place

    def half_a_row(table: ResultsFile, experiment: Any) -> bool:
        if boundaries.reach("half of a row"):
            with table.path.open("ab") as stream:
                row = table._row(experiment)
                stream.write(row[: len(row) // 2])
            boundaries.kill()
        return append_row(table, experiment)

    def one_entry(index: Index, entries: Any) -> None:
        boundaries.pass_or_die("before an entry")
        add(index, entries)
        boundaries.pass_or_die("after an entry")

    def tell_git(process: GitProcess, question: bytes) -> None:
        if name := _told(process, question):
            boundaries.pass_or_die(name)
        write(process, question)

    journal._append_line = half_a_line
    ResultsFile.append = half_a_row  # type: ignore[method-assign, assignment]
    Index.add = one_entry  # type: ignore[method-assign, assignment]
    GitProcess._write = tell_git  # type: ignore[method-assign, assignment]


def pytest_configure(config: Any) -> None:
    """Begin to count, in a session that nobody else has started."""
    if any(name.startswith("KILLS_") for name in os.environ):
        boundaries = Boundaries(config.rootpath)
        sys.addaudithook(boundaries.heard)
        _halves(boundaries)
