"""A scripted chat server on the loopback address, for the real client to talk to.

with ChatServer(["DESCRIPTION: …", {"status": 429}]) as server:
… OPENAI_BASE_URL=server.base_url …
assert server.requests[0].body["model"] == "scripted"
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message
    from io import BufferedIOBase
    from types import TracebackType

MODEL = "scripted"


class Reply(TypedDict, total=False):
    """One answer; every key is optional."""

    #: The assistant's text.
    text: str | None
    refusal: str
    finish_reason: str
    #: The completion's ``usage``; None leaves it out.
    usage: dict[str, int] | None
    #: HTTP status; from 400 on the body is `error`.
    status: int
    headers: dict[str, str]
    #: The error object: message, code, type, …
    error: dict[str, Any]
    #: Sent as it is, in place of a completion.
    raw: str
    content_type: str
    #: Seconds to wait before the answer.
    delay: float
    #: Seconds between single bytes that come in place of the answer, without an end.
    drip: float


ScriptedReply: TypeAlias = "str | Reply"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """What a client sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation, oldest message first."""
        messages: list[dict[str, str]] = self.body["messages"]
        return messages


class ChatServer:
    """Answers ``POST /v1/chat/completions`` with the scripted replies, one after another.

    `prefix` takes the place of ``/v1``; ``GET /v1/models`` is answered with `models_status`,
    or by a line of the header that never ends, a byte every `models_drip` seconds.

    An iterator may be endless. After the last reply every request gets status 500, which clients
    are told not to repeat.
    """

    def __init__(
        self,
        replies: Iterable[ScriptedReply] = (),
        *,
        prefix: str = "/v1",
        models_status: int = 200,
        models_drip: float = 0,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        #: Requests of the list of models, which tell whether the server is there.
        self.checks: list[RecordedRequest] = []
        self.prefix = prefix
        self.models_status = models_status
        self.models_drip = models_drip
        self._replies = iter(replies)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        # Joined on close, so that no thread and no socket outlives a test.
        self._server.daemon_threads = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    @property
    def base_url(self) -> str:
        """The address for OPENAI_BASE_URL."""
        return f"http://{self.address}{self.prefix}"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def drip(self, wfile: BufferedIOBase, seconds: float, head: str) -> None:
        """Send byte after byte, until the client gives up or the server closes."""
        wfile.write(f"HTTP/1.0 200 OK\r\n{head}".encode())
        while not self._closing.wait(seconds):
            wfile.write(b"x")

    def answer(self, request: RecordedRequest) -> Reply:
        """Record a request and return its reply, once its delay is over or the server closes."""
        with self._lock:
            self.requests.append(request)
            reply = next(self._replies, None)
        if reply is None:
            return {
                "status": 500,
                "error": {"message": "the script has no more replies"},
                "headers": {"x-should-retry": "false"},
            }
        if isinstance(reply, str):
            return {"text": reply}
        self._closing.wait(reply.get("delay", 0))
        return reply


def _handler_for(chat: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Speaks HTTP/1.0, one request per connection, so that closing never waits."""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != f"{chat.prefix}/models":
                self._send(404, json.dumps({"error": {"message": f"no {self.path}"}}), {})
                return
            chat.checks.append(RecordedRequest(self.path, _lower_case(self.headers), {}))
            head = {"x-drip": str(chat.models_drip or "")}
            self._send(chat.models_status, _models(chat.models_status), head)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.partition("?")[0] != f"{chat.prefix}/chat/completions":
                self._send(404, json.dumps({"error": {"message": f"no {self.path}"}}), {})
                return
            reply = chat.answer(RecordedRequest(self.path, _lower_case(self.headers), body))
            status = reply.get("status", 200)
            sent = {"content-type": reply.get("content_type", "application/json")}
            sent["x-drip"] = str(reply.get("drip", ""))
            if status >= 400:
                sent["retry-after-ms"] = "1"
            self._send(status, _body(reply, body["model"]), sent | reply.get("headers", {}))

        def _send(self, status: int, body: str, headers: dict[str, str]) -> None:
            content = body.encode("utf-8")
            # The client may give up waiting, as a test of time limits wants it to.
            with suppress(ConnectionError):
                if drip := headers.pop("x-drip", ""):
                    head = "X-Slow: " if self.command == "GET" else "\r\n"
                    chat.drip(self.wfile, float(drip), head)
                    return
                self.send_response(status)
                headers = {"content-type": "application/json"} | headers
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: the requests are recorded."""

    return Handler


def _lower_case(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _models(status: int) -> str:
    if status >= 400:
        return json.dumps({"error": {"message": "no list"}})
    models = [{"id": MODEL, "object": "model", "created": 0, "owned_by": "tests"}]
    return json.dumps({"object": "list", "data": models})


def _body(reply: Reply, model: str) -> str:
    if "raw" in reply:
        return reply["raw"]
    if reply.get("status", 200) >= 400:
        return json.dumps({"error": reply.get("error", {"message": "scripted error"})})
    completion = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": reply.get("finish_reason", "stop"),
                "message": {
                    "role": "assistant",
                    "content": reply.get("text"),
                    "refusal": reply.get("refusal"),
                },
            }
        ],
        "usage": reply.get(
            "usage", {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        ),
    }
    return json.dumps({key: value for key, value in completion.items() if value is not None})
