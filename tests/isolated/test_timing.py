"""Timing from outside confirms what is faster on inputs that are new, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from typing import TYPE_CHECKING

import pytest

from tests.isolated.versions import (
    FAST_PAIRS,
    MEMO_PAIRS,
    PAIRS,
    recorded,
    runs_here,
    together,
)

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.isolated.recording import Recording
    from pytest_autoloop.evaluation.isolated.verification import Verification
    from tests.isolated.versions import Versions

pytestmark = pytest.mark.skipif(not runs_here(), reason="workers are forked on Linux")

_GENERATOR = random.Random(5)
NUMBERS = [_GENERATOR.randint(-500, 500) for _ in range(200)]
CALLS = together(
    recorded("pairs", (NUMBERS, 100), benchmark=True),
    recorded("pairs", ([1, 2, 3, 4], 5), ([-1, 1, 0, 0], 0)),
)


def verify(
    versions: Versions, candidate: str, recording: Recording = CALLS, **options: object
) -> Verification:
    """Verify a candidate that claims to be ten times as fast as the original."""
    from pytest_autoloop.evaluation.isolated.timing import verify_gain

    return verify_gain(
        lambda version: versions.start(candidate if version == "candidate" else PAIRS),
        recording,
        claimed_log_gain=math.log(10),
        seed=random.SystemRandom().getrandbits(64),
        seconds=30,
        **options,  # type: ignore[arg-type]
    )


def test_a_better_algorithm_is_confirmed(versions: Versions) -> None:
    """One pass instead of all pairs is faster on any input."""
    found = verify(versions, FAST_PAIRS)
    assert found.confirmed
    assert found.low > 0
    assert found.reason == ""
    assert found.inputs == "fresh"
    assert list(found.per_benchmark) == ["test_it.py::test_speed"]


def test_a_verification_can_be_stored(versions: Versions) -> None:
    """What was found is plain JSON, without infinities."""
    found = dataclasses.asdict(verify(versions, FAST_PAIRS))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_memo_gains_nothing_on_fresh_inputs(versions: Versions) -> None:
    """Both numbers are told, with the usual cause."""
    found = verify(versions, MEMO_PAIRS)
    assert not found.confirmed
    assert found.reason == "unverified-gain"
    assert found.overclaimed
    assert "claimed 10×, verified" in found.detail
    assert "cache" in found.detail


def test_a_memo_is_confirmed_where_it_is_allowed(versions: Versions) -> None:
    """Then inputs come twice, and both gains are told."""
    found = verify(versions, MEMO_PAIRS, allow_cross_call_cache=True)
    assert found.confirmed
    assert found.cold is not None
    assert found.warm is not None
    assert found.warm > found.cold


def test_answers_learnt_by_heart_differ(versions: Versions) -> None:
    """Each timed result is compared, so that a constant is found at once."""
    table = """
        def pairs(nums, total):
            return 19 if len(nums) == 200 else 0
    """
    found = verify(versions, table)
    assert not found.confirmed
    assert found.reason == "differential"
    assert "in a timed call, pairs(" in found.detail


def test_rubbish_now_and_then_differs(versions: Versions) -> None:
    """A version that computes every other call only is found."""
    source = f"{FAST_PAIRS}\n_true, turn = pairs, [0]\ndef pairs(nums, total):\n"
    source += "    turn[0] += 1\n    return _true(nums, total) if turn[0] % 4 else 0\n"
    assert verify(versions, source).reason == "differential"


def test_a_comment_is_no_gain(versions: Versions) -> None:
    """The same code is not confirmed."""
    found = verify(versions, f"# tidied\n{PAIRS}")
    assert not found.confirmed or found.log_gain < 0.1


def test_a_candidate_that_ends_its_process_is_at_fault(versions: Versions) -> None:
    """A fault is passed on as what it is."""
    from pytest_autoloop.evaluation.isolated.contract import CandidateFault

    with pytest.raises(CandidateFault):
        verify(versions, "import os\ndef pairs(nums, total):\n    os._exit(0)\n")


def test_what_cannot_be_varied_is_called_once_in_a_process(versions: Versions) -> None:
    """Without inputs to vary the recorded ones serve, and it is told."""
    from pytest_autoloop.evaluation.isolated.timing import verify_gain

    slow = "def total(flag):\n    return sum(i * i for i in range(20000))"
    fast = "def total(flag):\n    n = 20000 - 1\n    return n * (n + 1) * (2 * n + 1) // 6"
    found = verify_gain(
        lambda version: versions.start(fast if version == "candidate" else slow),
        recorded("total", (True,), benchmark=True),
        claimed_log_gain=1.0,
        seed=1,
        seconds=30,
    )
    assert found.confirmed
    assert found.inputs == "recorded"
    assert "recorded inputs" in found.detail


def test_without_benchmarks_nothing_is_confirmed(versions: Versions) -> None:
    """A claim that nothing can check is no gain."""
    found = verify(versions, FAST_PAIRS, recorded("pairs", ([1, 2], 3)))
    assert not found.confirmed
    assert "no benchmark" in found.detail
