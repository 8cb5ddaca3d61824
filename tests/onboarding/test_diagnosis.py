"""What figures mean: problems with a fix, and whether a campaign can be believed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pytest_autoloop.onboarding.diagnosis import (
    healthy,
    noticed_share,
    problems_of,
    prospect_of,
)

WELL: dict[str, Any] = {
    "problem": None,
    "program": True,
    "contained": True,
    "targets": [
        {
            "target": "a.py",
            "goal": "faster",
            "metrics": ["time"],
            "not_isolated": "",
            "weak_inputs": "",
            "order_matters": False,
            "noise": 0.01,
            "smallest_gain": 0.02,
            "guard_seconds": 1.0,
            "decision_seconds": [2.0, 20.0],
            "baseline_seconds": 10.0,
            "mutants": {
                "run": 10,
                "killed": 8,
                "killed_by_fresh_inputs_alone": 1,
                "survivors": [{"looks_equivalent": ""}],
                "uncalled_functions": [],
            },
            "proposers": [
                {
                    "asks": False,
                    "prompt_tokens": None,
                    "completion_tokens": None,
                    "cost_usd": None,
                    "fault": "",
                    "named": True,
                }
            ],
        }
    ],
}


def changed(**values: Any) -> dict[str, Any]:
    """Return the healthy figures with some of the target's changed."""
    found = copy.deepcopy(WELL)
    found["targets"][0] |= values
    return found


def mutants(killed: int, *looks_equivalent: str) -> dict[str, Any]:
    """Return what became of ten mutants."""
    survivors = [{"looks_equivalent": why} for why in looks_equivalent]
    told: dict[str, Any] = WELL["targets"][0]["mutants"]
    return {**told, "killed": killed, "killed_by_fresh_inputs_alone": 0, "survivors": survivors}


def test_all_is_well() -> None:
    """Nothing is found where nothing is wrong."""
    assert problems_of(WELL) == []


@pytest.mark.parametrize(
    ("values", "severity", "said"),
    [
        ({"mutants": mutants(3)}, "error", "notice 30%"),
        ({"mutants": mutants(7)}, "warning", "notice 70%"),
        ({"smallest_gain": 0.3}, "error", "smallest gain"),
        ({"smallest_gain": 0.1}, "warning", "smallest gain"),
        ({"not_isolated": "tests use its class X"}, "warning", "share a process"),
        ({"weak_inputs": "f() has only 1 recorded call"}, "warning", "only 1"),
        ({"order_matters": True}, "warning", "order"),
        ({"guard_seconds": 100.0}, "warning", "100 s"),
        ({"goal": ""}, "warning", "docstring"),
    ],
)
def test_a_problem_has_a_fix(values: dict[str, Any], severity: str, said: str) -> None:
    """Each says what to do; only what makes a campaign useless is an error."""
    (problem,) = problems_of(changed(**values))
    assert problem.severity == severity
    assert said in problem.what
    assert problem.fix
    assert healthy([problem]) == (severity == "warning")


def test_what_looks_equivalent_is_not_counted() -> None:
    """Nobody could notice it."""
    assert noticed_share(mutants(8, "how a value is shown", "how a value is shown")) == 1
    assert noticed_share({**mutants(0), "run": 0}) is None


def test_a_red_baseline_is_the_problem() -> None:
    """Its message names the next step itself."""
    found = {"problem": {"kind": "BaselineRed", "text": "1 guard fails"}, "targets": []}
    (problem,) = problems_of(found)
    assert (problem.severity, problem.what) == ("error", "1 guard fails")


def test_a_proposer_that_nobody_named_is_advice() -> None:
    """Whoever begins a campaign names another."""
    fault = {**WELL["targets"][0]["proposers"][0], "fault": "it rewrites Python"}
    assert not healthy(problems_of(changed(proposers=[fault])))
    assert healthy(problems_of(changed(proposers=[{**fault, "named": False}])))


def test_a_campaign_has_a_price() -> None:
    """Guards and decisions make the time, briefs and answers the tokens; unknown stays unknown."""
    free = prospect_of(WELL["targets"][0], 10)
    assert (free.shortest, free.longest, free.tokens, free.cost_usd) == (40, 220, 0, 0)
    chat = {**WELL["targets"][0]["proposers"][0], "asks": True}
    assert prospect_of(changed(proposers=[chat])["targets"][0], 10).tokens is None
    chat |= {"prompt_tokens": 1000, "completion_tokens": 500, "cost_usd": 0.01}
    asked = prospect_of(changed(proposers=[chat])["targets"][0], 10)
    # 1,500 each, and 40 for each earlier one: 0 + 1 + … + 9 of them.
    assert asked.tokens == 10 * 1500 + 45 * 40
    assert asked.cost_usd == pytest.approx(0.01 * (10 + 1.8))
