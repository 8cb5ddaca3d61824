"""`autoloop.metric` makes fixtures of measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop import metrics
from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.measuring import is_measurement
from pytest_autoloop.harness.registry import Registry
from pytest_autoloop.harness.specifications import MetricSpecification, specification_of

if TYPE_CHECKING:
    from tests.projects import Project

HEAD = "import pytest_autoloop as autoloop\nfrom pytest_autoloop import metrics\n"
TARGET = """
@autoloop.target
def target():
    return "words.txt"
"""
TWO_ON_A_LINE = HEAD + (
    "first, second = "
    "autoloop.metric(metrics.file_size('a')), autoloop.metric(metrics.file_size('b'))\n"
)


def collected(pytester: pytest.Pytester) -> Registry:
    """Collect a project in this process with a registry, as a session does."""
    registry = Registry()
    pytester.inline_run("--collect-only", plugins=[registry])
    return registry


def specified(fixture: object) -> MetricSpecification:
    """Return what a metric fixture carries."""
    found = specification_of(fixture)
    assert isinstance(found, MetricSpecification)
    return found


@pytest.mark.parametrize("arguments", [[], ["-p", "no:autoloop"]], ids=["with", "without"])
def test_the_fixture_measures_the_target_in_the_root_directory(
    pytester: pytest.Pytester, arguments: list[str]
) -> None:
    """The only target is what `{target}` means; commands run where pytest's root is."""
    pytester.makeconftest(
        HEAD
        + TARGET
        + "size = autoloop.metric(metrics.file_size())\n"
        + "words = autoloop.metric(metrics.accuracy('wc -w {target}', unit='words'))\n"
        + "here = autoloop.metric(metrics.accuracy('cat number', unit='', shell=True))\n"
    )
    pytester.makefile(".txt", words="one two")
    (pytester.path / "number").write_text("0.5\n", encoding="utf-8")
    folder = pytester.mkdir("tests")
    (folder / "test_them.py").write_text(
        "import pytest\n"
        "def test_them(size, here):\n    assert (size, here) == (7.0, 0.5)\n"
        "def test_no_number(words): pass\n",
        encoding="utf-8",
    )
    result = pytester.runpytest(*arguments, f"--rootdir={pytester.path}")
    # wc prints the file's name as well: no number alone, told in one line.
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.re_match_lines(
        [r"`wc -w \{target\}` printed '2 .*words.txt' in its last line: let it print.*"]
    )
    for more in ("*def take*", "*During handling*", "*--full-trace*"):
        result.stdout.no_fnmatch_line(more)


