"""Decisions end to end: real benchmarks, real metrics, real child processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.clocks import timer
from tests.projects import COUNTED, MODULE

if TYPE_CHECKING:
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
ACROSS_CALLS = (
    "_known = {}\n\n\n"
    + WORK.replace("def work", "def _work")
    + """

def work(n):
    if n not in _known:
        _known[n] = _work(n)
    return _known[n]
"""
)
INSIDE_A_CALL = """\
def work(n):
    known = {}
    for i in range(7):
        known[i] = i * i % 7
    return sum(known[i % 7] for i in range(7)) * (n // 7) + sum(known[i] for i in range(n % 7))
"""
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


@pytest.mark.parametrize(
    ("rounds", "expected"), [("fresh", ("discard", "no-gain")), ("warm", ("keep", ""))]
)
def test_a_cache_that_outlives_the_call(
    project: Project, rounds: str, expected: tuple[str, str]
) -> None:
    """It is no gain, unless the user says that caching is the code's job."""
    project.commit(TIMED)

    session = project.autoloop(
        1, "--autoloop-proposer", project.ideas(ACROSS_CALLS), f"--autoloop-rounds={rounds}", *SHORT
    )

    assert session.decisions == [expected], session.output
    told = "a cache that outlives the call" in session.stdout
    assert told == (rounds == "fresh")


def test_a_saving_inside_the_call_is_kept_with_all_that_was_measured(project: Project) -> None:
    """First calls save it too; the journal holds every turn of every pair, in ABBA order."""
    project.commit(TIMED)

    # The session's bound on false keeps does not stand in the way of a large gain.
    session = project.autoloop(
        1, "--autoloop-proposer", project.ideas(INSIDE_A_CALL), "--autoloop-fdr=0.05", *SHORT
    )

    assert session.decisions == [("keep", "")], session.output
    kept = session.journal[1]
    assert kept["effect"]["basis"] == "warm"
    for pair in kept["pairs"]:
        assert pair["order"] in {"ICCI", "CIIC"}
        assert len(pair["turns"]) == 4
        assert all(turn["warm"] and turn["first"] for turn in pair["turns"])
    assert {pair["order"] for row in session.journal for pair in row["pairs"]} == {"ICCI", "CIIC"}
    assert "audited gain" in session.stdout
    assert "claimed" in session.stdout


def test_the_sides_of_a_pair_share_their_hash_seed(project: Project) -> None:
    """A new seed for each pair, the same for both sides: layout is not the candidate's doing."""
    log = project.root.parent / "seeds.log"
    project.commit(
        {
            **TIMED,
            "test_work.py": f"""
                from pathlib import Path
                from work import work

                def test_speed(benchmark):
                    with Path({str(log)!r}).open("a") as stream:
                        stream.write(f"{{hash('layout')}} ")
                    benchmark(work, 5_000)
            """,
        }
    )

    session = project.autoloop(0, *SHORT)

    assert session.returncode == 0, session.output
    measured = log.read_text().split()[-12:]
    pairs = [measured[i : i + 4] for i in range(0, 12, 4)]
    assert all(len(set(pair)) == 1 for pair in pairs), pairs
    assert len({pair[0] for pair in pairs}) == 3


def test_no_experiment_states_what_the_machine_can_see(project: Project) -> None:
    """`--autoloop 0` measures the baseline, and says noise, smallest gain and seconds."""
    project.commit(TIMED)

    session = project.autoloop(0)

    assert session.returncode == 0, session.output
    line = next(row for row in session.stdout.splitlines() if "BASELINE" in row)
    assert "±" in line
    assert "smallest gain it can see" in line
    assert "a decision takes" in line
    assert len(session.journal) == 1


def test_the_processor_s_clock_does_not_see_waiting(project: Project) -> None:
    """A benchmark that sleeps takes no CPU time."""
    sleeping = WORK + "\n\ndef wait():\n    import time\n    time.sleep(0.02)\n"
    guards = """
        from work import wait

        def test_speed(benchmark):
            benchmark(wait)
    """
    project.commit({**TIMED, "work.py": sleeping, "test_work.py": guards})

    session = project.autoloop(0, "--autoloop-clock=cpu")

    assert session.returncode == 0, session.output
    assert session.journal[0]["metrics"]["time"] < 0.02 / 5


def test_instructions_are_counted_where_the_kernel_counts(project: Project) -> None:
    """Twice the same file differs by almost nothing, whatever else the machine does."""
    try:
        timer("instructions")
    except UsageError as error:
        pytest.skip(str(error))
    project.commit(TIMED)

    session = project.autoloop(0, "--autoloop-clock=instructions", "--autoloop-statistic=median")

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

        @autoloop.metric(direction="higher", {bound})
        def words(target):
            return len(target.read_text().split())
    """,
}
#: Fewer letters, and fewer words.
SHORTER = "alpha beta\n"


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("primary", ("discard", "regression")),
        ("pareto", ("discard", "regression")),
        ("lexicographic", ("keep", "")),
        ("weighted", ("keep", "")),
    ],
)
def test_an_objective_decides_on_a_trade(
    project: Project, objective: str, expected: tuple[str, str]
) -> None:
    """The same trade of words for letters is kept or discarded as the objective says."""
    files = {**TWO_METRICS, "words.txt": "alpha beta " + "gamma" * 20 + "\n"}
    files["conftest.py"] = TWO_METRICS["conftest.py"].replace("{bound}", "")
    project.commit(files)

    session = project.autoloop(
        1,
        "--autoloop-proposer",
        project.ideas(SHORTER, suffix=".txt"),
        f"--autoloop-objective={objective}",
    )

    assert session.decisions == [expected], session.output


def test_a_bound_that_is_a_goal_is_approached_first(project: Project) -> None:
    """With `gated` a baseline outside its bound starts a campaign that leads there."""
    files = {**TWO_METRICS}
    files["conftest.py"] = TWO_METRICS["conftest.py"].replace("{bound}", "at_least=5")
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


def test_an_exact_metric_that_moves_is_noticed(project: Project) -> None:
    """A score that was exact for the baseline, and random for a candidate, is not kept."""
    score = """
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
    project.commit({**MODULE, "conftest.py": score})

    session = project.autoloop(
        1, "--autoloop-proposer", project.ideas("double = lambda n: n + n # random\n" * 1)
    )

    assert session.decisions == [("discard", "no-gain")], session.output


@pytest.mark.parametrize("launcher", ["spawn", "forkserver"])
def test_both_launchers_come_to_the_same(project: Project, launcher: str) -> None:
    """How children are started changes nothing about what is decided."""
    project.commit(MODULE)
    ideas = project.ideas("double = lambda n: 2 * n\n")

    session = project.autoloop(1, "--autoloop-proposer", ideas, f"--autoloop-launcher={launcher}")

    assert session.decisions == [("keep", "")], session.output


def test_a_clear_loser_runs_once(project: Project) -> None:
    """The short race: after one turn of each side there is nothing more to measure."""
    project.commit(TIMED)
    slower = WORK.replace("return sum", "sum(step(i) for i in range(2 * n))\n    return sum")

    session = project.autoloop(1, "--autoloop-proposer", project.ideas(slower), *SHORT)

    assert session.decisions == [("discard", "no-gain")], session.output
    lost = session.journal[1]
    assert [len(pair["turns"]) for pair in lost["pairs"]] == [2]
    assert list(lost["stages"]) == ["propose", "guard", "race"]
