"""Models for metrics: what is asked, of a real server, in a plain run."""

from __future__ import annotations

import pytest

from pytest_autoloop import metrics
from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics import models
from pytest_autoloop.metrics.model_questions import (
    MAILBOX,
    ModelChoice,
    Question,
    messages_of,
    packed,
    unpacked,
)
from pytest_autoloop.proposers.vendors import SECRETS
from tests.chat_server import ChatServer, RecordedRequest, Reply


class Echo(ChatServer):
    """Answers each request with the last message's text, whatever the order."""

    def answer(self, request: RecordedRequest) -> Reply:
        """Return the reply."""
        self.requests.append(request)
        return {"text": f"echo {request.messages[-1]['content']}"}


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no parent, no connection of another test."""
    for name in (*SECRETS, MAILBOX, "OPENAI_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(models, "_connections", {})


def test_a_prompt_is_asked_with_its_parameters() -> None:
    """The request has the system message, temperature and seed, and the answer is the text."""
    with ChatServer(["Yes."]) as server:
        ask = metrics.chat(f"{server.base_url}#m", seed=3, max_tokens=9)
        assert ask("Is it?", system="Be brief.") == "Yes."
    body = server.requests[0].body
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "Is it?"]
    assert {name: body[name] for name in ("model", "temperature", "seed", "max_tokens")} == {
        "model": "m",
        "temperature": 0.0,
        "seed": 3,
        "max_tokens": 9,
    }


def test_answers_come_in_the_order_of_the_prompts() -> None:
    """Many prompts are asked at once, and each gets its own answer."""
    with Echo() as server:
        ask = metrics.chat("m", base_url=server.base_url)
        assert ask.map(map(str, range(20))) == [f"echo {number}" for number in range(20)]
        assert ask.map([]) == []


def test_what_a_model_does_not_take_is_left_out() -> None:
    """A refused temperature is dropped, and max_tokens gets the name that newer models know."""
    refusals: list[str | Reply] = [
        {"status": 400, "error": {"message": "Unsupported value", "param": "temperature"}},
        {"status": 400, "error": {"message": "Use 'max_completion_tokens' instead of max_tokens"}},
    ]
    with ChatServer([*refusals, "well", "again"]) as server:
        ask = metrics.chat(f"{server.base_url}#m", max_tokens=5)
        assert (ask("how?"), ask("and now?")) == ("well", "again")
    last = [request.body for request in server.requests[-2:]]
    assert [body.get("max_completion_tokens") for body in last] == [5, 5]
    assert not [body for body in last if "temperature" in body or "max_tokens" in body]


def test_another_fault_of_the_request_is_told() -> None:
    """A 400 that names no parameter is an error, not a reason to ask again."""
    with ChatServer([{"status": 400, "error": {"message": "too long"}}]) as server:
        ask = metrics.chat(f"{server.base_url}#m")
        with pytest.raises(MeasurementError, match=r"did not accept the request.*too long"):
            ask("how?")
    assert len(server.requests) == 1


def test_an_answer_that_is_cut_off_says_what_to_raise() -> None:
    """The advice is for a metric, not for a proposer."""
    with ChatServer([{"text": "half of", "finish_reason": "length"}]) as server:
        ask = metrics.chat(f"{server.base_url}#m", max_tokens=2)
        with pytest.raises(MeasurementError, match="raise max_tokens"):
            ask("how?")


def test_advice_is_for_a_metric() -> None:
    """A refused request names the model's address and what to do, not a proposer's."""
    with ChatServer([{"status": 404}, {"text": None, "refusal": "no"}]) as server:
        ask = metrics.chat(f"{server.base_url}#m")
        with pytest.raises(MeasurementError, match="that the model's address ends as the server"):
            ask("how?")
        with pytest.raises(MeasurementError, match="Reword what is asked, or choose another"):
            ask("how?")


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("openai:gpt-5-mini", "the model openai:gpt-5-mini needs a key: set OPENAI_API_KEY"),
        ("gpt-5-mini", "names no chat model: write openai:MODEL"),
        ("rules", "names no chat model"),
    ],
)
def test_a_model_that_cannot_be_asked_is_named(model: str, told: str) -> None:
    """Without a key or a vendor nothing is sent, and the message has the next step."""
    with pytest.raises(MeasurementError, match=told):
        metrics.chat(model)("how?")


def test_the_key_of_a_vendor_stays_with_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is named by its address gets AUTOLOOP_API_KEY alone."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-vendor")
    with ChatServer(["well"]) as server:
        metrics.chat("openai:m", base_url=server.base_url)("how?")
    assert "sk-of-the-vendor" not in str(server.requests[0])
    assert server.requests[0].body["model"] == "m"


def test_draws_are_asked_with_seeds_of_their_own() -> None:
    """Two draws of one question differ in their seed, and are remembered apart."""
    choice = ModelChoice("m", seed=10)
    first, second = (Question(messages_of("how?"), draw) for draw in (0, 1))
    with ChatServer(["a", "b"]) as server:
        there = ModelChoice("m", server.base_url, seed=10)
        assert models.answers(there, [first]) + models.answers(there, [second]) == ["a", "b"]
    assert [request.body["seed"] for request in server.requests] == [10, 11]
    assert first.key(choice, "there") != second.key(choice, "there")
    assert first.key(choice, "there") != first.key(choice, "elsewhere")


def test_what_is_no_message_is_refused() -> None:
    """A message has a role and a text."""
    with pytest.raises(TypeError, match="is no message"):
        metrics.chat("openai:m")([{"role": "user"}])


def test_questions_travel_whole() -> None:
    """What is packed is what is unpacked, half characters and all."""
    choice = ModelChoice("m", temperature=None)
    questions = (Question(messages_of("a\ud83d", "b"), 2), Question(messages_of("c")))
    assert unpacked(packed(choice, questions)) == (choice, questions)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"choice": {"model": "m"}}',
        b'{"choice": {"model": []}, "questions": []}',
        b'{"choice": {"model": "m", "more": 1}, "questions": []}',
        b'{"choice": {"model": "m"}, "questions": [{"messages": ["a"], "draw": 0}]}',
        b'{"choice": {"model": "m"}, "questions": [{"messages": [], "draw": "0"}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_question_is_refused(content: bytes) -> None:
    """Whatever a child writes, it is a question or a ValueError."""
    with pytest.raises(ValueError, match="no question to a model"):
        unpacked(content)