def test_a_class_may_have_one_in_a_plain_run(pytester: pytest.Pytester) -> None:
    """As any fixture; a session of experiments refuses metrics in classes, and says so."""
    pytester.makefile(".txt", words="one")
    pytester.makepyfile(
        HEAD + "class TestIt:\n"
        "    size = autoloop.metric(metrics.file_size('words.txt'))\n"
        "    def test_it(self, size):\n"
        "        assert size == 3\n"
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_metric_has_the_name_of_its_variable(pytester: pytest.Pytester) -> None:
    """As pytest names a fixture by its attribute; `name=` wins; two on one line are two."""
    pytester.makeconftest(
        TWO_ON_A_LINE
        + "_hidden = autoloop.metric(metrics.file_size('c'), name='shown')\n"
        + "made = {name: autoloop.metric(metrics.file_size(name)) for name in ('left', 'right')}\n"
        + "globals().update(made)\n"
    )
    for number, name in enumerate(("a", "b", "c", "left", "right"), 1):
        (pytester.path / name).write_text("x" * number, encoding="utf-8")
    pytester.makepyfile(
        "inside = __import__('pytest_autoloop').metric(lambda: 6, name='inside')\n"
        "def test_all(first, second, shown, left, right, inside):\n"
        "    assert [first, second, shown, left, right, inside] == [1, 2, 3, 4, 5, 6]\n"
    )
    pytester.runpytest().assert_outcomes(passed=1)
    registry = collected(pytester)
    registry.check()
    names = ["first", "second", "shown", "left", "right", "inside"]
    assert list(registry.metrics) == [one.name for one in registry.metrics.values()] == names
    assert {registry.home_of("left")} == {registry.home_of("shown")}


def test_two_measurements_of_one_name_are_refused(pytester: pytest.Pytester) -> None:
    """Although they stand in one line, one does not hide the other."""
    pytester.makeconftest(
        HEAD + "a, b = (autoloop.metric(metrics.file_size(), name='size') for _ in range(2))\n"
    )
    pytester.makepyfile("def test_it(): pass")
    with pytest.raises(UsageError, match=r"two fixtures are named 'size': .*conftest.py:3 and"):
        collected(pytester).check()


def test_an_imported_measurement_is_one_metric(pytester: pytest.Pytester) -> None:
    """A test module that imports it under its name does not declare another."""
    pytester.makepyfile(
        scores=HEAD + "size = autoloop.metric(metrics.file_size('scores.py'))\n",
        test_one="from scores import size\ndef test_it(size): assert size",
        test_two="from scores import size\ndef test_it(size): assert size",
    )
    pytester.syspathinsert()
    registry = collected(pytester)
    registry.check()
    assert list(registry.metrics) == ["size"]
    assert registry.metrics["size"].requests == {"request"}


def test_direction_and_unit_are_the_measurements_unless_given() -> None:
    """What is written at the metric wins, `lower` too, which is a default otherwise."""
    score = metrics.accuracy("true")
    plain, turned = autoloop.metric(score), autoloop.metric(score, direction="lower", unit="points")
    bounded = autoloop.metric(metrics.file_size(), at_most=10, scope="session", name="size")
    found = [specified(one).metric for one in (plain, turned, bounded)]
    assert [(one.direction, one.unit, one.at_most) for one in found] == [
        ("higher", "%", None),
        ("lower", "points", None),
        ("lower", "bytes", 10),
    ]
    assert type(found[2].direction) is str
    assert found[0].description == "accuracy that `true` prints"
    assert "test_measuring.py:" in specified(plain).source


def test_fixtures_shows_where_a_measurement_is_declared(pytester: pytest.Pytester) -> None:
    """`--fixtures` names the file of the user, and what is measured."""
    pytester.makeconftest(HEAD + "size = autoloop.metric(metrics.file_size())\n")
    result = pytester.runpytest("--fixtures")
    result.stdout.fnmatch_lines(["size -- conftest.py:3", "*size of the target"])


@pytest.mark.parametrize("targets", [0, 2])
def test_without_exactly_one_target_there_is_none_to_mean(
    pytester: pytest.Pytester, targets: int
) -> None:
    """The error says how to name one; what needs no target is measured all the same."""
    pytester.makeconftest(
        HEAD
        + "".join(TARGET.replace("def target", f"def target_{n}") for n in range(targets))
        + "size = autoloop.metric(metrics.file_size())\n"
        + "own = autoloop.metric(metrics.file_size('conftest.py'))\n"
    )
    pytester.makepyfile("def test_own(own): assert own\ndef test_size(size): pass\n")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["there is not exactly one target*metrics.file_size()(target)"])


@pytest.mark.parametrize(("targets", "requested"), [(1, {"target_0"}), (2, {"request"})])
def test_a_measurement_requests_the_only_target(
    pytester: pytest.Pytester, targets: int, requested: set[str]
) -> None:
    """It is one of those that score that target first, as a function that requests it."""
    pytester.makeconftest(
        HEAD
        + "".join(TARGET.replace("def target", f"def target_{n}") for n in range(targets))
        + "size = autoloop.metric(metrics.file_size())\n"
    )
    pytester.makepyfile("def test_it(): pass")
    registry = collected(pytester)
    registry.check()
    assert registry.metrics["size"].requests == requested


