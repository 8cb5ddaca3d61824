"""A campaign that is killed again and again, and what must hold of it all the same."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.projects import Project, clean_environment, git, new_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
TAG = "t"
_PLUGINS = (
    *("pytest_autoloop.plugin", "pytest_benchmark.plugin", "pytest_timeout"),
    *("tests.kills.boundaries", "no:cacheprovider"),
)
#: Lines of the target between two that candidates change: merges then never meet.
_APART = 3
#: Seconds in which what a session leaves behind has to be gone, and in which one has to end.
_GONE, _LIMIT = 20.0, 300.0
CONFTEST = '''
    import pytest_autoloop as autoloop

    @autoloop.target
    def target():
        """Make it shorter."""
        return "words.txt"

    @autoloop.metric(direction="lower")
    def letters(target):
        return len(target.read_text())
'''
#: A second target with a metric of its own, improved after the first.
SECOND = '''
    @autoloop.target(stage=2, metrics=["marks"])
    def more():
        """Make it shorter."""
        return "marks.txt"

    @autoloop.metric(direction="lower")
    def marks(more):
        return len(more.read_text())
'''
GUARD = """
    from pathlib import Path

    def test_all_begin_with_alpha():
        here = Path(__file__).parent
        assert all(path.read_text().startswith("alpha") for path in here.glob("*.txt"))
"""


def lines_of(count: int) -> list[str]:
    """Return the target's lines: one for each idea, with others between."""
    numbered = (f"{n:03}{'' if n % _APART else 'x' * 9}\n" for n in range(1, _APART * (count + 1)))
    return ["alpha\n", *numbered]


def idea(lines: list[str], number: int) -> str:
    """Return the target as an idea would have it: two of four are kept, one fails the guard."""
    changed = list(lines)
    if number % 4 == 2:
        changed[0] = f"beta {number}\n"
    elif number % 4 == 0:
        changed[_APART * number] = f"longer{lines[_APART * number]}"
    else:
        changed[_APART * number] = lines[_APART * number][3:]
    return "".join(changed)


