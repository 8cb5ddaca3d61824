"""What is written of an experiment, in which order, and what a kill between two steps leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import JournalError, RepositoryError, UsageError
from pytest_autoloop.history import command
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.ledger import Ledger
from pytest_autoloop.history.lock import CampaignLock
from pytest_autoloop.history.recovery import Reopened, reopen
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.results import ResultsFile
from pytest_autoloop.model import Edit, Experiment, Proposal
from pytest_autoloop.usage import Usage
from tests.history.conftest import SOURCE, TARGET, Checkout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.model import Status

#: Commands of git that write what must not be lost.
WRITERS = {"hash-object", "write-tree", "commit-tree", "update-ref"}
BRANCH = "refs/heads/autoexp/nov20"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a search says of where a proposal starts."""

    commit: str
    why: str = "improve"
    stays: str = "no"


def experiment_of(number: int, status: Status, parent: str) -> Experiment:
    """Return an experiment before it is committed."""
    return Experiment(
        number=number,
        status=status,
        reason="",
        description=f"idea {number}",
        proposer="rules",
        commit="",
        parent=parent,
        timestamp="",
        seconds=1.0,
        metrics={"time": 0.5},
        target=TARGET,
        cost_usd=0.1,
    )


class Desk:
    """A campaign as a session has it; `killed` is what the next session finds."""

    def __init__(self, checkout: Checkout, *, begin: bool = True) -> None:
        self.checkout = checkout
        self.repository = Repository.open(checkout.root)
        self.start = self.repository.head()
        self.journal = Journal.create(checkout.root, "nov20")
        self.table = checkout.root / "results.tsv"
        if not begin:
            self.ledger = self.reopened().ledger
            return
        table = ResultsFile(self.table, ["time"])
        table.write([])
        lock = CampaignLock(self.journal.directory)
        self.ledger = Ledger("nov20", self.repository, self.journal, table, lock)

    def baseline(self) -> None:
        """Record the baseline."""
        number = self.ledger.take_number()
        first = experiment_of(number, "baseline", "")
        self.ledger.record(replace(first, commit=self.start))

    def prepare(self, status: Status = "keep", *, parent: str = "") -> Experiment:
        """Write an answer down and commit its candidate."""
        content = SOURCE + f"# {len(self.journal.read())} {status}\n".encode()
        proposal = Proposal("idea", (Edit(TARGET, content),), usage=Usage.of(3, 0.1))
        start = Beginning(parent or self.ledger.chronicle.head)
        answer = self.ledger.answered(start, TARGET, proposal)
        experiment = experiment_of(answer.number, status, start.commit)
        return self.ledger.commit(experiment, TARGET, content)

    def reopened(self) -> Reopened:
        """Take the campaign up as it is."""
        return reopen(self.repository, self.journal, results=self.table, metric_names=["time"])

    def killed(self) -> Reopened:
        """Take the campaign up again, as after a kill."""
        self.ledger.close()
        found = self.reopened()
        self.ledger = found.ledger
        return found

    def branch(self) -> str | None:
        """Return where the branch stands."""
        return self.repository.ref(BRANCH)

    def whole(self) -> None:
        """Check that all records tell the same, and that nothing is left to mend."""
        again = self.killed()
        assert again.mended == ()
        assert self.branch() == self.ledger.chronicle.head
        experiments = self.journal.read()
        assert [row.number for row in self.ledger.chronicle.rows] == [e.number for e in experiments]
        grown = self.table.read_bytes()
        ResultsFile(self.table, ["time"]).write(experiments)
        assert self.table.read_bytes() == grown


@pytest.fixture
def desk(checkout: Checkout) -> Iterator[Desk]:
    """Begin a campaign with its baseline and one keep."""
    desk = Desk(checkout)
    desk.baseline()
    desk.ledger.record(desk.prepare())
    yield desk
    desk.ledger.close()


def test_a_recorded_experiment_is_everywhere(desk: Desk) -> None:
    """Journal, branch, ref, table and chronicle have it, and its answer is gone."""
    (_, kept) = desk.journal.read()
    assert desk.branch() == kept.commit == desk.repository.ref("refs/autoloop/nov20/001")
    assert desk.ledger.chronicle.experiment(1) == kept
    assert desk.ledger.answers.pending() == []
    assert desk.table.read_text().splitlines()[-1].startswith(kept.commit[:10])
    desk.whole()


RECORD_FOREVER = """
import sys
from pathlib import Path
from tests.history.conftest import Checkout
from tests.history.test_ledger import Desk
desk = Desk(Checkout(Path(sys.argv[1])), begin=False)
while True:
    print(flush=True)
    for status in ("discard", "keep"):
        desk.ledger.record(desk.prepare(status))
"""


