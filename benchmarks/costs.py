"""What experiments cost in a real session, in a loop of pytest processes, and at the least."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.meter import Meter
from benchmarks.small_projects import HEAVY, MARKS, TARGET, git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.small_projects import Fate, SmallProject

#: Seconds in which a session that hangs is given up.
_LIMIT = 1800.0
#: Nothing of the session around; and bytecode is written, as users have it.
_SCRUBBED = ("PYTEST_", "GIT_", "PYTHONDONTWRITEBYTECODE", "COV_")
#: Plugins that a session cannot do without.
_NEEDED = ("pytest_autoloop.plugin", "pytest_benchmark.plugin", "pytest_timeout")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one experiment, or their mean or median over several."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that takes the target's place, and what has to become of it."""

    content: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive candidates of one kind."""

    name: str
    candidates: Sequence[Candidate]


@dataclass(frozen=True)
class Setting:
    """How pytest is called, by the session and by the loop of processes alike."""

    #: Load only the plugins that a session cannot do without.
    lean: bool = False
    #: Where locks of the machine are kept.
    place: str = ""
    environment: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_SCRUBBED)}
        environment["AUTOLOOP_LOCKS"] = self.place
        if self.lean:
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        object.__setattr__(self, "environment", environment)

    @property
    def command(self) -> list[str]:
        """The beginning of every command line."""
        # It starts a thread beside pytest-xdist, so that no session can stand configured.
        plugins = [f"-p{name}" for name in _NEEDED] if self.lean else ["-pno:rerunfailures"]
        return [sys.executable, "-m", "pytest", "-q", *plugins]


# A session -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """A finished session."""

    #: Its lines of the record, the baseline first.
    rows: list[dict[str, Any]]
    #: By block: the median wall time between two records, and the mean CPU time.
    costs: dict[str, Cost]
    #: Wall time of the whole process, and CPU time of it and of all that it started.
    whole: Cost


def session(
    project: SmallProject, blocks: Sequence[Block], setting: Setting, *arguments: str
) -> Session:
    """Run `pytest --autoloop` on the candidates of all blocks, after one that warms up.

    Wall time is that between the records of consecutive experiments, so neither start-up, baseline
    nor audit is in it. CPU time is that of the whole process tree when the last experiment of a
    block has ended, less that when the last before the block had.

    Raises:
        SystemExit: the session failed, or a candidate did not meet its fate.
    """
    warm = Candidate(project.content(10**6, "guard", project.guards - 1), "guard")
    candidates = [warm, *(one for block in blocks for one in block.candidates)]
    queue = project.folder.with_name(project.folder.name + "-queue")
    shutil.rmtree(queue, ignore_errors=True)
    queue.mkdir()
    for number, candidate in enumerate(candidates, 1):
        (queue / f"{number:05}.py").write_text(candidate.content, encoding="utf-8")
    ends = _ends(blocks)
    command = [*setting.command, "--autoloop", str(len(candidates)), "--autoloop-tag", "cost"]
    command += ["--autoloop-proposer", f"replay:{queue}", *arguments]
    whole, marks = _watched(command, project.folder, setting, {1, *ends.values()})
    journal = project.folder / ".pytest_autoloop" / "cost" / "experiments.jsonl"
    rows = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if "status" in row]
    _check(rows, candidates)
    costs, start = {}, 1
    for block in blocks:
        end = ends[block.name]
        times = [row["elapsed"] for row in rows if start <= row["number"] <= end]
        wall = statistics.median(late - early for early, late in itertools.pairwise(times))
        costs[block.name] = Cost(wall, (marks[end] - marks[start]) / len(block.candidates))
        start = end
    return Session(rows, costs, whole)


def _ends(blocks: Sequence[Block]) -> dict[str, int]:
    """Return the number of each block's last experiment; the first of all is the warm-up."""
    ends, number = {}, 1
    for block in blocks:
        number += len(block.candidates)
        ends[block.name] = number
    return ends


