"""Makes a harness of commands: fixtures for the target and the scores, and an item each guard."""

from __future__ import annotations

import os
import shutil
import types
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_autoloop.commanded.scores import number_in, readings_of
from pytest_autoloop.errors import MeasurementError, UsageError
from pytest_autoloop.harness import symbols
from pytest_autoloop.harness.anchoring import SYMBOLS, anchor
from pytest_autoloop.harness.arguments import UNLIMITED
from pytest_autoloop.harness.specifications import (
    SPECIFICATION,
    MetricSpecification,
    TargetSpecification,
)
from pytest_autoloop.metrics.measurement import Place
from pytest_autoloop.metrics.programs import program, run
from pytest_autoloop.model import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.commanded.scores import Reading
    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.metrics.programs import Finished, Program
    from pytest_autoloop.settings import Settings

Found = TypeVar("Found")

#: Name of the plugin, and the node below which guards stand that no file names.
PLUGIN, NODE = "autoloop-commands", "commands"
#: Name of the plugin that knows what the decorators marked.
REGISTRY = "autoloop-registry"
#: Seconds that a command may take where nothing else says so; its session is ended earlier.
_LONGEST = 3600.0
#: The fixture that runs the command, once for all of its scores.
_FINISHED = "autoloop_command_finished"
_TARGET_FLAG, _SCORE_FLAG = "--autoloop-target", "--autoloop-score"


def register(
    config: pytest.Config,
    settings: Settings,
    file: Path | None = None,
    header: Sequence[str] = (),
) -> None:
    """Register what the settings say as a plugin, as if it stood in a conftest.py.

    Args:
        config: the session's, of the loop or of a child.
        settings: with the commands.
        file: where guards are shown to stand; None where the command line or the ini names them.
        header: lines for the head of the session.

    Raises:
        UsageError: what was configured does not fit together.
    """
    # A module, because that is what a registry looks into for decorated fixtures.
    plugin: Any = types.ModuleType("pytest_autoloop_commands")
    plugin.__file__ = ""
    if settings.command:
        setattr(plugin, _FINISHED, _runner(settings.command, settings))
        for reading in readings_of(settings):
            setattr(plugin, reading.name, _metric(reading, settings.command))
    elif settings.scores:
        raise UsageError(
            "there is a score, and no command that prints it: add --autoloop-command CMD"
        )
    for number, path in enumerate(settings.targets, 1):
        name = "target" if number == 1 else f"target_{number}"
        setattr(plugin, name, _target(name, path, settings))
    plugin.pytest_collection_modifyitems = _adding(settings, file)
    plugin.pytest_report_header = lambda: list(header)
    plugin.pytest_collection_finish = _checking(settings)
    config.pluginmanager.register(plugin, PLUGIN)


def _checking(settings: Settings) -> Callable[..., None]:
    def pytest_collection_finish(session: pytest.Session) -> None:
        """Check what was found; in a child, whose registry goes by another name, it has been."""
        registry = session.config.pluginmanager.get_plugin(REGISTRY)
        # What could not be collected is told first: it may have declared something.
        if registry is not None and not session.testsfailed:
            try:
                check(registry, settings, session.config.rootpath)
            except UsageError as error:
                raise pytest.UsageError(str(error)) from None

    return pytest_collection_finish


def check(registry: Registry, settings: Settings, root: Path) -> None:
    """Refuse a target that is named twice or nowhere, or is not there, when collection is over.

    Scores of a command stand before those of fixtures from then on: the first is improved.

    Raises:
        UsageError: naming where they are declared.
    """
    declared = [
        one.source for one in registry.targets.values() if not one.source.startswith(_TARGET_FLAG)
    ]
    if settings.targets and declared:
        raise UsageError(
            f"{_TARGET_FLAG}={settings.targets[0]} and the fixture at {declared[0]} both say what "
            "may change: leave out one of them"
        )
    for written in settings.targets:
        file = root / symbols.split(written)[0]
        if not file.exists():
            raise UsageError(
                f"{_TARGET_FLAG}={written}: {file} does not exist; write a path relative to {root}"
            )
    if settings.command and not registry.targets:
        raise UsageError(
            f"no target: name the file that may change with {_TARGET_FLAG} PATH, or below the "
            "heading Change of improve.md, or decorate a fixture in conftest.py with "
            "@autoloop.target"
        )
    metrics = registry.metrics.items()
    registry.metrics = dict(
        sorted(metrics, key=lambda one: not one[1].source.startswith(_SCORE_FLAG))
    )


def _runner(command: str, settings: Settings) -> Callable[..., Finished]:
    def finished(request: pytest.FixtureRequest) -> Finished:
        """Run the command."""
        place = _place(settings, request.config.rootpath)
        return _told(lambda: run(_program(command, settings), place))

    return pytest.fixture(scope="session", name=_FINISHED)(finished)


def _told(measure: Callable[[], Found]) -> Found:
    """Return what is measured; where nothing is, fail with the message and nothing else."""
    try:
        return measure()
    except MeasurementError as error:
        message = _in_words(error)
    pytest.fail(message, pytrace=False)


