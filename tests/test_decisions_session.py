"""Decisions end to end: real benchmarks, real metrics, real child processes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.clocks import timer
from tests.projects import COUNTED, MODULE
from tests.scripted import threaded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

CONFTEST = '''
    import pytest_autoloop as autoloop

    @autoloop.target
    def target():
        """Make it faster."""
        return "work.py"
'''
#: Some milliseconds of work, which a memo on the argument saves from the second call on.
WORK = """\
def step(i):
    return i * i % 7


def work(n):
    return sum(step(i) for i in range(n))
"""
#: A cache that works inside a call: the same value is never computed twice.
INSIDE_A_CALL = """\
def work(n):
    known = {}
    for i in range(7):
        known[i] = i * i % 7
    return sum([known[i % 7] for i in range(n)])
"""
#: The same, and a cache that outlives the call.
ACROSS_CALLS = (
    "_known = {}\n\n\n"
    + INSIDE_A_CALL.replace("def work", "def _work")
    + """

def work(n):
    if n not in _known:
        _known[n] = _work(n)
    return _known[n]
"""
)
TWICE_THE_WORK = INSIDE_A_CALL.replace(
    "return sum", "sum([known[i % 7] for i in range(2 * n)])\n    return sum"
)
#: Less time for each benchmark: these effects are large.
SHORT = ("--benchmark-max-time=0.02",)
TIMED = {
    "work.py": WORK,
    "conftest.py": CONFTEST,
    "test_work.py": """
        from work import work

        def test_value():
            assert work(50) == sum(i * i % 7 for i in range(50))

        def test_speed(benchmark):
            benchmark(work, 20_000)
    """,
}


def test_a_cache_that_outlives_the_call_is_no_gain(project: Project) -> None:
    """One that works inside the call is; so first calls decide, and all turns are recorded.

    The session's bound on false keeps does not stand in the way of a large gain.
    """
    project.commit(TIMED)
    ideas = project.ideas(INSIDE_A_CALL, ACROSS_CALLS, TWICE_THE_WORK)

    session = project.autoloop(3, "--autoloop-proposer", ideas, "--autoloop-fdr=0.05", *SHORT)

    assert session.decisions == [("keep", ""), *[("discard", "no-gain")] * 2], session.output
    baseline, kept, cached, slower = session.journal
    assert kept["effect"]["basis"] == "warm"
    for pair in kept["pairs"]:
        assert pair["order"] in {"ICCI", "CIIC"}
        assert len(pair["turns"]) == 4
        assert all(turn["warm"] and turn["first"] for turn in pair["turns"])
    orders = {pair["order"] for row in (baseline, kept) for pair in row["pairs"]}
    assert orders == {"ICCI", "CIIC"}
    assert "a cache that outlives the call" in cached["detail"]
    assert "a cache that outlives the call" in session.stdout
    # After one turn of each side, or two on a busy machine, there is nothing more to measure.
    assert len(slower["pairs"]) == 1
    assert list(slower["stages"]) == ["propose", "guard", "race"]
    assert "audited gain" in session.stdout
    assert "claimed" in session.stdout


def test_warm_rounds_take_a_cache_for_a_gain(project: Project) -> None:
    """For code whose job is to cache; the audit says what first calls make of it."""
    project.commit(TIMED)
    session = project.autoloop(
        1,
        "--autoloop-proposer",
        project.ideas(ACROSS_CALLS),
        "--autoloop-rounds=warm",
        "--autoloop-statistic=median",
        *SHORT,
    )

    assert session.decisions == [("keep", "")], session.output
    assert "on first calls" in session.stdout


def test_no_experiment_states_what_the_machine_can_see(project: Project, tmp_path: Path) -> None:
    """`--autoloop 0` measures the baseline, says noise, smallest gain and seconds, keeps nothing.

    Each pair has a new hash seed, the same for both sides, and its sides run under the same
    garbage collector: layout is not the candidate's doing.
    """
    log = tmp_path / "log"
    noted = f"""
        import gc
        import os
        from work import work

        def test_speed(benchmark):
            with open({str(log)!r}, "a") as stream:
                print(os.environ["PYTHONHASHSEED"], hash("x"), gc.isenabled(), gc.get_threshold(),
                      gc.get_freeze_count(), benchmark.disabled, file=stream)
            benchmark(work, 5_000)
    """
    project.commit({**TIMED, "test_work.py": noted})

    log.touch()
    session = project.autoloop(0, *SHORT, "-o", f"autoloop_writable={log}")

    assert session.returncode == 0, session.output
    line = next(row for row in session.stdout.splitlines() if "BASELINE" in row)
    for told in ("±", "smallest gain it can see", "a decision takes"):
        assert told in line
    assert len(session.journal) == 1
    assert "nothing was kept" in session.stdout
    measured = [line for line in log.read_text().splitlines() if line.endswith("False")]
    pairs = [measured[i : i + 4] for i in range(0, 12, 4)]
    assert all(len(set(pair)) == 1 for pair in pairs), pairs
    assert len({pair[0].split()[0] for pair in pairs}) == 3
    assert len({pair[0].split()[1] for pair in pairs}) == 3


def test_the_processor_s_clock_does_not_see_waiting(project: Project) -> None:
    """A benchmark that sleeps takes no CPU time."""
    sleeping = WORK + "\n\ndef wait():\n    import time\n    time.sleep(0.02)\n"
    guards = """
        from work import wait

        def test_speed(benchmark):
            benchmark(wait)
    """
    project.commit({**TIMED, "work.py": sleeping, "test_work.py": guards})

    session = project.autoloop(0, "--autoloop-clock=cpu", *SHORT)

    assert session.returncode == 0, session.output
    assert session.journal[0]["metrics"]["time"] < 0.02 / 5


def test_instructions_are_counted_where_the_kernel_counts(project: Project) -> None:
    """The score is a count with its own unit, elsewhere the session ends and says what to write."""
    project.commit(TIMED)
    try:
        timer("instructions")
    except UsageError as error:
        refused = project.autoloop(0, "--autoloop-clock=instructions")
        assert refused.returncode != 0
        assert "--autoloop-clock=instructions" in refused.output
        pytest.skip(str(error))

    session = project.autoloop(0, "--autoloop-clock=instructions", *SHORT)

    assert session.returncode == 0, session.output
    assert "G instructions" in session.stdout


TWO_METRICS = {
    **COUNTED,
    "conftest.py": """
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            return "words.txt"

        @autoloop.metric
        def letters(target):
            return len(target.read_text())

        @autoloop.metric(direction="higher"{bound})
        def words(target):
            return len(target.read_text().split())
    """,
}


@pytest.mark.parametrize(
    ("objective", "expected"),
    [("pareto", ("discard", "regression")), ("weighted", ("keep", ""))],
)
def test_an_objective_decides_on_a_trade(
    project: Project, objective: str, expected: tuple[str, str]
) -> None:
    """Fewer letters for fewer words: the same trade is taken or not, as the objective says."""
    files = {**TWO_METRICS, "words.txt": "alpha beta " + "gamma" * 20 + "\n"}
    files["conftest.py"] = TWO_METRICS["conftest.py"].replace("{bound}", "")
    project.commit(files)
    ideas = project.ideas("alpha beta\n", suffix=".txt")

    session = project.autoloop(1, "--autoloop-proposer", ideas, f"--autoloop-objective={objective}")

    assert session.decisions == [expected], session.output


def test_a_bound_that_is_a_goal_is_approached_first(project: Project) -> None:
    """With `gated` a baseline outside its bound starts a campaign that leads there."""
    files = {**TWO_METRICS}
    files["conftest.py"] = TWO_METRICS["conftest.py"].replace("{bound}", ", at_least=5")
    project.commit(files)
    ideas = project.ideas(
        "alpha b\n", "alpha beta gamma delta\n", "alpha b c d e\n", "alpha bcde\n", suffix=".txt"
    )

    session = project.autoloop(4, "--autoloop-proposer", ideas, "--autoloop-objective=gated")

    assert session.decisions == [
        ("discard", "no-gain"),  # shorter, but further from five words
        ("keep", ""),  # longer, but closer
        ("keep", ""),  # the bound is met
        ("discard", "constraint"),  # shorter, but no longer within it
    ], session.output


SCORE = """
    import random
    import pytest_autoloop as autoloop

    @autoloop.target
    def target():
        return "double.py"

    @autoloop.metric
    def size(target):
        source = target.read_text()
        return len(source) - random.random() * ("random" in source)