def _check(rows: Sequence[Mapping[str, Any]], candidates: Sequence[Candidate]) -> None:
    """Make sure that every candidate met its fate."""
    wanted = {"guard": "discard guard", "no-gain": "discard no-gain", "keep": "keep"}
    for row in rows:
        if row["number"]:
            fate = candidates[row["number"] - 1].fate
            found = f"{row['status']} {row['reason']}".strip()
            if found != wanted.get(fate, found) or (fate == "timed" and not row["pairs"]):
                told = f"experiment {row['number']}: {found}, not {fate}: {row['detail']}"
                raise SystemExit(told)
    if len(rows) != len(candidates) + 1:
        raise SystemExit(f"{len(rows)} records of a baseline and {len(candidates)} candidates")


def _watched(
    command: list[str], folder: Path, setting: Setting, wanted: set[int]
) -> tuple[Cost, dict[int, float]]:
    """Run a session; return its cost, and the CPU time of its tree when experiments ended."""
    marks: dict[int, float] = {}
    reading, writing = os.pipe()
    with contextlib.closing(Meter()) as meter:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**setting.environment, MARKS: str(writing)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
        )
        os.close(writing)
        with os.fdopen(reading) as stream:
            for line in stream:
                if int(line) in wanted:
                    marks[int(line)] = meter.seconds()
        output, _ = process.communicate(timeout=_LIMIT)
        whole = Cost(time.perf_counter() - started, meter.seconds())
    if process.returncode:
        told = output.decode("utf-8", errors="replace")
        raise SystemExit(f"{' '.join(command)} in {folder}:\n{told}")
    return whole, marks


# A loop of processes -------------------------------------------------------------------------


def naive(project: SmallProject, candidate: Candidate, setting: Setting) -> Cost:
    """Judge a candidate as a plain loop does: write, pytest in a process, then commit or reset.

    The bytecode of the candidate before is removed outside of the clock: of the same size and
    second, it would be run instead.

    Raises:
        SystemExit: pytest judged otherwise.
    """
    for stale in project.folder.glob("__pycache__/target.*"):
        stale.unlink()
    with contextlib.closing(Meter()) as meter:
        own, started = time.process_time(), time.perf_counter()
        (project.folder / TARGET).write_text(candidate.content, encoding="utf-8")
        done = subprocess.run(
            setting.command,
            cwd=project.folder,
            env=dict(setting.environment),
            capture_output=True,
            check=False,
        )
        if candidate.fate == "keep":
            git(project.folder, "add", TARGET)
            git(project.folder, "commit", "-qm", "better")
        else:
            git(project.folder, "reset", "-q", "--hard")
        wall = time.perf_counter() - started
        cost = Cost(wall, meter.seconds() + time.process_time() - own)
    if (done.returncode == 0) != (candidate.fate != "guard"):
        told = done.stdout.decode("utf-8", errors="replace")
        raise SystemExit(f"{' '.join(setting.command)} in {project.folder}:\n{told}")
    return cost


class Floor:
    """The process that forks and calls test functions; see `floor.py`."""

    def __init__(self, project: SmallProject) -> None:
        self._place = project.folder.with_name(project.folder.name + "-candidate.py")
        preloaded = HEAVY if project.kind == "heavy" else ()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("floor.py")), project.folder, *preloaded],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, candidate: Candidate) -> tuple[Cost, float]:
        """Judge a candidate; return what it cost, and the seconds inside of test functions."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self._place.write_text(candidate.content, encoding="utf-8")
        stdin.write(f"{self._place}\n")
        stdin.flush()
        told = json.loads(stdout.readline())
        if told["passed"] != (candidate.fate != "guard"):
            raise SystemExit(f"{self._place}: passed is {told['passed']}")
        return Cost(told["wall"], told["cpu"]), told["own"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextlib.contextmanager
def floor(project: SmallProject) -> Iterator[Floor]:
    """Keep a floor process while the block runs."""
    one = Floor(project)
    try:
        yield one
    finally:
        one.close()
