"""Lines of JSON between the controller and its warm parents, with descriptors beside them."""

from __future__ import annotations

import json
import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.process import LONGEST_POLL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BLOCK = 1 << 16
_MOST_DESCRIPTORS = 4


class Channel:
    """One end of a pair of connected sockets."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""
        self.descriptors: list[int] = []
        #: What a warm parent knows the standing session at the other end by.
        self.number = 0

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._end.fileno()

    def send(self, message: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        """Send one line, and descriptors with it.

        Raises:
            OSError: nobody is at the other end.
        """
        line = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._end, [line], list(descriptors)) if descriptors else 0
        self._end.sendall(line[sent:])

    def receive(self, seconds: float | None = None) -> dict[str, Any] | None:
        """Return the next line; None when the other end is closed. `descriptors` collects those.

        Raises:
            OSError: the connection broke, or (TimeoutError) nothing came within so many seconds.
            ValueError: it is not a line of JSON.
        """
        while b"\n" not in self._rest:
            if seconds is not None and not self._readable(seconds):
                raise TimeoutError(f"no answer within {seconds:.0f} s")
            block, descriptors, *_ = socket.recv_fds(self._end, _BLOCK, _MOST_DESCRIPTORS)
            self.descriptors += descriptors
            if not block:
                return None
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def hang_up(self) -> None:
        """Let both ends know that nothing more is said; another thread may be waiting here."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(min(seconds * 1000, LONGEST_POLL)))
