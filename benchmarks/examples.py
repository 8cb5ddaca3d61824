"""Runs each example's one command as a user does, and prints what it gained.

python benchmarks/examples.py [--only NAME ...]

The commands are those of docs/how-to/examples.md. Each runs at the root of a repository that has
nothing but a copy of its example. The gain is the one that a session measures at its end: the
first version against the best, on fresh pairs, with a 95% interval where the score has noise.
Seconds are those of the whole session; on a busy machine they say little.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "how-to" / "examples.md"
_LEFT_BEHIND = ("results.tsv", ".*", "__pycache__", "build")
#: Seconds that one session may take.
_LIMIT = 1800
_ENDED_OK = 0


@dataclass(frozen=True)
class Row:
    """What became of one example."""

    name: str
    command: str
    seconds: float
    #: Metrics and gain; or why there is none.
    gained: str
    experiments: str


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """Return the examples of the page with the words of their commands."""
    lines = re.findall(r"^pytest --autoloop .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    words = [shlex.split(line) for line in lines]
    found = [(one[-1].removeprefix("examples/"), one) for one in words]
    # Of an example with several commands the first one is its own.
    return list(dict(reversed(found)).items())[::-1]


def run(name: str, words: list[str]) -> Row:
    """Run one example in a fresh copy."""
    with tempfile.TemporaryDirectory(prefix="pytest-autoloop-examples-") as scratch:
        root = Path(scratch, "project")
        place = root / "examples" / name
        ignored = shutil.ignore_patterns(*_LEFT_BEHIND)
        shutil.copytree(ROOT / "examples" / name, place, ignore=ignored)
        _commit(root)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=root,
            env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        seconds = time.perf_counter() - began
        command = shlex.join(words)
        if done.returncode != _ENDED_OK:
            return Row(name, command, seconds, _reason(done.stdout + done.stderr), "")
        return Row(name, command, seconds, _gained(place, done.stdout), _experiments(place))


def _commit(root: Path) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
    (root / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n", encoding="utf-8")
    for arguments in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "Begin")):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def _journal(place: Path) -> list[dict[str, Any]]:
    files = list(place.glob(".pytest_autoloop/*/experiments.jsonl"))
    return [json.loads(line) for line in files[0].read_text(encoding="utf-8").splitlines()]


def _gained(place: Path, output: str) -> str:
    """Return baseline and best of the metric that is improved, and the gain that was audited."""
    rows = _journal(place)
    kept = [row for row in rows if row["status"] == "keep"]
    if not kept:
        return "nothing was kept"
    name = next(iter(rows[0]["metrics"]))
    values = " → ".join(f"{row['metrics'][name]:.4g}" for row in (rows[0], kept[-1]))
    audited = re.search(r"audited gain ([^·\n]+)", output)
    return f"{name} {values} ({audited[1].strip() if audited else 'not audited'})"


def _experiments(place: Path) -> str:
    counts = Counter(row["status"] for row in _journal(place)[1:])
    return ", ".join(f"{number} {status}" for status, number in counts.items())


def _reason(output: str) -> str:
    """Return the line that says why a session did not begin."""
    said = re.findall(r"^(?:ERROR|E  |SKIPPED|\w*(?:Red|Error))\W.*$", output, re.MULTILINE)
    lines = said or output.strip().splitlines() or ["it said nothing"]
    return f"skipped: {' '.join(lines[0].split())[:200]}"


def main() -> None:
    """Run what was asked for, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these examples alone")
    only = parser.parse_args().only
    chosen = [(name, words) for name, words in commands(PAGE) if only is None or name in only]
    if only is not None and (unknown := set(only) - {name for name, _ in chosen}):
        parser.error(f"--only {' '.join(sorted(unknown))}: {PAGE} has no command for it")
    print("| example | command | baseline → best (audited gain) | experiments | seconds |")
    print("|---|---|---|---|---|", flush=True)
    for name, words in chosen:
        row = run(name, words)
        told = f"{row.gained} | {row.experiments or '–'} | {row.seconds:.0f}"
        print(f"| {row.name} | `{row.command}` | {told} |", flush=True)


if __name__ == "__main__":
    main()
