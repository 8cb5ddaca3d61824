"""What the decorators marked is found wherever pytest loads fixtures from."""

from __future__ import annotations

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.registry import Registry

METRIC = """
import pytest_autoloop as autoloop

@autoloop.metric
def {name}():
    return 1.0
"""


def collected(pytester: pytest.Pytester, *arguments: str) -> Registry:
    """Collect a project in this process with a registry, as a session does."""
    registry = Registry()
    pytester.inline_run("--collect-only", *arguments, plugins=[registry])
    return registry


def test_conftest_files_plugins_and_test_modules_are_searched(pytester: pytest.Pytester) -> None:
    """All three places count, early-loaded ones too."""
    pytester.makeconftest(METRIC.format(name="in_conftest"))
    pytester.makepyfile(
        a_plugin=METRIC.format(name="in_plugin"),
        test_module=METRIC.format(name="in_module") + "def test_it(in_module): pass",
    )
    pytester.syspathinsert()
    registry = collected(pytester, "-p", "a_plugin")
    registry.check()
    assert set(registry.metrics) == {"in_conftest", "in_plugin", "in_module"}
    assert registry.targets == {}


def test_a_conftest_below_the_root_is_searched(pytester: pytest.Pytester) -> None:
    """A conftest that collection finds late is found too, and is known as its fixture's home."""
    folder = pytester.mkdir("deep")
    (folder / "conftest.py").write_text(METRIC.format(name="deep_score"), encoding="utf-8")
    (folder / "test_deep.py").write_text("def test_it(): pass\n", encoding="utf-8")
    registry = collected(pytester)
    registry.check()
    assert list(registry.metrics) == ["deep_score"]
    home = registry.home_of("deep_score")
    assert getattr(home, "__file__", "") == str(folder / "conftest.py")
    assert registry.home_of("unknown") is None


def test_a_shared_fixture_counts_once(pytester: pytest.Pytester) -> None:
    """A metric that is imported into several files is one metric, not a duplicate."""
    pytester.makepyfile(
        scores=METRIC.format(name="score"),
        test_one="from scores import score\ndef test_it(score): pass",
        test_two="from scores import score\ndef test_it(score): pass",
    )
    pytester.syspathinsert()
    registry = collected(pytester)
    registry.check()
    assert list(registry.metrics) == ["score"]


def test_two_metrics_of_one_name_are_refused(pytester: pytest.Pytester) -> None:
    """Which one to improve would depend on where it is asked for; the message names both."""
    pytester.makeconftest(METRIC.format(name="score"))
    pytester.makepyfile(METRIC.format(name="score") + "def test_it(score): pass")
    registry = collected(pytester)
    with pytest.raises(UsageError, match=r"two fixtures are named 'score': .*conftest.*rename"):
        registry.check()


def test_a_target_and_a_metric_of_one_name_are_refused(pytester: pytest.Pytester) -> None:
    """One of them would hide the other."""
    pytester.makeconftest(METRIC.format(name="score"))
    pytester.makepyfile(
        """
        import pytest_autoloop as autoloop

        @autoloop.target(name="score")
        def target():
            return "x"

        def test_it(): pass
        """
    )
    registry = collected(pytester)
    with pytest.raises(UsageError, match="two fixtures are named 'score'"):
        registry.check()


def test_a_fixture_in_a_class_is_refused(pytester: pytest.Pytester) -> None:
    """Only tests of that class could see it; the message says where to move it."""
    pytester.makepyfile(
        """
        import pytest_autoloop as autoloop

        class TestScore:
            @autoloop.metric
            def score(self):
                return 1.0

            def test_it(self, score):
                pass
        """
    )
    registry = collected(pytester)
    with pytest.raises(UsageError, match=r"'score' is declared in class TestScore; move it"):
        registry.check()


def test_a_project_without_any_is_fine(pytester: pytest.Pytester) -> None:
    """Finding nothing is no problem of the registry."""
    pytester.makepyfile("def test_it(): pass")
    registry = collected(pytester)
    registry.check()
    assert not registry.metrics
    assert not registry.targets
