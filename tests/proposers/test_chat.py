"""A chat model as proposer, through the real client and a real server."""

from __future__ import annotations

import socket
import time
import traceback
from contextlib import closing
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import (
    AuthenticationError,
    EmptyReplyError,
    ProposerError,
    QuotaError,
    RateLimitError,
    RefusalError,
    TruncatedReplyError,
    UnreachableError,
    UsageError,
)
from pytest_autoloop.model import Brief, Edit, Metric, Proposal, Reading, Target
from pytest_autoloop.proposers import connection
from pytest_autoloop.proposers.chat import ChatProposer, from_spec
from pytest_autoloop.proposers.vendors import Server, server_from_spec
from pytest_autoloop.usage import Usage
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


def priced(server: ChatServer, model: str) -> ChatProposer:
    """Return a proposer that asks the scripted server at the prices of OpenAI."""
    named = server_from_spec(f"openai:{model}", environ(server))
    return ChatProposer(replace(named, price_provider="openai"))


def propose(server: ChatServer, source: bytes = SHORT, model: str = "scripted") -> Proposal:
    """Return what a proposer makes of the server's replies."""
    with closing(priced(server, model)) as proposer:
        return proposer.propose(replace(BRIEF, source=source))


def failure(
    replies: Iterable[ScriptedReply], source: bytes = SHORT, model: str = "scripted"
) -> ProposerError:
    """Return the error that the replies lead to."""
    with ChatServer(replies) as server, pytest.raises(ProposerError) as caught:
        propose(server, source, model)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert f"openai:{model}" in str(caught.value)
    return caught.value


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
        proposer: Proposer = from_spec("openai:scripted", environ(server))
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


def test_repair_that_fails_carries_what_the_first_reply_cost():
    """Tokens and dollars of a reply are not forgotten when the repair request fails."""
    error = failure([WRONG_BLOCK, {"status": 401}], LONG, "gpt-5")
    assert isinstance(error, AuthenticationError)
    assert error.tokens_used == 110
    assert error.cost_usd == pytest.approx(100 * 1.25e-6 + 10 * 10e-6)


def test_repair_that_is_cut_off_carries_what_both_replies_cost():
    """A second reply that cannot be used was paid for as well."""
    error = failure([WRONG_BLOCK, {"text": BLOCK, "finish_reason": "length"}], LONG, "gpt-5")
    assert isinstance(error, TruncatedReplyError)
    assert error.tokens_used == 220
    assert error.cost_usd == pytest.approx(2 * (100 * 1.25e-6 + 10 * 10e-6))


# Edit formats, other files, costs


@pytest.mark.parametrize(
    ("edit_formats", "source", "reply", "asked"),
    [
        (("blocks",), SHORT, None, "SEARCH"),
        (("whole",), LONG, "x = 1\n", "complete new file"),
        (("openai:*=blocks", "whole"), SHORT, None, "SEARCH"),
        (("ollama:*=blocks", "whole"), LONG, "x = 1\n", "complete new file"),
        (("openai:s*=auto", "openai:*=whole"), LONG, None, "SEARCH"),
        ((), LONG, None, "SEARCH"),
    ],
)
def test_edit_format_is_chosen_by_option_and_model(edit_formats, source, reply, asked):
    """The first pattern that matches counts, else the plain format, else the target's size."""
    first = source.decode().splitlines()[0]
    text = f"```\n{reply}```" if reply else BLOCK.replace("line_7 = 7\n", f"{first}\n", 1)
    with ChatServer([text]) as server:
        proposer = from_spec("openai:scripted", environ(server), edit_formats=edit_formats)
        with closing(proposer):
            proposal = proposer.propose(replace(BRIEF, source=source))
    assert asked in server.requests[0].messages[0]["content"]
    assert not proposal.invalid


@pytest.mark.parametrize("source", [SHORT, LONG])
def test_edit_of_another_file_is_handed_on_by_its_path(source):
    """A reply that means to edit a test becomes an edit of that path, which the loop refuses."""
    replies = {
        SHORT: WHOLE.replace("```python", "tests/test_parser.py\n```python", 1),
        LONG: f"{BLOCK}\ntests/test_parser.py\n{BLOCK.partition(chr(10))[2]}",
    }
    with ChatServer([replies[source]]) as server:
        proposal = propose(server, source)
    assert [edit.path for edit in proposal.edits] == ["tests/test_parser.py"]
    assert not proposal.invalid


