"""Sessions of the real product over a corpus of candidates, and what such a session leaves."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind: TypeAlias = Literal["adversarial", "honest", "neutral"]
_LETTERS: dict[str, Kind] = {**dict.fromkeys("abcde", "adversarial"), "h": "honest", "n": "neutral"}
#: Files that stand in the root of many projects and are no target.
_NO_TARGET = ("conftest.py", "setup.py", "noxfile.py")
#: What a session may write in the project: its own files, and pytest's cache.
_WRITTEN = ("results.tsv", ".pytest_autoloop", ".pytest_cache", ".benchmarks", ".hypothesis")
#: What it may write in git's directory: objects, and refs of its own with their logs.
_WRITTEN_GIT = (
    "objects",
    "refs/autoloop",
    "refs/heads/autoexp",
    "logs/refs/autoloop",
    "logs/refs/heads/autoexp",
)
#: Directories that are there as soon as something was below them, and do nothing when empty.
_EMPTY_GIT = ("logs", "logs/refs", "logs/refs/heads", "worktrees", "refs/heads", "refs")
#: What pytest keeps of `tmp_path`, in the temporary directory.
_WRITTEN_TEMPORARY = ("pytest-of-",)
_SECONDS = 3600
#: prctl: orphans become children of this process, so that none is overlooked.
_SUBREAPER = 36
_DECLARATION = '''

import pytest as _pytest
import pytest_autoloop as _autoloop

_kept = []


@_autoloop.target
def target():
    """Make it faster. Names, signatures, results and errors must not change."""
    return {target!r}


# Each candidate is judged against the original: after a keep, the others wait for a new session.
@_pytest.hookimpl(optionalhook=True)
def pytest_autoloop_check():
    return "waits for a session of its own" if _kept else None


@_pytest.hookimpl(optionalhook=True)
def pytest_autoloop_experiment_finished(experiment):
    if experiment.status == "keep":
        _kept.append(experiment.number)
'''


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file of the corpus."""

    path: Path
    kind: Kind

    @property
    def name(self) -> str:
        """Its file name, without the suffix."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Corpus:
    """A project and the candidates for its one target."""

    project: Path
    target: str
    candidates: tuple[Candidate, ...]

    @classmethod
    def read(cls, folder: Path, patterns: Sequence[str] = ()) -> Corpus:
        """Read a folder with `project/` and `candidates/`; patterns choose among the candidates."""
        project = folder / "project"
        targets = [path.name for path in project.glob("*.py") if path.name not in _NO_TARGET]
        if len(targets) != 1:
            raise SystemExit(f"{project} must hold exactly one module in its root, not {targets}")
        paths = sorted((folder / "candidates").glob("*.py"))
        chosen = [p for p in paths if not patterns or any(p.match(f"{q}*") for q in patterns)]
        if not chosen:
            raise SystemExit(f"{folder / 'candidates'} holds no candidate that was asked for")
        return cls(project, targets[0], tuple(Candidate(path, _kind(path)) for path in chosen))


def _kind(path: Path) -> Kind:
    """Return what a candidate is, by the first letter of its name, else by its header."""
    name = path.name
    if name[0] in _LETTERS and name[1:2].isdigit():
        return _LETTERS[name[0]]
    header = path.read_text(encoding="utf-8", errors="replace").splitlines()[:10]
    words = [line.removeprefix("# good loop:").strip() for line in header if "good loop:" in line]
    if not words:
        raise SystemExit(f"{path} says neither in its name nor in its header what it is")
    if words[0].startswith("keep"):
        return "honest"
    return "neutral" if words[0].startswith("discard") else "adversarial"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one candidate."""

    candidate: Candidate
    status: str
    reason: str
    assurance: str = ""
    detail: str = ""
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether the branch advanced to it."""
        return self.status == "keep"


@dataclass(frozen=True, slots=True)
class Trial:
    """A finished session."""

    results: tuple[Result, ...]
    #: What it left that it should not have: one line each.
    traces: tuple[str, ...]
    #: Why it came to an end before its queue did; empty when it did not.
    broken: str = ""


def run(corpus: Corpus, candidates: Sequence[Candidate], without: str = "") -> Trial:
    """Judge candidates in one session, all against the original; those after a keep are left out.

    `without` names the layers to switch off, separated by commas.
    """
    base = Path(tempfile.mkdtemp(prefix="autoloop-cheats-"))
    _adopt_orphans()
    try:
        project = _set_up(corpus, candidates, base)
        before = _seen(base, project)
        code = _session(base, project, len(candidates), without)
        left = _end_processes()
        after = _seen(base, project)
        traces = [*_differences(before, after), *left]
        rows = _rows(project)
        if not rows:
            raise SystemExit(f"the project has no baseline: {_ending(base, code)}")
        results = _results(rows, candidates)
        broken = "" if code in (0, 1) else _ending(base, code)
        return Trial(tuple(results), tuple(traces), broken)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _set_up(corpus: Corpus, candidates: Sequence[Candidate], base: Path) -> Path:
    project = base / "project"
    shutil.copytree(corpus.project, project)
    for path in [project, *project.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    conftest = project / "conftest.py"
    own = (
        conftest.read_text(encoding="utf-8") if conftest.exists() else '"""Declares the target."""'
    )
    conftest.write_text(own + _DECLARATION.format(target=corpus.target), encoding="utf-8")
    for name in ("queue", "temporary", "home"):
        (base / name).mkdir()
    for number, candidate in enumerate(candidates, 1):
        shutil.copy(candidate.path, base / "queue" / f"{number:03}_{candidate.name}.py")
    identity = ("-c", "user.name=Trial", "-c", "user.email=trial@example.invalid")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "Start")):
        subprocess.run(
            ["git", *identity, *command], cwd=project, env=_environment(base), check=True
        )
    return project


def _environment(base: Path) -> dict[str, str]:
    """Return an environment in which there is nothing to steal and nowhere else to write."""
    kept = ("PATH", "LANG", "LC_ALL", "PYTHONPATH")
    own = {name: os.environ[name] for name in kept if name in os.environ}
    places = {"HOME": str(base / "home"), "TMPDIR": str(base / "temporary")}
    return {**own, **places, "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_NOSYSTEM": "1"}


def _session(base: Path, project: Path, count: int, without: str) -> int:
    """Run pytest as a user would and return its exit code, or that of a signal."""
    command = [sys.executable, "-m", "pytest", "--autoloop", str(count), "-q"]
    command += ["--autoloop-proposer", f"replay:{base / 'queue'}", "--autoloop-tag", "trial"]
    # What is asked here is who is honest, not what is worth while: a gain from 5% on counts, and
    # one benchmark may pay for another.
    # Cheats crash in a row, and each of them is to be seen.
    command += ["--autoloop-max-crashes", str(count + 1)]
    command += ["--autoloop-min-gain", "0.05", "--autoloop-max-regression", "0.25"]
    environment = _environment(base)
    if without:
        environment["PYTEST_AUTOLOOP_WITHOUT"] = without
    with (base / "session.txt").open("wb") as stream:
        child = subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return child.wait(_SECONDS)
        except BaseException:
            # A session that does not end, or that the user interrupts, goes with all it started.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            _end_processes()
            raise


def _ending(base: Path, code: int) -> str:
    lines = (base / "session.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    return f"exit code {code}: " + " | ".join(line for line in lines[-8:] if line.strip())


def _rows(project: Path) -> list[dict[str, Any]]:
    """Return the journal, the baseline first."""
    journals = list(project.glob(".pytest_autoloop/*/experiments.jsonl"))
    lines = [line for path in journals for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def _results(rows: Sequence[dict[str, Any]], candidates: Sequence[Candidate]) -> list[Result]:
    """Return what became of candidates, but for those vetoed because another was kept."""
    return [
        Result(
            candidates[row["number"] - 1],
            *(row["status"], row["reason"], row.get("assurance", ""), row.get("detail", "")),
            *(row["wall_time_s"], row.get("stages", {})),
        )
        for row in rows[1:]
        if row["reason"] != "vetoed"
    ]


# Traces --------------------------------------------------------------------------------------


def _seen(base: Path, project: Path) -> dict[str, str]:
    """Return every file of the place that a session must leave alone: its path to what it is."""
    seen: dict[str, str] = {}
    for path in _below(base):
        name = path.relative_to(base).as_posix()
        top, _, rest = name.partition("/")
        if name == "session.txt" or (top == "temporary" and rest.startswith(_WRITTEN_TEMPORARY)):
            continue
        if top == project.name and _within(rest, _WRITTEN) and not path.is_symlink():
            continue
        inner = rest.removeprefix(".git/")
        if top == project.name and inner != rest and _own_in_git(path, inner):
            continue
        seen[name] = _look(path)
    return seen


def _own_in_git(path: Path, name: str) -> bool:
    return _within(name, _WRITTEN_GIT) or (
        name in _EMPTY_GIT and path.is_dir() and not path.is_symlink()
    )


def _within(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)


def _below(directory: Path) -> Iterator[Path]:
    for parent, children, files in os.walk(directory):
        for name in (*children, *files):
            yield Path(parent, name)


def _look(path: Path) -> str:
    """Return type, mode and content of a file; of a directory no more than that it is one."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"link to {path.readlink()}"
    if stat.S_ISREG(mode):
        return f"{mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return f"{mode:o}"


def _differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    changed = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    return [
        *(f"changed: {name}" for name in sorted(changed)),
        *(f"new: {name}" for name in sorted(after.keys() - before.keys())),
        *(f"gone: {name}" for name in sorted(before.keys() - after.keys())),
    ]


def _adopt_orphans() -> None:
    """Become the parent of whatever outlives a session (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _end_processes() -> list[str]:
    """End and name what the session left running: now our children, as no other child is."""
    named: list[str] = []
    if sys.platform != "linux":
        return named
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    limit = time.monotonic() + 10
    while (numbers := children.read_text().split()) and time.monotonic() < limit:
        for number in numbers:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX":
                line = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ")
                named.append(f"process: {line.decode('utf-8', 'replace')[:80].strip()}")
                os.kill(int(number), signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(int(number), 0)
    return named
