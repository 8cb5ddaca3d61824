"""The nouns: frozen values that travel from room to room.

``Brief → Proposal → Candidate → Evaluation → Decision → Experiment``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pytest_autoloop.usage import Usage

Direction: TypeAlias = Literal["lower", "higher"]
Status: TypeAlias = Literal["baseline", "keep", "discard", "crash", "timeout", "explore"]
#: What benchmarks are timed with, what their rounds are reduced to, and which calls count.
Clock: TypeAlias = Literal["wall", "cpu", "instructions"]
Statistic: TypeAlias = Literal["min", "median"]
Rounds: TypeAlias = Literal["fresh", "warm"]
LauncherName: TypeAlias = Literal["auto", "forkserver", "spawn"]
SandboxName: TypeAlias = Literal["auto", "strict", "off"]
#: Whether the candidate ran in a process of its own, behind pipes, or in that of the tests.
Assurance: TypeAlias = Literal["isolated", "compatible"]
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Target:
    """The one file a proposer may change."""

    #: POSIX path relative to the root of the git repository.
    path: str
    #: What the user wrote in the fixture's docstring: the goal, in words.
    goal: str
    #: Name of the one function or class in it that may change, such as ``Parser.feed``; empty when
    #: all of the file may.
    symbol: str = ""

    @property
    def name(self) -> str:
        """What the user calls it: the path, and the symbol behind two colons."""
        return f"{self.path}::{self.symbol}" if self.symbol else self.path


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that says how good a target is."""

    name: str
    direction: Direction
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    description: str = ""
    #: Share of the objective `weighted`.
    weight: float = 1.0
    #: What it may lose when another metric decides, as a relative change.
    max_regression: float = 0.05
    #: Smallest relative gain worth keeping; None leaves it to the campaign.
    min_gain: float | None = None
    #: What a worker must have to measure it, such as ``(("GPU", 1.0),)``.
    resources: tuple[tuple[str, float], ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether it has a bound that a candidate must meet."""
        return self.at_least is not None or self.at_most is not None

    def meets(self, value: float) -> bool:
        """Tell whether a value is within the bounds."""
        high_enough = self.at_least is None or value >= self.at_least
        return high_enough and (self.at_most is None or value <= self.at_most)

    def overshot(self, value: float) -> bool:
        """Tell whether a value breaks the bound that lies beyond what `direction` asks for."""
        if self.direction == "higher":
            return self.at_most is not None and value > self.at_most
        return self.at_least is not None and value < self.at_least

    @property
    def sign(self) -> int:
        """+1 where larger is better, -1 where smaller is."""
        return 1 if self.direction == "higher" else -1


#: The score when there is no metric fixture: seconds per call, geometric mean of the benchmarks.
TIME = Metric("time", "lower", "s")


@dataclass(frozen=True, slots=True)
class Edit:
    """New content for one file."""

    #: POSIX path relative to the root of the git repository.
    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposer suggests: edits and one line that says why.

    A reply that could not be turned into edits carries the problem in `invalid` and is recorded
    as a discarded experiment; it is never applied in part.
    """

    description: str
    edits: tuple[Edit, ...] = ()
    proposer: str = ""
    usage: Usage = field(default_factory=Usage)
    invalid: str = ""
    #: What a reader of the row should know, such as files an agent changed and got back.
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One earlier experiment, as a proposer is told of it."""

    number: int
    status: Status
    reason: str
    description: str
    #: Human-readable effect, for example ``-31.2% [-32.0, -30.3]``; empty when not measured.
    effect: str = ""
    #: Why it was not kept, for example the failing guard and its message.
    detail: str = ""
    #: The same effect on the log scale, positive is better; None when not measured.
    log_gain: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric and its present value, as a proposer is told of it."""

    metric: Metric
    value: float | None


@dataclass(frozen=True, slots=True)
class Design:
    """A version of the target that was kept (0 is the baseline), and what it scored then."""

    number: int
    description: str
    source: bytes
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class HotLine:
    """A line of the target in which the benchmarks spend their time."""

    #: Counted from 1, in the content that the brief holds.
    line: int
    #: Share of all samples in which this was the target's innermost line, 0 to 1.
    share: float


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last candidate that did not pass failed; all of it was printed by programs."""

    number: int
    #: Node id of the guard, empty when there was none or it is hidden.
    test: str
    message: str
    #: The end of what its session printed.
    output: str = ""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a proposer learned from looking back, a line each, and what the looking back cost."""

    lines: tuple[str, ...]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything a proposer may know before it suggests the next candidate."""

    #: Number of the experiment that is about to run, from 1.
    number: int
    target: Target
    #: The target's present content, byte for byte.
    source: bytes
    readings: tuple[Reading, ...]
    #: The human's standing orders (program.md), read again before every proposal.
    directives: str = ""
    #: Smallest relative gain the machine can tell from noise (0.013 is 1.3%), None when unknown.
    smallest_gain: float | None = None
    #: Earlier experiments, oldest first: of a long campaign the latest and those that gained most.
    history: tuple[Outcome, ...] = ()
    #: How many experiments of each status there were in all; empty counts those in `history`.
    counts: dict[str, int] = field(default_factory=dict)
    #: Commit whose target `source` is: the incumbent, or where the search wants to start.
    parent: str = ""
    #: Why the first answer for this experiment does not count: asked again, None leaves it at that.
    remark: str = ""
    #: The last candidate that a guard refused.
    failure: Failure | None = None
    #: Where the benchmarks spend their time, hottest first; empty without a profile.
    profile: tuple[HotLine, ...] = ()
    #: What was learned so far (notes.md), and a strategy to think of this time.
    notes: str = ""
    hint: str = ""
    #: Versions that were kept and are not `source`, the most telling first; see --autoloop-archive.
    archive: tuple[Design, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardReport:
    """What the guards said of one candidate."""

    passed: bool
    #: Status and reason of the experiment when it did not pass.
    status: Status = "discard"
    reason: str = ""
    #: Node id of the first guard that did not pass.
    test: str = ""
    message: str = ""
    seconds: float = 0.0
    #: The end of what a session that did not pass printed, at most 20 kB.
    output: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One side of one pair: every number measured in one fresh process.

    Benchmark times are seconds per call. `warm` is the robust statistic over the rounds, `first`
    the very first call in that process. Metric fixtures have one value.
    """

    warm: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Incumbent and candidate, measured side by side, each side reduced to one sample."""

    incumbent: Sample
    candidate: Sample
    #: Who ran when: ``"ICCI"`` or ``"CIIC"``, or one turn each where turns are long or exact.
    order: str = "IC"
    #: What every turn gave, in that order.
    turns: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """How much better the candidate is, on the log scale of ``incumbent cost / candidate cost``.

    Positive is better, whatever the metric's direction: 0.693 is twice as good. `low` and `high`
    bound it at the stated `level`.
    """

    log_gain: float
    low: float
    high: float
    level: float = 0.95
    pairs: int = 0
    #: "warm" or "first": which times the effect speaks of; "metric" for fixtures.
    basis: str = "warm"
    #: The log gain of first calls, where the effect speaks of warm ones.
    first_calls: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Status, reason and the measured effect."""

    status: Status
    reason: str = ""
    detail: str = ""
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One candidate's life, as the journal keeps it."""

    number: int
    status: Status
    reason: str
    description: str
    proposer: str
    commit: str
    parent: str
    timestamp: str
    seconds: float
    #: Metric name to value; None where it is unknown, never 0.
    metrics: dict[str, float | None]
    detail: str = ""
    diff: str = ""
    diff_lines: int = 0
    tokens_used: int | None = None
    cost_usd: float | None = None
    effect: Effect | None = None
    guard: GuardReport | None = None
    pairs: tuple[Pair, ...] = ()
    #: What a reader should know of the measurement, for example "noisy".
    flags: tuple[str, ...] = ()
    #: Seconds of each stage that it reached: propose, guard, race, measure, confirm, verify.
    stages: dict[str, float] = field(default_factory=dict)
    #: How it was run; empty when it was refused before.
    assurance: str = ""
    #: What is new in a candidate that was kept: imports, state of the module.
    news: tuple[str, ...] = ()
    #: What the measurement from outside found, on the log scale of the effect; None without one.
    verified: Effect | None = None
    #: Name of the target that it changed; empty in journals from before there could be several.
    target: str = ""
    #: How the search came to its parent: improve, draft, debug, explore, restart.
    search: str = "improve"
    #: Equal for candidates that are the same but for what makes no difference.
    fingerprint: str = ""
    #: Seconds that the campaign had run, over all its sessions, when it ended.
    elapsed: float = 0.0
    #: Class of the host that it was measured on, where workers elsewhere judge.
    host: str = ""
