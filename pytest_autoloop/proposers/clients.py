"""Clients of one chat server: each sends one request at a time, and is used again for the next."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pytest_autoloop.proposers.faults import TooLargeError, TooSlowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

    from pytest_autoloop.proposers.vendors import Server

#: Sent where no key is set: local servers need none, but the client insists on one.
_PLACEHOLDER_KEY = "no-key-needed"


class Client:
    """One client of OpenAI's library, with a look at how much has come."""

    def __init__(self, server: Server, timeout: float) -> None:
        import openai  # noqa: PLC0415 - takes a second, so only a campaign that needs it pays

        #: The answer that is being read, of the library that the client is built on.
        self._answer: object = None
        parts = urlsplit(server.base_url)
        key = server.api_key or _PLACEHOLDER_KEY
        self.library: OpenAI = openai.OpenAI(
            api_key=key,
            # Given always: the client would otherwise read the environment behind our back.
            base_url=urlunsplit((*parts[:3], "", "")),
            default_query=dict(parse_qsl(parts.query)),
            default_headers=_own_headers(server, key),
            timeout=timeout,
            http_client=openai.DefaultHttpxClient(event_hooks={"response": [self._receive]}),
            max_retries=0,  # ours, so that each attempt has its limit
        )

    @property
    def received(self) -> int:
        """Bytes of the answer that have come: the client reads that of an error to its end."""
        return int(getattr(self._answer, "num_bytes_downloaded", 0))

    def begin(self) -> None:
        """Forget the answer before."""
        self._answer = None

    def close(self) -> None:
        """Close its connections."""
        # A request may be under way in another thread, which some versions complain of.
        with suppress(RuntimeError):
            self.library.close()

    def _receive(self, response: object) -> None:
        self._answer = response


class Clients:
    """As many clients as there are requests at the same time."""

    def __init__(self, server: Server, timeout: float) -> None:
        self._server = server
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[Client] = []
        self._lent: list[Client] = []
        #: How often all were closed: who asks meanwhile is to give up.
        self.closings = 0

    @contextmanager
    def lend(self) -> Iterator[Client]:
        """Lend a client; one whose request was given up is closed, for it goes on with it."""
        with self._lock:
            closings = self.closings
            client = self._idle.pop() if self._idle else Client(self._server, self._timeout)
            self._lent.append(client)
        client.begin()
        usable = True
        try:
            yield client
        except (TooLargeError, TooSlowError, KeyboardInterrupt):
            usable = False
            client.close()
            raise
        finally:
            with self._lock:
                self._lent.remove(client)
                if usable and closings == self.closings:
                    self._idle.append(client)

    def close(self) -> None:
        """Close all, those too that are lent; a later request makes another one."""
        with self._lock:
            self.closings += 1
            clients = [*self._idle, *self._lent]
            self._idle.clear()
        for client in clients:
            client.close()


def _own_headers(server: Server, key: str) -> dict[str, str]:
    """Return what keeps headers that the environment holds for OpenAI from other servers."""
    import openai  # noqa: PLC0415 - as above

    # Clients without `Omit` do not read OPENAI_CUSTOM_HEADERS either.
    if server.address_variable == "OPENAI_BASE_URL" or not hasattr(openai, "Omit"):
        return {}
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    names = {line.partition(":")[0].strip() for line in lines if ":" in line}
    names |= {"OpenAI-Organization", "OpenAI-Project"}
    left_out = {name: openai.Omit() for name in names if name.lower() != "authorization"}
    # The client's types do not know that a default may be left out too.
    return {"Authorization": f"Bearer {key}"} | cast("dict[str, str]", left_out)
