"""What parent and child say to each other, as JSON files in a private directory."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from pytest_autoloop.model import Clock, Statistic

#: `guard` runs the tests, `measure` times benchmarks and evaluates metrics in the child's process;
#: `verify` times the target in workers, from outside.
Phase: TypeAlias = Literal["guard", "measure", "verify"]
#: What the target is in a child: the candidate itself, the candidate with every call recorded
#: (trusted code alone), or a proxy for a candidate in a worker.
Mode: TypeAlias = Literal["compatible", "record", "isolated"]

#: Hash seeds that comparisons share, from 0 on, which is also the guards': warm parents of as many
#: are kept.
KEPT_SEEDS = 3
#: How far a standing session goes ahead of the children that are forked from it, as
#: `evaluation.standing` says: from the one that leaves the least to a child.
Level: TypeAlias = Literal["session", "plugins", "imports"]
_LONGEST_INTEGER = 2**53
LEVELS: tuple[Level, ...] = ("session", "plugins", "imports")

#: Files in a child's temporary directory: one names the test it is running, the other holds the
#: SHA-256 of the target's source as it was loaded, written before any of it is executed.
RUNNING, LOADED = "running", "loaded"
#: Files that the parent writes there in isolated mode: the first commit's target, the calls that
#: were recorded, and the incumbent's target when a gain is verified.
ORIGINAL, RECORDING, INCUMBENT = "original", "recording", "incumbent"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What one child session is asked to do."""

    phase: Phase
    #: The parent's own command line, mapped into the worktree.
    args: list[str]
    #: Root of the worktree, and of the user's checkout that it stands for.
    worktree: str
    checkout: str
    #: POSIX path of the target below both.
    target: str
    #: Where the verdict is written, and a directory for everything temporary.
    verdict: str
    temporary: str
    #: Stop after this many failures; 0 runs everything.
    max_failures: int = 0
    #: Seconds one guard may take before pytest-timeout fails it by name; 0 leaves it alone.
    test_timeout: float = 0.0
    #: Guards to run first, the latest killer before older ones; and what each guard took, in
    #: seconds, to run the cheap ones next. Without either, guards run as they are collected.
    killers: list[str] = field(default_factory=list)
    seconds_of_guards: dict[str, float] = field(default_factory=dict)
    #: Metric fixtures to evaluate in the measure phase; without any, benchmarks are timed.
    metrics: list[str] = field(default_factory=list)
    #: Seconds of rounds per benchmark, unless the user set --benchmark-max-time.
    benchmark_seconds: float = 0.1
    #: What benchmarks are timed with, and what their rounds are reduced to.
    clock: Clock = "wall"
    statistic: Statistic = "min"
    #: Whether benchmarks are timed in the measure phase, beside the metrics.
    timed: bool = True
    #: Whether the process confines itself before anything of the project is imported, what it may
    #: then reach besides the worktree and the temporary directory, and whether it has a network.
    contained: bool = False
    #: Whether a worker reports what no computing code does.
    tripwire: bool = True
    network: bool = False
    readable: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)
    mode: Mode = "compatible"
    #: In isolated mode: what `api.Api` says of the target, and POSIX paths below the worktree that
    #: a worker must not see.
    api: dict[str, Any] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    #: What a worker may see of the worktree; None leaves it to the child to find that out.
    visible: list[str] | None = None
    #: Relative tolerance of floats, and whether a cache may live across calls.
    tolerance: float = 1e-9
    may_cache: bool = False
    #: Whether fresh inputs are tried after the guards, and at most for how many seconds.
    differential: float = 0.0
    #: The gain to be verified, as a logarithm, and at most for how many seconds.
    claimed: float = 0.0
    verify_seconds: float = 0.0
    #: Whether there is a fixture `autoloop_inputs`.
    inputs: bool = False
    #: Whether the benchmarks are sampled for the lines in which they spend their time.
    profile: bool = False
    #: Whether PYTEST_CURRENT_TEST is taken out of the environment while a test runs.
    hide_current_test: bool = True
    #: Directory of the harness's bytecode, and whether the target is the user's own, so that this
    #: child may write there; without it nothing is remembered.
    bytecode: str = ""
    trusted: bool = False
    #: POSIX paths below the worktree of the files that hold what gives the score: no other file is
    #: collected for measuring. None collects all.
    collected: list[str] | None = None

    def file(self, name: str) -> Path:
        """Return the path of a file in the child's temporary directory."""
        return Path(self.temporary, name)

    def standing(self) -> ChildSpec:
        """Return what is known before a run: all that pytest is configured by, and nothing else."""
        return ChildSpec(**{name: getattr(self, name) for name in _STANDING})

    def write(self, path: Path) -> None:
        """Write the specification for the child to read."""
        path.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ChildSpec:
        """Read what the parent wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


#: Fields that a session is configured by, before it is known what it runs on.
_STANDING = (
    *("phase", "args", "worktree", "checkout", "target", "verdict", "temporary", "test_timeout"),
    *("benchmark_seconds", "clock", "statistic", "bytecode"),
)


@dataclass(slots=True)
class Verdict:
    """What one child session saw. Times are seconds per call."""

    #: pytest's own exit status of the session: 0 and 1 mean that it ran to its end.
    exitstatus: int = 0
    #: Node id to "passed", "failed", "skipped" or "xfailed".
    outcomes: dict[str, str] = field(default_factory=dict)
    #: Node id to the seconds of its setup, call and teardown.
    seconds: dict[str, float] = field(default_factory=dict)
    #: First failure: the node that failed (or could not be collected), and what pytest said.
    failed: str = ""
    message: str = ""
    #: Whether the first failure is a module that could not be collected.
    collection: bool = False
    benchmarks: list[str] = field(default_factory=list)
    warm: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    #: Metric name to repr of a value that is not a finite number.
    invalid: dict[str, str] = field(default_factory=dict)
    #: Where the target was loaded from when that is not the worktree.
    foreign: str = ""
    #: Modules from outside of the project that are imported by now, in the order of their import.
    imported: list[str] = field(default_factory=list)
    #: What the process holds in MB, as `preload.memory` has it.
    memory: dict[str, float] = field(default_factory=dict)
    #: What of the project asks to be there before a session begins, such as hooks of a conftest.
    early: list[str] = field(default_factory=list)
    #: POSIX paths below the worktree of the files that hold benchmarks and metrics.
    scoring: list[str] = field(default_factory=list)
    #: What `api.Api` says of the target, after a recording session.
    api: dict[str, Any] = field(default_factory=dict)
    #: Whether the session has a fixture `autoloop_inputs`.
    inputs: bool = False
    #: Status, reason and detail of what the candidate did in its worker.
    fault: list[str] = field(default_factory=list)
    #: What went wrong that is not the candidate's doing.
    error: str = ""
    #: What fresh inputs showed, and what the measurement from outside did.
    differential: dict[str, Any] = field(default_factory=dict)
    verification: dict[str, Any] = field(default_factory=dict)
    #: Kind and description of every trace that something has tampered with the session.
    traces: list[list[str]] = field(default_factory=list)
    #: Line of the target to samples, as `profile.Sampler` counts them.
    samples: dict[str, int] = field(default_factory=dict)
    #: Seconds that each benchmark claims to have taken in all its rounds together.
    claimed: dict[str, float] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the verdict as JSON."""
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes | None) -> Verdict | None:
        """Return the verdict, or None when the child left none that can be read."""
        try:
            document: dict[str, Any] = json.loads(content or b"")
            verdict = cls(**document)
        except (ValueError, TypeError, RecursionError):
            return None
        # What runs in a child can write there: a list in place of a mapping must not get further.
        kinds = {name: type(value) for name, value in dataclasses.asdict(cls()).items()}
        whole = all(type(getattr(verdict, name)) is kind for name, kind in kinds.items())
        return verdict if whole and verdict._holds_what_it_says() else None

    def _holds_what_it_says(self) -> bool:
        """Tell whether what is in its lists and mappings is what a child puts there."""
        texts = (*self.benchmarks, *self.imported, *self.early, *self.scoring, *self.fault)
        texts += (*self.outcomes.values(), *self.invalid.values())
        numbers = (self.seconds, self.warm, self.first, self.metrics, self.claimed, self.memory)
        return (
            all(isinstance(text, str) for text in texts)
            and len(self.fault) in (0, 3)
            and all(_is_number(value) for part in numbers for value in part.values())
            and all(isinstance(count, int) for count in self.samples.values())
        )


def _is_number(value: object) -> bool:
    # A longer integer is none that a float can hold.
    return type(value) is float or (type(value) is int and abs(value) < _LONGEST_INTEGER)
