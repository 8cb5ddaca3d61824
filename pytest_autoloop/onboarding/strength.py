"""Whether the guards of a workplace notice faults: mutants are judged as candidates are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.harness.symbols import unusable
from pytest_autoloop.onboarding.mutants import mutants_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.harness.manifest import Manifest
    from pytest_autoloop.model import GuardReport, Json
    from pytest_autoloop.onboarding.mutants import Mutant
    from pytest_autoloop.workplace import Workplace

#: Seconds that the guards of a mutant may take at least; it may loop for ever.
_SHORTEST_LIMIT = 5.0
_LIMIT_FACTOR = 5.0
_TEXT = "pytest-autoloop made this unusable to see whether a guard calls it"


@dataclass(slots=True)
class Strength:
    """What became of the mutants of one target."""

    #: How many there were, and how many were run before the time was over.
    made: int = 0
    run: int = 0
    #: Noticed by a guard, and by fresh inputs alone.
    killed: int = 0
    by_fresh_inputs: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    #: Dotted names of functions that no guard calls.
    uncalled: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def document(self, source: bytes, path: str) -> dict[str, Json]:
        """Return it as plain data, survivors as diffs."""
        return {
            "made": self.made,
            "run": self.run,
            "killed": self.killed,
            "killed_by_fresh_inputs_alone": self.by_fresh_inputs,
            "survived": len(self.survivors),
            "survivors": [
                {
                    "line": mutant.line,
                    "function": mutant.function,
                    "what": mutant.what,
                    "looks_equivalent": mutant.equivalent,
                    "diff": mutant.diff(source, path),
                }
                for mutant in self.survivors
            ],
            "uncalled_functions": [*self.uncalled],
            "seconds": self.seconds,
        }


def measure(
    workplace: Workplace,
    manifest: Manifest,
    *,
    count: int,
    seconds: float,
    guard_seconds: float,
    told: Callable[[str], None],
) -> Strength:
    """Guard at most `count` mutants of the target within about `seconds`.

    `guard_seconds` is what the guards take on the untouched target; a mutant that takes many times
    as long has been noticed. None are made of a target that is not Python.

    Raises:
        EvaluationError: no child can be started.
    """
    target, source = workplace.target, workplace.source
    found = Strength()
    if not target.path.endswith(".py"):
        return found
    mutants = mutants_of(source, symbol=target.symbol, limit=count)
    found.made = len(mutants)
    began, evaluator = time.monotonic(), workplace.evaluator
    usual = evaluator.limits
    limit = min(usual.guard, max(_SHORTEST_LIMIT, _LIMIT_FACTOR * guard_seconds))
    evaluator.limits = replace(usual, guard=limit)
    noticed: set[str] = set()
    try:
        # Not from top to bottom: where the time is over, all parts of the file had their turn.
        for mutant in _interleaved(mutants):
            if time.monotonic() - began > seconds:
                break
            report = _guarded(workplace, manifest, mutant.content)
            found.run += 1
            if report.passed:
                found.survivors.append(mutant)
            elif report.reason == "differential":
                found.by_fresh_inputs += 1
            else:
                found.killed += 1
                noticed.add(mutant.function)
            told(f"mutant {found.run} of {found.made}, {len(found.survivors)} survived")
        suspects = {m.function for m in found.survivors if m.function} - noticed
        found.uncalled = [
            name for name in sorted(suspects) if _is_uncalled(workplace, manifest, name)
        ]
    finally:
        evaluator.limits = usual
        workplace.place("candidate", source)
        workplace.pool.reset("candidate")
    found.survivors.sort(key=lambda mutant: mutant.line)
    found.seconds = time.monotonic() - began
    return found


def _interleaved(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Return the mutants in strides through the file."""
    stride = max(1, round(len(mutants) ** 0.5))
    return [mutant for first in range(stride) for mutant in mutants[first::stride]]


def _guarded(workplace: Workplace, manifest: Manifest, content: bytes) -> GuardReport:
    workplace.place("candidate", content)
    report = workplace.evaluator.guard(manifest.required)
    workplace.pool.reset("candidate")
    return report


def _is_uncalled(workplace: Workplace, manifest: Manifest, function: str) -> bool:
    """Tell whether the guards stay green when a function raises as soon as it is called."""
    if workplace.source.count(f"def {function.rpartition('.')[2]}(".encode()) != 1:
        return False  # which of several is meant cannot be told by its name
    content = unusable(workplace.source, function, _TEXT)
    report = _guarded(workplace, manifest, content)
    return report.passed or report.reason == "differential"
