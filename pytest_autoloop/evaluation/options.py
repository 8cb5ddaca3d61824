"""Puts a child's parsed pytest options into the state an experiment needs.

Options are reset after parsing, never by editing the command line or the user's files: blocking
a plugin whose options stand in `addopts` is a usage error, and clearing `addopts` loses what the
project needs from it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.clocks import timer
from pytest_autoloop.harness.undivided import NO_DISTRIBUTION
from pytest_autoloop.settings import INSIDE

if TYPE_CHECKING:
    import argparse

    import pytest

    from pytest_autoloop.model import Clock

#: Options of pytest and its plugins that would spread, repeat, reorder or report a child's run.
_RESET: dict[str, object] = {
    "autoloop": None,
    "autoloop_try": None,
    **NO_DISTRIBUTION,
    "looponfail": False,
    "usepdb": False,
    "trace": False,
    "collectonly": False,
    "setuponly": False,
    "setupplan": False,
    "pastebin": None,
    "xmlpath": None,
    "htmlpath": None,
    "json_report": False,
    "report_log": None,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "stepwise_skip": False,
    "reruns": 0,
    "force_reruns": None,
    "only_rerun": [],
    "randomly_reorganize": False,
    "randomly_seed": 0,
    "no_cov_should_warn": False,
    "cov_fail_under": None,
    "benchmark_json": None,
    "benchmark_save": None,
    "benchmark_autosave": False,
    "benchmark_compare": None,
    "benchmark_compare_fail": [],
    "benchmark_histogram": None,
    "benchmark_cprofile": None,
    "benchmark_only": False,
    "benchmark_skip": False,
}

#: pytest-benchmark's own default of --benchmark-max-time, in seconds.
_BENCHMARK_MAX_TIME = 1.0


def reset(option: argparse.Namespace) -> None:
    """Undo every option that does not belong in an experiment."""
    setattr(option, INSIDE, True)
    for name, value in _RESET.items():
        if hasattr(option, name):
            setattr(option, name, value)


def for_guards(config: pytest.Config, test_timeout: float) -> None:
    """Run every guard once, benchmarks too, and bound each by name."""
    option = config.option
    _set(option, benchmark_disable=True, benchmark_enable=False)
    if test_timeout and hasattr(option, "timeout") and not _has_timeout(config):
        _set(option, timeout=test_timeout, timeout_method="signal")


def for_measuring(option: argparse.Namespace, benchmark_seconds: float, clock: Clock) -> None:
    """Time benchmarks by a clock, without a timer that could fire inside them."""
    _set(option, benchmark_disable=False, benchmark_enable=True, timeout=0)
    if float(getattr(option, "benchmark_max_time", 0)) == _BENCHMARK_MAX_TIME:
        option.benchmark_max_time = str(benchmark_seconds)
    if clock != "wall":
        _set(option, benchmark_timer=timer(clock))


def _has_timeout(config: pytest.Config) -> bool:
    chosen = config.option.timeout is not None or "PYTEST_TIMEOUT" in os.environ
    return chosen or bool(config.getini("timeout"))


def _set(option: argparse.Namespace, **values: object) -> None:
    for name, value in values.items():
        if hasattr(option, name):
            setattr(option, name, value)
