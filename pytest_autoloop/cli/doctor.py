"""`pytest-autoloop doctor`: runs the harness for real, and says if it is fit for a campaign."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.cli.arguments import add_command, whole_number
from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.onboarding.children import Finished
    from pytest_autoloop.onboarding.diagnosis import Problem

_PLUGIN = "pytest_autoloop.onboarding.checkup"
#: As pytest reports a command line or a configuration that it refuses.
_REFUSED = 4
_TAIL_LINES = 15
_MINUTE, _HOUR = 60.0, 3600.0
#: What a line of a diff begins with; no other does.
_DIFF = "             |"


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "doctor",
        _run,
        summary="run the harness for real, and say whether it is fit for a campaign",
        example="pytest-autoloop doctor\npytest-autoloop doctor -n 200 -- tests/unit",
        more="The guards are tried on small faults in the target (mutants). Nothing is written. "
        "What follows -- is for pytest. The exit code is 0 when all is well, 1 when something has "
        "to change, 2 when the harness could not be looked at.",
    )
    command.add_argument(
        "-n",
        "--experiments",
        type=whole_number,
        default=50,
        help="what would so many cost (default 50)",
    )
    command.add_argument(
        "--mutants",
        type=whole_number,
        default=30,
        help="faults to try at most (default 30, 0: none)",
    )
    command.add_argument(
        "--seconds", type=float, default=60.0, help="stop trying them after this (default 60)"
    )
    command.set_defaults(calls_pytest=True)


def _run(options: argparse.Namespace) -> int:
    """Print what was found; return 0 for healthy, else 1.

    Raises:
        UsageError: nothing could be looked at.
    """
    from pytest_autoloop.onboarding import diagnosis  # noqa: PLC0415 - for this command alone

    found = _checked(options)
    problems = diagnosis.problems_of(found)
    well = diagnosis.healthy(problems)
    prospects = [diagnosis.prospect_of(target, options.experiments) for target in found["targets"]]
    if options.json:
        inner = {"problem", "fault", "refused"}
        told = {name: value for name, value in found.items() if name not in inner}
        told |= {"campaigns": [asdict(one) for one in prospects]}
        told |= {"problems": [asdict(one) for one in problems], "healthy": well}
        print(json.dumps(told, indent=2))
        return 0 if well else 1
    for line in (*_figures(found, options.experiments, prospects), *_told(problems)):
        print("\n".join(_wrapped(line)))
    return 0 if well else 1


def _wrapped(line: str) -> list[str]:
    """Break a line of words at the width of a terminal, below where its words begin."""
    label = re.match(r"\S* {2,}(?:→ )?|", line)
    width = shutil.get_terminal_size().columns
    if label is None or not label[0] or not sys.stdout.isatty() or _is_code(line):
        return [line]
    indent = " " * len(label[0])
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False) or [""]


def _is_code(line: str) -> bool:
    """Tell whether a line belongs to a diff, where each column counts."""
    return line.startswith(_DIFF)


def _checked(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a checkup found; a proposer that cannot be made is a problem, not the end.

    Raises:
        UsageError: pytest did not get to where the harness could be looked at, or git failed.
    """
    finished = _child(options, [])
    refused = ""
    if finished.found is None and finished.status == _REFUSED:
        refused = _refusal(finished.output)
        finished = _child(options, ["-o", "autoloop_proposers="])
    found = finished.found
    if found is None:
        if refused or finished.status == _REFUSED:
            raise UsageError(f"pytest does not start here: {refused or _refusal(finished.output)}")
        end = "\n".join(finished.output.strip().splitlines()[-_TAIL_LINES:])
        raise UsageError(
            f"pytest ended with status {finished.status} before its harness could be looked at; "
            f"make `pytest` run here first. It said:\n{end}"
        )
    if "fault" in found:
        raise UsageError(str(found["fault"]))
    found["refused"] = refused
    return found


