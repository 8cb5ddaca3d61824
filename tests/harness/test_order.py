"""The order of guards: what failed last first, then the cheapest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.harness.order import arrange, ranked
from tests.projects import MODULE

if TYPE_CHECKING:
    import pytest

    from tests.projects import Project

NODES = ["a.py::one", "a.py::two", "b.py::three", "c.py::four"]
SECONDS = {"a.py::one": 3.0, "a.py::two": 0.1, "b.py::three": 1.0, "c.py::four": 0.2}


def test_cheap_modules_come_before_dear_ones() -> None:
    """A module's tests stay together, the cheaper ones first."""
    assert ranked(NODES, [], SECONDS) == ["c.py::four", "b.py::three", "a.py::two", "a.py::one"]


def test_killers_come_first_in_the_order_given() -> None:
    """The latest killer runs before older ones, whatever it takes; unknown ones are left out."""
    order = ranked(NODES, ["a.py::one", "gone.py::x", "b.py::three"], SECONDS)
    assert order == ["a.py::one", "b.py::three", "a.py::two", "c.py::four"]


def test_without_seconds_the_order_is_kept() -> None:
    """Nothing is known of the guards, so they run as collected."""
    assert ranked(NODES, [], {}) == NODES


def test_hidden_guards_come_last(pytester: pytest.Pytester) -> None:
    """What a proposer may hear of is tried first, however cheap or deadly the others are."""
    items = pytester.getitems(
        """
        import pytest

        @pytest.mark.autoloop_hidden
        def test_hidden(): pass

        def test_dear(): pass

        def test_cheap(): pass
        """
    )
    hidden, dear, cheap = (item.nodeid for item in items)
    arrange(items, [hidden], {hidden: 0.1, dear: 3.0, cheap: 1.0})
    assert [item.nodeid for item in items] == [cheap, dear, hidden]


def log_guards(project: Project, names: str, *, extra: str = "") -> str:
    """Return a guard module whose tests write their names to a log outside the project."""
    log = project.root.parent / "logs" / "order.log"
    log.parent.mkdir()
    tests = "\n".join(
        f"def test_{name}(): log('{name}'); assert double(4) == 8" for name in names.split()
    )
    return f"""
from pathlib import Path
from double import double

def log(name):
    with Path({str(log)!r}).open("a") as stream:
        stream.write(name + " ")

{tests}
{extra}
"""


def test_the_guard_that_failed_last_runs_first(project: Project) -> None:
    """The second broken candidate dies at once, of the guard that killed the first."""
    guards = log_guards(project, "alpha beta") + (
        "def test_three(): log('three'); assert double(3) == 6\n"
    )
    project.commit({**MODULE, "test_double.py": guards})
    broken = "def double(n):\n    return 7 if n == 3 else n + n {}\n"
    ideas = project.ideas(broken.format("# 1"), broken.format("# 2"))

    logs = project.root.parent / "logs"
    session = project.autoloop(2, "--autoloop-proposer", ideas, "-o", f"autoloop_writable={logs}")

    assert session.decisions == [("discard", "guard")] * 2, session.output
    runs = (logs / "order.log").read_text().split()
    assert runs[-1] == "three"
    assert runs[-2] == "three"


def test_guards_that_need_their_order_keep_it(project: Project) -> None:
    """A suite that fails in another order runs as collected, and the summary says so."""
    guards = """
from double import double
seen = []

def test_dear():
    seen.append(sum(double(n) for n in range(20_000)))

def test_cheap():
    assert seen and double(4) == 8
"""
    project.commit({**MODULE, "test_double.py": guards})

    session = project.autoloop(
        1, "--autoloop-proposer", project.ideas("double = lambda n: 2 * n\n")
    )

    assert session.decisions == [("keep", "")], session.output
    assert "some guards fail in another order" in session.stdout


def test_the_journal_tells_the_seconds_of_each_stage(project: Project) -> None:
    """A discarded candidate has the stages that it reached, a kept one all of them."""
    project.commit(MODULE)
    ideas = project.ideas("def double(n):\n    return 7\n", "double = lambda n: 2 * n\n")

    session = project.autoloop(2, "--autoloop-proposer", ideas)

    discarded, kept = (row["stages"] for row in session.journal[1:])
    assert list(discarded) == ["propose", "guard"]
    assert list(kept) == ["propose", "guard", "race", "confirm"]
    assert all(seconds >= 0 for seconds in kept.values())
