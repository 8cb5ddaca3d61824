"""A chat model as proposer, through the real client and a real server."""

from __future__ import annotations

import socket
import traceback
from contextlib import closing
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.model import Brief, Edit, Metric, Proposal, Reading, Target, Usage
from pytest_autoloop.proposers.chat import ChatProposer, from_spec
from tests.chat_server import ChatServer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.proposers.base import Proposer
    from tests.chat_server import ScriptedReply

KEY = "sk-secret-0123456789"
SHORT = b"def parse(text):\n    return text.split()\n"
LONG = "".join(f"line_{number} = {number}\n" for number in range(300)).encode()
BRIEF = Brief(
    number=1,
    target=Target("src/parser.py", "Make it faster."),
    source=SHORT,
    readings=(Reading(Metric("parse_time", "lower", "s"), 0.005),),
)
WHOLE = "DESCRIPTION: return at once\n```python\ndef parse(text):\n    return []\n```\n"
BLOCK = """\
DESCRIPTION: change line 7
<<<<<<< SEARCH
line_7 = 7
=======
line_7 = 70
>>>>>>> REPLACE
"""
WRONG_BLOCK = BLOCK.replace("line_7 = 7\n", "line_7 == 7\n", 1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def environ(server: ChatServer, key: str = KEY) -> dict[str, str]:
    """Return the variables that lead to the server."""
    return {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": server.base_url}


def propose(server: ChatServer, source: bytes = SHORT) -> Proposal:
    """Return what a proposer makes of the server's replies."""
    with closing(from_spec("scripted", environ(server))) as proposer:
        return proposer.propose(replace(BRIEF, source=source))


def failure(replies: Iterable[ScriptedReply]) -> str:
    """Return the message of the error that the replies lead to."""
    with ChatServer(replies) as server, pytest.raises(ProposerError) as caught:
        propose(server)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "openai:scripted" in str(caught.value)
    return str(caught.value)


# Proposals


def test_short_target_is_replaced_whole():
    """A fenced reply becomes the new content of the target, and of nothing else."""
    with ChatServer([WHOLE]) as server:
        proposal = propose(server)
    assert proposal == Proposal(
        description="return at once",
        edits=(Edit("src/parser.py", b"def parse(text):\n    return []\n"),),
        proposer="openai:scripted",
        usage=Usage(100, 10, None),
    )


def test_long_target_is_edited_by_blocks():
    """A SEARCH/REPLACE reply changes the lines it quotes and no other byte."""
    with ChatServer([BLOCK]) as server:
        proposal = propose(server, LONG)
    assert not proposal.invalid
    assert proposal.edits[0].content == LONG.replace(b"line_7 = 7\n", b"line_7 = 70\n")


@pytest.mark.parametrize("final", [b"\r\n", b""])
def test_bytes_that_no_edit_means_survive(final):
    """Byte order mark, Windows line ends and a missing final newline outlive the conversation."""
    source = b"\xef\xbb\xbfdef parse(text):\r\n    return text.split()" + final
    with ChatServer([WHOLE]) as server:
        proposal = propose(server, source)
    expected = b"\xef\xbb\xbfdef parse(text):\r\n    return []" + final
    assert proposal.edits[0].content == expected


def test_request_carries_model_key_and_brief():
    """The server gets the model's name, the key as bearer token and the brief as messages."""
    with ChatServer([WHOLE]) as server:
        propose(server)
    (request,) = server.requests
    assert request.body["model"] == "scripted"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert "Make it faster." in request.messages[1]["content"]
    assert "return text.split()" in request.messages[1]["content"]


def test_one_proposer_answers_again_and_again():
    """One proposer serves a whole campaign, also after it was closed."""
    with ChatServer(repeat(WHOLE)) as server:
        proposer: Proposer = from_spec("scripted", environ(server))
        assert isinstance(proposer, ChatProposer)
        with closing(proposer):
            for number in range(1, 4):
                assert proposer.propose(replace(BRIEF, number=number)) is not None
            proposer.close()
            assert proposer.propose(BRIEF) is not None
    assert len(server.requests) == 4


def test_reply_without_description_is_still_a_proposal():
    """A missing description is said to be missing; the edit counts."""
    with ChatServer(["```python\nx = 1\n```"]) as server:
        proposal = propose(server)
    assert proposal.description == "no description"
    assert proposal.edits[0].content == b"x = 1\n"


def test_reasoning_in_the_reply_is_not_applied():
    """Code that a model only thought of is not its proposal."""
    with ChatServer([f"<think>\n{WHOLE}```python\nbad\n```\n</think>\n{WHOLE}"]) as server:
        assert propose(server).edits[0].content.endswith(b"return []\n")


def test_unknown_usage_stays_unknown():
    """A server that reports no usage leaves it empty, never 0."""
    with ChatServer([{"text": WHOLE, "usage": None}]) as server:
        assert propose(server).usage == Usage(None, None, None)


# Repair


def test_block_that_does_not_match_is_repaired_once():
    """A misquoted block is sent back with the problem, and the second reply counts."""
    repaired = BLOCK.replace("change line 7", "change line 7 after all")
    with ChatServer([WRONG_BLOCK, repaired]) as server:
        proposal = propose(server, LONG)
    assert proposal.description == "change line 7 after all"
    assert proposal.edits[0].content == LONG.replace(b"line_7 = 7\n", b"line_7 = 70\n")
    assert proposal.usage == Usage(200, 20, None)
    question = server.requests[1].messages
    assert question[2] == {"role": "assistant", "content": WRONG_BLOCK}
    assert "block 1" in question[3]["content"]
    assert "nearest text in the file is:\nline_7 = 7\n" in question[3]["content"]


@pytest.mark.parametrize(
    ("reply", "source", "words"),
    [
        (WRONG_BLOCK, LONG, "block 1: its SEARCH part is not in the file"),
        (BLOCK, LONG + b"line_7 = 7\n", "occurs 2 times"),
        ("DESCRIPTION: think about it", SHORT, "no fenced block"),
    ],
)
def test_second_failure_is_an_invalid_proposal(reply, source, words):
    """A reply that stays wrong is an invalid proposal without edits, after two requests."""
    with ChatServer([reply, reply, WHOLE]) as server:
        proposal = propose(server, source)
    assert words in proposal.invalid
    assert proposal.edits == ()
    assert proposal.description
    assert proposal.usage == Usage(200, 20, None)
    assert len(server.requests) == 2


@pytest.mark.parametrize("text", [WHOLE, "", None])
def test_truncated_reply_is_not_applied(text):
    """A reply cut off at the output limit is invalid, however complete it looks."""
    with ChatServer([{"text": text, "finish_reason": "length"}]) as server:
        proposal = propose(server)
    assert "truncated" in proposal.invalid
    assert proposal.edits == ()
    assert len(server.requests) == 1


# No answer


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("", "empty reply"),
        (" \n", "empty reply"),
        ({"text": None}, "empty reply"),
        ({"refusal": f"I cannot help with {KEY}."}, "refused to answer: I cannot help with"),
        ({"text": "x", "finish_reason": "content_filter"}, "content filter"),
        ({"raw": "<html>hello</html>", "content_type": "text/html"}, "not a chat completion"),
        ({"raw": "{not json"}, "not a chat completion"),
        ({"raw": '{"choices": null}'}, "not a chat completion"),
        ({"raw": '{"choices": [{}]}'}, "not a chat completion"),
    ],
)
def test_answer_that_says_nothing_is_an_error(reply, words):
    """Nothing said, a refusal or something else entirely is the proposer's failure."""
    assert words in failure([reply])


