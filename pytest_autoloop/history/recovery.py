"""Takes a campaign up again: finds what a killed session left, and mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.journal import record_failure
from pytest_autoloop.history.ledger import Ledger
from pytest_autoloop.history.leftovers import remove_temporaries
from pytest_autoloop.history.lock import CampaignLock
from pytest_autoloop.history.results import ResultsFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.history.answers import Answer
    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.history.repository import Repository

#: Numbers beyond the last experiment whose refs are looked for at once. A session has far fewer
#: candidates in flight, so where none of as many has a ref there are no more.
_WINDOW = 256


@dataclass(frozen=True, slots=True)
class Reopened:
    """A campaign that goes on."""

    #: Its chronicle is empty when the session before was killed before the baseline was recorded.
    ledger: Ledger
    #: A sentence for each thing that was mended.
    mended: tuple[str, ...]
    #: What was answered but not recorded: to be judged first, each under its number.
    pending: tuple[Answer, ...]


def reopen(
    repository: Repository, journal: Journal, *, results: Path, metric_names: Sequence[str]
) -> Reopened:
    """Return the ledger of a campaign that goes on, and what was mended in it.

    Raises:
        UsageError: another session runs it, its branch is at a commit that its journal does not
            explain, or a file of somebody else is in place of its table.
        JournalError: a file of its record is damaged or cannot be written.
        RepositoryError: git refused.
    """
    table = ResultsFile(results, metric_names)
    lock = CampaignLock(journal.directory)
    try:
        ledger = Ledger(journal.tag, repository, journal, table, lock)
    except BaseException:
        lock.close()
        raise
    try:
        mended = tuple(recover(ledger))
        pending = tuple(ledger.answers.pending())
    except BaseException:
        ledger.close()
        raise
    return Reopened(ledger, mended, pending)


def recover(ledger: Ledger) -> list[str]:
    """Mend what a killed session left; return a sentence for each thing mended.

    Raises:
        UsageError: the branch is at a commit that the journal does not explain, or a file of
            somebody else is in place of the table.
        JournalError: a file of the record is damaged or cannot be written.
        RepositoryError: git refused.
    """
    directory = ledger.journal.directory
    remove_temporaries(directory, directory.parent, ledger.results.path.parent)
    unlocked = _unlock_refs(ledger)
    # First what may be refused, before anything else is mended.
    branch = _advance_branch(ledger)
    torn = ledger.journal.repair()
    return [
        *([torn] if torn else []),
        *unlocked,
        *branch,
        *_settle(ledger),
        *_drop_answers(ledger),
        *_find_refs(ledger),
        *_resume_results(ledger),
    ]


def _unlock_refs(ledger: Ledger) -> list[str]:
    """Remove what a git that was killed left in the way of the refs that are to be moved next."""
    root = ledger.repository.root
    common = root / GitCommand(root).line("rev-parse", "--git-common-dir")
    pending = [ledger.ref_of(answer.number) for answer in ledger.answers.pending()]
    mended = []
    for ref in (f"refs/heads/{ledger.branch}", *pending):
        lock = common / f"{ref}.lock"
        try:
            lock.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise record_failure("removed", lock, error, ledger.tag) from error
        mended.append(f"git was killed while it wrote {ref}: its lock is removed")
    return mended


def _advance_branch(ledger: Ledger) -> list[str]:
    """Bring the branch to the last keep, if the journal tells how it came to where it stands."""
    rows = ledger.chronicle.rows
    head, branch = ledger.chronicle.head, f"refs/heads/{ledger.branch}"
    stands = ledger.repository.ref(branch)
    if (stands or "") == head:
        return []
    stood = [row.commit for row in rows if row.status in {"keep", "baseline"}]
    if stands in stood or (stands is None and len(stood) == 1):
        ledger.repository.set_ref(branch, head, expected_old=stands or "")
        return [f"the branch {ledger.branch} is now at {head[:10]}, the last keep of the journal"]
    if not rows:
        raise UsageError(
            f"the branch {ledger.branch} is at {(stands or '')[:10]}, but {ledger.journal.path} "
            "holds no experiment: remove the branch, or choose another tag with --autoloop-tag"
        )
    raise UsageError(
        f"the branch {ledger.branch} is at {(stands or 'no commit')[:10]}, its journal at "
        f"{head[:10]}: put it back with `git branch -f {ledger.branch} {head[:10]}`, or choose "
        "another tag with --autoloop-tag"
    )


def _settle(ledger: Ledger) -> list[str]:
    """Clear the bill that an answer is charged with."""
    bill = ledger.unbilled.name()
    if not bill or all(answer.bill != bill for answer in ledger.answers.pending()):
        return []
    ledger.unbilled.clear()
    return ["what was spent without an experiment is charged to the answer that came next"]


def _drop_answers(ledger: Ledger) -> list[str]:
    """Drop the answers whose experiments are recorded."""
    recorded = {row.number for row in ledger.chronicle.rows}
    late = [one.number for one in ledger.answers.pending() if one.number in recorded]
    for number in late:
        ledger.answers.drop(number)
    return [
        f"experiment {number:03} was recorded already, its answer is removed" for number in late
    ]


def _find_refs(ledger: Ledger) -> list[str]:
    """Let the candidates of pending answers be committed anew, and give no other's number again."""
    recorded = {row.number for row in ledger.chronicle.rows}
    last = ledger.chronicle.last_number
    pending = {answer.number for answer in ledger.answers.pending()}
    looked = [number for number in range(last + 1) if number not in recorded]
    mended: list[str] = []
    while True:
        looked += range(last + 1, last + 1 + _WINDOW)
        found = ledger.repository.commits_of(map(ledger.ref_of, looked))
        left = [number for number in looked if ledger.ref_of(number) in found]
        for number in left:
            ledger.burn(number)
            if number in pending:
                ref = ledger.ref_of(number)
                ledger.unrecorded[ref] = found[ref]
            elif number > ledger.chronicle.last_number:
                mended.append(
                    f"{ledger.ref_of(number)} has neither an experiment nor an answer: it stays, "
                    "and its number is not used again"
                )
        last += _WINDOW
        if not any(number > last - _WINDOW for number in left):
            return mended
        looked = []


def _resume_results(ledger: Ledger) -> list[str]:
    """Go on with the table, or write it anew from the journal."""
    chronicle, table = ledger.chronicle, ledger.results
    if not chronicle.rows:
        table.write([])
        return []
    last = chronicle.lean([chronicle.rows[-1].number])[0]
    if table.resume(chronicle.results_size, last, chronicle.costs()):
        return []
    ledger.write_results()
    chronicle.note_results(table.size)
    return [f"{table.path} held something else than the journal: it is written anew"]