def test_the_target_is_the_one_that_a_test_sees(pytester: pytest.Pytester) -> None:
    """A conftest beside does not count; a test module's own target does."""
    for name in ("left", "right"):
        folder = pytester.mkdir(name)
        (folder / f"{name}.txt").write_text(name, encoding="utf-8")
        text = HEAD + TARGET.replace("words", name).replace("def target", f"def {name}_target")
        (folder / "conftest.py").write_text(text, encoding="utf-8")
        (folder / f"test_{name}.py").write_text(
            f"def test_it(size): assert size == {len(name)}\n", encoding="utf-8"
        )
    pytester.makeconftest(HEAD + "size = autoloop.metric(metrics.file_size())\n")
    pytester.makefile(".txt", words="a b c")
    pytester.makepyfile(HEAD + TARGET + "def test_it(size): assert size == 5\n")
    pytester.runpytest().assert_outcomes(passed=3)


def test_an_object_of_ones_own_is_a_measurement(pytester: pytest.Pytester) -> None:
    """What has direction, unit, description and can be called is measured; a class is not."""
    pytester.makeconftest(
        """
        import pytest_autoloop as autoloop

        class Constant:
            direction, unit, description = "higher", "points", "a constant"

            def __call__(self, target=None, directory=None):
                return 4.0

        constant = autoloop.metric(Constant())
        """
    )
    pytester.makepyfile("def test_it(constant): assert constant == 4")
    pytester.runpytest().assert_outcomes(passed=1)
    assert is_measurement(metrics.file_size())
    assert not is_measurement(metrics.Measurement)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3.0, r"metric: 3.0 is no function: decorate one .*, or give a measurement such as"),
        (metrics.latency, r"metric\(metrics.latency\): call it, as in metrics.latency\(\.\.\.\)"),
    ],
    ids=["number", "uncalled"],
)
def test_what_measures_nothing_is_refused(given: Any, message: str) -> None:
    """A number, or the function that would have made a measurement."""
    with pytest.raises(TypeError, match=message):
        autoloop.metric(given)


def test_bounds_are_checked_as_for_a_function() -> None:
    """A measurement's metric takes the same options, and refuses the same."""
    with pytest.raises(ValueError, match="at_least=2 is above at_most=1"):
        autoloop.metric(metrics.file_size(), at_least=2, at_most=1)
    with pytest.raises(ValueError, match="direction='up'"):
        autoloop.metric(metrics.file_size(), direction="up")  # type: ignore[call-overload]


def test_a_session_scores_candidates_by_measurements(project: Project) -> None:
    """A command, in the candidate's worktree, is the score; a candidate it fails on is a crash."""
    project.commit(
        {
            "words.txt": "alpha beta gamma\n",
            "count.py": """
                import pathlib, sys

                words = pathlib.Path(sys.argv[1]).read_text().split()
                sys.exit("no omega, please") if "omega" in words else print(len(words))
            """,
            "conftest.py": '''
                import pytest_autoloop as autoloop
                from pytest_autoloop import metrics

                @autoloop.target
                def target():
                    """Make it shorter."""
                    return "words.txt"

                words = autoloop.metric(
                    metrics.accuracy("{python} count.py {target}", unit="words"), direction="lower"
                )
                size = autoloop.metric(metrics.file_size(), at_most=20)

                @autoloop.metric(at_most=1)
                def memory(target):
                    peak = metrics.peak_memory(["{python}", "count.py", "{target}"])
                    return 1 if peak(target) < 1e6 else 2
            ''',
            "test_words.py": """
                def test_it_begins_with_alpha(target):
                    assert target.read_text().startswith("alpha")
            """,
        }
    )
    queue = ("alpha beta\n", "alpha omega\n", "alphabetabetabetabeta\n")
    ideas = project.ideas(*queue, suffix=".txt")
    session = project.autoloop(3, f"--autoloop-proposer={ideas}")
    assert session.returncode == 0, session.stdout + session.stderr
    assert session.decisions == [("keep", ""), ("crash", "measure"), ("discard", "constraint")]
    found = [(float(row["words"]), float(row["size"])) for row in session.results[:2]]
    assert found == [(3.0, 17.0), (2.0, 11.0)]
    why = str(session.journal[2])
    assert "ended with exit code 1" in why
    assert "no omega, please" in why
