"""What a session takes to start, and what the plugin adds to a run that is none."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.interleaved import ratio
from benchmarks.small_projects import SmallProject

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.costs import Setting

#: A line of -X importtime: microseconds of the module alone, and its name.
_IMPORTED = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)
_WITHOUT = ("-p", "no:autoloop")


def startup_table(repeat: int, setting: Setting, place: Path, draw: random.Random) -> list[str]:
    """Return the wall time of starting, and the seconds of imports.

    Raises:
        SystemExit: one of the runs failed.
    """
    project = SmallProject(place / "startup", "tiny").write("exact").folder
    plain = place / "plain-tests"
    plain.mkdir()
    (plain / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    bare, added, walls, zero = [], [], [], []
    for number in range(repeat):
        tag = ("--autoloop", "0", "--autoloop-tag", f"start{number}")
        for what in draw.sample(("zero", "bare", "imports"), 3):
            if what == "zero":
                zero.append(_wall(setting, project, *tag))
            elif what == "bare":
                bare.append(_wall(setting, plain, without=True))
                walls.append(_wall(setting, plain))
            else:
                added.append(_added(setting, plain))
    median = statistics.median
    share = median(100 * one / wall for one, wall in zip(added, bare, strict=True))
    cells = {
        "pytest --autoloop 0, tiny project": (median(zero), f"× bare: {ratio(zero, bare)}"),
        "bare pytest, one test, -p no:autoloop": (median(bare), ""),
        "the same with the plugin": (median(walls), f"× bare: {ratio(walls, bare)}"),
        "what only the plugin imports": (median(added), f"{share:.1f}% of bare"),
    }
    return [f"{name:<40}{1000 * wall:>8.1f} ms  {more}" for name, (wall, more) in cells.items()]


def _wall(setting: Setting, folder: Path, *arguments: str, without: bool = False) -> float:
    command = _without(setting) if without else setting.command
    started = time.perf_counter()
    _run([*command, *arguments], folder, setting)
    return time.perf_counter() - started


def _without(setting: Setting) -> list[str]:
    """Return the command without this plugin."""
    return [*(word for word in setting.command if "autoloop" not in word), *_WITHOUT]


def _added(setting: Setting, folder: Path) -> float:
    """Return the seconds of importing what only a run with the plugin imports."""
    found = []
    for python, *rest in (setting.command, _without(setting)):
        found.append(_imports(_run([python, "-X", "importtime", *rest], folder, setting)))
    with_plugin, without = found
    return sum(seconds for name, seconds in with_plugin.items() if name not in without)


def _imports(told: str) -> dict[str, float]:
    return {name: int(micro) * 1e-6 for micro, name in _IMPORTED.findall(told)}


def _run(command: Sequence[str], folder: Path, setting: Setting) -> str:
    environment = dict(setting.environment)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} in {folder}:\n{done.stdout}\n{done.stderr}")
    return done.stderr