@dataclass
class Scene:
    """A project, its campaign, and a temporary directory of its own."""

    project: Project
    temporary: Path
    command: tuple[str, ...]
    #: What every row must be in the end, as `decisions` returns it; of an uncut campaign.
    expected: list[tuple[Any, ...]] = field(default_factory=list)
    before: dict[str, bytes] = field(default_factory=dict)
    #: What begins the command line, such as a program that mounts a file system.
    around: list[str] = field(default_factory=list)
    #: Numbers of candidates whose judging has been cut short twice, which are not run again.
    given_up: set[int] = field(default_factory=set)

    # What is started -------------------------------------------------------------------------

    def start(self, environment: Mapping[str, str] | None = None, *more: str) -> Popen:
        """Start a session in a process group of its own."""
        self.given_up |= {number for number, times in self.pending.items() if times > 1}
        output = self.temporary.parent / f"{self.temporary.name}.out"
        with output.open("wb") as stream:
            return subprocess.Popen(
                [
                    *self.around,
                    sys.executable,
                    "-m",
                    "pytest",
                    *(f"-p{p}" for p in _PLUGINS),
                    *self.command,
                    *more,
                ],
                cwd=self.project.root,
                env={
                    **clean_environment(),
                    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONPATH": str(ROOT),
                    "TMPDIR": str(self.temporary),
                    **(environment or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, environment: Mapping[str, str] | None = None, *more: str) -> int:
        """Run a session to its end, and return its exit status."""
        return self.start(environment, *more).wait(_LIMIT)

    @property
    def output(self) -> str:
        """What the last session has printed."""
        path = self.temporary.parent / f"{self.temporary.name}.out"
        return path.read_text(encoding="utf-8", errors="replace")

    # What is found ---------------------------------------------------------------------------

    @property
    def records(self) -> Path:
        """The campaign's directory."""
        return self.project.root / ".pytest_autoloop" / TAG

    @property
    def journal(self) -> list[dict[str, Any]]:
        """The whole lines of the journal."""
        path = self.records / "experiments.jsonl"
        found = path.read_bytes() if path.exists() else b""
        return [json.loads(line) for line in found.split(b"\n")[:-1]]

    @property
    def decisions(self) -> list[tuple[Any, ...]]:
        """What became of each experiment."""
        rows = self.journal
        return [(r["number"], r["description"], r["status"], r["reason"]) for r in rows]

    @property
    def pending(self) -> dict[int, int]:
        """How often the judging of each answer without a row was begun, by their numbers."""
        recorded = {row["number"] for row in self.journal}
        answers = [json.loads(p.read_bytes()) for p in self.records.glob("answers/[0-9]*.json")]
        return {a["number"]: a["times"] for a in answers if a["number"] not in recorded}

    # What must hold --------------------------------------------------------------------------

    def violations(self) -> list[str]:
        """Say what does not hold of a campaign that has come to its end."""
        return [
            *(f"decisions: {one}" for one in self._wrong_decisions()),
            *(f"records: {one}" for one in self._wrong_records()),
            *(f"left: {one}" for one in self._left()),
            *(f"checkout: {name}" for name in self._changed()),
        ]

    def _wrong_decisions(self) -> Iterator[str]:
        found = self.decisions
        if self.expected and len(found) != len(self.expected):
            yield f"{len(found)} rows instead of {len(self.expected)}"
        for ours, theirs in zip(found, self.expected, strict=False):
            number, description, *decision = theirs
            decision = ["crash", "interrupted"] if number in self.given_up else decision
            if ours != (number, description, *decision):
                yield f"{ours} instead of {(number, description, *decision)}"

    def _wrong_records(self) -> Iterator[str]:
        rows, root = self.journal, self.project.root
        numbers = [row["number"] for row in rows]
        if numbers != list(range(len(rows))):
            yield f"numbers {numbers}"
        with (root / "results.tsv").open(encoding="utf-8", newline="") as stream:
            table = [
                (int(r["experiment"]), r["commit"]) for r in csv.DictReader(stream, delimiter="\t")
            ]
        if table != [(row["number"], row["commit"][:10]) for row in rows]:
            yield f"results.tsv has {table}"
        kept = [row["commit"] for row in rows if row["status"] in {"keep", "baseline"}]
        branch = git(root, "rev-parse", f"autoexp/{TAG}").strip()
        if branch != kept[-1]:
            yield f"the branch is at {branch}, the last keep is {kept[-1]}"
        listed = git(
            root,
            "for-each-ref",
            "--format=%(refname:lstrip=3) %(objectname)",
            f"refs/autoloop/{TAG}/",
        )
        refs = dict(line.split() for line in listed.splitlines())
        made = {
            f"{r['number']:03}": r["commit"]
            for r in rows
            if r["status"] != "baseline" and r["commit"]
        }
        # What was given up has no row with its commit, but the ref of its last try.
        found = {n: c for n, c in refs.items() if int(n) not in self.given_up}
        if found != {n: c for n, c in made.items() if int(n) not in self.given_up}:
            yield f"refs {set(found.items()) ^ set(made.items())}"
        if self.pending:
            yield f"answers {self.pending}"
        left = [path.name for path in (self.records / "answers").iterdir()]
        if left:
            yield f"files of answers {left}"

    def _left(self) -> Iterator[str]:
        if len(git(self.project.root, "worktree", "list").splitlines()) != 1:
            yield git(self.project.root, "worktree", "list")
        yield from sorted(path.name for path in self.temporary.iterdir())
        yield from (p.name for p in self.project.root.rglob(".autoloop-*"))
        yield from (str(p) for p in (self.project.root / ".git").rglob("*.lock"))
        limit = time.monotonic() + _GONE
        while left := list(self.processes()):
            if time.monotonic() > limit:
                yield f"processes {left}"
                return
            time.sleep(0.01)

    def processes(self) -> Iterator[str]:
        """Yield the processes that a session of this scene has started."""
        mark = str(self.temporary)
        for place in Path("/proc").glob("[0-9]*"):
            try:
                told = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()
                named = os.fsencode(mark) in told or str((place / "cwd").readlink()).startswith(
                    mark
                )
            except OSError:  # it has ended meanwhile
                continue
            if named:
                yield f"{place.name}: {(place / 'cmdline').read_bytes()[:200]!r}"

    def _changed(self) -> list[str]:
        now = self.checkout()
        return sorted(n for n in {*now, *self.before} if now.get(n) != self.before.get(n))

    def checkout(self) -> dict[str, bytes]:
        """Return what belongs to the user: all files but ours, and where git says he stands."""
        root = self.project.root
        ours = (".git", ".pytest_autoloop", "results.tsv")
        files = [p for p in root.rglob("*") if p.relative_to(root).parts[0] not in ours]
        files += [root / ".git" / name for name in ("HEAD", "index", "config", "refs/heads/main")]
        return {str(p.relative_to(root)): p.read_bytes() for p in files if p.is_file()}

    # How it is killed ------------------------------------------------------------------------

    def killed_after(self, seconds: float, *, experiments: bool, group: bool) -> bool:
        """Start a session and kill it at an instant; return False when it had ended before.

        Args:
            seconds: after the start; or after the first line that tells of an experiment.
            experiments: whether it is the latter.
            group: whether the whole process group is killed, not the session alone.

        """
        process = self.start()
        while experiments and process.poll() is None and "autoloop::" not in self.output:
            time.sleep(0.005)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        return process.wait(_LIMIT) == -signal.SIGKILL

    def killed_at(self, boundary: str, *arguments: str, group: bool = False) -> bool:
        """Run a session that is killed at a boundary; return whether it came to it."""
        more = {"KILLS_GROUP": "1"} if group else {}
        return self.run({"KILLS_AT": boundary, **more}, *arguments) == -signal.SIGKILL

    def finish(self, sessions: int = 3) -> list[str]:
        """Go on until nothing is left; return what does not hold then."""
        for _ in range(sessions):
            status = self.run()
            if status == 0 and "no further idea" in self.output:
                break
            if status != 0:
                return [f"exit status {status}: {self.output[-3000:]}"]
        return self.violations()


Popen = subprocess.Popen[bytes]


def staged(place: Path, ideas: int, *more: str, targets: int = 1) -> Scene:
    """Make a project with one target or two, and a queue, in an empty directory."""
    root, temporary = place / "project", place / "temporary"
    root.mkdir(parents=True)
    temporary.mkdir()
    project = new_project(root)
    lines = lines_of(ideas)
    conftest = textwrap.dedent(CONFTEST)
    files = {"words.txt": "".join(lines), "test_words.py": GUARD}
    if targets == 2:
        # A queue of whole files is one of every target.
        files["marks.txt"] = files["words.txt"]
        conftest = conftest.replace("target\n", 'target(metrics=["letters"])\n', 1)
        conftest += textwrap.dedent(SECOND)
    project.commit({**files, "conftest.py": conftest})
    queue = project.ideas(*(idea(lines, n) for n in range(1, ideas + 1)), suffix=".txt")
    command = (
        *("--autoloop=inf", f"--autoloop-tag={TAG}", "--autoloop-stack"),
        *(f"--autoloop-proposer={queue}", *more),
    )
    scene = Scene(project, temporary, command)
    scene.before = scene.checkout()
    scene.expected = expected_of(ideas, targets)
    return scene


def expected_of(ideas: int, targets: int) -> list[tuple[Any, ...]]:
    """Return what becomes of the ideas of `staged`."""
    told = {0: ("discard", "no-gain"), 2: ("discard", "guard")}
    rows: list[tuple[Any, ...]] = []
    for _ in range(targets):
        rows.append((len(rows), "baseline", "baseline", ""))
        rows += [
            (len(rows) + n - 1, f"idea {n}", *told.get(n % 4, ("keep", "")))
            for n in range(1, ideas + 1)
        ]
    return rows
