"""Frames over two pipes: a length, and so many bytes."""

from __future__ import annotations

import os
import select
import struct
import time

from pytest_autoloop.evaluation.isolated.limits import DEFAULT, Limits, PlainDataError

_LENGTH = struct.Struct("<I")
#: What one system call reads or writes at most.
_PIECE = 1 << 20


class ChannelClosed(Exception):
    """The other side has closed its end, or has ended."""


class ChannelTimeout(Exception):
    """The other side did not do its part in time."""


class Channel:
    """Both ends of a conversation, as one process has them."""

    def __init__(self, reading: int, writing: int, limits: Limits = DEFAULT) -> None:
        self._reading = reading
        self._writing = writing
        self._limits = limits
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)

    def send(self, data: bytes, seconds: float | None = None) -> None:
        """Write one frame.

        Raises:
            ChannelClosed: nobody reads any more.
            ChannelTimeout: nobody has read in time.
            PlainDataError: the frame is larger than the other side takes.
        """
        if len(data) > self._limits.size:
            raise PlainDataError(f"more than {self._limits.size:,} bytes")
        deadline = _deadline(seconds)
        rest = memoryview(_LENGTH.pack(len(data)) + data)
        while rest:
            try:
                written = os.write(self._writing, rest[:_PIECE])
            except BlockingIOError:  # noqa: PERF203 - the way of a descriptor that does not block
                _wait(self._writing, select.POLLOUT, deadline)
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            else:
                rest = rest[written:]

    def receive(self, seconds: float | None = None) -> bytes:
        """Read one frame.

        Raises:
            ChannelClosed: the other side closed its end before or within a frame.
            ChannelTimeout: the frame was not whole in time.
            PlainDataError: it is larger than anyone may send.
        """
        deadline = _deadline(seconds)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > self._limits.size:
            raise PlainDataError(f"a frame of {length:,} bytes; {self._limits.size:,} are allowed")
        return self._read(length, deadline)

    def _read(self, size: int, deadline: float | None) -> bytes:
        parts: list[bytes] = []
        while size:
            # Tried before it waits, by workers too: where they blocked in the read itself, clocks
            # that were read after an answer were wrong by some percent, for one side more than the
            # other.
            try:
                part = os.read(self._reading, min(size, _PIECE))
            except BlockingIOError:
                _wait(self._reading, select.POLLIN, deadline)
                continue
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not part:
                raise ChannelClosed("the other side has ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _wait(descriptor: int, event: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise ChannelTimeout
