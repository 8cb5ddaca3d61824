"""Settings of a cache that answer more requests within their memory."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

#: The bounds of the example.
MEMORY, STALE = 512, 3


def test_a_sweep_answers_more_requests_within_the_bounds(
    example: Callable[[str], Project],
) -> None:
    """Better settings are kept, worse ones and those beyond a bound are not."""
    session = example("cache").autoloop(6)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    assert {row["proposer"] for row in rows} == {"sweep"}
    kept = [row["metrics"] for row in rows if row["status"] == "keep"]
    rates = [metrics["hit_rate"] for metrics in (baseline["metrics"], *kept)]
    assert len(rates) > 1
    assert rates == sorted(rates)
    assert all(metrics["memory"] <= MEMORY and metrics["stale"] <= STALE for metrics in kept)
    reasons = {row["reason"] for row in rows if row["status"] == "discard"}
    assert {"constraint", "no-gain"} <= reasons <= {"constraint", "no-gain", "guard"}


def test_guards_hold_for_the_settings_as_they_are(example: Callable[[str], Project]) -> None:
    """Plain pytest passes."""
    session = example("cache").pytest("-q")
    assert session.returncode == 0, session.output


#: Replays both logs with settings from standard input, and prints what they count.
COUNTING = """
import json, sys
from access_log import access_log
from replay import Settings, replay

found = []
for settings in json.load(sys.stdin):
    for number in (1, 2):
        counts = replay(Settings(**settings), access_log(number))
        found.append([counts.hit_rate, counts.peak_megabytes, counts.stale_rate])
print(json.dumps(found))
"""


def test_what_the_bounds_refuse_would_score_best(example: Callable[[str], Project]) -> None:
    """Twice the memory, and stale answers, are more hits: a bound on each is what stops it."""
    good = {"policy": "fifo", "megabytes": 512, "ttl_seconds": 5511, "admit_at_request": 1}
    good["largest_kilobytes"] = 2884
    huge = {**good, "megabytes": 1024}
    forever = {**good, "policy": "lfu", "ttl_seconds": 7680}
    done = subprocess.run(
        [sys.executable, "-c", COUNTING],
        cwd=example("cache").root,
        input=json.dumps([good, huge, forever]),
        capture_output=True,
        text=True,
        check=True,
    )
    (rate, memory, stale), _, (more, too_much, _), _, (_, _, too_stale), _ = json.loads(done.stdout)
    assert memory <= MEMORY < too_much
    assert more > rate > 40
    assert stale <= STALE < too_stale


def test_a_replay_counts_hits_and_what_is_stale(example: Callable[[str], Project]) -> None:
    """By hand: the second request is a hit, the third stale, the last one comes too late."""
    replaying = runpy.run_path(str(example("cache").root / "replay.py"))
    settings = replaying["read_settings"](
        "{policy: lru, megabytes: 1, ttl_seconds: 10, admit_at_request: 1, largest_kilobytes: 256}"
    )

    def counted(log: list[tuple[float, str, int, int]]) -> Any:
        counts = replaying["replay"](settings, log)
        return counts.hits, counts.stale, counts.peak_bytes

    assert counted([(0, "a", 0, 7), (1, "a", 0, 7), (2, "a", 1, 7), (12, "a", 1, 7)]) == (1, 1, 7)
    # Larger than what is let in.
    assert counted([(0, "a", 0, 2**19), (1, "a", 0, 2**19)]) == (0, 0, 0)


def test_other_kinds_of_settings_are_refused(example: Callable[[str], Project]) -> None:
    """A key that nobody knows, and a number where a policy belongs."""
    project = example("cache")
    text = (project.root / "cache.yaml").read_text(encoding="utf-8")
    for wrong in (text + "cheat: 1\n", text.replace("megabytes: 128", "megabytes: .inf")):
        project.write({"cache.yaml": wrong})
        session = project.pytest("-q", "-k", "kinds_of_settings")
        assert session.returncode == 1, session.output


def test_a_missing_file_says_what_belongs_there(example: Callable[[str], Project]) -> None:
    """Who starts from the template is told what to write."""
    project = example("cache")
    (project.root / "access_log.py").unlink()
    session = project.pytest("-q")
    assert "access_log.py is missing: write `access_log(number)` there" in session.output
