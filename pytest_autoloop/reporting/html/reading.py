"""From a campaign's record to its page; what was read once is not read again."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.html.collecting import Collected, facts, metrics_of
from pytest_autoloop.reporting.html.details import shown
from pytest_autoloop.reporting.html.page import MARK, inert, page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.model import Json, Metric

_HEAD = 4_000
_LONGEST_LINE = 1_000


class Reader:
    """Reads a journal on from where it stopped, and makes pages of what it has read."""

    def __init__(self, journal: Journal) -> None:
        self.collected = Collected()
        self._journal = journal
        self._offset = 0
        self._header: dict[str, Json] = {}

    def read(self) -> int:
        """Take in what the journal has more; return how many experiments there are now.

        Raises:
            JournalError: it is damaged, or cannot be read.
        """
        self._header = self._journal.read_header() or {}
        metrics: dict[str, tuple[Metric, ...]] = {}
        for offset, length, experiment in self._journal.scan(self._offset):
            target = experiment.target
            if target not in metrics:
                metrics[target] = metrics_of(self._header, target, experiment.metrics)
            self.collected.add(experiment, metrics[target])
            self._offset = offset + length
        return len(self.collected.rows)

    def page(
        self,
        *,
        outcome: Sequence[str] = (),
        live: str = "",
        nonce: str = "",
        identity: str = "",
    ) -> bytes:
        """Return the page of what was read.

        Args:
            outcome: lines that say what has become of the campaign, such as the audited gain.
            live: name of the file beside it that tells of more, as long as the campaign runs.
            nonce: by which the page may run that file.
            identity: of the writer, which the file repeats.

        """
        return page(self._facts(outcome, live, identity), self.collected, nonce=nonce)

    def news(self, *, live: str, identity: str) -> bytes:
        """Return the script that tells an open page of the last experiments."""
        count = len(self.collected.rows)
        told = inert(json.dumps(self._facts((), live, identity), allow_nan=False))
        items = inert(",".join(self.collected.recent))
        news = (
            f'{{"page":{json.dumps(identity)},"revision":{count},"count":{count},'
            f'"facts":{told},"items":[{items}]}}'
        )
        return f"autoloopNews({news});\n".encode("ascii")

    def _facts(self, outcome: Sequence[str], live: str, identity: str) -> dict[str, Json]:
        lines: list[Json] = [shown(line, _LONGEST_LINE) for line in outcome]
        return {
            **facts(self._header, self._journal.tag),
            "outcome": lines,
            "live": live,
            "page": identity,
            "updated": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }


def check_place(path: Path, what: str) -> None:
    """See that a report can be written to a path, and that nothing else is there.

    Args:
        path: of the page.
        what: how the user named it, such as ``--autoloop-report=report.html``.

    Raises:
        UsageError: its folder is missing, or something stands there that is no report.

    """
    if not path.parent.is_dir():
        raise UsageError(f"{what}: there is no folder {path.parent}; make it, or name another file")
    if path.is_dir():
        raise UsageError(f"{what}: {path} is a folder; name a file in it, such as report.html")
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{what}: {path} cannot be read: {error.strerror or error}") from error
    if head and MARK.encode("ascii") not in head:
        raise UsageError(
            f"{what}: {path} exists and is no report, so it is not overwritten; name another file"
        )