def _in_words(error: MeasurementError) -> str:
    """Return the message of an error that may speak of an argument, where there are options."""
    return str(error).replace("timeout=...", "--autoloop-timeout")


def _program(command: str, settings: Settings) -> Program:
    return program(command, timeout=settings.timeout or _LONGEST, shell=False)


def _place(settings: Settings, root: Path) -> Place:
    """Return where commands run; `{target}` in them is the target, where options name one."""
    paths = [root / symbols.split(written)[0] for written in settings.targets]
    return Place(paths[0] if len(paths) == 1 else None, root)


def _metric(reading: Reading, command: str) -> object:
    pattern = "the last line" if reading.score is None else reading.score.pattern

    def value(request: pytest.FixtureRequest) -> float:
        """Find a number in what the command printed."""
        finished: Finished = request.getfixturevalue(_FINISHED)
        return _told(lambda: number_in(finished, reading, command))

    metric = Metric(
        name=reading.name,
        direction=reading.direction,
        unit=reading.unit,
        at_least=reading.at_least,
        at_most=reading.at_most,
        description=f"Printed by `{command}` ({pattern}).",
    )
    if metric.bounded:
        # Who writes a bound behind a pattern means that alone: what lies within it is free.
        metric = replace(metric, max_regression=UNLIMITED)
    specification = MetricSpecification(metric, f"{_SCORE_FLAG}={pattern}")
    setattr(value, SPECIFICATION, specification)
    return pytest.fixture(name=reading.name)(value)


def _target(name: str, written: str, settings: Settings) -> object:
    source = f"{_TARGET_FLAG}={written}"
    goal = "Improve the score."
    if settings.command:
        first = readings_of(settings)[0]
        goal = f"Make {first.name} {first.direction}: `{settings.command}` prints it."

    def path(request: pytest.FixtureRequest) -> Path:
        """Return the file that may change."""
        root = request.config.rootpath
        file, symbol = symbols.split(written)
        request.config.stash.setdefault(SYMBOLS, {})[source] = symbol
        return anchor(Path(file), root, root)

    setattr(path, SPECIFICATION, TargetSpecification(name, goal, source))
    return pytest.fixture(scope="session", name=name)(path)


class Commands(pytest.Collector):
    """The node that all commands hang on."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Return nothing: the items are made beside what is collected."""
        return []


class CommandItem(pytest.Item):
    """A command that has to succeed."""

    def __init__(self, *, command: Program, place: Place, **keywords: Any) -> None:  # noqa: ANN401
        super().__init__(**keywords)
        self.command, self.place = command, place

    def runtest(self) -> None:
        """Run it.

        Raises:
            MeasurementError: it cannot be started, fails, or takes too long.
        """
        run(self.command, self.place)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ANN401 - as in pytest
    ) -> Any:  # noqa: ANN401
        """Show why the command failed as its message: it holds what the command said last."""
        if isinstance(excinfo.value, MeasurementError):
            return _in_words(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        """Name the command where pytest shows a test's place."""
        return self.path, None, self.nodeid


class ScoreItem(CommandItem):
    """Looks whether the program is there that prints the score; measuring runs it.

    Its name is that of the command, so that a campaign notices when it goes on with another.
    """

    def runtest(self) -> None:
        """Look for it.

        Raises:
            MeasurementError: it is not there.
        """
        what, place = self.command, self.place
        first = what.words[0]
        if not os.path.dirname(first):  # noqa: PTH120 - a name without a place is looked up
            found = first.startswith("{") or shutil.which(first) is not None
        else:
            found = (place.directory / first).is_file()
        if not found:
            raise MeasurementError(
                f"`{what}` cannot be started: {first!r} was not found: install it, or write its "
                "path, relative to pytest's root directory, and commit it"
            )


def _adding(settings: Settings, file: Path | None) -> Callable[..., None]:
    def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the commands to the tests."""
        root = session.config.rootpath
        node = NODE if file is None else os.path.relpath(file, root).replace(os.sep, "/")
        # The file is one of the harness's, so it has to be committed as tests have.
        parent = Commands.from_parent(session, name=node, path=file or root, nodeid=node)
        makers = [(CommandItem, command, command) for command in settings.guard_commands]
        if settings.command:
            makers.append((ScoreItem, f"score: {settings.command}", settings.command))
        place = _place(settings, root)
        made: list[pytest.Item | pytest.Collector] = []
        for maker, name, command in makers:
            what = _program(command, settings)
            # A node id is one line wherever pytest lists it.
            name = " ".join(name.split())  # noqa: PLW2901 - the same, as it is written
            made.append(maker.from_parent(parent, name=name, command=what, place=place))
        items += [one for one in made if isinstance(one, pytest.Item)]
        # Else they are missing where pytest says how much it has collected.
        parent.ihook.pytest_collectreport(report=pytest.CollectReport(node, "passed", None, made))

    return pytest_collection_modifyitems
