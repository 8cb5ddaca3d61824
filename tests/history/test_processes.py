"""Git processes that stay: what they answer, how they end, and what is done without them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.processes import EndedError, GitProcess
from pytest_autoloop.history.repository import Repository
from tests.history.conftest import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.history.conftest import Checkout

pytestmark = pytest.mark.skipif(os.name == "nt", reason="commands are run one by one there")


@pytest.fixture
def repository(checkout: Checkout) -> Iterator[Repository]:
    """Open the repository, and end its processes."""
    with closing(Repository.open(checkout.root)) as repository:
        yield repository


def process_of(repository: Repository, command: str) -> GitProcess:
    """Return the process that runs a command."""
    processes = repository._plumbing.processes()
    return next(process for process in processes if command in process._arguments)


def kill(repository: Repository) -> None:
    """Kill every process as it waits for a question."""
    for process in repository._plumbing.processes():
        if process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def running(repository: Repository) -> list[int]:
    """Return the numbers of all processes that are there."""
    processes = repository._plumbing.processes()
    return [process.pid for process in processes if process.pid is not None]


def test_fifty_commits_are_as_git_makes_them(checkout: Checkout, repository: Repository) -> None:
    """Objects and refs pass git's strict check; each commit differs from its parent in one file."""
    for number in range(298):
        checkout.put(f"lib/part {number // 100}/module{number}.py", f"x = {number}\n")
    tip = first = checkout.commit("many files")
    for number in range(50):
        tip = repository.commit_file(tip, TARGET, b"x = %d\n" % number, f"Try {number}")
        repository.set_ref(f"refs/autoloop/nov20/{number:03}", tip, expected_old="")
        repository.set_ref("refs/heads/autoexp/nov20", tip)
    assert checkout.git("fsck", "--strict", "--no-dangling") == ""
    assert checkout.git("rev-list", "--count", f"{first}..autoexp/nov20") == "50"
    changed = checkout.git("log", "--format=", "--name-only", f"{first}..{tip}").split()
    assert changed == [TARGET] * 50
    assert len(checkout.git("reflog", "autoexp/nov20").splitlines()) == 50


@pytest.mark.parametrize("path", [TARGET, "top.py", "new/file.py", "a b/c\nd.py"])
def test_a_commit_is_that_of_a_command_of_its_own(
    checkout: Checkout, repository: Repository, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is there or new, at the top or below: the same tree, message and mode."""
    checkout.put("top.py", "1\n")
    checkout.put("a b/c\nd.py", "1\n").chmod(0o755)
    start = checkout.commit()
    made = repository.commit_file(start, path, b"2\n", "Try\n\nIt: is")
    monkeypatch.setattr(repository._plumbing, "commit_file", lambda *_: None)
    alone = repository.commit_file(start, path, b"2\n", "Try\n\nIt: is")
    form = "--format=%T %P%n%an %ae %cn %ce%n%B"
    assert checkout.git("log", "-1", form, made) == checkout.git("log", "-1", form, alone)


def test_a_diff_is_that_of_a_command_of_its_own(
    checkout: Checkout, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a line break at the end, without a change, and of bytes that are no text."""
    first = checkout.git("rev-parse", "HEAD")
    contents = (b"x\n\0y", b"no end", b"\xff\n" * 3, b"")
    tips = [first, *(repository.commit_file(first, TARGET, c, "Try") for c in contents)]
    pairs = [(a, b) for a in tips for b in tips]
    found = [repository.diff(a, b, TARGET) for a, b in pairs]
    monkeypatch.setattr(repository._plumbing, "diff", lambda *_: None)
    assert found == [repository.diff(a, b, TARGET) for a, b in pairs]


def test_killed_processes_are_replaced(checkout: Checkout, repository: Repository) -> None:
    """Nobody notices but who looks at their numbers."""
    first = checkout.git("rev-parse", "HEAD")
    for number in range(3):
        tip = repository.commit_file(first, TARGET, b"%d\n" % number, "Try")
        repository.set_ref(f"refs/autoloop/nov20/{number:03}", tip, expected_old="")
        assert repository.read(tip, TARGET) == b"%d\n" % number
        assert f"+{number}" in repository.diff(first, tip, TARGET)
        before = running(repository)
        assert len(before) == 6
        kill(repository)
    assert repository.refs("refs/autoloop").keys() == {f"refs/autoloop/nov20/00{n}" for n in "012"}
    assert repository.read(tip, TARGET) == b"2\n"
    assert not set(before).intersection(running(repository)[:1])


def test_a_refused_ref_is_told_in_the_words_of_git(
    checkout: Checkout, repository: Repository
) -> None:
    """One that is there already, or elsewhere; the next one is set again."""
    first = checkout.git("rev-parse", "HEAD")
    tip = repository.commit_file(first, TARGET, b"1\n", "Try")
    repository.set_ref("refs/autoloop/a/1", tip, expected_old="")
    for old, told in (("", "reference already exists"), (first, f"but expected {first}")):
        with pytest.raises(RepositoryError, match=told):
            repository.set_ref("refs/autoloop/a/1", first, expected_old=old)
    repository.set_ref("refs/autoloop/a/1", first, expected_old=tip)
    assert repository.ref("refs/autoloop/a/1") == first


def test_a_branch_that_leads_to_another_is_set_itself(
    checkout: Checkout, repository: Repository
) -> None:
    """As a command of its own does it."""
    first = checkout.git("rev-parse", "HEAD")
    tip = repository.commit_file(first, TARGET, b"1\n", "Try")
    checkout.git("branch", "other")
    checkout.git("symbolic-ref", "refs/heads/alias", "refs/heads/other")
    repository.set_ref("refs/heads/alias", tip)
    assert repository.refs("refs/heads")["refs/heads/alias"] == tip
    assert repository.refs("refs/heads")["refs/heads/other"] == first


def test_nothing_is_left_after_close(checkout: Checkout, repository: Repository) -> None:
    """No process, and no directory; the next question starts what it needs."""
    first = checkout.git("rev-parse", "HEAD")
    tip = repository.commit_file(first, TARGET, b"1\n", "Try")
    repository.diff(first, tip, TARGET)
    numbers, scratch = running(repository), repository._plumbing._scratch
    assert len(numbers) == 5
    assert scratch is not None
    assert scratch.is_dir()
    repository.close()
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)
    assert not scratch.exists()
    assert running(repository) == []
    assert repository.read(tip, TARGET) == b"1\n"


