"""A campaign does not start without a score that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED
from tests.refusals import RED, refused

if TYPE_CHECKING:
    from tests.projects import Project

CONFTEST = COUNTED["conftest.py"]
DECORATOR = '@autoloop.metric(direction="lower")'
METRIC = """
    import pytest_autoloop as autoloop

    @autoloop.metric
    def size(target):
        return 1
"""


def replaced(old: str, new: str) -> dict[str, str]:
    """Return the sample project with a change in its conftest file."""
    assert old in CONFTEST
    return {**COUNTED, "conftest.py": CONFTEST.replace(old, new)}


def test_neither_metric_nor_benchmark_says_how_to_add_either(project: Project) -> None:
    """Without a score the message names the fixture and the decorator that give one."""
    project.commit(replaced(DECORATOR, ""))

    refused(project, says=("nothing gives a score", "`benchmark` fixture", "@autoloop.metric"))


def test_two_metrics_of_one_name_are_both_located(project: Project) -> None:
    """Two modules that declare the same name are named with their lines."""
    project.commit({**COUNTED, "test_a.py": METRIC, "test_b.py": METRIC})

    refused(
        project,
        says=("two fixtures are named 'size'", "test_a.py:3 and", "test_b.py:3; rename one"),
    )


def test_a_metric_in_a_class_has_to_move(project: Project) -> None:
    """The message names file, line, fixture and class, and where the fixture may stand."""
    project.commit(
        {
            **COUNTED,
            "test_more.py": """
                import pytest_autoloop as autoloop

                class TestSize:
                    @autoloop.metric
                    def size(self, target):
                        return 1
            """,
        }
    )

    refused(
        project,
        says=("test_more.py:4: 'size' is declared in class TestSize", "move it to the module"),
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def letters", "async def letters", "letters: a metric cannot be asynchronous; run the"),
        ('"lower"', '"up"', "ValueError: direction='up': write 'lower' or 'higher'"),
        ('"lower"', '"lower", at_least=3, at_most=2', "at_least=3 is above at_most=2: no value"),
        ('"lower"', '"lower", at_least="3"', "'3' bounds nothing: leave it out, or write a"),
        ('"lower"', '"lower", at_most=float("nan")', "nan bounds nothing: leave it out"),
    ],
    ids=["async", "direction", "bounds", "text-bound", "nan-bound"],
)
def test_a_wrong_declaration_is_shown_by_its_line(
    project: Project, old: str, new: str, says: str
) -> None:
    """The message points at the line of the conftest file and at no line of this package."""
    project.commit(replaced(old, new))

    session = refused(project, says=(says, "conftest.py:8"))

    assert "decorators.py" not in session.output


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("status", ("'status' cannot head a metric's column", "Give every metric its own name")),
        ("a b", ("conftest.py:8: 'a b' cannot be requested as a fixture", "(name=...)")),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(
    project: Project, name: str, says: tuple[str, ...]
) -> None:
    """A metric's name is a fixture's and a column's, and is checked for both at the start."""
    project.commit(replaced('"lower"', f'"lower", name="{name}"'))

    refused(project, says=says)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ('float("nan")', "nan"),
        ('float("-inf")', "-inf"),
        ("None", "None"),
        ("'12'", "'12'"),
        ("True", "True"),
    ],
)
def test_a_score_that_is_no_finite_number_is_shown(
    project: Project, expression: str, shown: str
) -> None:
    """The message names the fixture, the value and what it should return."""
    project.commit(replaced("len(target.read_text())", expression))

    refused(
        project,
        says=(
            f"metric 'letters' returned {shown}: not a finite number",
            "on the untouched words.txt",
            "make the fixture return one int or float",
        ),
    )


def test_a_metric_that_raises_is_named_with_its_line(project: Project) -> None:
    """The baseline is red: fixture, line and exception are shown, once."""
    project.commit(replaced("return len(target.read_text())", 'return {}["weights"]'))

    refused(
        project,
        status=RED,
        says=(
            "on the untouched words.txt, metric 'letters' failed:",
            "KeyError: 'weights'",
            "conftest.py:10",
            "make the metrics pass there first",
        ),
    )


def test_a_metric_that_skips_gives_no_score(project: Project) -> None:
    """A skipped metric is not taken for a good one: the baseline is red and names it."""
    project.commit(replaced("return len", 'import pytest; pytest.skip("no data"); return len'))

    refused(project, status=RED, says=("no result from letters", "none may skip"))


@pytest.mark.parametrize(
    ("bound", "says"),
    [("at_least=100", "letters is 17, below at_least=100"), ("at_most=1.5", "above at_most=1.5")],
)
def test_a_bound_that_the_baseline_breaks_is_shown(project: Project, bound: str, says: str) -> None:
    """The message names the metric, its value and the bound, and two ways out."""
    project.commit(replaced('"lower"', f'"lower", {bound}'))

    refused(
        project,
        says=(says, "change the bound, improve the target by hand first, or make it a goal"),
    )
