"""Proposers that are asked several things at once, in threads."""

from __future__ import annotations

import shlex
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import AutoloopError, ProposerError, UnreachableError
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.model import Brief, Proposal, Target
from pytest_autoloop.proposers.agents import from_spec as agent_from_spec
from pytest_autoloop.proposers.base import Found, ProposerBase
from pytest_autoloop.proposers.chat import from_spec
from pytest_autoloop.proposers.team import Team
from pytest_autoloop.proposers.tiers import Tiers
from tests.chat_server import ChatServer, RecordedRequest, Reply
from tests.pitfalls.bench import Pipe
from tests.projects import clean_environment
from tests.proposers.test_team import finished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.proposers.base import Checkout
    from tests.projects import Project

#: Seconds after which a test has failed; none is ever waited for to the end.
LIMIT = 30.0
TARGET = "words.py"
SOURCE = b"def words(text):\n    return list(text.split())\n"
BRIEF = Brief(1, Target(TARGET, ""), SOURCE, ())


class Member(ProposerBase):
    """Answers with its name, once it is let."""

    parallel = True

    def __init__(self, name: str, *, left: int = 99, gate: threading.Event | None = None) -> None:
        self.name = name
        self.left = left
        self.briefs: list[int] = []
        self.entered = threading.Event()
        self._gate = gate

    def propose(self, brief: Brief) -> Proposal | None:
        """Answer as often as it is told to, and fail at a negative number."""
        self.briefs.append(brief.number)
        self.entered.set()
        if self._gate is not None:
            assert self._gate.wait(LIMIT)
        self.left -= 1
        if brief.number < 0:
            raise ProposerError("no answer")
        return None if self.left < 0 else Proposal(self.name, proposer=self.name)


def names(proposals: list[Proposal | None]) -> list[str]:
    """Return who answered, in the order of the briefs."""
    return ["" if proposal is None else proposal.proposer for proposal in proposals]


def test_a_bandit_asks_everybody_before_anything_is_judged() -> None:
    """Whoever has been asked counts as tried; each is credited with what came of its own."""
    slow, quick = Member("slow"), Member("quick")
    team = Team([slow, quick], bandit=True)
    assert team.parallel
    asked = [team.propose(replace(BRIEF, number=number)) for number in (1, 2)]
    assert sorted(names(asked)) == ["quick", "slow"]
    # The second brief's answer came first, and so became the first experiment.
    team.observe(replace(finished(1, gain=1.0), proposer=names(asked)[1]))
    team.observe(replace(finished(2), proposer=names(asked)[0]))
    members = {member.proposer.name: member for member in team._members}
    assert members[names(asked)[1]].gain == 1.0
    assert members[names(asked)[0]].gain == 0.0
    assert [member.tries for member in members.values()] == [1, 1]
    assert [member.pending for member in members.values()] == [0, 0]


def test_a_second_answer_is_asked_of_whom_gave_the_first() -> None:
    """Whatever somebody else was asked meanwhile."""
    first, second = Member("first"), Member("second")
    team = Team([first, second])
    for number in (1, 2):
        team.propose(replace(BRIEF, number=number))
    team.propose(replace(BRIEF, number=1, remark="a duplicate"))
    assert (first.briefs, second.briefs) == ([1, 1], [2])
    tiers = Tiers(first, second, every=2)
    for number in (3, 4):
        tiers.propose(replace(BRIEF, number=number))
    tiers.propose(replace(BRIEF, number=3, remark="a duplicate"))
    assert (first.briefs, second.briefs) == ([1, 1, 3, 3], [2, 4])


def test_many_threads_may_ask_a_team() -> None:
    """Turns are as even as in one thread, and who has nothing left drops out once."""
    everybody = [Member("a"), Member("b", left=4), Member("c")]
    team = Team(everybody)
    with ThreadPoolExecutor(6) as executor:
        briefs = [replace(BRIEF, number=number) for number in range(30)]
        answers = names(list(executor.map(team.propose, briefs)))
    assert sorted({*answers}) == ["a", "b", "c"]
    assert answers.count("b") == 4
    assert abs(answers.count("a") - answers.count("c")) <= 2
    assert [member.proposer.name for member in team._members if member.proposer.name == "b"] == []


def test_the_strong_model_is_asked_once_when_it_is_due() -> None:
    """Not by everybody who asks before it has answered; a failure gives its turn back."""
    gate = threading.Event()
    cheap, strong = Member("cheap"), Member("strong", gate=gate)
    tiers = Tiers(cheap, strong, every=2)
    assert tiers.parallel
    tiers.propose(replace(BRIEF, number=1))
    with ThreadPoolExecutor(1) as executor:
        waiting = executor.submit(tiers.propose, replace(BRIEF, number=2))
        assert strong.entered.wait(LIMIT)
        assert names([tiers.propose(replace(BRIEF, number=3))]) == ["cheap"]
        gate.set()
        assert names([waiting.result(LIMIT)]) == ["strong"]
    with pytest.raises(ProposerError):
        tiers.propose(replace(BRIEF, number=-4))
    assert names([tiers.propose(replace(BRIEF, number=5))]) == ["strong"]