def test_killed_at_any_instant(desk: Desk) -> None:
    """However often: what was recorded is told alike everywhere, and answers are all there."""
    desk.ledger.close()
    root = Path(__file__).parent.parent.parent
    for rounds in (1, 2, 3):
        before = len(desk.journal.read())
        process = subprocess.Popen(
            [sys.executable, "-c", RECORD_FOREVER, str(desk.checkout.root)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            assert process.stdout is not None
            for _ in range(rounds):
                assert process.stdout.readline() == b"\n"
            os.killpg(process.pid, signal.SIGKILL)  # with the git that it has just started
        desk.ledger = desk.reopened().ledger
        assert len(desk.journal.read()) >= before + 2 * (rounds - 1)
        for answer in desk.ledger.answers.pending():
            again = experiment_of(answer.number, "discard", answer.parent)
            content = answer.proposal.edits[0].content
            desk.ledger.record(desk.ledger.commit(again, TARGET, content))
        desk.whole()
        desk.ledger.close()


def test_killed_after_the_answer(desk: Desk) -> None:
    """An answer without a commit is pending, and its number is its own."""
    answer = desk.ledger.answered(Beginning(desk.start, "restart"), TARGET, Proposal("paid for"))
    found = desk.killed()
    assert found.mended == ()
    assert found.pending == (answer,)
    assert (answer.number, answer.times, answer.search) == (2, 1, "restart")
    again = desk.ledger.answered(Beginning(desk.start), TARGET, answer.proposal, answer.number)
    assert (again.number, again.times) == (2, 2)
    assert desk.ledger.take_number() == 3


def test_killed_while_it_was_judged(desk: Desk) -> None:
    """A commit without a line is made anew under its number, and no other ref moves."""
    first = desk.prepare("discard")
    found = desk.killed()
    assert [answer.number for answer in found.pending] == [2]
    second = desk.ledger.commit(first, TARGET, SOURCE + b"# again\n")
    assert desk.repository.ref("refs/autoloop/nov20/002") == second.commit != first.commit
    desk.ledger.record(second)
    with pytest.raises(RepositoryError):
        desk.ledger.commit(first, TARGET, SOURCE + b"# once more\n")
    assert desk.repository.ref("refs/autoloop/nov20/002") == second.commit
    desk.whole()


def test_a_candidate_may_be_committed_anew_before_it_is_recorded(desk: Desk) -> None:
    """A candidate that is merged onto another best keeps its number, in the same session too."""
    first = desk.prepare("discard", parent=desk.start)
    merged = replace(first, parent=desk.ledger.chronicle.head)
    merged = desk.ledger.commit(merged, TARGET, SOURCE + b"# merged\n")
    desk.ledger.record(merged)
    assert desk.repository.ref("refs/autoloop/nov20/002") == merged.commit
    desk.whole()


def test_killed_while_git_wrote_a_ref(desk: Desk) -> None:
    """The lock that git left is not in the way of the campaign that goes on."""
    experiment = desk.prepare("keep")
    refs = desk.checkout.root / ".git" / "refs"
    for lock in ("heads/autoexp/nov20.lock", "autoloop/nov20/002.lock", "heads/main.lock"):
        (refs / lock).touch()
    found = desk.killed()
    assert [one.split(":")[0].split(" ")[-1] for one in found.mended] == [
        *(BRANCH, "refs/autoloop/nov20/002")
    ]
    desk.ledger.record(desk.ledger.commit(experiment, TARGET, SOURCE + b"# again\n"))
    assert (refs / "heads/main.lock").exists()
    desk.whole()


def test_killed_in_the_line(desk: Desk) -> None:
    """A torn line is put aside and told, and its experiment is judged again."""
    experiment = desk.prepare()
    whole = desk.journal.path.read_bytes()
    desk.journal.append(experiment)
    line = desk.journal.path.read_bytes()[len(whole) :]
    desk.journal.path.write_bytes(whole + line[:100])
    found = desk.killed()
    (told,) = found.mended
    assert "100 bytes of an unfinished line of experiment 2" in told
    (kept,) = desk.journal.directory.glob("torn-*")
    assert kept.read_bytes() == line[:100]
    assert [answer.number for answer in found.pending] == [2]
    desk.whole()


def test_killed_after_the_line(desk: Desk) -> None:
    """The branch is moved, the row written and the answer dropped; nothing is judged again."""
    experiment = desk.prepare()
    desk.journal.append(experiment)
    found = desk.killed()
    assert desk.branch() == experiment.commit
    assert found.pending == ()
    assert [one.split(" ")[0] for one in found.mended] == ["the", "experiment", str(desk.table)]
    assert desk.table.read_text().count("\n") == 4
    desk.whole()


def test_killed_after_the_branch(desk: Desk) -> None:
    """The row is written."""
    experiment = desk.prepare()
    desk.journal.append(experiment)
    desk.repository.set_ref(BRANCH, experiment.commit)
    assert len(desk.killed().mended) == 2
    desk.whole()


def test_killed_after_the_row(desk: Desk) -> None:
    """A row that the chronicle does not know of is not written twice."""
    experiment = desk.prepare("discard")
    desk.journal.append(experiment)
    desk.ledger.results.append(experiment)
    desk.killed()
    assert desk.table.read_text().count("\n") == 4
    desk.whole()


def test_killed_before_the_answer_is_dropped(desk: Desk) -> None:
    """An answer whose experiment is recorded is dropped, and told of."""
    experiment = desk.prepare("discard")
    answer = desk.ledger.answers.get(2)
    assert answer is not None
    desk.ledger.record(experiment)
    desk.ledger.answers.put(answer)
    found = desk.killed()
    assert found.mended == ("experiment 002 was recorded already, its answer is removed",)
    desk.whole()


def test_killed_before_the_baseline(checkout: Checkout) -> None:
    """A campaign without an experiment begins, under its name."""
    desk = Desk(checkout)
    assert desk.killed().mended == ()
    assert len(desk.ledger.chronicle) == 0
    desk.baseline()
    assert desk.branch() == desk.start
    desk.whole()
    desk.ledger.close()


def test_killed_before_the_branch_was_made(checkout: Checkout) -> None:
    """The baseline's line is there: the branch is made."""
    desk = Desk(checkout)
    baseline = replace(experiment_of(0, "baseline", ""), commit=desk.start)
    desk.journal.append(baseline)
    desk.killed()
    assert desk.branch() == desk.start
    desk.whole()
    desk.ledger.close()


def test_a_branch_that_another_session_took_is_told(checkout: Checkout) -> None:
    """A session of another directory may have begun under the same name; a second start helps."""
    desk = Desk(checkout)
    checkout.put("elsewhere.txt", "x")
    other = checkout.commit("elsewhere")
    desk.repository.set_ref(BRANCH, other, expected_old="")
    with pytest.raises(RepositoryError, match="another session took the branch autoexp/nov20"):
        desk.baseline()
    desk.ledger.close()


def test_a_ref_without_an_answer_stays(desk: Desk) -> None:
    """What nobody can explain is not touched, and its number is not given again."""
    desk.repository.set_ref("refs/autoloop/nov20/005", desk.start, expected_old="")
    found = desk.killed()
    (told,) = found.mended
    assert told.startswith("refs/autoloop/nov20/005 has neither")
    assert desk.ledger.take_number() == 6
    experiment = replace(experiment_of(5, "discard", desk.start))
    with pytest.raises(RepositoryError):
        desk.ledger.commit(experiment, TARGET, b"x = 1\n")
    assert desk.repository.ref("refs/autoloop/nov20/005") == desk.start


def test_a_branch_that_somebody_moved_is_left(desk: Desk) -> None:
    """The user is asked to put it back; nothing is mended and nobody is locked out."""
    desk.repository.set_ref(BRANCH, desk.checkout.commit("somewhere else"))
    desk.journal.path.write_bytes(desk.journal.path.read_bytes() + b'{"torn')
    before = {file.name for file in desk.journal.directory.iterdir()}
    desk.ledger.close()
    for _ in range(2):
        with pytest.raises(UsageError, match="put it back with `git branch -f autoexp/nov20"):
            desk.reopened()
    after = {file.name for file in desk.journal.directory.iterdir()}
    assert after <= before
    assert desk.journal.path.read_bytes().endswith(b'{"torn')


def test_a_keep_from_a_side_line_moves_the_branch(desk: Desk) -> None:
    """The branch is not always a descendant of the keep before; it moves from where it stands."""
    side = desk.prepare("explore", parent=desk.start)
    desk.ledger.record(side)
    assert desk.branch() != side.commit
    best = desk.prepare("keep", parent=side.commit)
    desk.ledger.record(best)
    assert desk.branch() == best.commit
    desk.whole()


def test_a_branch_that_moves_meanwhile_is_named(desk: Desk) -> None:
    """A keep is not put on top of what somebody else did; the journal has it."""
    experiment = desk.prepare("keep")
    desk.repository.set_ref(BRANCH, desk.start)
    with pytest.raises(RepositoryError):
        desk.ledger.record(experiment)
    assert desk.journal.read()[-1] == experiment
    assert desk.killed().pending == ()
    assert desk.branch() == experiment.commit


def test_the_baseline_of_a_second_target_moves_nothing(desk: Desk) -> None:
    """It begins where the first target ended, and its keeps go on from there."""
    head = desk.ledger.chronicle.head
    number = desk.ledger.take_number()
    second = replace(experiment_of(number, "baseline", ""), commit=head, target="src/other.py")
    desk.ledger.record(second)
    assert desk.branch() == head
    desk.ledger.record(desk.prepare())
    desk.whole()


def test_the_baseline_of_another_harness_takes_the_branch_along(desk: Desk) -> None:
    """What an earlier harness had kept is not what this one stands for; its ref still has it."""
    number = desk.ledger.take_number()
    commit = desk.checkout.commit("a stricter test")
    desk.ledger.record(replace(experiment_of(number, "baseline", ""), commit=commit))
    assert desk.branch() == commit
    desk.ledger.record(desk.prepare())
    desk.whole()


def test_a_table_that_was_edited_is_written_anew(desk: Desk) -> None:
    """While the campaign runs and when it is taken up again, with the sum of the costs."""
    desk.table.write_text("")
    desk.ledger.record(desk.prepare("discard"))
    assert desk.table.read_text().splitlines()[-1].split("\t")[-2] == "0.300000"
    desk.table.write_text(desk.table.read_text().replace("idea 1", "idea"))
    assert len(desk.killed().mended) == 1
    desk.ledger.record(desk.prepare("discard"))
    assert desk.table.read_text().splitlines()[-1].split("\t")[-2] == "0.400000"
    desk.whole()


def test_somebody_elses_table_is_refused(desk: Desk) -> None:
    """A results.tsv of another program is not overwritten."""
    desk.table.write_text("mine\n")
    desk.ledger.close()
    with pytest.raises(UsageError, match="was not written by"):
        desk.reopened()


def test_damage_is_named_and_lets_others_in(desk: Desk) -> None:
    """A damaged line ends the attempt; once it is restored the campaign goes on."""
    content = desk.journal.path.read_bytes()
    desk.ledger.close()
    desk.ledger.chronicle.path.unlink()
    desk.journal.path.write_bytes(b"{}\n" + content)
    with pytest.raises(JournalError, match="line 1 is damaged"):
        desk.reopened()
    desk.journal.path.write_bytes(content)
    assert "results.tsv" in desk.killed().mended[0]  # how long it should be, nobody knew any more
    desk.whole()


def test_commits_are_on_the_disk_before_the_journal_names_them(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every object and the ref of a candidate is flushed by the git that writes it."""
    if tuple(map(int, desk.checkout.git("version").split()[2].split(".")[:2])) < (2, 36):
        pytest.skip("this git does not know core.fsync")
    trace = tmp_path / "trace"
    monkeypatch.setitem(command.IDENTITY, "GIT_TRACE2_EVENT", str(trace))
    desk.repository.close()
    desk.prepare()
    desk.repository.close()  # git tells of it at its end
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    process = {e["sid"]: e["argv"] for e in events if e["event"] == "start"}
    flushed = Counter[str]()
    for e in events:
        if e.get("key") == "fsync/hardware-flush":
            (name,) = WRITERS.intersection(process[e["sid"]])
            flushed[name] += int(e["value"])
    # A blob, the trees of src and of the root, a commit, a ref.
    assert flushed == {"hash-object": 4, "update-ref": 1}


def test_files_of_a_killed_session_that_had_no_name_yet_are_removed(desk: Desk) -> None:
    """Beside the table and in the records, but not those of a session that lives."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [
        folder / f".autoloop-{dead.pid}-0123.tmp"
        for folder in (desk.checkout.root, desk.journal.directory)
    ]
    kept = desk.checkout.root / f".autoloop-{os.getppid()}-0123.tmp"
    for path in (*left, kept):
        path.touch()
    desk.whole()
    assert [path.exists() for path in (*left, kept)] == [False, False, True]


def test_killed_before_a_bill_is_cleared(desk: Desk) -> None:
    """What an answer is charged with is not charged once more; a later bill stays open."""
    desk.ledger.unbilled.write(Usage.of(5, 0.5))
    answer = desk.ledger.answered(Beginning(desk.start), TARGET, Proposal("paid for"))
    assert answer.bill == desk.ledger.unbilled.name() != ""
    assert desk.killed().mended == (
        "what was spent without an experiment is charged to the answer that came next",
    )
    assert desk.ledger.unbilled.read() == Usage()
    desk.ledger.unbilled.write(Usage.of(5, 0.5))
    again = desk.ledger.answered(Beginning(desk.start), TARGET, answer.proposal, answer.number)
    assert again.bill == answer.bill
    assert desk.killed().mended == ()
    assert desk.ledger.unbilled.read() == Usage.of(5, 0.5)
