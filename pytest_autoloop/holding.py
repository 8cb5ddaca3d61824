"""The records that all targets of a session share, and who may write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.leftovers import remove_temporaries
from pytest_autoloop.history.lock import CampaignLock
from pytest_autoloop.history.recovery import reopen
from pytest_autoloop.resuming import has_begun
from pytest_autoloop.search.base import best

if TYPE_CHECKING:
    from pytest_autoloop.history.ledger import Ledger
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.resuming import Plan


@dataclass(slots=True)
class Records:
    """The ledger that all targets of a session share, once the first baseline is green."""

    ledger: Ledger | None = None
    #: What was mended of a session that was killed, in words; the last experiment that is
    #: recorded; and the numbers of those whose judging was cut short.
    found: tuple[tuple[str, ...], int, list[int]] = ((), -1, [])
    #: Of a new campaign, held from before its baseline is measured.
    lock: CampaignLock | None = None

    @classmethod
    def reopened(cls, plan: Plan, repository: Repository) -> Records:
        """Return the records of a campaign that goes on; a new one is held, and has none yet.

        Raises:
            UsageError: another session runs it, or its branch is not where its journal left it.
            JournalError: a record cannot be read.
        """
        if plan.earlier is None:
            return cls(lock=_held(plan))
        columns = (plan.earlier.read_header() or {}).get("columns")
        if not isinstance(columns, list):  # from before there could be several targets
            columns = list(next(plan.earlier.scan(lean=True)).experiment.metrics)
        found = reopen(
            repository, plan.earlier, results=plan.results, metric_names=list(map(str, columns))
        )
        pending = [answer.number for answer in found.pending]
        return cls(found.ledger, (found.mended, found.ledger.chronicle.last_number, pending))

    def place_in(self, targets: tuple[str, ...]) -> int:
        """Return which target is being improved: those before it have had their turn."""
        rows = self.ledger.chronicle.rows if self.ledger else ()
        name = rows[-1].target if rows else ""
        return targets.index(name) if name in targets else 0

    def standing(self, plan: Plan, target: str) -> str:
        """Return the commit whose harness judges a target; the best of those before it is in it."""
        rows = self.ledger.chronicle.rows if self.ledger else ()
        own = [row for row in rows if row.target in {target, ""} and row.status == "baseline"]
        if own and not plan.changed:
            return own[-1].commit
        return best(rows).commit if rows and not own else plan.commit

    def close(self) -> None:
        """Let go of the campaign."""
        if self.ledger is not None:
            self.ledger.close()
        elif self.lock is not None:
            self.lock.abandon()


def _held(plan: Plan) -> CampaignLock:
    """Take a new campaign before its baseline is measured.

    Raises:
        UsageError: another session runs it, or has just begun it.
        JournalError: its directory cannot be made.
    """
    journal = Journal.create(plan.rootdir, plan.tag)
    lock = CampaignLock(journal.directory)
    if has_begun(journal):
        lock.close()
        raise UsageError(
            f"another session has just begun the campaign {plan.tag}: go on with it by "
            f"--autoloop-tag={plan.tag}, or choose another tag"
        )
    remove_temporaries(journal.directory, journal.directory.parent, plan.results.parent)
    return lock
