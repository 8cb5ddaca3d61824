"""The front door: options, ini keys and hooks.

Every pytest run of an environment imports this module, so it imports nothing that takes time;
the loop itself is loaded when `--autoloop` is given.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.harness import hidden
from pytest_autoloop.harness.undivided import keep_in_one_process
from pytest_autoloop.settings import INSIDE, add_options

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_autoloop.reporting.standard_output import StandardOutput

_OUTPUT: pytest.StashKey[StandardOutput] = pytest.StashKey()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks of pytest_autoloop.hookspecs."""
    from pytest_autoloop import hookspecs  # noqa: PLC0415 - light, and only needed here

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini keys."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Keep standard output for the JSON document, before anything is captured."""
    option = early_config.known_args_namespace
    if not (option.autoloop_json and _is_wanted(option)):
        return (yield)
    from pytest_autoloop.reporting.standard_output import StandardOutput  # noqa: PLC0415 - rare

    output = early_config.stash[_OUTPUT] = StandardOutput()
    try:
        return (yield)
    except BaseException as error:  # whatever ends pytest here ends the session
        output.finish({"error": str(error) or type(error).__name__})
        raise


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Keep the loop in this process, whatever the command line or addopts ask of other plugins."""
    output = config.stash.get(_OUTPUT, None)
    if output is None:
        return (yield from _in_this_process(config))
    try:
        status = yield from _in_this_process(config)
    except BaseException as error:  # as above
        output.finish({"error": str(error) or type(error).__name__})
        raise
    session = config.pluginmanager.get_plugin("autoloop-session")
    output.finish(session.document(status) if session else {"error": f"exit status {status}"})
    return status


def _in_this_process(config: pytest.Config) -> Generator[None, object, object]:
    option = config.option
    if _is_wanted(option):
        if option.usepdb or option.trace:
            message = "--autoloop runs unattended: leave out --pdb and --trace, nobody would answer"
            raise pytest.UsageError(message)
        keep_in_one_process(config)
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; register the loop, only when it is asked for."""
    hidden.register(config)
    inside = getattr(config.option, INSIDE, False)
    if not (inside or _is_wanted(config.option)):
        return
    if config.option.autoloop_try is not None and config.option.autoloop is not None:
        message = "--autoloop-try judges one edit, --autoloop N makes N: leave out one of them"
        raise pytest.UsageError(message)
    from pytest_autoloop.commanded import configure  # noqa: PLC0415 - as the next
    from pytest_autoloop.errors import UsageError  # noqa: PLC0415 - as the next

    try:
        settings = configure(config, told=not inside)
        if inside:
            return
        from pytest_autoloop.session import AutoloopSession  # noqa: PLC0415 - not in plain runs

        session = AutoloopSession(config, settings)
    except (argparse.ArgumentTypeError, UsageError) as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(session, "autoloop-session")


def _is_wanted(option: argparse.Namespace) -> bool:
    return option.autoloop is not None or option.autoloop_try is not None
