"""The broker: what a child session may ask of models, and what its parent never does for it."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pytest_autoloop import metrics
from pytest_autoloop.attendance import ModelFaultError
from pytest_autoloop.brokering import Broker
from pytest_autoloop.errors import MeasurementError, UsageError
from pytest_autoloop.evaluation.launchers import Launch, SpawnLauncher
from pytest_autoloop.evaluation.process import Exit
from pytest_autoloop.evaluation.protocol import ChildSpec
from pytest_autoloop.metrics import model_answers
from pytest_autoloop.metrics.model_questions import (
    ANSWER,
    MAILBOX,
    QUESTION,
    ModelChoice,
    Question,
    messages_of,
    packed,
)
from pytest_autoloop.metrics.models import answers
from tests.chat_server import ChatServer, RecordedRequest, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pytest_autoloop.attendance import Attendance
    from pytest_autoloop.usage import Usage
    from tests.projects import Project

    Run: TypeAlias = Callable[..., AbstractContextManager[Attendance]]

NAME = "0" * 32


class Echo(ChatServer):
    """Answers each request with the last message's text, and counts ten tokens for it."""

    #: Who asks something with this in it has no key any more.
    refused = ""

    def answer(self, request: RecordedRequest) -> Reply:
        """Return the reply."""
        self.requests.append(request)
        if self.refused and self.refused in request.messages[-1]["content"]:
            return {"status": 401, "error": {"message": "no such key"}}
        return {
            "text": f"echo {request.messages[-1]['content']}",
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }


