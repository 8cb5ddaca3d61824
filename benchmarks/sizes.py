"""Memory by workers, and time by the length of a campaign and the size of a repository."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from benchmarks.costs import Block, Candidate, session
from benchmarks.meter import memory, tree
from benchmarks.small_projects import SmallProject, last_guards

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.costs import Cost, Setting
    from benchmarks.meter import Memory
    from benchmarks.small_projects import Kind

WORKERS = (1, 2, 4)
#: Seconds between two looks whether a child stands at its barrier.
_LOOK = 0.01
_END = 10


def held(kind: Kind, workers: int, setting: Setting, place: Path) -> Memory:
    """Return what a session's processes hold while each worker's child stands in a guard.

    Each candidate's guard opens a pipe of its own, which lasts until this process opens it, too.

    Raises:
        SystemExit: the session ended before all children stood there.
    """
    barrier = place / f"barrier-{kind}-{workers}"
    barrier.mkdir()
    project = SmallProject(place / f"memory-{kind}-{workers}", kind).write("exact", barrier=barrier)
    numbers = range(1, workers + 1)
    queue = place / f"memory-{kind}-{workers}-queue"
    queue.mkdir()
    for number in numbers:
        os.mkfifo(barrier / str(number))
        (queue / f"{number}.py").write_text(project.content(number), encoding="utf-8")
    command = [*setting.command, "--autoloop", str(workers), "--autoloop-workers", str(workers)]
    command += ["--autoloop-tag", "memory", "--autoloop-proposer", f"replay:{queue}"]
    with (place / "memory.txt").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=project.folder, env=setting.environment, stdout=output, stderr=output
        )
        opened = [_opened(barrier / str(number), process) for number in numbers]
        found = memory([process.pid, *tree(process.pid)])
        for number, descriptor in zip(numbers, opened, strict=True):
            # Whoever opens it again finds an empty file.
            (barrier / "empty").touch()
            (barrier / "empty").rename(barrier / str(number))
            if descriptor is not None:
                os.close(descriptor)
        if process.wait() or None in opened:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} in {project.folder}:\n{output.read()}")
    for folder in (project.folder, queue, barrier):
        shutil.rmtree(folder)
    return found


def _opened(pipe: Path, process: subprocess.Popen[bytes]) -> int | None:
    """Open a pipe that somebody reads, as soon as somebody does; None when the process ends."""
    while True:
        # Nobody reads yet.
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK)
            return None


def memory_table(kind: Kind, setting: Setting, place: Path) -> list[str]:
    """Return one line for each number of workers, and one for each further worker."""
    found = {workers: held(kind, workers, setting, place) for workers in WORKERS}
    lines = [f"{kind:<6} workers  processes  private MB  proportional MB"]
    for workers, one in found.items():
        lines.append(
            f"{workers:>14}{one.processes:>11}{one.private:>12.1f}{one.proportional:>17.1f}"
        )
    few, many = found[WORKERS[0]], found[WORKERS[-1]]
    further = WORKERS[-1] - WORKERS[0]
    private, proportional = (
        (getattr(many, name) - getattr(few, name)) / further for name in ("private", "proportional")
    )
    lines.append(f"{'each further worker':<25}{private:>12.1f}{proportional:>17.1f}")
    return lines


# Growth --------------------------------------------------------------------------------------


def growth_table(experiments: int, setting: Setting, place: Path) -> list[str]:
    """Return the first and last of many rejected experiments, and few in a large repository."""
    lines = [f"{'':<30}{'ms wall':>9}{'CPU':>8}{'ratio: wall':>14}{'CPU':>8}"]
    project = SmallProject(place / "growth", "tiny").write()
    first, _, last = _costs(project, (_END, experiments - 2 * _END, _END), setting)
    lines.append(_line(f"first {_END} of {experiments:,} rejected", first, first))
    lines.append(_line(f"last {_END}", last, first))
    few: Cost | None = None
    for files in (300, 10_000):
        project = SmallProject(place / f"files-{files}", "tiny").write(files=files)
        (found,) = _costs(project, (2 * _END,), setting)
        few = few or found
        lines.append(_line(f"{files:,} files", found, few))
    return lines


def _line(name: str, cost: Cost, usual: Cost) -> str:
    return (
        f"{name:<30}{1000 * cost.wall:>9.1f}{1000 * cost.cpu:>8.1f}"
        f"{cost.wall / usual.wall:>14.2f}{cost.cpu / usual.cpu:>8.2f}"
    )


def _costs(project: SmallProject, counts: Sequence[int], setting: Setting) -> list[Cost]:
    """Return what each of some experiments costs, in blocks, that another guard rejects each."""
    guards = iter(enumerate(last_guards(project, sum(counts)), 1))
    blocks = []
    for count in counts:
        contents = [project.content(n, "guard", g) for n, g in itertools.islice(guards, count)]
        name = f"block {len(blocks)}"
        blocks.append(Block(name, [Candidate(content, "guard") for content in contents]))
    costs = session(project, blocks, setting).costs
    shutil.rmtree(project.folder)
    return [costs[block.name] for block in blocks]