"""
RANDOM = "double=lambda n:n+n#random\n"
SHORTER = "double = lambda n: 2 * n\n"


def test_an_exact_metric_that_moves_is_noticed(project: Project) -> None:
    """A score that was exact for the baseline, and random for a candidate, is not kept."""
    project.commit({**MODULE, "conftest.py": SCORE})
    ideas = project.ideas(RANDOM, SHORTER)

    session = project.autoloop(2, "--autoloop-proposer", ideas, "--autoloop-launcher=forkserver")

    assert session.decisions == [("discard", "no-gain"), ("keep", "")], session.output
    assert "two runs of this candidate gave different values" in session.journal[1]["detail"]
    assert [len(row["pairs"]) for row in session.journal] == [3, 2, 2]
    assert header(project)["launcher"] == "forkserver (session)"


def test_where_forking_is_unsafe_children_are_started_anew(
    project: Project, tmp_path: Path
) -> None:
    """The same decision, and the reason is on record; who insists on forking is told."""
    project = replace(project, all_plugins=True)
    project.commit({**MODULE, "conftest.py": SCORE})
    ideas, environment = project.ideas(SHORTER), threaded(tmp_path / "plugins")

    refused = project.autoloop(0, "--autoloop-launcher=forkserver", environment=environment)
    session = project.autoloop(1, "--autoloop-proposer", ideas, environment=environment)

    assert refused.returncode == 4, refused.output
    assert "threads are alive; write auto or spawn" in refused.output
    assert session.decisions == [("keep", "")], session.output
    assert "2 threads are alive" in header(project)["launcher"]


def header(project: Project) -> dict[str, str]:
    """Return the header of the only campaign."""
    (path,) = project.root.glob(".pytest_autoloop/*/*.json")
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found
