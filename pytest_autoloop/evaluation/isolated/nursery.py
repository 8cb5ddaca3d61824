"""Who forks workers: the process that asks for one, or a nursery that it has forked before.

A nursery is a fork of the trusted process, made before anything of the project is imported: no
thread of a library keeps its workers from confining themselves, and nothing of the tests is in
their memory. It makes workers when they are asked for, holds no candidate, and says which process
each of them is and how it ended. Workers and nursery end with the process that asks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import struct
from typing import TYPE_CHECKING, NoReturn, Protocol

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.isolated import leaving, worker
from pytest_autoloop.evaluation.process import end_with_parent, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What is asked for and of which process; what is answered: a process, or how one ended.
_REQUEST, _ANSWER = struct.Struct("<ci"), struct.Struct("<i")
_FORK, _END = b"f", b"e"
#: Seconds in which a worker that has closed its pipes must have ended, and a nursery with all its
#: workers.
_GRACE, _LONG_GRACE = 1.0, 15.0


class Birth(Protocol):
    """A worker's process, which may not have been made yet."""

    def pid(self) -> int:
        """Return its number.

        Raises:
            EvaluationError: it could not be made.
        """

    def end(self, *, grace: bool = False) -> int | None:
        """End and reap it, and return its exit code; None when that is not known.

        With `grace` it is about to end by itself.
        """


class Births(Protocol):
    """Makes processes that serve as workers."""

    def begin(self, reading: int, writing: int) -> Birth:
        """Make a process that is asked over one descriptor and answers over the other.

        Both are the caller's to close.
        """


class Here:
    """Forks workers from this process itself."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = tuple(roots)

    def begin(self, reading: int, writing: int) -> Birth:
        """Fork now."""
        pid = os.fork()
        if not pid:
            try:
                end_with_parent()
                leaving.leave(self._roots)
                worker.serve(reading, writing)
            finally:
                os._exit(1)
        return _Own(pid)


class _Own:
    def __init__(self, pid: int) -> None:
        self._pid = pid

    def pid(self) -> int:
        return self._pid

    def end(self, *, grace: bool = False) -> int | None:
        return _end(self._pid, grace=_GRACE if grace else 0.0)


class Nursery:
    """A process that forks workers; `roots` are the entries of the import path in the worktree.

    Raises:
        OSError: it cannot be forked.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        self._asked = 0
        self._answers: list[int] = []
        self._pid = os.fork()
        if not self._pid:
            try:
                end_with_parent()
                leaving.close_others((theirs.fileno(),))
                leaving.leave(roots)
                _serve(theirs)
            finally:
                os._exit(1)
        theirs.close()

    def begin(self, reading: int, writing: int) -> Birth:
        """Ask for a process, and do not wait for it.

        Raises:
            EvaluationError: the nursery has ended.
        """
        return _Asked(self, self._ask(_FORK, 0, (reading, writing)))

    def leave(self) -> None:
        """Let it end, with all its workers, and do not wait for that."""
        with contextlib.suppress(OSError):
            # A process that a test has forked may hold a copy: closing would not be noticed.
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()

    def close(self) -> None:
        """End it, with all its workers."""
        self.leave()
        if self._pid:
            # It reaps its workers, and ends by itself.
            _end(self._pid, grace=_LONG_GRACE)
            self._pid = 0

    def end(self, pid: int, *, grace: bool) -> int | None:
        """End one of its workers and return its exit code."""
        # The sign tells whether it is given time.
        return self.answer(self._ask(_END, pid if grace else -pid))

    def answer(self, ticket: int) -> int:
        """Return what was answered to a request.

        Raises:
            EvaluationError: the nursery has ended.
        """
        while len(self._answers) <= ticket:
            try:
                data = self._control.recv(_ANSWER.size, socket.MSG_WAITALL)
            except OSError as error:
                raise _gone(str(error)) from error
            if len(data) < _ANSWER.size:
                raise _gone("nobody answers")
            self._answers += _ANSWER.unpack(data)
        return self._answers[ticket]

    @property
    def closed(self) -> bool:
        """Whether it has been let go, and all its workers with it."""
        return self._control.fileno() < 0

    def _ask(self, kind: bytes, number: int, descriptors: Sequence[int] = ()) -> int:
        try:
            socket.send_fds(self._control, [_REQUEST.pack(kind, number)], descriptors)
        except OSError as error:
            raise _gone(str(error)) from error
        self._asked += 1
        return self._asked - 1


class _Asked:
    def __init__(self, nursery: Nursery, ticket: int) -> None:
        self._nursery = nursery
        self._ticket = ticket

    def pid(self) -> int:
        number = self._nursery.answer(self._ticket)
        if number < 0:
            raise EvaluationError(
                f"a worker cannot be started: {os.strerror(-number)}; end other processes, or "
                "raise the limit of their number"
            )
        return number

    def end(self, *, grace: bool = False) -> int | None:
        if self._nursery.closed:
            return None
        return self._nursery.end(self.pid(), grace=grace)


def _gone(why: str) -> EvaluationError:
    return EvaluationError(
        f"the process that starts workers has ended: {why}; see that no test ends processes "
        "other than its own, and that there is memory left"
    )


def _serve(control: socket.socket) -> NoReturn:
    """Fork workers until nobody can ask for one; does not return."""
    children: set[int] = set()
    try:
        while True:
            data, descriptors, *_ = socket.recv_fds(control, _REQUEST.size, 2)
            if len(data) < _REQUEST.size:
                break
            kind, number = _REQUEST.unpack(data)
            if kind == _FORK:
                number = _fork(*descriptors)
                if number > 0:
                    children.add(number)
            else:
                children.discard(abs(number))
                number = _end(abs(number), grace=_GRACE if number > 0 else 0.0) or 0
            control.send(_ANSWER.pack(number))
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        os._exit(0)


def _fork(reading: int, writing: int) -> int:
    """Return the number of a new worker, or that of an error below zero."""
    try:
        pid = os.fork()
    except OSError as error:
        pid = -(error.errno or errno.EAGAIN)
    if not pid:
        try:
            end_with_parent()
            worker.serve(reading, writing)
        finally:
            os._exit(1)
    os.close(reading)
    os.close(writing)
    return pid


def _end(pid: int, *, grace: float) -> int | None:
    """Kill and reap a child of this process, after it had so many seconds to end by itself."""
    if grace:
        # It has closed its pipes, which it can do without ending.
        with contextlib.suppress(OSError, AttributeError):
            wait_for(pid, grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status)
