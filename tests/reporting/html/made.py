"""Campaigns that are made up, in real journals."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.records import encode, encode_record
from pytest_autoloop.model import TIME, Effect, Experiment, GuardReport, Pair, Sample
from pytest_autoloop.reporting.html.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_autoloop.model import Metric, Status

TARGET = "src/package/parser.py"
DIFF = """\
diff --git a/src/package/parser.py b/src/package/parser.py
--- a/src/package/parser.py
+++ b/src/package/parser.py
@@ -1,3 +1,3 @@
 def feed(text):
-    return [word for word in text.split()]
+    return text.split()
"""


def pairs(gain: float, count: int = 4, seconds: float = 2e-4) -> tuple[Pair, ...]:
    """Return pairs in which the candidate takes less time by a log gain, more or less."""
    chance = random.Random(count)
    found = []
    for _ in range(count):
        before = seconds * chance.gauss(1, 0.01)
        sides = (before, before * (1 - gain) * chance.gauss(1, 0.01))
        samples = [Sample({"test_speed": side}, {"test_speed": 2 * side}) for side in sides]
        found.append(Pair(samples[0], samples[1], "ICCI"))
    return tuple(found)


def experiment(number: int, status: Status = "discard", **changes: Any) -> Experiment:
    """Return an experiment as a campaign may have recorded it."""
    gain = 0.1 if status == "keep" else -0.02
    measured = status in {"keep", "discard"}
    made = Experiment(
        number=number,
        status=status,
        reason="no-gain" if status == "discard" else "",
        description="baseline" if status == "baseline" else f"idea {number}",
        proposer="" if status == "baseline" else "rules",
        commit=f"{number:040x}",
        parent="" if status == "baseline" else f"{0:040x}",
        timestamp="2030-01-02T03:04:05+00:00",
        seconds=10.0 + number,
        metrics={"time": 2e-4 - 1e-6 * number},
        diff="" if status == "baseline" else DIFF,
        diff_lines=2,
        effect=Effect(gain, gain - 0.01, gain + 0.01, pairs=4) if measured else None,
        guard=None if status == "baseline" else GuardReport(measured),
        pairs=pairs(gain) if measured else (),
        target=TARGET,
        elapsed=12.0 * number,
    )
    return replace(made, **changes)


def campaign(
    folder: Path,
    experiments: Iterable[Experiment],
    metrics: Iterable[Metric] = (TIME,),
    **header: Any,
) -> Journal:
    """Write a campaign's journal."""
    journal = Journal.create(folder, "made")
    manifest: dict[str, Any] = {
        "guards": ["tests/test_parser.py::test_nested"],
        "hidden_guards": [],
        "benchmarks": ["tests/test_parser.py::test_speed"],
        "hidden_benchmarks": [],
        "metrics": [encode_record(metric, "a metric") for metric in metrics],
        "files": {},
    }
    journal.write_header(
        {
            "tag": "made",
            "targets": [TARGET],
            "environment": {"python": "3.13.1", "processors": 8},
            "proposer": "rules",
            "manifests": {TARGET: manifest},
            **header,
        }
    )
    # All at once: that each is on the disk before the next begins takes its time.
    lines = [json.dumps(encode(one)).encode("ascii") + b"\n" for one in experiments]
    journal.path.write_bytes(b"".join(lines))
    return journal


def write_page(journal: Journal, path: Path, *outcome: str) -> Path:
    """Write the page of a campaign."""
    reader = Reader(journal)
    reader.read()
    path.write_bytes(reader.page(outcome=outcome))
    return path
