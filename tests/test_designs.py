"""Which kept designs a brief shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.designs import Archive, choose
from pytest_autoloop.model import Experiment, Metric, Reading, Target
from tests.chat_server import ChatServer
from tests.chronicles import chronicle_of
from tests.projects import MODULE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

TARGET = Target("agent.py", "Solve more.")
METRICS = (Metric("accuracy", "higher", "%"),)
BASELINE = Experiment(
    number=0,
    status="baseline",
    reason="",
    description="baseline",
    proposer="",
    commit="c0",
    parent="",
    timestamp="",
    seconds=1.0,
    metrics={"accuracy": 20.0},
)


def experiment(number: int, status: str = "keep", **changes: object) -> Experiment:
    """Return a later experiment, whose commit is named after its number."""
    told = {"status": status, "commit": f"c{number}", "description": f"idea {number}", **changes}
    return replace(BASELINE, number=number, **told)  # type: ignore[arg-type]


def test_the_best_of_equally_different_designs_comes_first() -> None:
    """Designs that share nothing are shown in the order of their rank, the last keep first."""
    assert choose([b"a", b"b", b"c"], b"d", 2) == [2, 1]


def test_a_different_design_comes_before_a_better_one_that_is_nearly_the_same() -> None:
    """Of a variant of the present version and another approach, the other approach is told."""
    present = b"vote over nine samples and take the most frequent"
    variant = b"vote over five samples and take the most frequent"
    other = b"ask once, offer a calculator"
    assert choose([other, variant], present, 1) == [0]


def test_what_is_shown_already_is_not_shown_again() -> None:
    """Neither the present version nor a repetition takes room, however many are asked for."""
    assert choose([b"a b", b"c d", b"c d", b"e f"], b"e f", 9) == [2, 0]


def test_an_archive_has_kept_designs_of_its_target_with_their_scores(tmp_path: Path) -> None:
    """Discarded and explored versions and those of other targets are no part; the baseline is."""
    contents = {("c0", "agent.py"): b"ask", ("c1", "agent.py"): b"calculate"}
    chronicle = chronicle_of(
        tmp_path,
        [
            BASELINE,
            experiment(1, metrics={"accuracy": 40.0}),
            experiment(2, "discard"),
            experiment(3, "explore"),
            experiment(4, target="other.py"),
        ],
    )
    archive = Archive(5, lambda commit, path: contents[commit, path])
    first, second = archive.designs(chronicle, TARGET, b"vote", METRICS)
    assert (first.number, first.description, first.source) == (1, "idea 1", b"calculate")
    assert first.readings == (Reading(METRICS[0], 40.0),)
    assert second.number == 0


def test_an_archive_of_none_reads_nothing(tmp_path: Path) -> None:
    """Without the option no commit is looked at."""
    archive = Archive(0, lambda commit, path: 1 / 0)  # type: ignore[arg-type,return-value]
    assert archive.designs(chronicle_of(tmp_path, [BASELINE]), TARGET, b"", METRICS) == ()


def reply(source: str, description: str) -> str:
    """Answer with a whole file, as a model would."""
    return f"DESCRIPTION: {description}\n\n```python\n{source}```\n"


def test_a_model_is_shown_what_was_kept(project: Project) -> None:
    """Each prompt holds the kept versions that are not the present one, whole, with scores."""
    first, best = "def double(n):\n    return 2*n\n", "double = lambda n: 2*n\n"
    project.commit(MODULE)
    replies = [reply(first, "multiply"), reply(best, "a lambda"), reply(best, "the same")]
    with ChatServer([*replies, replies[-1]]) as server:
        session = project.autoloop(
            3,
            "--autoloop-proposer=openai:small-model",
            "--autoloop-archive=3",
            environment={"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-0123456789"},
        )

    assert session.decisions[:2] == [("keep", ""), ("keep", "")], session.output
    begun, second, third = (request.messages[1]["content"] for request in server.requests[:3])
    assert "that were kept" not in begun
    assert "### 0000 size 32\nbaseline\n```\ndef double(n):\n    return n + n\n```" in second
    assert "### 0001 size" not in second  # the present version stands there as the file
    assert f"### 0001 size 30\nmultiply\n```\n{first}```" in third
    assert third.index("### 0001 size") < third.index("### 0000 size")