@pytest.fixture
def server() -> Iterator[Echo]:
    """Return a model that answers."""
    running = Echo()
    with running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Return a broker whose answers are remembered below the test's directory."""
    one = Broker(tmp_path / "records", {})
    yield one
    one.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what makes this process a child session of a parent that answers."""

    @contextmanager
    def begin(broker: Broker, *, trusted: bool = False) -> Iterator[Attendance]:
        temporary = tmp_path / f"run-{time.monotonic_ns()}"
        temporary.mkdir()
        monkeypatch.setenv(MAILBOX, str(temporary / "models"))
        with broker.attending(temporary, trusted=trusted) as attendance:
            assert attendance is not None
            yield attendance
        monkeypatch.delenv(MAILBOX)

    return begin


def test_a_child_is_answered_by_its_parent_and_pays_once(
    broker: Broker, server: Echo, run: Run
) -> None:
    """What was asked already costs nothing, in a later run or for a question that stands twice."""
    ask = metrics.chat(f"{server.base_url}#m")
    with run(broker, trusted=True):
        assert ask.map(["a", "b", "a"]) == ["echo a", "echo b", "echo a"]
    with run(broker):
        assert ask.map(["b", "c"]) == ["echo b", "echo c"]
    assert len(server.requests) == 3
    bills: list[Usage] = []
    broker.bill(bills.append)
    broker.bill(bills.append)
    assert [bill.tokens for bill in bills] == [30]


def test_what_is_not_to_be_remembered_is_asked_each_time(
    broker: Broker, server: Echo, run: Run
) -> None:
    """A score then varies as the model does; equal questions are asked as often as they stand."""
    ask = metrics.chat(f"{server.base_url}#m", remember=False)
    for times in (1, 2):
        with run(broker, trusted=True):
            assert ask.map(["a", "a", "b"]) == ["echo a", "echo a", "echo b"]
        assert len(server.requests) == 3 * times
    assert not any("seed" in request.body for request in server.requests)


def test_an_audit_asks_by_other_draws(broker: Broker, server: Echo, run: Run) -> None:
    """What was chosen for its answers is not audited by them, nor by their seed; both sides are."""
    ask = metrics.chat(f"{server.base_url}#m")
    with run(broker, trusted=True):
        ask("a")
    for _ in range(2):
        with broker.asking_anew(), run(broker):
            assert ask.map(["a", "b"]) == ["echo a", "echo b"]
    with run(broker):
        ask("a")
    first, *audited = [request.body["seed"] for request in server.requests]
    assert first == 0
    assert len(audited) == 2
    assert first not in audited


def test_answers_are_remembered_for_a_day(
    server: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """The next session pays only for what is new, or too old to be compared with."""
    ask = metrics.chat(f"{server.base_url}#m")

    def session() -> int:
        before, broker = len(server.requests), Broker(tmp_path / "records", {})
        with run(broker, trusted=True):
            assert ask("a") == "echo a"
        broker.close()
        return len(server.requests) - before

    assert [session(), session()] == [1, 0]
    monkeypatch.setattr(model_answers, "KEPT_SECONDS", -1.0)
    assert session() == 1


@pytest.mark.parametrize(
    ("changed", "prompts", "told"),
    [
        ({"model": "other"}, ["a"], "was not asked, or not in this way"),
        ({"temperature": 1.0}, ["a"], "was not asked, or not in this way"),
        ({"max_tokens": 9999}, ["a"], "was not asked, or not in this way"),
        ({}, [str(number) for number in range(11)], "11 questions in one run.*10 are allowed"),
        ({}, ["a" * 30_000], "30,000 characters.*20,001 are allowed"),
    ],
)
def test_a_candidate_asks_what_the_harness_asked(  # noqa: PLR0917 - cases and fixtures
    broker: Broker,
    server: Echo,
    changed: dict[str, object],
    prompts: list[str],
    told: str,
    run: Run,
) -> None:
    """Another model, other parameters, many more or much longer questions are refused unpaid."""
    wanted = {"model": "m", "base_url": server.base_url}
    with run(broker, trusted=True):
        metrics.chat(**wanted)("a")  # type: ignore[arg-type]
    with run(broker) as attendance:
        with pytest.raises(MeasurementError, match=told):
            metrics.chat(**{**wanted, **changed}).map(prompts)  # type: ignore[arg-type]
        assert attendance.fault is None
    assert len(server.requests) == 1


def test_what_a_run_asks_is_counted_together(broker: Broker, server: Echo, run: Run) -> None:
    """Many small requests are as many questions as one large one; each run begins anew."""
    ask = metrics.chat(f"{server.base_url}#m")
    with run(broker, trusted=True):
        ask("a")
    for _ in range(2):
        with run(broker):
            for _ in range(10):
                ask("a")
            with pytest.raises(MeasurementError, match="11 questions"):
                ask("a")


@pytest.mark.parametrize("draw", [-1, 9, 10**400])
def test_a_draw_far_from_those_of_the_harness_is_refused(
    broker: Broker, server: Echo, draw: int, run: Run
) -> None:
    """Each has a connection of its own, of which this process can open so many."""
    choice = ModelChoice("m", server.base_url)
    with run(broker, trusted=True):
        answers(choice, [Question(messages_of("a"))])
    with run(broker):
        assert answers(choice, [Question(messages_of("a"), 8)]) == ["echo a"]
        with pytest.raises(MeasurementError, match="is to be from 0 to 8"):
            answers(choice, [Question(messages_of("a"), draw)])


def test_nobody_attends_where_nothing_was_asked(broker: Broker, tmp_path: Path) -> None:
    """A project without models pays nothing, and its candidates find nobody to ask."""
    with broker.attending(tmp_path, trusted=False) as attendance:
        assert attendance is None
    assert not (tmp_path / "models").exists()


def test_who_finds_nobody_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate's run without a parent that attends fails, and does not wait."""
    monkeypatch.setenv(MAILBOX, str(tmp_path / "models"))
    with pytest.raises(MeasurementError, match="only a model that was asked"):
        metrics.chat("openai:m")("a")


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "refused the key"), (402, "quota is used up"), (404, None), (400, None)],
)
def test_a_fault_of_the_service_is_no_fault_of_a_candidate(
    broker: Broker, status: int, told: str | None, run: Run
) -> None:
    """A key or an account is for the user to see to; a request that is refused is not."""
    with ChatServer([{"status": status}] * 3) as refusing:
        ask = metrics.chat("m", base_url=refusing.base_url)
        with run(broker, trusted=True) as attendance:
            with pytest.raises(MeasurementError):
                ask("a")
            if told is None:
                assert attendance.fault is None
            else:
                assert isinstance(attendance.fault, ModelFaultError)
                assert told in str(attendance.fault)
        assert len(refusing.requests) == 1


def test_after_one_fault_nothing_more_is_asked(broker: Broker, run: Run) -> None:
    """The rest of a run's questions would wait as long for the same refusal."""
    with ChatServer([{"status": 401}] * 50) as refusing:
        with run(broker, trusted=True):
            with pytest.raises(MeasurementError):
                metrics.chat("m", base_url=refusing.base_url)("a")
            with pytest.raises(MeasurementError, match="refused the key"):
                metrics.chat("m", base_url=refusing.base_url).map(map(str, range(40)))
        assert len(refusing.requests) == 1


def test_a_missing_key_is_a_usage_error(broker: Broker, run: Run) -> None:
    """The session ends before anything is spent, with the variable's name."""
    with run(broker, trusted=True) as attendance:
        with pytest.raises(MeasurementError, match="set OPENAI_API_KEY"):
            metrics.chat("openai:m")("a")
        assert isinstance(attendance.fault, UsageError)


