"""ruff as a source of rewrites: its fixes, one of its rules per candidate, if it is installed."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_autoloop.proposers.rules.tree import words

_TIME_LIMIT = 10.0
_SELECTED = "PERF,FURB,C4,SIM,UP,PIE,RET,PLR,RUF,PLW"
_OPTIONS = (
    "check",
    "--isolated",
    "--no-cache",
    "--quiet",
    "--exit-zero",
    "--preview",
    "--unsafe-fixes",
    "--target-version=py310",
    "--stdin-filename=target.py",
)
#: The share of time to expect of what is not measured.
_LITTLE = 0.02
#: The rules whose fixes may make something faster, and the share of time that they save. Left out
#: is what only reads better (imports, annotations, superfluous else), and what was measured to be
#: slower: FURB136 and PLR1730 call min, SIM105 enters a context, SIM101 and SIM109 make tuples.
EXPECTED = {
    "FURB161": 0.74,
    "RUF017": 0.8,
    "C416": 0.79,
    "FURB163": 0.62,
    "RUF055": 0.6,
    "RUF015": 0.6,
    "C405": 0.6,
    "UP018": 0.5,
    "C404": 0.5,
    "C417": 0.5,
    "PERF402": 0.5,
    "PIE810": 0.5,
    "FURB192": 0.5,
    "PLW3301": 0.45,
    "SIM118": 0.4,
    "C401": 0.3,
    "C402": 0.3,
    "C403": 0.3,
    "C408": 0.25,
    "RUF046": 0.25,
    "PERF401": 0.19,
    "UP032": 0.19,
    "PLR1733": 0.18,
    "PLR1714": 0.17,
    "C420": 0.16,
    "PLR6201": 0.15,
    "PLR1736": 0.15,
    "SIM401": 0.15,
    "FURB142": 0.15,
    "PERF403": 0.15,
    "C400": 0.1,
    "C419": 0.1,
    "FURB118": 0.1,
    "FURB140": 0.1,
    "FURB148": 0.1,
    "SIM103": 0.1,
    "RUF058": 0.1,
    **dict.fromkeys(
        words(
            "C406 C409 C410 C411 C413 C414 C415 C418 FURB110 FURB116 FURB129 FURB131 FURB132 "
            "FURB145 FURB166 FURB168 FURB169 FURB171 FURB188 PERF101 PERF102 PIE800 PIE804 PIE807 "
            "PIE808 PLR6104 RUF005 RUF019 RUF051 RUF057 SIM110 SIM201 SIM202 SIM208 SIM210 SIM211 "
            "SIM212 SIM910 SIM911 UP008 UP031 UP033"
        ),
        _LITTLE,
    ),
}


@dataclass(frozen=True, slots=True)
class Fix:
    """What one rule of ruff would fix in a source, at all places at once."""

    code: str
    description: str
    #: First and last line of each place, from 1.
    lines: tuple[tuple[int, int], ...]
    ruff: str
    source: bytes

    @property
    def expected(self) -> float:
        """Share of the places' time that it may save, 0 to 1."""
        return EXPECTED[self.code]

    def content(self) -> bytes | None:
        """Let ruff fix the source, None if it cannot."""
        return _run(self.ruff, (f"--select={self.code}", "--fix-only"), self.source)


def fixes(source: bytes) -> list[Fix]:
    """List what ruff would fix, most promising first; nothing without ruff, whatever the reason."""
    ruff = find_ruff()
    options = (f"--select={_SELECTED}", "--output-format=json")
    output = _run(ruff, options, source) if ruff is not None else None
    if ruff is None or output is None:
        return []
    found: dict[str, list[_Place]] = {}
    try:
        for entry in json.loads(output):
            if entry["code"] in EXPECTED and entry["fix"] is not None:
                found.setdefault(entry["code"], []).append(_place(entry))
    except (KeyError, TypeError, ValueError):
        # Another version says it otherwise: then it has nothing to say.
        return []
    functions = _functions(source) if found else []
    listed = [
        Fix(
            code,
            _described(code, places, functions),
            tuple(span for place in places for span in place.lines),
            ruff,
            source,
        )
        for code, places in found.items()
    ]
    return sorted(listed, key=lambda fix: fix.expected, reverse=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """One diagnostic."""

    message: str
    #: Its own lines first, then those of its edits, an import far above among them.
    lines: tuple[tuple[int, int], ...]


def _place(entry: dict[str, Any]) -> _Place:
    spans = [entry, *entry["fix"]["edits"]]
    lines = tuple(
        (int(span["location"]["row"]), int(span["end_location"]["row"])) for span in spans
    )
    return _Place(str(entry["fix"]["message"] or entry["message"]), lines)


def _functions(source: bytes) -> list[tuple[int, int, str]]:
    """List first line, last line and name of each function, inner ones last."""
    with warnings.catch_warnings():
        # The target's own doubtful escapes are not news.
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return [(node.lineno, node.end_lineno or node.lineno, node.name) for node in nodes]


def _described(code: str, places: list[_Place], functions: list[tuple[int, int, str]]) -> str:
    """Say what a rule does and where, for example ``ruff PERF401: use a … in parse``."""
    around = {
        next((name for a, b, name in reversed(functions) if a <= place.lines[0][0] <= b), "")
        for place in places
    }
    where = f" in {around.pop()}" if len(around) == 1 and "" not in around else ""
    more = f" ({len(places)} places)" if len(places) > 1 else ""
    text = " ".join(places[0].message.replace("`", "").split())
    return f"ruff {code}: {text[:1].lower()}{text[1:50]}{where}{more}"


def find_ruff() -> str | None:
    """Return the path of ruff: on PATH, beside the interpreter, or where its package has it."""
    beside = Path(sys.executable).with_name("ruff.exe" if sys.platform == "win32" else "ruff")
    found = shutil.which("ruff") or (str(beside) if beside.is_file() else None)
    if found is not None or importlib.util.find_spec("ruff") is None:
        return found
    # Only needed where the package is installed in an unusual place.
    from ruff import find_ruff_bin  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415

    try:
        return str(find_ruff_bin())
    except FileNotFoundError:
        return None


def _run(ruff: str, options: tuple[str, ...], source: bytes) -> bytes | None:
    command = [ruff, _OPTIONS[0], *options, *_OPTIONS[1:], "-"]
    try:
        done = subprocess.run(
            command, input=source, capture_output=True, timeout=_TIME_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