def error_reply(status: int, **error: Any) -> ScriptedReply:
    """Return an error whose message quotes the key."""
    return {"status": status, "error": {"message": f"bad key {KEY}, sorry", **error}}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error_reply(400), "did not accept the request"),
        (error_reply(401, code="invalid_api_key"), "Set OPENAI_API_KEY"),
        (error_reply(402), "quota is used up"),
        (error_reply(403), "forbids this key"),
        (error_reply(404, code="model_not_found"), "does not know the model"),
        (error_reply(413), "too large"),
        (error_reply(418), "refused the request"),
        (error_reply(429, code="rate_limit_exceeded"), "limits the rate"),
        (error_reply(429, code="insufficient_quota"), "quota is used up"),
        (error_reply(429, type="insufficient_quota"), "quota is used up"),
        (error_reply(503), "failed"),
    ],
)
def test_error_of_the_server_says_what_happened_and_what_to_do(reply, words):
    """Each refusal of a server is told in words, with its status and a next step, not the key."""
    message = failure(repeat(reply))
    assert words in message
    assert f"({reply['status']}: bad key [redacted], sorry). " in message
    assert message.endswith(".")


def test_long_error_is_cut_after_the_key_is_gone():
    """A page of error text is cut, and the cut leaves no part of the key."""
    page = "x" * 285 + KEY + "y" * 5000
    message = failure([{"status": 400, "error": {"message": page}}])
    assert len(message) < 700
    assert "sk-" not in message


def test_rate_limit_that_passes_is_waited_for():
    """A server that is busy for a moment costs patience, not the experiment."""
    busy: ScriptedReply = {"status": 429}
    with ChatServer([busy, busy, {"status": 500}, WHOLE]) as server:
        assert not propose(server).invalid
    assert len(server.requests) == 4


def test_slow_server_is_a_time_limit():
    """A server that does not answer in time is named with the time it had."""
    with (
        ChatServer([{"text": WHOLE, "delay": 30}]) as server,
        closing(
            ChatProposer(
                "slow", name="openai:slow", base_url=server.base_url, timeout=0.2, max_retries=0
            )
        ) as proposer,
        pytest.raises(ProposerError, match=r"did not answer within 0\.2 s"),
    ):
        proposer.propose(BRIEF)


def test_unreachable_server_is_named_without_its_password():
    """A server that is not there is an error with its address and no secret of it."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))  # bound, never listening: nobody else can answer
        port = placeholder.getsockname()[1]
        address = f"http://user:password@127.0.0.1:{port}/v1"
        proposer = ChatProposer("m", name="openai:m", base_url=address, max_retries=0)
        with closing(proposer), pytest.raises(ProposerError) as caught:
            proposer.propose(BRIEF)
    assert f"http://127.0.0.1:{port}/v1 cannot be reached" in str(caught.value)
    assert "OPENAI_BASE_URL" in str(caught.value)
    assert "password" not in str(caught.value)


def test_target_that_is_not_text_is_an_error_before_anything_is_sent():
    """A target that is not UTF-8 is named, and no request is made."""
    with ChatServer() as server, pytest.raises(ProposerError, match=r"src/parser\.py is not UTF-8"):
        propose(server, b"caf\xe9\n")
    assert server.requests == []
