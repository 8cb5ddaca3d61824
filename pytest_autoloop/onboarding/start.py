"""What a project needs to be improved: looks at it, and plans the files that are missing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from pytest_autoloop.errors import UsageError
from pytest_autoloop.onboarding import golden, writing
from pytest_autoloop.onboarding.children import run_pytest
from pytest_autoloop.onboarding.files import (
    Planned,
    formatted,
    into_conftest,
    planned,
    shown,
)
from pytest_autoloop.onboarding.functions import Function, Module, function_from
from pytest_autoloop.onboarding.templates import read

if TYPE_CHECKING:
    from collections.abc import Sequence

Goal: TypeAlias = Literal["speed", "accuracy", "size", "memory"]
GOALS: tuple[Goal, ...] = get_args(Goal)
Recorded: TypeAlias = tuple[Module, tuple[Function, ...]]
_RULES = {
    "speed": "Do not trade memory or start-up time for speed without saying so",
    "accuracy": "No example of the golden set, nor a part of one, belongs into the file",
    "size": "What is needed at run time stays: entry points, error messages, what is imported",
    "memory": "Stay about as fast: time is measured as well where there are benchmarks",
}
_WORDS = {
    "speed": "the benchmarks run faster, and every test still passes.",
    "accuracy": "more labelled examples are answered right, held-out ones too.",
    "size": "the file gets smaller, and every test still passes.",
    "memory": "the calls hold less memory at their peak, and every test still passes.",
}
_RECORDED = "recorded from its tests, and judged by nobody"
_BASELINE = "from pytest_autoloop.guards import autoloop_baseline  # noqa: F401 - a fixture\n"
_LISTED = 3


@dataclass(frozen=True, slots=True)
class Project:
    """What a survey found."""

    root: Path
    guards: int
    benchmarks: tuple[str, ...]
    #: Names of target fixtures and metrics that are declared already.
    targets: tuple[str, ...]
    metrics: tuple[str, ...]
    failed: tuple[str, ...]
    uncollected: tuple[str, ...]
    #: What the first of these says.
    said: str
    #: Directory of most tests, below the root.
    tests_in: str
    #: What was profiled: ``benchmarks`` or ``tests``.
    basis: str
    #: File to its functions with their share of the time, hottest first.
    files: dict[str, dict[str, float]]

    def proposals(self) -> list[tuple[str, float]]:
        """Return the files of the project with their share of the time, hottest first."""
        shares = [(name, sum(functions.values())) for name, functions in self.files.items()]
        return sorted(shares, key=lambda one: -one[1])


@dataclass(slots=True)
class Start:
    """What is to be written, and what somebody should know."""

    files: list[Planned] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: What the generated tests are made of, to leave a function out again: the target as it is
    #: named, its module, and its functions.
    name: str = ""
    module: Module = field(default_factory=lambda: Module(""))
    functions: tuple[Function, ...] = ()


def survey(root: Path, arguments: Sequence[str]) -> Project:
    """Collect the project's tests and profile its benchmarks, or its tests.

    Raises:
        UsageError: pytest cannot run there.
    """
    plugin = "pytest_autoloop.onboarding.survey"
    finished = run_pytest(root, plugin, {"root": str(root)}, arguments)
    if finished.found is None:
        end = "\n".join(finished.output.strip().splitlines()[-10:])
        raise UsageError(
            f"pytest ended with status {finished.status} in {root}; make `pytest` run there first. "
            f"It said:\n{end}"
        )
    found: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in finished.found.items()
    }
    return Project(root=root, **found)


def record(root: Path, target: Path, arguments: Sequence[str]) -> Recorded:
    """Run the tests, and return the target's module with what they call of it.

    Raises:
        UsageError: pytest cannot run there.
    """
    plugin = "pytest_autoloop.onboarding.recorder"
    finished = run_pytest(root, plugin, {"target": str(target)}, arguments)
    if finished.found is None:
        raise UsageError(
            f"pytest ended with status {finished.status} in {root} while calls were recorded; make "
            "`pytest` run there first"
        )
    found = finished.found
    module = Module(str(found["module"]), bool(found["hidden"]))
    return module, tuple(map(function_from, found["functions"]))


def plan(
    project: Project,
    target: Path,
    goal: Goal,
    *,
    module: Module,
    functions: tuple[Function, ...],
    chosen: str = "",
    symbol: str = "",
) -> Start:
    """Plan the files of a Python target: conftest lines, standing orders, guards, a score.

    Args:
        project: what is there.
        target: the file, absolute.
        goal: what is to become better.
        module: the target's; without a name when no test imports it.
        functions: what its tests call.
        chosen: the function to time; by default the hottest.
        symbol: the one function or class of it that may change; empty for all of it.

    Raises:
        UsageError: the chosen function is not called by any test.
    """
    name = shown(target, project.root)
    start = Start(name=name, module=module, functions=functions)
    named = f"{name}::{symbol}" if symbol else name
    values = {"target": named, "what": f"`{symbol or name}`"}
    tests = project.root / project.tests_in
    if goal == "memory":
        peak = tests / f"peak_memory_of_{target.stem}.py"
        values["peak"] = shown(peak, project.root)
        text = writing.peak_memory(name, module, functions)
        if not text:
            raise UsageError(f"no test calls a function of {name}: write one first, then this")
        start.files.append(planned(peak, formatted(text, peak), "measures the peak of memory"))
    _declare(start, project, read(f"conftest_{goal}").substitute(values))
    _orders(start, project, name, goal, values["what"])
    if not module.name:
        start.notes.append(
            f"no test imports {name}, so no guards could be made from calls: write a test that "
            "calls it, and run this again"
        )
        return start
    if goal == "speed" and not project.benchmarks:
        _score(start, project, name, module, chosen)
    _guards(start, project, name, module)
    if goal == "size":
        path = tests / f"test_{target.stem}_still_there.py"
        text = writing.public_names(name, module, functions)
        what = "public functions, and an import as at run time"
        start.files.append(planned(path, formatted(text, path), what))
    return start


def plan_accuracy(
    project: Project,
    /,
    *,
    target: Path,
    examples: list[dict[str, Any]],
    golden_file: Path,
    who: golden.Answerer,
    held_out: float,
) -> Start:
    """Plan the files of a target that is scored on labelled examples."""
    start = Start()
    root = project.root
    name = shown(target, root)
    declared = read("conftest_accuracy").substitute(
        imports=who.imports(),
        golden=shown(golden_file, root),
        what=f"`{name}`",
        target=name,
        answer=who.fixture(),
    )
    _declare(start, project, declared)
    _orders(start, project, name, "accuracy", f"`{name}`")
    tests = root / (project.tests_in or "tests")
    path = tests / f"test_{target.stem}_not_by_heart.py"
    # Rounded down: the guard has to pass on the original.
    floor = f"{int(held_out * 1000) / 1000:g}"
    text = read("test_not_by_heart").substitute(path=name, held_out=floor)
    start.files.append(planned(path, formatted(text, path), "nothing is learned by heart"))
    few = len(examples)
    if few < 30:  # noqa: PLR2004 - fewer make a score of a few steps
        start.notes.append(
            f"{few} examples make a coarse score: label more with pytest-autoloop init --golden"
        )
    return start


def without(start: Start, names: set[str]) -> Start:
    """Return the start without some functions in its guards.

    A file of guards of which nothing is left is not in it.
    """
    left = tuple(one for one in start.functions if one.name not in names)
    files: list[Planned] = []
    for one in start.files:
        if one.action == "new" and one.path.name == _like(start.name):
            text = writing.differential(start.name, start.module, left)
        elif one.action == "new" and one.path.name == _as_it_is(start.name):
            text = writing.characterisation(start.name, start.module, left, _again(start.name))
        else:
            files.append(one)
            continue
        if text:
            files.append(replace(one, content=formatted(text, one.path)))
    return replace(start, files=files, functions=left)


def _like(name: str) -> str:
    return f"test_{Path(name).stem}_like_the_original.py"


def _as_it_is(name: str) -> str:
    return f"test_{Path(name).stem}_as_it_is.py"


def _again(name: str) -> str:
    return f"pytest-autoloop init --target {name} --record-again"


def _declare(start: Start, project: Project, lines: str) -> None:
    path = project.root / "conftest.py"
    what = "Tells pytest-autoloop what may change, and what makes it better."
    if project.targets:
        declared = ", ".join(project.targets)
        start.notes.append(f"a target is declared already ({declared}), and no other was")
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if start.name and "autoloop_baseline" not in present:
            made = replace(into_conftest(path, _BASELINE, what), what="the original, for guards")
            start.files.append(replace(made, content=formatted(made.content, path)))
        return
    made = replace(into_conftest(path, lines, what), what="what may change")
    start.files.append(replace(made, content=formatted(made.content, path)))


def _orders(start: Start, project: Project, name: str, goal: Goal, what: str) -> None:
    hottest = list(project.files.get(name, {}))[:_LISTED]
    text = read("program").substitute(
        what=what,
        goal=_WORDS[goal],
        hot=", ".join(f"`{one}`" for one in hottest) or "places that nobody has looked for yet",
        tests=project.tests_in or "tests",
        rule=_RULES[goal] + ".",
    )
    path = project.root / "program.md"
    start.files.append(planned(path, text, "standing orders for who proposes"))


def _score(start: Start, project: Project, name: str, module: Module, chosen: str) -> None:
    """Plan a first benchmark.

    Raises:
        UsageError: no test calls the function that was chosen.
    """
    by_name = {one.name: one for one in start.functions if one.work is not None}
    if chosen and chosen not in by_name:
        there = f"there are calls of {', '.join(by_name)}" if by_name else "there are none"
        raise UsageError(f"no test calls {chosen} of {name} with plain data; {there}")
    hottest = [one for one in project.files.get(name, {}) if one in by_name]
    function = by_name.get(chosen or next(iter(hottest), next(iter(by_name), "")))
    if function is None:
        start.notes.append(
            f"no test calls a function of {name} with plain data: write a test with the "
            "`benchmark` fixture yourself, for nothing gives a score yet"
        )
        return
    path = project.root / project.tests_in / f"test_{Path(name).stem}_benchmark.py"
    text = writing.benchmark(name, module, function)
    start.files.append(planned(path, formatted(text, path), f"times {function.name}"))


def _guards(start: Start, project: Project, name: str, module: Module) -> None:
    tests = project.root / project.tests_in
    path = tests / _as_it_is(name)
    text = writing.characterisation(name, module, start.functions, _again(name))
    if text:
        start.files.append(planned(path, formatted(text, path), "what it gives today"))
    else:
        start.notes.append(
            f"no test calls a public function of {name} with plain data (classes and methods are "
            "not recorded), so nothing could be recorded: write guards by hand, with "
            "assert_same_outcome and autoloop_baseline of pytest_autoloop.guards"
        )
    unsteady = [one.name for one in start.functions if one.unsteady]
    if unsteady:
        start.notes.append(
            f"{', '.join(unsteady)} gave something else when called again with the same arguments, "
            "and cannot be compared: make it take its clock or its chance as an argument"
        )
    if find_spec("hypothesis") is None:
        start.notes.append(
            "a guard that compares with the original on generated inputs needs hypothesis: "
            "pip install hypothesis, and run this again"
        )
        return
    path = tests / _like(name)
    text = writing.differential(name, module, start.functions)
    if text:
        what = "compares with the original on generated inputs"
        start.files.append(planned(path, formatted(text, path), what))


def recorded_again(
    project: Project, target: Path, module: Module, functions: tuple[Function, ...]
) -> Planned:
    """Return the recorded behaviour of a target anew, in place of what was recorded before.

    Raises:
        UsageError: nothing was recorded before, or nothing can be now.
    """
    name = shown(target, project.root)
    path = project.root / project.tests_in / _as_it_is(name)
    if not path.is_file() or _RECORDED not in path.read_text(encoding="utf-8"):
        raise UsageError(
            f"{path} is no file of recorded calls: pytest-autoloop init --target {name} writes it "
            "where there is none"
        )
    text = writing.characterisation(name, module, functions, _again(name))
    if not text:
        raise UsageError(f"no test calls a function of {name} with plain data")
    return Planned(path, "replace", formatted(text, path), "what it gives today")
