"""The small language model on a fixed budget: better training is kept, a better draw is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

pytest.importorskip("numpy", reason="the extra 'examples' brings NumPy")


def test_better_training_is_kept_and_a_better_draw_is_not(
    example: Callable[[str], Project],
) -> None:
    """Optimizer, schedule and context add up; seed, size and a look at the answers do not count."""
    project = example("training")
    session = project.autoloop(7, timeout=300)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    found = {row["description"]: row for row in rows}
    assert found["another draw"]["reason"] == "no-gain"
    lucky = found["a seed that was lucky"]["guard"]["test"]
    assert lucky.endswith("test_each_seed_gives_a_model_of_its_own")
    assert found["twice as wide"]["reason"] == "constraint"
    assert found["look at the validation text"]["reason"] == "screen"
    kept = [row for row in rows if row["status"] == "keep"]
    assert [row["description"] for row in kept] == ["longer context", "adam", "rate that falls"]
    assert kept[-1]["metrics"]["loss"] < 0.75 * baseline["metrics"]["loss"]
    assert kept[-1]["metrics"]["parameters"] <= 6000


def test_what_is_learned_is_counted(example: Callable[[str], Project]) -> None:
    """A table that is learned with the real budget alone counts, and nothing hides in an object."""
    project = example("training")
    target = project.root / "train.py"
    source = target.read_text(encoding="utf-8")
    (project.root / "tests" / "test_count.py").write_text(
        "def test_count(parameters):\n    assert parameters == 3294 + 500\n", encoding="utf-8"
    )
    for content, said in (
        ("np.zeros(500 if budget > 10_000 else 0)", "1 passed"),
        ("np.array([{}])", "dict of arrays of numbers"),
    ):
        changed = source.replace(
            "    return parameters\n\n\ndef scores",
            f'    parameters["table"] = {content}\n    return parameters\n\n\ndef scores',
        )
        assert changed != source
        target.write_text(changed, encoding="utf-8")
        session = project.pytest("-q", "--no-header", "-p", "no:cacheprovider", "-k", "test_count")
        assert said in session.stdout


@pytest.mark.parametrize(
    ("old", "new", "guard"),
    [
        (
            "    spent = 0\n",
            "    spent = len(open(__file__.replace('train.py', 'validation.txt')).read()) * 0\n",
            "test_training_reads_no_file",
        ),
        (
            "return forward(parameters, contexts)[0]",
            "found = forward(parameters, contexts)[0]\n    return found - found.mean(axis=0)",
            "test_a_prediction_depends_on_its_own_context",
        ),
        ("default_rng(seed)", "default_rng()", "test_one_seed_gives_one_model"),
    ],
)
def test_each_guard_holds_alone(
    example: Callable[[str], Project], old: str, new: str, guard: str
) -> None:
    """What the screen would refuse, or no idea tries, fails the guard that is meant for it."""
    project = example("training")
    target = project.root / "train.py"
    source = target.read_text(encoding="utf-8")
    assert old in source
    target.write_text(source.replace(old, new), encoding="utf-8")
    session = project.pytest("-q", "--no-header", "-rf", "-m", "not autoloop_hidden")

    assert session.returncode == 1
    assert f"{guard} " in session.stdout
    assert "1 failed" in session.stdout
