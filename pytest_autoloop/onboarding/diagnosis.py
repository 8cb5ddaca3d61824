"""What the figures of a checkup mean: problems, each with what to do, and whether all is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: With an error a campaign cannot be trusted or cannot run; a warning costs time or certainty.
Severity: TypeAlias = Literal["error", "warning"]

#: Share of the mutants that guards and fresh inputs should notice; below the first a campaign
#: would keep faults.
_WEAK, _FAIR = 0.6, 0.8
#: Relative gain that should be seen, and one below which hardly any idea lies.
_SEES_LITTLE, _SEES_NOTHING = 0.05, 0.25
#: Seconds of guards from which on most of a night goes into them.
_SLOW_GUARDS = 60.0
_LISTED = 5
#: What a problem with a proposer begins with.
CANNOT_BEGIN = "the proposer cannot begin"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not as it should be, and what to do."""

    severity: Severity
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a campaign would take. Unknown is None."""

    experiments: int
    #: Seconds, when most candidates are told apart at once, and when each takes the longest.
    shortest: float
    longest: float
    tokens: int | None
    cost_usd: float | None


def problems_of(found: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of a checkup, the worst first."""
    problem = found.get("problem")
    told: list[Problem] = []
    if problem:
        # The message names its own next step.
        told.append(Problem("error", str(problem["text"]), ""))
    elif not found.get("program"):
        told.append(
            Problem(
                "warning",
                "there is no program.md: a model knows no more of the project than the target and "
                "its docstring",
                "pytest-autoloop init writes one to start from",
            )
        )
    if found.get("refused"):
        told.append(Problem("error", str(found["refused"]), ""))
    if found.get("contained") is False:
        told.append(
            Problem(
                "warning",
                "candidates run as you, with your files and your network",
                "leave out --autoloop-sandbox=off",
            )
        )
    for target in found.get("targets", []):
        told += _of_target(target)
    return sorted(told, key=lambda one: one.severity != "error")


def healthy(problems: Sequence[Problem]) -> bool:
    """Tell whether a campaign can be started and believed."""
    return not any(problem.severity == "error" for problem in problems)


def prospect_of(target: Mapping[str, Any], experiments: int) -> Prospect:
    """Return what a campaign of so many experiments on one target would take.

    Of the shortest, every candidate is discarded after one pair of measurements; of the longest,
    each takes the pairs of a decision that is hard. Tokens grow with what a brief tells of earlier
    experiments: 40 a line, of up to 300 lines. Retries and what a model thinks are not in it.
    """
    guards = float(target["guard_seconds"])
    shortest, longest = map(float, target["decision_seconds"])
    base = float(target["baseline_seconds"])
    lines = sum(min(number, _TOLD_LINES) for number in range(experiments))
    asked = [one for one in target["proposers"] if one["asks"]]
    if not asked:
        tokens: int | None = 0
        cost: float | None = 0.0
    else:
        tokens = cost = None
        # A team shares the experiments; with unknown ones the sum is unknown.
        if all(one["prompt_tokens"] is not None for one in asked):
            history = lines * _TOKENS_PER_LINE
            each = experiments / len(target["proposers"])
            own = sum(each * (one["prompt_tokens"] + one["completion_tokens"]) for one in asked)
            tokens = round(own + history * len(asked) / len(target["proposers"]))
        if tokens is not None and all(one["cost_usd"] is not None for one in asked):
            cost = sum(
                one["cost_usd"]
                * (experiments + lines * _TOKENS_PER_LINE / max(one["prompt_tokens"], 1))
                / len(target["proposers"])
                for one in asked
            )
    return Prospect(
        experiments,
        base + experiments * (guards + shortest),
        base + experiments * (guards + longest),
        tokens,
        cost,
    )


#: As briefs tell of earlier experiments.
_TOLD_LINES, _TOKENS_PER_LINE = 300, 40


def _of_target(target: Mapping[str, Any]) -> Iterator[Problem]:
    name = target["target"]
    yield from _of_mutants(name, target)
    yield from _of_noise(name, target)
    python = name.partition("::")[0].endswith(".py")
    if python and target["not_isolated"]:
        yield Problem(
            "warning",
            f"{name}: candidates share a process with the tests, since {target['not_isolated']}",
            "let the tests call functions of it, with plain data, or read docs/trust.md on what "
            "compatible mode cannot protect from",
        )
    if target["weak_inputs"]:
        yield Problem(
            "warning",
            f"{name}: {target['weak_inputs']}",
            "write a fixture autoloop_inputs that gives more inputs, and larger ones",
        )
    if target["order_matters"]:
        yield Problem(
            "warning",
            f"{name}: some guards fail in another order than the collected one",
            "make them independent of each other: cheap ones can then run first, and reject most "
            "candidates in a fraction of the time",
        )
    if float(target["guard_seconds"]) > _SLOW_GUARDS:
        yield Problem(
            "warning",
            f"{name}: the guards take {float(target['guard_seconds']):.0f} s for each candidate",
            "select those that concern the target: pytest --autoloop N PATHS, or -k and -m",
        )
    if target["goal"] == "":
        yield Problem(
            "warning",
            f"{name}: the target fixture has no docstring, so nobody is told the goal",
            "say in it what is to become better, and what must not change",
        )
    for one in target["proposers"]:
        if one["fault"]:
            severity: Severity = "error" if one["named"] else "warning"
            yield Problem(severity, f"{CANNOT_BEGIN}: {one['fault']}", "")


def _of_mutants(name: str, target: Mapping[str, Any]) -> Iterator[Problem]:
    mutants = target["mutants"]
    for function in mutants["uncalled_functions"][:_LISTED]:
        yield Problem(
            "warning",
            f"{name}: no guard calls {function}(), which can be made to do anything",
            f"write a test that calls {function}(), or name the symbol that may change: "
            f"{name.partition('::')[0]}::NAME",
        )
    share = noticed_share(mutants)
    if share is None or share >= _FAIR:
        return
    yield Problem(
        "error" if share < _WEAK else "warning",
        f"{name}: guards and fresh inputs notice {share:.0%} of the small faults that were put "
        "into it; a candidate with such a fault would be kept",
        "write tests for the survivors shown, or let `pytest-autoloop init` write a guard that "
        "compares with the original on generated inputs",
    )


def noticed_share(mutants: Mapping[str, Any]) -> float | None:
    """Return the share of mutants that were noticed; those that look equivalent do not count.

    None when none were run.
    """
    excused = sum(bool(one["looks_equivalent"]) for one in mutants["survivors"])
    counted = int(mutants["run"]) - excused
    noticed = int(mutants["killed"]) + int(mutants["killed_by_fresh_inputs_alone"])
    return noticed / counted if counted else None


def _of_noise(name: str, target: Mapping[str, Any]) -> Iterator[Problem]:
    gain = float(target["smallest_gain"])
    if target["noise"] is None or gain < _SEES_LITTLE:
        return
    fix = (
        "let benchmarks take longer (some milliseconds each), close what else runs, or time the "
        "processor instead of the wall: --autoloop-clock=cpu or instructions"
    )
    yield Problem(
        "error" if gain >= _SEES_NOTHING else "warning",
        f"{name}: the smallest gain that is seen on this machine is {gain:.1%}",
        fix if "time" in target["metrics"] else "let the metric average over more examples",
    )
