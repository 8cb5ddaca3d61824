"""What becomes of the user's own pytest options in a child."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation import options
from pytest_autoloop.settings import INSIDE

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Command lines that would spread, repeat, reorder, report or end a child's run.
UNWANTED = (
    ["-n2", "--dist=loadscope", "--maxprocesses=3"],
    ["--lf"],
    ["--ff"],
    ["--nf"],
    ["--sw"],
    ["--pdb"],
    ["--trace"],
    ["--collect-only"],
    ["--setup-plan"],
    ["--setup-only"],
    ["--junitxml=report.xml"],
    ["--reruns=3", "--only-rerun=Error"],
    ["--benchmark-autosave", "--benchmark-save=x"],
    ["--benchmark-compare", "--benchmark-compare-fail=mean:5%"],
    ["--benchmark-only"],
    ["--benchmark-skip"],
    ["--autoloop=3"],
)


def parsed(pytester: pytest.Pytester, *arguments: str) -> pytest.Config:
    """Parse a command line with the plugins that are installed here."""
    return pytester.parseconfig(*arguments)


def state(config: pytest.Config, names: Mapping[str, object]) -> dict[str, object]:
    """Return the values of some options."""
    return {name: getattr(config.option, name) for name in names}


@pytest.mark.parametrize("arguments", UNWANTED, ids=lambda arguments: str(arguments[0]))
def test_an_unwanted_option_is_as_if_it_had_not_been_given(
    pytester: pytest.Pytester, arguments: list[str]
) -> None:
    """Whatever the command line or addopts ask, a child runs each test once, here and now."""
    plain = vars(parsed(pytester).option).copy()
    config = parsed(pytester, *arguments)
    changed = {
        name
        for name, value in vars(config.option).items()
        if name in plain and plain[name] != value and name not in {"file_or_dir", "plugins"}
    }
    assert changed, "the command line had no effect to undo"
    options.reset(config.option)
    for name in changed:
        # Unset and off are the same.
        assert (getattr(config.option, name) or None) == (plain[name] or None) or (
            name,
            getattr(config.option, name),
        ) == ("dist", "no")


def test_the_users_selection_stays(pytester: pytest.Pytester) -> None:
    """Which tests are guards is the user's choice."""
    arguments = ["-k", "fast", "-m", "not slow", "--deselect=a::b", "--ignore=x", "-W", "ignore"]
    config = parsed(pytester, *arguments)
    before = state(config, dict.fromkeys(("keyword", "markexpr", "deselect", "ignore")))
    options.reset(config.option)
    options.for_guards(config, 5.0)
    assert state(config, before) == before


def test_options_of_absent_plugins_are_not_invented(pytester: pytest.Pytester) -> None:
    """Without xdist or pytest-benchmark there is nothing to reset, and nothing appears."""
    arguments = ["-p", "no:xdist", "-p", "no:benchmark", "-p", "no:rerunfailures"]
    config = parsed(pytester, *arguments, "-p", "no:timeout")
    before = set(vars(config.option))
    options.reset(config.option)
    options.for_guards(config, 5.0)
    options.for_measuring(config.option, 0.25, "wall")
    assert set(vars(config.option)) - {INSIDE} == before


def test_guards_run_benchmarks_once_and_bound_each_test(pytester: pytest.Pytester) -> None:
    """Benchmarks guard too, untimed; a hanging test is stopped by name."""
    config = parsed(pytester, "--benchmark-enable")
    options.for_guards(config, 5.0)
    option = config.option
    assert (option.benchmark_disable, option.benchmark_enable) == (True, False)
    assert (option.timeout, option.timeout_method) == (5.0, "signal")


@pytest.mark.parametrize("where", ["command line", "ini", "environment", "zero"])
def test_the_users_own_timeout_wins(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Who bounds tests already has said how long they may take."""
    arguments = ["--timeout=9"] if where == "command line" else []
    if where == "ini":
        pytester.makeini("[pytest]\ntimeout = 9\n")
    if where == "environment":
        monkeypatch.setenv("PYTEST_TIMEOUT", "9")
    config = parsed(pytester, *arguments)
    before = config.option.timeout
    options.for_guards(config, 0.0 if where == "zero" else 5.0)
    assert config.option.timeout == before


def test_measuring_times_benchmarks_without_a_timer(pytester: pytest.Pytester) -> None:
    """No signal fires inside a round, and rounds are short, for there are many processes."""
    config = parsed(pytester, "--benchmark-disable", "--timeout=9")
    options.for_measuring(config.option, 0.25, "wall")
    option = config.option
    assert (option.benchmark_disable, option.benchmark_enable) == (False, True)
    assert option.timeout == 0
    assert float(option.benchmark_max_time) == 0.25


def test_a_chosen_timer_stays_unless_a_clock_is_asked_for(pytester: pytest.Pytester) -> None:
    """Who sets --benchmark-timer keeps it on the wall clock."""
    config = parsed(pytester, "--benchmark-timer=time.monotonic")
    before = config.option.benchmark_timer
    options.for_measuring(config.option, 0.25, "wall")
    assert config.option.benchmark_timer == before


def test_a_chosen_time_for_rounds_stays(pytester: pytest.Pytester) -> None:
    """Who sets --benchmark-max-time knows why."""
    config = parsed(pytester, "--benchmark-max-time=3")
    options.for_measuring(config.option, 0.25, "wall")
    assert float(config.option.benchmark_max_time) == 3.0
