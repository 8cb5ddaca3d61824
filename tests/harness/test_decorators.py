"""`@autoloop.target` and `@autoloop.metric` make ordinary fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop.harness.specifications import (
    MetricSpecification,
    TargetSpecification,
    specification_of,
)
from pytest_autoloop.model import Metric

if TYPE_CHECKING:
    from pathlib import Path


CONFTEST = '''
import pytest
import pytest_autoloop as autoloop

@pytest.fixture(scope="session")
def folder():
    return "src"

@autoloop.target
def target(folder):
    """Make `parse` faster."""
    return folder + "/parser.py"

@autoloop.metric(direction="higher", unit="%")
def accuracy(target, tmp_path):
    """Share of examples that are parsed."""
    yield 100.0 * target.exists()
    (tmp_path / "torn_down").touch()
'''

USES = """
from pathlib import Path

def test_uses(target, accuracy, request):
    assert isinstance(target, Path)
    assert target == request.config.rootpath / "src" / "parser.py"
    assert accuracy == 100.0
"""


@pytest.fixture
def decorated(pytester: pytest.Pytester) -> pytest.Pytester:
    """Make a project whose tests use both fixtures."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_uses=USES)
    source = pytester.mkdir("src") / "parser.py"
    source.write_text("", encoding="utf-8")
    return pytester


@pytest.mark.parametrize("arguments", [[], ["-p", "no:autoloop"]], ids=["with", "without"])
def test_they_request_fixtures_and_are_requested(
    decorated: pytest.Pytester, arguments: list[str]
) -> None:
    """Guards use them like any fixture, whether the plugin is loaded or not."""
    result = decorated.runpytest(*arguments)
    result.assert_outcomes(passed=1)


def test_fixtures_are_listed_with_their_docstrings(decorated: pytest.Pytester) -> None:
    """`--fixtures` shows them where they are declared, with scope and description."""
    result = decorated.runpytest("--fixtures")
    result.stdout.fnmatch_lines(
        [
            "*fixtures defined from conftest*",
            "accuracy -- conftest.py:*",
            "*Share of examples*",
            "target [[]session scope[]] -- conftest.py:*",
            "*Make `parse` faster.",
        ]
    )


def test_bare_and_called_forms_are_the_same(pytester: pytest.Pytester) -> None:
    """Parentheses are optional, and options give name and scope."""
    pytester.makepyfile(
        """
        import pytest_autoloop as autoloop

        @autoloop.target()
        def subject():
            return "x.py"

        @autoloop.target(name="renamed", scope="function")
        def _function():
            return "y.py"

        @autoloop.metric
        def bare():
            return 1

        @autoloop.metric()
        def called():
            return 2

        @autoloop.metric(name="other", scope="module")
        def _metric(request):
            assert request.scope == "module"
            return 3

        def test_all(subject, renamed, bare, called, other):
            assert (subject.name, renamed.name, bare, called, other) == ("x.py", "y.py", 1, 2, 3)
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_target_may_read_the_configuration(pytester: pytest.Pytester) -> None:
    """A target that requests `request` itself, and parameters with defaults, work."""
    pytester.makepyfile(
        """
        import pytest_autoloop as autoloop

        @autoloop.target
        def target(request, suffix=".py"):
            return request.config.rootpath / ("chosen" + suffix)

        def test_it(target, request):
            assert target == request.config.rootpath / "chosen.py"
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "words.txt"),
        ({"words.txt": ""}, "words.txt"),
        ({"sub/words.txt": ""}, "sub/words.txt"),
        ({"words.txt": "", "sub/words.txt": ""}, "words.txt"),
    ],
    ids=["neither", "root", "beside", "both"],
)
def test_a_relative_target_is_below_the_root_else_beside_its_conftest(
    pytester: pytest.Pytester, files: dict[str, str], expected: str
) -> None:
    """A path is read from the root directory, or from the conftest's own when it is only there."""
    folder = pytester.mkdir("sub")
    for name, content in files.items():
        (pytester.path / name).write_text(content, encoding="utf-8")
    (folder / "conftest.py").write_text(
        "import pytest_autoloop as autoloop\n"
        "@autoloop.target\n"
        "def target():\n"
        "    return 'words.txt'\n",
        encoding="utf-8",
    )
    (folder / "test_path.py").write_text(
        "def test_path(target, request):\n"
        "    assert target.is_absolute()\n"
        f"    assert target == request.config.rootpath / {expected!r}\n",
        encoding="utf-8",
    )
    pytester.runpytest(f"--rootdir={pytester.path}").assert_outcomes(passed=1)


