"""The text of the profile for sandbox-exec; what it refuses, only macOS can show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.containment import macos
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_is_denied_first(tmp_path: Path) -> None:
    """What no rule names is refused, and the rules name what the policy does."""
    readable, writable = tmp_path / "read", tmp_path / 'with "quotes"'
    rules = macos.profile(Policy(readable=(readable,), writable=(writable,))).splitlines()

    assert rules[:2] == ["(version 1)", "(deny default)"]
    assert f"(allow file-read* (subpath {json.dumps(str(readable.resolve()))}))" in rules
    assert (
        f"(allow file-read* file-write* (subpath {json.dumps(str(writable.resolve()))}))" in rules
    )
    assert not any("network" in rule or "fork" in rule for rule in rules)
    assert "(allow file-read*)" not in rules
    assert all(rule.count("(") == rule.count(")") for rule in rules)


def test_a_link_is_named_by_what_it_leads_to(tmp_path: Path) -> None:
    """The sandbox compares real paths, and temporary directories stand behind links there."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    text = macos.profile(Policy(readable=(), writable=(tmp_path / "link",)))

    assert json.dumps(str((tmp_path / "real").resolve())) in text
    assert "/link" not in text


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (Policy(programs=True), "(allow process-fork)"),
        (Policy(network=True), "(allow network*)"),
        (Policy(readable=None), "(allow file-read*)"),
    ],
)
def test_a_policy_gives_more(policy: Policy, rule: str) -> None:
    """Programs, network and reading everything are each one rule."""
    assert rule in macos.profile(policy).splitlines()


def test_a_command_stands_behind_its_prefix() -> None:
    """The profile is an argument, so that no file has to be kept."""
    policy = Policy(readable=())

    assert macos.prefix(policy) == ["/usr/bin/sandbox-exec", "-p", macos.profile(policy)]
