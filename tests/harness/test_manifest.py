"""The manifest tells whether a harness is still the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_autoloop.harness.manifest import Manifest, changed
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


def stored(manifest: Manifest) -> Any:
    """Return a manifest's document as it comes back from a file."""
    return json.loads(json.dumps(manifest.document()))


def test_the_same_harness_has_not_changed() -> None:
    """What was written down and read again tells no difference; a docstring makes none."""
    manifest = replace(MANIFEST, hidden=frozenset({"t::b"}), files={"data.bin": "ab"})
    assert changed(stored(manifest), manifest) == []
    again = (Metric("m", "lower", description="Better told."),)
    assert changed(stored(MANIFEST), replace(MANIFEST, metrics=again)) == []


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (
            {"required": frozenset({"t::b", "t::d", "t::e"})},
            ["2 guards are new: t::d, t::e", "1 guard is gone: t::a"],
        ),
        (
            {"required": MANIFEST.required | {f"n::{n}" for n in range(7)}},
            ["7 guards are new: n::0, n::1, n::2, n::3, n::4 and 2 more"],
        ),
        ({"benchmarks": frozenset()}, ["1 benchmark is gone: t::c"]),
        (
            {"metrics": (Metric("m", "higher", at_least=0.5),)},
            [
                "the metric m: direction was 'lower', is 'higher'",
                "the metric m: at_least was None, is 0.5",
            ],
        ),
        ({"metrics": (Metric("n", "lower"),)}, ["1 metric is new: n", "1 metric is gone: m"]),
        ({"files": {"b": "1"}}, ["1 copied file is new: b"]),
    ],
)
def test_what_changed_is_told_in_words(now: dict[str, Any], says: list[str]) -> None:
    """Up to five names of each kind, and how many more there are."""
    assert changed(stored(MANIFEST), replace(MANIFEST, **now)) == says


def test_the_order_of_metrics_counts() -> None:
    """The first one is improved, so another order is another campaign."""
    one, two = Metric("a", "lower"), Metric("b", "lower")
    before = stored(replace(MANIFEST, metrics=(one, two)))
    told = changed(before, replace(MANIFEST, metrics=(two, one)))
    assert told == ["the order of the metrics was a, b, is b, a"]


def test_a_copied_file_is_known_by_its_content() -> None:
    """Git does not carry it, so its digest is kept."""
    before = stored(replace(MANIFEST, files={"a": "1", "b": "2"}))
    told = changed(before, replace(MANIFEST, files={"a": "9", "b": "2"}))
    assert told == ["1 copied file is changed: a"]


def test_hidden_guards_are_counted_and_not_named() -> None:
    """Who proposes may read the records, and must not find the names there."""
    manifest = replace(MANIFEST, hidden=frozenset({"t::b", "t::c"}))
    assert "t::b" not in json.dumps(manifest.document())
    assert "t::c" not in json.dumps(manifest.document())
    now = replace(manifest, required=frozenset({"t::a"}), benchmarks=frozenset())
    assert changed(stored(manifest), now) == [
        "1 hidden guard is gone",
        "1 hidden benchmark is gone",
    ]


@pytest.mark.parametrize("before", [None, "abc", [], {}, {"x": 1}])
def test_what_was_not_recorded_is_said_to_be_unknown(before: Any) -> None:
    """A header of another kind is no reason to believe that nothing changed."""
    assert changed(before, MANIFEST) == ["what it was is not recorded"]


@pytest.mark.parametrize("key", ["hidden_guards", "benchmarks", "metrics", "files"])
@pytest.mark.parametrize("value", [None, 3, [3], {"a": 3}, "x"])
def test_a_damaged_record_is_no_error(key: str, value: Any) -> None:
    """Whatever stands there, the answer is a list of phrases."""
    assert isinstance(changed({**stored(MANIFEST), key: value}, MANIFEST), list)