def test_an_absolute_target_is_taken_as_it_is(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """An absolute path is not moved below anything."""
    pytester.makepyfile(
        f"""
        import pathlib
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            return pathlib.Path({str(tmp_path)!r}, "x.py")

        def test_it(target):
            assert target == pathlib.Path({str(tmp_path)!r}, "x.py")
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("value", ["None", "3", "b'x.py'"])
def test_a_target_that_is_no_path_says_so(pytester: pytest.Pytester, value: str) -> None:
    """The error names the fixture, its place and what came back."""
    pytester.makepyfile(
        f"""
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            return {value}

        def test_it(target):
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*the target fixture 'target' in *.py:* {value}:*"])


def test_asynchronous_functions_are_refused() -> None:
    """A coroutine is no path and no number; the message says what to do instead."""

    async def coroutine() -> str:
        return "x.py"

    for decorator in (autoloop.target, autoloop.metric, autoloop.metric(direction="higher")):
        with pytest.raises(TypeError, match=r"coroutine: a \w+ cannot be asynchronous.*asyncio"):
            decorator(coroutine)


def test_asynchronous_generators_are_refused() -> None:
    """Nor is an asynchronous generator."""

    async def generator():
        yield 1.0

    for decorator in (autoloop.target, autoloop.metric):
        with pytest.raises(TypeError, match="cannot be asynchronous"):
            decorator(generator)


def test_a_target_does_not_yield() -> None:
    """A path has nothing to tear down."""

    def generator():
        yield "x.py"

    with pytest.raises(TypeError, match="returns a path, it does not yield"):
        autoloop.target(generator)


@pytest.mark.parametrize("tolerance", [-1e-9, 1, 2.0, float("nan"), float("inf"), "0.1", True])
def test_a_tolerance_that_is_no_share_is_refused(tolerance: Any) -> None:
    """With a tolerance of 1 every result would do, so the value is named and refused."""
    with pytest.raises(ValueError, match=f"tolerance={tolerance!r}: write a share"):
        autoloop.target(tolerance=tolerance)


@pytest.mark.parametrize("answer", ["no", 1, None])
def test_a_permission_to_cache_is_yes_or_no(answer: Any) -> None:
    """A string such as "no" is true to Python and must not lift the guard."""
    with pytest.raises(ValueError, match=f"allow_cross_call_cache={answer!r}: write True or False"):
        autoloop.target(allow_cross_call_cache=answer)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (False, 1e-9)),
        ({"tolerance": 0}, (False, 0.0)),
        ({"allow_cross_call_cache": True, "tolerance": 1e-3}, (True, 1e-3)),
    ],
    ids=str,
)
def test_a_target_carries_what_its_results_are_held_to(
    options: dict[str, Any], expected: tuple[bool, float]
) -> None:
    """Caching is forbidden and floats are held to 1e-9 unless the declaration says otherwise."""

    @autoloop.target(**options)
    def subject() -> str:
        return "x.py"

    found = specification_of(subject)
    assert isinstance(found, TargetSpecification)
    assert (found.allow_cross_call_cache, found.tolerance) == expected


def test_a_bare_target_is_held_to_the_defaults() -> None:
    """Without parentheses the strict choice is made."""

    @autoloop.target
    def subject() -> str:
        return "x.py"

    found = specification_of(subject)
    assert isinstance(found, TargetSpecification)
    assert (found.allow_cross_call_cache, found.tolerance) == (False, 1e-9)


@pytest.mark.parametrize("direction", ["up", "", None, "Lower"])
def test_an_unknown_direction_is_refused(direction: str) -> None:
    """Only two words are known, and the message gives both."""
    with pytest.raises(ValueError, match="write 'lower' or 'higher'"):
        autoloop.metric(direction=direction)  # type: ignore[call-overload]


def test_bounds_that_nothing_meets_are_refused() -> None:
    """A lower bound above the upper one would discard every candidate."""
    with pytest.raises(ValueError, match="at_least=2 is above at_most=1"):
        autoloop.metric(at_least=2, at_most=1)
    autoloop.metric(at_least=1, at_most=1)


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), -float("inf")])
def test_bounds_that_bound_nothing_are_refused(bound: float) -> None:
    """NaN compares false with everything, so it would let everything pass."""
    with pytest.raises(ValueError, match="finite"):
        autoloop.metric(at_least=bound)
    with pytest.raises(ValueError, match="finite"):
        autoloop.metric(at_most=bound)


@pytest.mark.parametrize(
    "options",
    [
        {"weight": 0.0},
        {"weight": float("inf")},
        {"max_regression": -0.1},
        {"min_gain": -0.1},
        {"at_least": "90"},
        {"resources": {"GPU": 0}},
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    """A slip is told where it is written, not in the middle of the night."""
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        autoloop.metric(**options)


def test_a_fixture_carries_its_specification() -> None:
    """Name, goal, direction and bounds can be read from the fixture without running it."""

    @autoloop.target(name="subject")
    def declared() -> str:
        """Make it faster.

        Keep the signature.
        """
        return "x.py"

    @autoloop.metric(direction="higher", unit="%", at_least=90)
    def accuracy() -> float:
        return 1.0

    goal = specification_of(declared)
    score = specification_of(accuracy)
    assert isinstance(goal, TargetSpecification)
    assert (goal.name, goal.goal) == ("subject", "Make it faster.\n\nKeep the signature.")
    assert isinstance(score, MetricSpecification)
    # Above its bound it may lose whatever it does.
    assert score.metric == Metric("accuracy", "higher", "%", at_least=90, max_regression=1e9)
    assert __file__ in goal.source
    assert __file__ in score.source


@pytest.mark.parametrize("value", [None, 3, "x", object(), type, pytest, lambda: None])
def test_other_objects_carry_none(value: object) -> None:
    """Whatever a module holds can be asked."""
    assert specification_of(value) is None
