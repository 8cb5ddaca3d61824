"""A campaign that tunes campaigns: real ones run inside, in a sandbox or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

#: Campaigns inside are short here: they have as many experiments as this says.
SHORT = {"INNER_EXPERIMENTS": "2"}
#: What the settings that `hills` begins with score.
BEGUN_WITH = 40


def with_one_campaign(project: Project) -> None:
    """Leave one landscape, and no hidden one: each campaign inside takes seconds."""
    conftest = project.root / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    conftest.write_text(
        text.replace('("ridge", 1), ("hills", 2)', '("hills", 2),'), encoding="utf-8"
    )
    guards = project.root / "tests" / "test_strategy.py"
    kept = guards.read_text(encoding="utf-8").partition("\n\n@pytest.mark.autoloop_hidden")[0]
    guards.write_text(kept.replace("import pytest\n", ""), encoding="utf-8")


def test_guards_run_a_real_campaign(example: Callable[[str], Project]) -> None:
    """They pass on the untouched example, and a strategy with a seed of its own is refused."""
    project = example("self")
    assert project.pytest("-q", environment={"INNER_EXPERIMENTS": "5"}).returncode == 0
    seeded = (project.root / "ideas/02_choose_a_lucky_seed.yaml").read_bytes()
    (project.root / "strategy.yaml").write_bytes(seeded)
    session = project.pytest("-q", "--no-header", "-rf", "-k", "seed")
    assert "test_the_strategy_names_no_landscape_and_no_seed" in session.stdout
    assert session.returncode == 1


def test_a_campaign_runs_inside_of_a_campaign(example: Callable[[str], Project]) -> None:
    """In the outer one's sandbox and in its turn on the machine it finds better settings."""
    project = example("self")
    with_one_campaign(project)
    project.commit()
    session = project.autoloop(0, environment=SHORT)

    assert session.returncode == 0, session.output
    (baseline,) = session.journal
    assert baseline["metrics"]["best_score"] > BEGUN_WITH
