"""The manifest tells whether a harness is still the same."""

from __future__ import annotations

from dataclasses import replace

from pytest_autoloop.harness.manifest import Manifest
from pytest_autoloop.model import Metric

MANIFEST = Manifest(frozenset({"t::a", "t::b"}), frozenset({"t::c"}), (Metric("m", "lower"),))


def test_the_digest_does_not_depend_on_order() -> None:
    """Sets have no order, so neither has what is hashed."""
    same = Manifest(frozenset({"t::b", "t::a"}), frozenset({"t::c"}), (Metric("m", "lower"),))
    assert same.digest == MANIFEST.digest


def test_any_change_changes_the_digest() -> None:
    """A guard more or less, another benchmark, another bound: another harness."""
    others = [
        replace(MANIFEST, required=frozenset({"t::a"})),
        replace(MANIFEST, benchmarks=frozenset()),
        replace(MANIFEST, metrics=(Metric("m", "higher"),)),
        replace(MANIFEST, metrics=(Metric("m", "lower", at_least=1.0),)),
    ]
    assert len({MANIFEST.digest, *(other.digest for other in others)}) == 5