def _child(options: argparse.Namespace, more: Sequence[str]) -> Finished:
    from pytest_autoloop.onboarding.children import run_pytest  # noqa: PLC0415 - as above

    def told(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{_visible(line)}", end="", file=sys.stderr, flush=True)

    wanted = {"mutants": options.mutants, "seconds": options.seconds}
    arguments = ["--autoloop=0", *more, *options.rest]
    finished = run_pytest(Path.cwd(), _PLUGIN, wanted, arguments, told=told)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return finished


def _refusal(output: str) -> str:
    """Return the sentence with which pytest refused to start."""
    lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    return lines[-1].removeprefix("ERROR: ") if lines else output.strip()[-500:]


def _figures(found: Mapping[str, Any], experiments: int, prospects: Sequence[Any]) -> Iterator[str]:
    """Yield what was seen, a line for each thing."""
    if "guards" in found:
        yield f"collected    {_number(found['guards'], 'guard')}, " + _number(
            found["benchmarks"], "benchmark"
        )
    if "sandbox" in found:
        yield f"sandbox      {_visible(found['sandbox'].removeprefix('sandbox '))}"
        yield f"launcher     {found['launcher']}"
    for target, prospect in zip(found["targets"], prospects, strict=True):
        yield ""
        yield f"target       {_visible(target['target'])} ({target['assurance']} mode)"
        yield f"metrics      {', '.join(target['metrics'])}"
        hidden = f", {target['hidden_guards']} of them hidden" if target["hidden_guards"] else ""
        yield f"green        {_number(target['guards'], 'guard')}{hidden}, " + _number(
            target["benchmarks"], "benchmark"
        )
        yield from _speed(target)
        yield from _strength(target)
        yield f"campaign     {_prospect(prospect, experiments)}"


def _speed(target: Mapping[str, Any]) -> Iterator[str]:
    shortest, longest = target["decision_seconds"]
    yield (
        f"experiment   guards {_seconds(target['guard_seconds'])}, then a decision in "
        f"{_seconds(shortest)} to {_seconds(longest)}"
    )
    if target["noise"] is None:
        yield "noise        none: the score is exactly the same each time"
    else:
        gain = target["smallest_gain"]
        yield f"noise        ±{target['noise']:.2%}, smallest gain it can see: {gain:.1%}"


def _strength(target: Mapping[str, Any]) -> Iterator[str]:
    from pytest_autoloop.onboarding.diagnosis import noticed_share  # noqa: PLC0415 - as above

    mutants = target["mutants"]
    share = noticed_share(mutants)
    if share is None:
        yield "guards       not tried: there is nothing in the target to put a fault into"
        return
    fresh = mutants["killed_by_fresh_inputs_alone"]
    told = f"{share:.0%} of the faults noticed: {mutants['killed']} by guards"
    told += f", {fresh} by fresh inputs alone" if fresh else ""
    told += f", {mutants['survived']} survived"
    if mutants["run"] < mutants["made"]:
        told += f" (of {mutants['made']}, {mutants['run']} were tried in the time)"
    yield f"guards       {told}, in {_seconds(mutants['seconds'])}"
    for survivor in mutants["survivors"]:
        where = f"line {survivor['line']}"
        where += f", in {survivor['function']}()" if survivor["function"] else ""
        yield f"  survived   {_visible(where)}: {_visible(survivor['what'])}"
        if survivor["looks_equivalent"]:
            yield f"             looks equivalent: {survivor['looks_equivalent']}"
        elif target["assurance"] == "isolated" and _is_called(survivor, mutants):
            yield "             on fresh inputs it did what the original does"
        for line in survivor["diff"].splitlines()[2:]:
            yield f"{_DIFF}{_visible(line)}".rstrip()


def _is_called(survivor: Mapping[str, Any], mutants: Mapping[str, Any]) -> bool:
    """Tell whether a survivor was run at all, in a function that inputs are made for."""
    return bool(survivor["function"]) and survivor["function"] not in mutants["uncalled_functions"]


def _prospect(prospect: Any, experiments: int) -> str:  # noqa: ANN401 - a Prospect
    told = f"{_number(experiments, 'experiment')}: {_duration(prospect.shortest)} to "
    told += _duration(prospect.longest)
    if prospect.tokens == 0:
        return f"{told}, no model is asked"
    if prospect.tokens is None:
        return f"{told}, tokens and cost are not known beforehand"
    told += f", about {prospect.tokens:,} tokens"
    if prospect.cost_usd is None:
        return f"{told}, price unknown"
    return f"{told}, about ${prospect.cost_usd:,.2f} (more where the model thinks)"


def _told(problems: Sequence[Problem]) -> Iterator[str]:
    from pytest_autoloop.onboarding.diagnosis import CANNOT_BEGIN  # noqa: PLC0415 - as above

    yield ""
    if not problems:
        yield "healthy: start it with pytest --autoloop N"
        return
    for problem in problems:
        mark = {"error": "problem", "warning": "advice"}[problem.severity]
        first, *rest = problem.what.splitlines() or [""]
        yield f"{mark:8} {_visible(first)}"
        yield from (f"         {_visible(line)}".rstrip() for line in rest)
        if problem.fix:
            yield f"         → {_visible(problem.fix)}"
    if all(problem.severity == "warning" for problem in problems):
        # Otherwise the next step would be one that is refused.
        unable = any(problem.what.startswith(CANNOT_BEGIN) for problem in problems)
        named = " --autoloop-proposer NAME" if unable else ""
        yield f"healthy: start it with pytest --autoloop N{named}"
    else:
        yield "not healthy: mend what is named above first"


def _visible(line: object) -> str:
    from pytest_autoloop.text import visible  # noqa: PLC0415 - as above

    return visible(str(line))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - digits


def _duration(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
