"""The throw-away process that tries what contained code must not manage."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import AutoloopError
from pytest_autoloop.evaluation.containment.attempts import attempt_all
from pytest_autoloop.evaluation.containment.layers import apply
from pytest_autoloop.evaluation.containment.paths import kernel_paths, system_paths
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.containment.policy import Profile


def main() -> None:
    """Print, as one line of JSON, what either profile did not refuse."""
    outside = Path(sys.argv[1])
    leaks: list[str] = []
    faults: list[str] = []
    profiles: tuple[Profile, ...] = ("worker", "harness")
    for profile in profiles:
        answer = _contained(profile, outside)
        leaks += [name for name in answer["leaks"] if name not in leaks]
        faults += answer["fault"]
    sys.stdout.write(json.dumps({"leaks": leaks, "fault": "; ".join(faults)}) + "\n")


def _contained(profile: Profile, outside: Path) -> dict[str, list[str]]:
    """Fork a process that applies its layers and tries everything."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        answer = _try(profile, outside)
        os.write(writing, json.dumps(answer).encode())
        # Exit handlers belong to the parent.
        os._exit(0)
    os.close(writing)
    with closing(os.fdopen(reading, "rb")) as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    if not told:
        return {"leaks": [], "fault": [f"the {profile} ended with status {status}"]}
    answer: dict[str, list[str]] = json.loads(told)
    return answer


def _try(profile: Profile, outside: Path) -> dict[str, list[str]]:
    readable = (*system_paths(), *kernel_paths())
    try:
        apply(Policy(readable=readable, programs=profile == "harness"), profile)
        return {"leaks": attempt_all(profile, outside), "fault": []}
    # Whatever went wrong, this process must come to its end and say so.
    except (AutoloopError, OSError, MemoryError) as error:
        return {"leaks": [], "fault": [f"{profile}: {error}"]}
