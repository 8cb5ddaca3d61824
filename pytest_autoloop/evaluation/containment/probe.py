"""The throw-away process that tries what contained code must not manage."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.errors import AutoloopError
from pytest_autoloop.evaluation.containment.attempts import attempt_all
from pytest_autoloop.evaluation.containment.layers import apply
from pytest_autoloop.evaluation.containment.paths import kernel_paths, system_paths
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.containment.policy import Profile

#: What one profile did not refuse, and what went wrong.
_Answer: TypeAlias = "dict[str, list[str]]"


def main() -> None:
    """Print, as one line of JSON, what either profile did not refuse."""
    outside = Path(sys.argv[1])
    if sys.platform == "linux":
        answers = [_contained("worker", outside), _contained("harness", outside)]
    else:
        # Elsewhere the whole command runs in a box, and the process that started it does not.
        answers = [_try("harness", outside)]
    leaks = dict.fromkeys(name for answer in answers for name in answer["leaks"])
    faults = [fault for answer in answers for fault in answer["fault"]]
    sys.stdout.write(json.dumps({"leaks": list(leaks), "fault": "; ".join(faults)}) + "\n")


def _contained(profile: Profile, outside: Path) -> _Answer:
    """Fork a process that applies its layers and tries everything."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.write(writing, json.dumps(_try(profile, outside)).encode())
        # Exit handlers belong to the parent.
        os._exit(0)
    os.close(writing)
    with closing(os.fdopen(reading, "rb")) as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    if not told:
        return {"leaks": [], "fault": [f"the {profile} ended with status {status}"]}
    answer: _Answer = json.loads(told)
    return answer


def _try(profile: Profile, outside: Path) -> _Answer:
    readable = (*system_paths(), *kernel_paths())
    try:
        apply(Policy(readable=readable, programs=profile == "harness"), profile)
        return {"leaks": attempt_all(profile, outside), "fault": []}
    # Whatever went wrong, this process must come to its end and say so.
    except (AutoloopError, OSError, MemoryError) as error:
        return {"leaks": [], "fault": [f"{profile}: {error}"]}
