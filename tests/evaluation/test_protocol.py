"""What parent and child write for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.protocol import ChildSpec, Verdict

if TYPE_CHECKING:
    from pathlib import Path


def test_a_specification_arrives_as_it_was_sent(tmp_path: Path) -> None:
    """Every field survives, with its type."""
    sent = ChildSpec(
        phase="measure",
        args=["-q", "tests/ünï.py::a b"],
        worktree="/w",
        checkout="/c",
        target="a.py",
        verdict="/v",
        temporary="/t",
        max_failures=1,
        test_timeout=2.5,
        metrics=["accuracy"],
        benchmark_seconds=0.1,
    )
    sent.write(tmp_path / "spec.json")
    assert ChildSpec.read(tmp_path / "spec.json") == sent


def test_a_verdict_arrives_as_it_was_written() -> None:
    """Every field survives."""
    written = Verdict(
        exitstatus=1,
        outcomes={"a::b": "passed"},
        failed="a::c",
        message="assert 'ü'",
        warm={"a::d": 1e-9},
        metrics={"accuracy": 12},
        invalid={"size": "nan"},
        traces=[["plugin:x", "the plugin x was registered"]],
        fault=["discard", "tripwire", "forks"],
    )
    assert Verdict.from_bytes(written.to_bytes()) == written


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b"\xff\xff",
        b'{"unknown": 1}',
        b'{"outcomes": ["a"]}',
        b'{"message": 3}',
        b'{"exitstatus": "0"}',
        b'{"warm": null}',
    ],
)
def test_what_is_no_verdict_is_none(content: bytes) -> None:
    """Broken, foreign or misshapen documents are no verdict, and no error either."""
    assert Verdict.from_bytes(content) is None


def test_a_missing_verdict_is_none() -> None:
    """A child that was killed has written nothing."""
    assert Verdict.from_bytes(None) is None
