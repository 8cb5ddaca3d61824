"""How the commands that measure call pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.lock import is_held

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.cli.commands import Record


def arguments_of(record: Record, rest: Sequence[str]) -> tuple[list[str], Path]:
    """Return what pytest is given, and where: what follows ``--``, else what the campaign was.

    What an archive tells is never used: its maker could have had any program run by it.
    """
    arguments, place = record.header.get("arguments"), record.header.get("directory")
    directory = (record.root / place).resolve() if isinstance(place, str) else record.root
    if not directory.is_dir():
        directory = record.root
    if rest:
        return list(rest), directory
    return list(map(str, arguments)) if isinstance(arguments, list) else [], directory


def check_idle(record: Record) -> None:
    """Refuse to measure beside a session of the campaign.

    Raises:
        UsageError: it is being run.
    """
    if is_held(record.journal.directory):
        raise UsageError(
            f"the campaign {record.tag} is being run, and both would measure wrongly: wait until "
            "that has ended"
        )
