"""A pytest run without --autoloop is what it would be without the plugin."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.projects import clean_environment, snapshot

if TYPE_CHECKING:
    from pathlib import Path

#: What takes time to import, and is needed by the loop alone.
HEAVY = ("openai", "git", "libcst", "optuna", "rich", "httpx", "pytest_autoloop.session")
LIGHT = ("pytest_autoloop.plugin", "pytest_autoloop.settings", "pytest_autoloop.hookspecs")

REPORT_IMPORTS = f"""
import sys

def pytest_unconfigure():
    loaded = [name for name in {(*HEAVY, *LIGHT)!r} if name in sys.modules]
    print("loaded:", *loaded)
"""

DECORATED = '''
import pytest_autoloop as autoloop

@autoloop.target
def target():
    """Make it shorter."""
    return "words.txt"

@autoloop.metric
def letters(target):
    return len(target.read_text())
'''

MIXED = """
import pytest

def test_fixture(target, letters):
    assert target.read_text() == "alpha"
    assert letters == 5

def test_fails():
    assert 1 == 2

@pytest.mark.skip(reason="later")
def test_skipped():
    pass

@pytest.mark.xfail(strict=True)
def test_xfailed():
    assert False

@pytest.mark.parametrize("n", [1, 2])
def test_parametrized(n):
    pass
"""


@pytest.fixture
def files(pytester: pytest.Pytester) -> pytest.Pytester:
    """Make a project with both decorators and tests of every outcome."""
    pytester.makeconftest(DECORATED)
    pytester.makepyfile(test_mixed=MIXED)
    pytester.maketxtfile(words="alpha")
    return pytester


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, as a user would."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**clean_environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_heavy_is_imported(pytester: pytest.Pytester) -> None:
    """Neither a model's client nor git nor the loop is loaded, with an outcome as ever."""
    pytester.makeconftest(REPORT_IMPORTS)
    pytester.makepyfile("def test_it(): pass")
    result = run(pytester.path, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout + result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("loaded:"))
    assert line.split()[1:] == list(LIGHT)


def test_importing_the_package_is_light(tmp_path: Path) -> None:
    """The decorators bring pytest and nothing else that has to be installed."""
    program = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import pytest_autoloop\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names)))\n"
    )
    result = run(tmp_path, "-c", program)
    assert result.stdout == "['pytest_autoloop']\n", result.stderr


def test_the_outcome_is_the_same_without_the_plugin(files: pytest.Pytester) -> None:
    """Same tests, same results, same order, same exit status."""
    plain = files.runpytest("-v")
    without = files.runpytest("-v", "-p", "no:autoloop")
    assert plain.ret == without.ret == pytest.ExitCode.TESTS_FAILED
    plain.assert_outcomes(passed=3, failed=1, skipped=1, xfailed=1)

    def results(result: pytest.RunResult) -> list[str]:
        return [line for line in result.outlines if line.startswith("test_mixed.py::")]

    assert len(results(plain)) == 6
    assert results(plain) == results(without)


def test_no_file_is_written(files: pytest.Pytester) -> None:
    """A plain run leaves the directory as it was."""
    before = snapshot(files.path)
    run(files.path, "-m", "pytest", "-p", "no:cacheprovider")
    assert snapshot(files.path) == before


def test_decorated_fixtures_are_no_tests_and_no_items(files: pytest.Pytester) -> None:
    """Collection lists the tests alone."""
    result = files.runpytest("--co", "-q")
    listed = [line for line in result.outlines if "::" in line]
    assert len(listed) == 6
    assert not [line for line in listed if "target" in line or "letters" in line]


def test_help_shows_every_option_and_key(pytester: pytest.Pytester) -> None:
    """`--help` has a group of its own, and the ini keys with what they mean."""
    result = pytester.runpytest("--help")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "optimization loop (pytest-autoloop):",
            "*--autoloop=N*",
            "*--autoloop-timeout=TIME*",
            "*--autoloop-proposer=SPEC*",
            "*--autoloop-min-gain=FRACTION*",
        ]
    )
    text = " ".join(result.stdout.str().split())
    for key in ("proposers", "timeout", "min_gain", "program", "results", "copy"):
        assert f"autoloop_{key} (" in text
    assert "%%" not in text


def test_ini_keys_are_known_to_a_strict_configuration(pytester: pytest.Pytester) -> None:
    """A project that refuses unknown keys may set ours."""
    pytester.makeini(
        """
        [pytest]
        autoloop_proposers = rules
        autoloop_timeout = 60
        autoloop_min_gain = 0.02
        autoloop_program = program.md
        autoloop_results = results.tsv
        autoloop_copy = data/*.bin
        """
    )
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest("--strict-config", "--strict-markers").assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", [["-n2"], ["--lf"], ["-x"]], ids=lambda given: str(given[0]))
def test_other_plugins_are_left_alone(files: pytest.Pytester, arguments: list[str]) -> None:
    """Distribution, selection and stopping work as they do without the plugin."""
    plain = files.runpytest_subprocess(*arguments, "-p", "no:cacheprovider")
    if "--lf" in arguments:
        assert plain.ret == pytest.ExitCode.USAGE_ERROR
        return
    assert plain.ret == pytest.ExitCode.TESTS_FAILED
    assert plain.parseoutcomes()["failed"] == 1
