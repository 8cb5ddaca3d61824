"""What a session is configured by: command line, ini file, and a file such as improve.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.commanded import harness, improve
from pytest_autoloop.errors import UsageError
from pytest_autoloop.option_table import OPTIONS
from pytest_autoloop.settings import ROUNDS, WRITTEN, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.commanded.improve import ImproveFile
    from pytest_autoloop.history.repository import Repository

_FILE: pytest.StashKey[ImproveFile] = pytest.StashKey()


def configure(config: pytest.Config, *, told: bool) -> Settings:
    """Read all that configures a session, and register the commands that it names.

    Args:
        config: of the session of the loop, or of a child.
        told: whether people see the session: what was read stands in its head, what was not
            understood is warned of.

    Raises:
        argparse.ArgumentTypeError: an ini value or one of the file is not what its option takes.
        UsageError: the file cannot be read, or what was configured does not fit together.
    """
    chosen = config.getoption("--autoloop-program") or config.getini("autoloop_program")
    given = {
        option.ini
        for option in OPTIONS
        if option.ini and (config.getoption(option.flag) is not None or config.getini(option.ini))
    }
    file = improve.find(config.rootpath, chosen, frozenset(given))
    header: list[str] = []
    if file is not None:
        values = dict(file.values)
        if file.rounds is not None:
            values[ROUNDS] = (file.rounds,)
        config.stash[WRITTEN] = values
        config.stash[_FILE] = file
        header = file.told() if told else []
    settings = Settings.from_config(config)
    if file is not None and told:
        _warn(config, file)
    if file is not None or settings.command or settings.guard_commands or settings.targets:
        harness.register(config, settings, None if file is None else file.path, header)
    elif settings.scores:
        harness.register(config, settings)
    return settings


def _warn(config: pytest.Config, file: ImproveFile) -> None:
    try:
        for line in file.unknown:
            config.issue_config_time_warning(pytest.PytestConfigWarning(line), stacklevel=1)
    except Warning as warning:  # the user has asked for errors
        raise UsageError(str(warning)) from None


def free_to_differ(config: pytest.Config, repository: Repository, program: Path) -> list[Path]:
    """Return the standing orders, if they may differ from the last commit; else nothing.

    Text may: it is read again before each proposal. What configures the session may not: children
    read it in clean worktrees.

    Args:
        config: the session's.
        repository: the one that the project stands in.
        program: the file of the standing orders.
    """
    file = config.stash.get(_FILE, None)
    if file is None or file.path != program:
        return [program]
    root, path = repository.root, program.resolve()
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    head = repository.head()
    if not name or repository.mode_of(head, name) is None:
        return []
    before = repository.read(head, name).decode("utf-8", errors="replace")
    same = improve.same_configuration(before, program.read_text(encoding="utf-8"))
    return [program] if same else []
