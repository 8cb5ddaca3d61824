"""Chronicles of campaigns that are made up experiment by experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.history.chronicle import Chronicle
from pytest_autoloop.history.journal import Journal, campaigns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_autoloop.model import Experiment


def chronicle_of(folder: Path, experiments: Iterable[Experiment]) -> Chronicle:
    """Journal experiments as a campaign of their own, and return what is known of them."""
    journal = Journal.create(folder, f"made-{len(campaigns(folder))}")
    chronicle = Chronicle.open(journal)
    for experiment in experiments:
        chronicle.add(experiment, *journal.append(experiment))
    return chronicle