def test_a_session_says_what_a_service_refuses(project: Project) -> None:
    """Its cost is the campaign's; a refused key ends the session, and is no candidate's crash."""
    files = {
        "prompt.txt": "one\n",
        "conftest.py": '''
            import pytest_autoloop as autoloop
            from pytest_autoloop import metrics

            @autoloop.target
            def target():
                """Make the answer longer."""
                return "prompt.txt"

            @autoloop.metric(direction="higher")
            def length(target):
                return len(metrics.chat("ollama:m")(target.read_text()))
        ''',
    }
    project.commit(files)
    server = Echo()
    server.refused = "three"
    with server:
        found = project.autoloop(
            2,
            f"--autoloop-proposer={project.ideas('one, two', 'one, two, three', suffix='.txt')}",
            environment={"OLLAMA_HOST": server.address},
        )
    assert [(row["status"], row["tokens_used"]) for row in found.journal] == [
        ("baseline", None),
        ("keep", 20),  # the baseline, and a look at whether the harness notices a broken target
    ]
    assert found.returncode == 1
    assert "a metric asks a model: ollama:m" in found.output
    assert "refused the key" in found.output


def test_time_that_runs_out_with_a_slow_model_is_no_candidates_timeout(
    broker: Broker, tmp_path: Path
) -> None:
    """What the session would blame the candidate for is told with the option to raise."""
    slow = ChatServer([{"text": "late", "delay": 60}])

    class Ended(SpawnLauncher):
        """A child that asks, and whose time is up when its question has come."""

        def run(self, launch: Launch) -> Exit:
            """Run it."""
            question = Question(messages_of("a"))
            mailbox = Path(launch.environment[MAILBOX])
            content = packed(ModelChoice("m", slow.base_url), [question] * 3)
            (mailbox / "part").write_bytes(content)
            (mailbox / "part").rename(mailbox / f"{NAME}{QUESTION}")
            while not slow.requests:
                time.sleep(0.005)
            return Exit(-9, timed_out=True, seconds=launch.seconds)

    specification = ChildSpec(
        phase="guard",
        args=[],
        worktree="",
        checkout="",
        target="",
        verdict="",
        temporary=str(tmp_path),
        trusted=True,
    )
    specification.write(tmp_path / "spec.json")
    launch = Launch(
        tmp_path / "spec.json", specification, tmp_path, {}, tmp_path / "output", 30, hash_seed=0
    )
    with slow:
        with pytest.raises(ModelFaultError, match=r"3 questions .* 30 s.* --autoloop-timeout"):
            broker.attended(Ended()).run(launch)
        broker.close()


def test_a_link_is_not_followed(broker: Broker, tmp_path: Path, run: Run) -> None:
    """A question that is a link to a file outside is not read, and the link's target stays."""
    secret = tmp_path / "secret"
    secret.write_text("private", encoding="utf-8")
    with run(broker, trusted=True):
        mailbox = _mailbox()
        (mailbox / f"{NAME}{QUESTION}").symlink_to(secret)
        document = _awaited(mailbox / f"{NAME}{ANSWER}")
    assert "no question to a model" in str(document["error"])
    assert secret.read_text(encoding="utf-8") == "private"


def test_a_directory_that_was_replaced_leads_nowhere(
    broker: Broker, server: Echo, tmp_path: Path, run: Run
) -> None:
    """The parent writes where it looked from the beginning, whatever the name leads to later."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with run(broker, trusted=True):
        mailbox = _mailbox()
        moved = mailbox.rename(mailbox.parent / "moved")
        mailbox.symlink_to(elsewhere)
        question = {"choice": {"model": "m", "base_url": server.base_url}, "questions": []}
        (moved / "part").write_text(json.dumps(question), encoding="utf-8")
        (moved / "part").rename(moved / f"{NAME}{QUESTION}")
        assert _awaited(moved / f"{NAME}{ANSWER}") == {"answers": []}
    assert list(elsewhere.iterdir()) == []


def test_a_file_of_answers_that_is_broken_is_done_without(
    server: Echo, tmp_path: Path, run: Run
) -> None:
    """It saves money; without it everything is asked, once in a session."""
    records = tmp_path / "records"
    records.mkdir()
    (records / model_answers.ANSWERS_FILE).write_text("no database" * 1000, encoding="utf-8")
    broker = Broker(records, {})
    ask = metrics.chat(f"{server.base_url}#m")
    with run(broker, trusted=True):
        assert [ask("a"), ask("a")] == ["echo a", "echo a"]
    broker.close()
    assert len(server.requests) == 1


def _mailbox() -> Path:
    return Path(os.environ[MAILBOX])


def _awaited(path: Path) -> dict[str, object]:
    """Wait for a file as a child does."""
    while not path.exists():
        time.sleep(0.005)
    document: dict[str, object] = json.loads(path.read_bytes())
    return document