def test_they_end_with_a_session_that_is_killed(checkout: Checkout) -> None:
    """Their input ends, and nobody else holds its other end."""
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from pytest_autoloop.history.repository import Repository\n"
        f"repository = Repository.open(Path({str(checkout.root)!r}))\n"
        f"tip = repository.commit_file(repository.head(), {TARGET!r}, b'1', 'Try')\n"
        "import subprocess\n"
        "held = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(*(p.pid for p in repository._plumbing.processes() if p.pid), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        numbers = [int(word) for word in session.stdout.readline().split()]
        assert len(numbers) == 4
        watched = [os.pidfd_open(number) for number in numbers] if sys.platform == "linux" else []
        session.kill()
    for descriptor in watched:
        import select

        assert select.select([descriptor], [], [], 30.0)[0]
        os.close(descriptor)


def test_two_threads_share_them(checkout: Checkout, repository: Repository) -> None:
    """Each gets the answers to its own questions."""
    first = checkout.git("rev-parse", "HEAD")
    faults: list[str] = []

    def work(name: str) -> None:
        for number in range(25):
            content = f"{name} {number}\n".encode() * (number + 1)
            tip = repository.commit_file(first, TARGET, content, f"{name} {number}")
            repository.set_ref(f"refs/autoloop/{name}/{number:03}", tip, expected_old="")
            if repository.read(tip, TARGET) != content:
                faults.append(f"{name} {number} was mixed up")
            if f"+{name} {number}" not in repository.diff(first, tip, TARGET):
                faults.append(f"the diff of {name} {number} is another one's")

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(repository.refs("refs/autoloop")) == 50
    assert checkout.git("fsck", "--strict", "--no-dangling") == ""


def test_a_git_that_does_not_know_them_is_asked_command_by_command(
    checkout: Checkout, repository: Repository
) -> None:
    """Each is tried once, and never again."""
    for process in repository._plumbing.processes():
        process._arguments = ("no-such-command",)
    first = checkout.git("rev-parse", "HEAD")
    tip = repository.commit_file(first, TARGET, b"1\n", "Try")
    repository.set_ref("refs/autoloop/a/1", tip, expected_old="")
    assert repository.read(tip, TARGET) == b"1\n"
    assert checkout.git("rev-parse", "refs/autoloop/a/1") == tip
    assert running(repository) == []
    assert process_of(repository, "no-such-command")._useless


def test_half_an_answer_is_never_taken_for_the_next(repository: Repository) -> None:
    """Who is interrupted between question and answer leaves no process behind that has one."""
    process = process_of(repository, "cat-file")

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.ask(b"HEAD\n", interrupted)
    assert process.pid is None
    with pytest.raises(RepositoryError, match="no-such-name"):
        repository.blob("no-such-name")


def test_a_process_that_never_answers_is_given_up(repository: Repository) -> None:
    """Its end is told, and whether git meant it."""
    process = GitProcess(repository._git, "rev-parse", "--verify", "no-such-name")
    with pytest.raises(EndedError) as ended:
        process.ask(b"", _line)
    assert ended.value.refused


def _line(stream: object) -> bytes:
    line: bytes = stream.readline()  # type: ignore[attr-defined]
    if not line:
        raise EOFError
    return line


def test_the_scratch_directory_may_vanish(checkout: Checkout, repository: Repository) -> None:
    """Something that tidies up takes it away: commits go on without it."""
    first = checkout.git("rev-parse", "HEAD")
    repository.commit_file(first, TARGET, b"1\n", "Try")
    scratch = repository._plumbing._scratch
    assert scratch is not None
    Path(scratch).rmdir()
    tip = repository.commit_file(first, TARGET, b"2\n", "Try")
    assert repository.read(tip, TARGET) == b"2\n"