def test_dollars_follow_from_the_tokens_and_the_price_list():
    """Tokens that were read before are cheaper; the price is that of the vendor named."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    cached: Any = usage | {"prompt_tokens_details": {"cached_tokens": 800}}
    with ChatServer([{"text": WHOLE, "usage": usage}, {"text": WHOLE, "usage": cached}]) as server:
        dear, cheap = (propose(server, model="gpt-5").usage for _ in range(2))
    assert dear.tokens == cheap.tokens == 1100
    assert dear.cost_usd == pytest.approx(1000 * 1.25e-6 + 100 * 10e-6)
    assert cheap.cost_usd == pytest.approx(200 * 1.25e-6 + 800 * 0.125e-6 + 100 * 10e-6)


def test_cost_is_unknown_when_that_of_one_reply_is():
    """A sum with an unknown part is unknown; the tokens that are known are kept."""
    with ChatServer([{"text": WRONG_BLOCK, "usage": None}, BLOCK]) as server:
        proposal = propose(server, LONG, "gpt-5")
    assert proposal.usage == Usage(100, 10, None)


@pytest.mark.parametrize("count", ["many", -1, 1.5, True, 10**12 + 1, 10**400])
def test_counts_that_are_none_are_unknown(count):
    """Whatever a server writes in place of a count is not taken for one."""
    usage: Any = {"prompt_tokens": count, "completion_tokens": 10, "total_tokens": 10}
    with ChatServer([{"text": WHOLE, "usage": usage}]) as server:
        assert propose(server, model="gpt-5").usage == Usage(None, 10, None)


# Looking back


def test_review_returns_the_lessons_and_their_cost():
    """A look back asks for lessons and brings home the lines that are some."""
    with (
        ChatServer(["Here they are:\n- Caching helps.\n- Splitting does not.\n"]) as server,
        closing(priced(server, "gpt-5")) as proposer,
    ):
        lessons = proposer.review(BRIEF)
    assert lessons.lines == ("Caching helps.", "Splitting does not.")
    assert lessons.usage.tokens == 110
    assert lessons.usage.cost_usd == pytest.approx(100 * 1.25e-6 + 10 * 10e-6)
    assert "lessons" in server.requests[0].messages[0]["content"]


# No answer


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ("", EmptyReplyError, "empty reply"),
        (" \n", EmptyReplyError, "empty reply"),
        ({"text": None}, EmptyReplyError, "empty reply"),
        ({"refusal": f"I cannot say {KEY}."}, RefusalError, "refused to answer: I cannot say"),
        ({"text": "x", "finish_reason": "content_filter"}, RefusalError, "content filter"),
        ({"text": WHOLE, "finish_reason": "length"}, TruncatedReplyError, "edit-format blocks"),
        ({"text": "", "finish_reason": "length"}, TruncatedReplyError, "larger limit"),
        ({"text": None, "finish_reason": "length"}, TruncatedReplyError, "truncated"),
        ({"text": WHOLE, "finish_reason": "MAX_TOKENS"}, TruncatedReplyError, "truncated at"),
        ({"text": WHOLE, "finish_reason": "model_length"}, TruncatedReplyError, "truncated at"),
        ({"text": WHOLE, "finish_reason": "SAFETY"}, RefusalError, "content filter"),
        ({"text": WHOLE, "finish_reason": "RECITATION"}, RefusalError, "content filter"),
        ({"text": WHOLE, "finish_reason": "error"}, TruncatedReplyError, "finish_reason error,"),
    ],
)
def test_answer_that_cannot_be_used_is_an_error_with_its_cost(reply, kind, words):
    """Nothing said, a refusal or half a reply is not repaired, not applied, and was paid for."""
    error = failure([reply, WHOLE], model="gpt-5")
    assert type(error) is kind
    assert words in str(error)
    assert error.tokens_used == 110
    assert error.cost_usd == pytest.approx(100 * 1.25e-6 + 10 * 10e-6)


@pytest.mark.parametrize("reason", ["stop", "STOP", "end_turn", "stop_sequence", "eos", "", None])
def test_reply_that_ended_by_itself_is_used(reason):
    """Servers have more than one word for an answer that is whole."""
    reply: Any = {"text": WHOLE, "finish_reason": reason}
    with ChatServer([reply]) as server:
        assert propose(server).edits


def test_half_a_character_in_a_reply_is_repaired():
    """What cannot be sent back as it came is sent back without it, and is no wrong address."""
    with ChatServer([WHOLE.replace("[]", "'\ud800'"), WHOLE]) as server:
        assert propose(server).edits
    assert "return '?'" in server.requests[1].messages[2]["content"]


def test_request_that_cannot_be_encoded_is_not_a_wrong_address():
    """Half a character of the project's own is said to be one."""
    brief = replace(BRIEF, target=Target("src/parser.py", "fast \ud800"))
    with (
        ChatServer([WHOLE]) as server,
        closing(priced(server, "m")) as proposer,
        pytest.raises(ProposerError, match="half a character"),
    ):
        proposer.propose(brief)
    assert server.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        {"raw": "[" * 200_000},
        {"raw": '{"error": ' + '{"a": ' * 500 + "1" + "}" * 501},
        {"raw": "<html>hello</html>", "content_type": "text/html"},
        {"raw": "{not json"},
        {"raw": '{"choices": null}'},
        {"raw": '{"choices": [{}]}'},
        {"raw": '{"choices": "none"}'},
        {"raw": '{"error": {"message": "overloaded"}}'},
    ],
)
def test_something_else_entirely_is_a_server_that_was_not_reached(reply):
    """What is no chat completion tells that the address is another server's."""
    error = failure([reply])
    assert type(error) is UnreachableError
    assert "not a chat completion" in str(error)
    assert ("overloaded" in str(error)) == ("overloaded" in reply["raw"])


