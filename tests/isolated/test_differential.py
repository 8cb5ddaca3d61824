"""The differential guard finds what no test of the project asks for, and accepts what is honest."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.isolated.versions import FAST_PAIRS, PAIRS, recorded, runs_here, together

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.isolated.differential import Differential
    from pytest_autoloop.evaluation.isolated.recording import Recording
    from tests.isolated.versions import Versions

pytestmark = pytest.mark.skipif(not runs_here(), reason="workers are forked on Linux")

CALLS = recorded(
    "pairs", ([1, 2, 3, 4], 5), ([], 0), ([5], 10), ([-1, 1, 0, 0], 0), ([10, -10, 3, 7], 10)
)
WORDS = recorded("words", ("the cat",), ("",), ("one, two; two",), ("B a b",))
SPLIT = """
def words(text):
    return [word.strip(",;") for word in text.lower().split()]
"""
SCALE = """
def scale(values, factor):
    return [value * factor for value in values]
"""
SCALES = recorded("scale", ([1.5, 2.5], 2), ([0.5], 3), ([4.0, -1.0, 2.0], 1))


def compare(
    versions: Versions, original: str, candidate: str, recording: Recording, **options: object
) -> Differential:
    """Compare two versions with a seed of this moment, as the product does."""
    from pytest_autoloop.evaluation.isolated.differential import compare_versions

    return compare_versions(
        versions.start(original),
        versions.start(candidate),
        recording,
        seed=random.SystemRandom().getrandbits(64),
        seconds=60,
        again=lambda: versions.start(original),
        **options,  # type: ignore[arg-type]
    )


def test_an_honest_version_is_not_told_apart(versions: Versions) -> None:
    """Another algorithm with the same answers passes, after many calls."""
    found = compare(versions, PAIRS, FAST_PAIRS, CALLS)
    assert found.finding == ""
    assert found.calls > 50
    assert found.weak == ""


def test_answers_for_recorded_calls_alone_are_found(versions: Versions) -> None:
    """A table of what the tests ask fails on what they do not."""
    table = """
        KNOWN = {((1, 2, 3, 4), 5): 2, ((-1, 1, 0, 0), 0): 2, ((10, -10, 3, 7), 10): 1}

        def pairs(nums, total):
            if not isinstance(total, int):
                raise TypeError("total must be an int")
            return KNOWN.get((tuple(nums), total), 0)
    """
    finding = compare(versions, PAIRS, table, CALLS).finding
    assert finding.startswith("pairs(")
    assert "\n" not in finding


def test_a_refusal_on_purpose_is_part_of_the_contract(versions: Versions) -> None:
    """A type check that no test asks for must stay."""
    lax = FAST_PAIRS.replace("not isinstance(total, int)", "False")
    assert "expected TypeError" in compare(versions, PAIRS, lax, CALLS).finding


def test_a_subclass_of_what_is_raised_will_do(versions: Versions) -> None:
    """Whoever catches the one catches the other."""
    exact = FAST_PAIRS.replace("raise TypeError", "raise Exact") + "\nclass Exact(TypeError): ..."
    assert compare(versions, PAIRS, exact, CALLS).finding == ""


def test_another_type_counts_only_where_it_is_refused(versions: Versions) -> None:
    """What happens to work, or to fail, with a foreign type binds nobody."""
    numeric = "def scale(values, factor):\n    return [float(v) * int(factor) for v in values]"
    assert compare(versions, SCALE, numeric, SCALES).finding == ""


def test_letters_beyond_ascii_are_tried(versions: Versions) -> None:
    """A version that knows only ASCII differs."""
    ascii_only = """
        import re

        def words(text):
            return [w.strip(",;") for w in re.findall("[!-~]+", text.lower())]
    """
    assert "words(" in compare(versions, SPLIT, ascii_only, WORDS).finding


@pytest.mark.parametrize(
    ("candidate", "told"),
    [
        ("return tuple(value * factor for value in values)", "type"),
        ("values.append(0.0); return [value * factor for value in values[:-1]]", "arguments"),
        ("return values if factor == 1 else [value * factor for value in values]", "shares"),
        ("return [round(value * factor, 3) for value in values]", "expected"),
    ],
)
def test_what_a_caller_can_see_is_compared(versions: Versions, candidate: str, told: str) -> None:
    """Types, changed arguments, shared objects and rounded numbers are differences."""
    source = f"def scale(values, factor):\n    {candidate}\n"
    assert told in compare(versions, SCALE, source, SCALES).finding


def test_a_wider_tolerance_is_the_users_to_give(versions: Versions) -> None:
    """What differs by less than the tolerance passes, and the deviation is told."""
    off = "def scale(values, factor):\n    return [v * factor * (1 + 1e-7) for v in values]"
    assert compare(versions, SCALE, off, SCALES).finding
    found = compare(versions, SCALE, off, SCALES, tolerance=1e-6)
    assert found.finding == ""
    assert 5e-8 < found.largest_deviation < 2e-7


def test_a_function_with_a_memory_is_left_out(versions: Versions) -> None:
    """Where the original differs from itself nothing can be said of a candidate."""
    counter = "seen = []\ndef tick(step):\n    seen.append(step)\n    return len(seen) * step"
    found = compare(versions, counter, counter, recorded("tick", (1,), (2,), (3,)))
    assert found.finding == ""
    assert "tick()" in found.weak


def test_few_recorded_calls_are_told(versions: Versions) -> None:
    """A person learns where the comparison knows little."""
    weak = compare(versions, PAIRS, FAST_PAIRS, recorded("pairs", ([1, 2], 3))).weak
    assert "only 1 recorded call with" in weak


def test_inputs_of_the_user_replace_made_up_ones(versions: Versions) -> None:
    """Where the project gives inputs, only these and recorded ones are tried."""
    picky = FAST_PAIRS.replace("seen = {}", "assert len(nums) < 9; seen = {}")
    given: dict[str, list[Any]] = {"pairs": [(([2, 2, 2], 4), {}), (([1] * 8, 2), {})]}
    found = compare(versions, PAIRS, picky, CALLS, extra=given)
    assert found.finding == ""
    given["pairs"].append((([1] * 9, 2), {}))
    assert "AssertionError" in compare(versions, PAIRS, picky, CALLS, extra=given).finding


def test_an_input_too_hard_for_the_original_is_no_finding(versions: Versions) -> None:
    """When a made-up call never ends in the original, another worker goes on."""
    source = """
        def down(number, others):
            while number != 0:
                number -= 1
            return sum(others)
    """
    calls = together(recorded("down", (3, [1, 2]), (5, [4]), (2, [7, 1, 1])))
    found = compare(versions, source, source, calls)
    assert found.finding == ""
    assert found.calls > 20
