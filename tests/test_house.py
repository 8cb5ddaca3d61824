"""How the package is built: which room may import which, and how large things may grow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_autoloop

ROOT = Path(pytest_autoloop.__file__).parent
#: Top to bottom: a room imports only from rooms below it. A line is one room; where it names
#: several modules, each may import those that follow it in the line.
ROOMS = (
    ("plugin",),
    ("session", "tour", "nodes", "interrupts", "publishing"),
    ("cli",),
    ("onboarding", "guards"),
    ("exporters",),
    ("reporting",),
    (
        "finalizing",
        "verifying",
        "archiving",
        "remeasuring",
        "cleaning",
        "hunks",
        "forge",
        "loop",
        "assembly",
        "remote",
        "holding",
        "proposing",
        "resuming",
        "opening",
        "beginning",
        "campaign",
        "candidates",
        "judging",
        "budget",
        "goals",
        "asking",
        "workbench",
        "briefing",
        "designs",
        "overlap",
        "slots",
        "comparison",
        "outlook",
        "baseline",
        "headstart",
        "canary",
        "assurance",
        "workplace",
        "brokering",
        "attendance",
        "targets",
        "ablation",
        "shortening",
        "applying",
        "audits",
        "calling",
    ),
    ("search",),
    ("commanded",),
    ("metrics",),
    ("proposers",),
    ("evaluation",),
    ("decision",),
    ("harness",),
    ("history",),
    ("settings", "option_table", "campaign_options", "command_options", "option_types"),
    ("text",),
    ("progress",),
    ("hookspecs",),
    ("model",),
    ("usage",),
    ("errors",),
)
ORDER = [module for room in ROOMS for module in room]
#: Rooms that only some may enter.
ONLY_FOR = {"hookspecs": {"plugin"}}
MODULES = sorted(ROOT.rglob("*.py"))
LONGEST_MODULE = 350
LONGEST_FUNCTION = 60


def name_of(path: Path) -> str:
    """Return a module's path below the package, for example decision/gains.py."""
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    """Return the room a module stands in; empty for the package itself."""
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if room == "__init__" else room


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms a module imports from, wherever in it, for type checkers too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name_of(path)}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "pytest_autoloop":
                room = rest.partition(".")[0]
                exists = (ROOT / room).is_dir() or (ROOT / f"{room}.py").is_file()
                found.add(room if exists else "")
    return found


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return all functions and methods of a module, nested ones too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines, without the docstring: that is its manual."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= (function.body[0].end_lineno or 0) - function.body[0].lineno + 1
    return lines


def test_every_module_stands_in_a_room() -> None:
    """A new room needs its place in the order."""
    rooms = {room for path in MODULES if (room := room_of(path))}
    assert rooms - set(ORDER) == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_rooms_below_it(path: Path) -> None:
    """No module imports from above or beside its room; imports for type checkers count."""
    room = room_of(path)
    others = imported_rooms(path) - {room}
    if not room:
        # The package itself is a façade over three rooms.
        assert others <= {"harness", "model", "usage"}
        return
    # The version alone is in the package itself.
    above = {other for other in others if other and ORDER.index(other) <= ORDER.index(room)}
    assert above == set(), f"{name_of(path)} imports upwards"
    assert [other for other in others & ONLY_FOR.keys() if room not in ONLY_FOR[other]] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_short(path: Path) -> None:
    """A module is read in one sitting, a function on one screen."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_MODULE
    long = {function.name: length_of(function) for function in functions(path)}
    assert {name: length for name, length in long.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_function_says_what_it_returns(path: Path) -> None:
    """A type checker can hold each function to its word."""
    assert [function.name for function in functions(path) if function.returns is None] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """One line at its head."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_nothing_imports_what_takes_time_at_its_head() -> None:
    """Modules that a plain pytest run loads import nothing but pytest and the standard library."""
    slow = {"openai", "git", "libcst", "optuna", "rich", "asyncio", "httpx", "pytest_benchmark"}
    plain = ["__init__.py", "plugin.py", "hookspecs.py", "settings.py", "option_types.py"]
    plain += ["model.py"]
    plain += [name_of(path) for path in MODULES if room_of(path) == "harness"]
    for name in plain:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {one.partition(".")[0] for one in names} & slow, name
