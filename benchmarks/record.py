"""What the record of a campaign costs at 100, 1,000 and 10,000 experiments, in time and memory.

Each number comes from a process of its own, with lines as a campaign of a middling model writes
them: a diff of 2 kB, twelve pairs with their turns, now and then the output of a guard.

python benchmarks/record.py [COUNT ...]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pytest_autoloop.history.chronicle import Chronicle
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.records import encode
from pytest_autoloop.history.results import ResultsFile
from pytest_autoloop.model import Effect, Experiment, GuardReport, Pair, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_autoloop.model import Status

TARGET = "src/package/parser.py"
COUNTS = (100, 1_000, 10_000)
#: What each process measures, and how it is shown.
COLUMNS = {
    "reopen": "open again ms",
    "append": "append ms",
    "brief": "for a brief ms",
    "table": "check table ms",
    "rewrite": "rewrite table ms",
    "traced": "bytes per row",
    "peak": "traced peak MB",
    "rss": "resident +MB",
    "missing": "make anew ms",
}
MEGABYTE = 1e6
APPENDS = 30


def sample(chance: random.Random) -> Sample:
    """Return what one process measured of two benchmarks."""
    names = [f"tests/test_parser.py::test_speed[{size}]" for size in ("small", "large")]
    return Sample(
        {name: chance.random() for name in names}, {name: chance.random() for name in names}
    )


def experiment(number: int) -> Experiment:
    """Return what a campaign of a middling model may have recorded."""
    chance = random.Random(number)
    kept, failed = chance.random() < 0.1, chance.random() < 0.3  # noqa: PLR2004 - some of each
    status: Status = "baseline" if not number else "keep" if kept else "discard"
    gain = chance.uniform(-0.05, 0.1)
    pairs = [
        Pair(sample(chance), sample(chance), "ICCI", tuple(sample(chance) for _ in range(4)))
        for _ in range(0 if failed else 12)
    ]
    output = "a line of output that a session printed\n" * chance.randrange(50, 500)
    return Experiment(
        number=number,
        status=status,
        reason="" if kept else "guard" if failed else "no-gain",
        description="hoist the regular expression out of the loop, for short inputs",
        proposer="openai:gpt-5",
        commit=f"{chance.getrandbits(160):040x}",
        parent=f"{chance.randrange(100):040x}",
        timestamp="2030-01-02T03:04:05+00:00",
        seconds=10.0,
        metrics={"time": chance.random()},
        detail="AssertionError: expected [] got None" if failed else "",
        diff="+    return text.split()\n" * 80,
        diff_lines=80,
        tokens_used=4_000,
        cost_usd=chance.random() / 10,
        effect=None if failed else Effect(gain, gain - 0.01, gain + 0.01),
        guard=GuardReport(not failed, test="test_a", output=output if failed else ""),
        pairs=tuple(pairs),
        stages={"propose": 4.0, "guard": 1.0, "measure": 5.0},
        target=TARGET,
        fingerprint=f"{chance.getrandbits(256):064x}",
        elapsed=10.0 * number,
    )


def prepare(root: Path, count: int) -> None:
    """Write a campaign: journal, table and chronicle."""
    journal = Journal.create(root, "record")
    with journal.path.open("wb") as stream:
        for number in range(count):
            stream.write(json.dumps(encode(experiment(number))).encode("ascii") + b"\n")
    results = table(root)
    results.write(line.experiment for line in journal.scan(lean=True))
    chronicle = Chronicle.open(journal)
    chronicle.note_results(results.size)
    chronicle.close()


def table(root: Path) -> ResultsFile:
    """Return the campaign's table."""
    return ResultsFile(root / "results.tsv", ["time"])


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def resident() -> float:
    """Return the memory that this process holds, in bytes; NaN where nobody says."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return float("nan")
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def measure(what: str, root: Path) -> float:
    """Return one number, in this process."""
    journal = Journal(root, "record")
    if what in {"reopen", "missing"}:
        __import__("sqlite3")  # its import is paid once, whatever the length
        return milliseconds(lambda: Chronicle.open(journal).close())
    if what in {"traced", "peak"}:
        tracemalloc.start()
    before = resident()
    chronicle = Chronicle.open(journal)
    if what in {"traced", "peak"}:
        held, peak = tracemalloc.get_traced_memory()
        return held / len(chronicle) if what == "traced" else peak / MEGABYTE
    if what == "rss":
        return (resident() - before) / MEGABYTE
    if what == "brief":
        return milliseconds(lambda: brief(chronicle))
    results = table(root)
    if what == "rewrite":
        return milliseconds(lambda: results.write(chronicle.all_lean()))
    return (
        milliseconds(lambda: go_on(chronicle, results))
        if what == "table"
        else median(appends(journal, chronicle, results))
    )


def brief(chronicle: Chronicle) -> None:
    """Fetch what a brief tells of."""
    chronicle.latest(TARGET, 300)
    chronicle.biggest(TARGET, 10)
    chronicle.statuses(TARGET)


def go_on(chronicle: Chronicle, results: ResultsFile) -> None:
    """Check the table."""
    last = chronicle.lean([chronicle.rows[-1].number])[0]
    assert results.resume(chronicle.results_size, last, chronicle.costs())


def appends(journal: Journal, chronicle: Chronicle, results: ResultsFile) -> Iterator[float]:
    """Record some experiments, as the ledger does, and yield how long each takes."""
    go_on(chronicle, results)

    def append(late: Experiment) -> None:
        place = journal.append(late)
        assert results.append(late)
        chronicle.add(late, *place, results=results.size)

    for number in range(len(chronicle), len(chronicle) + APPENDS):
        late = experiment(number)
        yield milliseconds(lambda: append(late))  # noqa: B023 - it is called at once


def main() -> None:
    """Print a line for each length of the campaign."""
    if sys.argv[1:2] == ["--measure"]:
        print(measure(sys.argv[2], Path(sys.argv[3])))
        return
    print("experiments  " + "  ".join(COLUMNS.values()))
    for count in map(int, sys.argv[1:] or COUNTS):
        with TemporaryDirectory() as folder:
            prepare(Path(folder), count)
            cells = [f"{count:11,}"]
            for what, title in COLUMNS.items():
                if what == "missing":
                    next(Path(folder).rglob("chronicle.sqlite")).unlink()
                command = [sys.executable, __file__, "--measure", what, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                cells.append(f"{float(done.stdout):{len(title)}.1f}")
            print("  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