def error_reply(status: int, **error: Any) -> ScriptedReply:
    """Return an error whose message quotes the key."""
    return {"status": status, "error": {"message": f"bad key {KEY}, sorry", **error}}


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (error_reply(400), ProposerError, "did not accept the request"),
        (error_reply(400, reason="API_KEY_INVALID"), AuthenticationError, "Set OPENAI_API_KEY"),
        (error_reply(401, code="invalid_api_key"), AuthenticationError, "Set OPENAI_API_KEY"),
        (error_reply(402), QuotaError, "quota is used up"),
        (error_reply(403), AuthenticationError, "forbids this key"),
        (error_reply(404, code="model_not_found"), ProposerError, "does not know the model"),
        (error_reply(413), ProposerError, "too large"),
        (error_reply(418), ProposerError, "refused the request"),
        (error_reply(429, code="rate_limit_exceeded"), RateLimitError, "limits the rate"),
        (error_reply(429, code="insufficient_quota"), QuotaError, "quota is used up"),
        (error_reply(429, type="insufficient_quota"), QuotaError, "quota is used up"),
        (error_reply(503), UnreachableError, "failed"),
        (error_reply(529), UnreachableError, "failed"),
    ],
)
def test_error_of_the_server_says_what_happened_and_what_to_do(reply, kind, words):
    """Each refusal has its type and is told in words, with status and next step, not the key."""
    error = failure(repeat(reply))
    message = str(error)
    assert type(error) is kind
    assert words in message
    assert f"({reply['status']}: bad key [redacted], sorry). " in message
    assert message.endswith(".")
    assert error.tokens_used is None


def test_error_that_comes_in_a_list_is_read():
    """Google wraps its errors in a list."""
    raw = '[{"error": {"message": "API key not valid.", "code": 400}}]'
    error = failure([{"status": 400, "raw": raw}])
    assert type(error) is AuthenticationError
    assert "(400: API key not valid)" in str(error)


def test_long_error_is_cut_after_the_key_is_gone():
    """A page of error text is cut, and the cut leaves no part of the key."""
    page = "x" * 285 + KEY + "y" * 5000
    message = str(failure([{"status": 400, "error": {"message": page}}]))
    assert len(message) < 700
    assert "sk-" not in message


def test_rate_limit_that_passes_is_waited_for():
    """A server that is busy for a moment costs patience, not the experiment."""
    busy: ScriptedReply = {"status": 429}
    with ChatServer([busy, busy, {"status": 500}, WHOLE]) as server:
        assert not propose(server).invalid
    assert len(server.requests) == 4


def server_at(base_url: str) -> Server:
    """Return a server that is not asked through the environment."""
    return Server("openai:m", "m", base_url, address_variable="OPENAI_BASE_URL")


def test_slow_server_is_a_time_limit():
    """A server that does not answer in time is named with the time it had."""
    with (
        ChatServer([{"text": WHOLE, "delay": 30}]) as server,
        closing(ChatProposer(server_at(server.base_url), timeout=0.2, max_retries=0)) as proposer,
        pytest.raises(UnreachableError, match=r"did not answer within 0\.2 s, in 1 attempt\."),
    ):
        proposer.propose(BRIEF)