class Gathering(ChatServer):
    """Answers when so many have asked."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.together = threading.Barrier(count)

    def answer(self, request: RecordedRequest) -> Reply:
        """Wait for the others."""
        self.together.wait(LIMIT)
        edit = "```python\ndef words(text):\n    return []\n```\n"
        return {"text": f"DESCRIPTION: {request.messages[-1]['content'].count('x')}\n{edit}"}


def test_a_chat_model_is_asked_several_things_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread gets the answer to its own question."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Gathering(4) as server:
        environ = {"OPENAI_API_KEY": "sk-secret-0123456789", "OPENAI_BASE_URL": server.base_url}
        proposer = from_spec("openai:scripted", environ)
        assert proposer.parallel
        with ThreadPoolExecutor(4) as executor:
            found = list(
                executor.map(
                    lambda number: proposer.propose(
                        replace(BRIEF, number=number, directives="x" * 100 * number)
                    ),
                    range(4),
                )
            )
        proposer.close()
    counts = [int(proposal.description) for proposal in found]
    assert [count - counts[0] for count in counts] == [0, 100, 200, 300]


def test_who_is_being_asked_when_the_proposer_is_closed_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It does not ask again: the campaign has ended."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    arrived = threading.Event()

    class Silent(ChatServer):
        def answer(self, request: RecordedRequest) -> Reply:
            self.requests.append(request)
            arrived.set()
            self._closing.wait(LIMIT)
            return {"text": ""}

    with Silent() as server, ThreadPoolExecutor(1) as executor:
        environ = {"OPENAI_API_KEY": "sk-secret-0123456789", "OPENAI_BASE_URL": server.base_url}
        proposer = from_spec("openai:scripted", environ)
        asked = executor.submit(proposer.propose, BRIEF)
        assert arrived.wait(LIMIT)
        proposer.close()
        server._closing.set()
        with pytest.raises(ProposerError) as raised:
            asked.result(LIMIT)
        assert isinstance(raised.value, UnreachableError) or "empty" in str(raised.value)
    assert len(server.requests) == 1


AGENT = """
import pathlib, time
folder = pathlib.Path({folder!r})
target = pathlib.Path("words.py")
number = target.read_bytes().count(b"#")
target.write_bytes(b"x = %d\\n" % number)
if number == 9:
    {hold}
    time.sleep(600)
(folder / f"here{{number}}").touch()
while not ((folder / "here1").exists() and (folder / "here2").exists()):
    time.sleep(0.01)
"""


class Bench:
    """Lends checkouts of a pool, as the campaign does."""

    def __init__(self, pool: WorktreePool, records: Path) -> None:
        self.pool = pool
        self.root = records
        self.records = records

    @contextmanager
    def checkout(self, source: bytes) -> Iterator[Checkout]:
        """Lend one with this content."""
        with self.pool.lend("candidate") as name:
            self.pool.write(name, TARGET, source)
            yield Lent(self.pool.path(name))


class Lent:
    """A checkout that is lent."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def found(self) -> Found:
        """Return the target."""
        return Found((self.path / TARGET).read_bytes())


@pytest.mark.skipif(sys.platform == "win32", reason="a named pipe is waited for")
def test_agents_run_at_once_and_end_with_the_campaign(project: Project, tmp_path: Path) -> None:
    """Each edits a checkout of its own; one that is under way at the end is ended, and put back."""
    project.commit({TARGET: SOURCE.decode()})
    repository = Repository.open(project.root)
    with Pipe(tmp_path / "pipe") as pipe, WorktreePool(repository, targets=(TARGET,)) as pool:
        pool.add("candidate", "HEAD")
        program = tmp_path / "agent.py"
        statements = pipe.hold.replace("; ", "\n    ")
        program.write_text(AGENT.format(folder=str(tmp_path), hold=statements), encoding="utf-8")
        command = shlex.join([sys.executable, str(program)])
        proposer = agent_from_spec(
            f"command:{command}", clean_environment(), timeout=LIMIT, grace=0.3
        )
        proposer.check(BRIEF.target, SOURCE)
        proposer.start(Bench(pool, tmp_path))
        assert proposer.parallel
        with ThreadPoolExecutor(3) as executor:
            briefs = [replace(BRIEF, source=SOURCE + b"#" * count) for count in (1, 2)]
            edits = [proposal.edits[0] for proposal in executor.map(proposer.propose, briefs)]
            assert [edit.content for edit in edits] == [b"x = 1\n", b"x = 2\n"]
            last = executor.submit(proposer.propose, replace(BRIEF, source=SOURCE + b"#" * 9))
            assert pipe._events(LIMIT)
            assert pipe.read() == b"x"
            proposer.close()
            assert pipe.is_released()
            with pytest.raises(AutoloopError):
                last.result(LIMIT)
        with pytest.raises(AutoloopError, match="ends"):
            proposer.propose(BRIEF)
        for name in ("lent-0", "lent-1"):
            assert (pool.path(name) / TARGET).read_bytes() == SOURCE