def test_server_that_drips_is_a_time_limit():
    """A server that sends a byte now and then does not hold a campaign for ever."""
    started = time.monotonic()
    with (
        ChatServer([{"drip": 0.02}, {"drip": 0.02}]) as server,
        closing(ChatProposer(server_at(server.base_url), timeout=0.2, max_retries=1)) as proposer,
        pytest.raises(UnreachableError, match=r"did not answer within 0\.2 s, in 2 attempts\."),
    ):
        proposer.propose(BRIEF)
    assert time.monotonic() - started < 10
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "reply", [{"text": "x" * 1_000_001}, {"status": 400, "raw": "x" * 30_000_000}]
)
def test_reply_of_boundless_size_is_not_read(monkeypatch, reply):
    """What is larger than any reply is given up before it fills the memory."""
    monkeypatch.setattr(connection, "_REPLY_LIMIT", 1_000_000)
    error = failure([reply])
    assert type(error) is UnreachableError
    assert "answered with more than 1 MB" in str(error)


def test_address_has_secrets_that_no_message_shows():
    """User name and values of the query are hidden, as written and as they are meant."""
    said = "who is operator-one? token%2Dsecret token-secret"
    with ChatServer([{"status": 400, "error": {"message": said}}]) as server:
        address = server.base_url.replace("//", "//operator-one:x@") + "?key=token%2Dsecret"
        proposer = ChatProposer(server_at(address))
        with closing(proposer), pytest.raises(ProposerError) as caught:
            proposer.propose(BRIEF)
    assert "who is [redacted]? [redacted] [redacted]" in str(caught.value)


@pytest.fixture
def nobody():
    """Return a port at which nobody listens, and nobody else can."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        yield placeholder.getsockname()[1]


def test_unreachable_server_is_named_without_its_password(nobody):
    """A server that is not there is an error with its address and no secret of it."""
    address = f"http://user:password@127.0.0.1:{nobody}/v1"
    proposer = ChatProposer(server_at(address), max_retries=0)
    with closing(proposer), pytest.raises(UnreachableError) as caught:
        proposer.propose(BRIEF)
    assert f"http://127.0.0.1:{nobody}/v1 cannot be reached" in str(caught.value)
    assert "OPENAI_BASE_URL" in str(caught.value)
    assert "password" not in str(caught.value)


def test_target_that_is_not_text_is_an_error_before_anything_is_sent():
    """A target with a NUL is named, and no request is made."""
    with ChatServer() as server, pytest.raises(ProposerError, match=r"src/parser\.py is no text"):
        propose(server, b"x\0\n")
    assert server.requests == []


# Before a campaign


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_server_that_answers_anything_is_reached(status):
    """Not every server lists its models: whoever answers is there."""
    with (
        ChatServer(models_status=status) as server,
        closing(from_spec("openai:scripted", environ(server))) as proposer,
    ):
        proposer.check(BRIEF.target, SHORT)
    assert [request.path for request in server.checks] == ["/v1/models"]


def test_server_that_nobody_answers_at_is_refused(nobody):
    """Before anything is spent the user is told which address to check."""
    address = f"http://127.0.0.1:{nobody}/v1"
    proposer = from_spec("openai:m", {"OPENAI_BASE_URL": address})
    with closing(proposer), pytest.raises(UsageError, match="cannot be reached") as caught:
        proposer.check(BRIEF.target, SHORT)
    assert f"openai:m: {address} " in str(caught.value)
    assert str(caught.value).endswith("Check the network, and OPENAI_BASE_URL.")


def test_server_that_drips_is_refused(monkeypatch):
    """The look at a server ends in time even when the header of its answer never does."""
    monkeypatch.setattr(connection, "_REACH_TIMEOUT", 0.2)
    with (
        ChatServer(models_drip=0.02) as server,
        closing(from_spec("openai:m", environ(server))) as proposer,
        pytest.raises(UsageError, match=r"did not answer within 0\.2 s, in 1 attempt\."),
    ):
        proposer.check(BRIEF.target, SHORT)


def test_target_that_is_not_text_is_refused():
    """A binary target is a usage error, and the server is not asked."""
    with (
        ChatServer() as server,
        closing(from_spec("openai:m", environ(server))) as proposer,
        pytest.raises(UsageError, match=r"src/parser\.py is no text"),
    ):
        proposer.check(BRIEF.target, b"\x7fELF\0\0")
    assert server.checks == []
