"""Git commands that are asked again and again while they run: a start costs more than an answer."""

from __future__ import annotations

import os
import subprocess
import threading
import weakref
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git import Git

    from pytest_autoloop.history.command import GitCommand

    Answer = TypeVar("Answer")

#: After so many questions a command starts anew: what it holds of the past stays small.
_MOST_QUESTIONS = 1_000
#: Seconds that a command is given to end once its input has.
_ENDING = 5.0


class EndedError(Exception):
    """A command has ended without an answer; it is to be asked in another way.

    `refused` says that git ended it of its own accord, and that the question did not come through.
    """

    def __init__(self, *, refused: bool) -> None:
        super().__init__("git has ended without an answer")
        self.refused = refused


class GitProcess:
    """One such command, started with its first question; threads take turns.

    Args:
        git: where it runs, and under which settings.
        arguments: the command, which reads questions from its input and answers each at once.
        most: questions after which it starts anew.
        again: whether a question may be asked a second time when the command died of the first.
    """

    def __init__(
        self,
        git: GitCommand,
        *arguments: str,
        most: int = _MOST_QUESTIONS,
        again: bool = True,
    ) -> None:
        self._git = git
        self._arguments = arguments
        self._most = most
        self._again = again
        self._turn = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._ending: weakref.finalize[..., GitProcess] | None = None
        self._owner = 0
        self._asked = 0
        self._answered = False
        # The pipes of Windows cannot be trusted to be ours alone.
        self._useless = os.name == "nt"

    @property
    def pid(self) -> int | None:
        """Number of the process, None while there is none."""
        running = self._running
        return None if running is None else running.pid

    def ask(self, question: bytes, read: Callable[[IO[bytes]], Answer]) -> Answer:
        """Ask and return what `read` makes of the output; it raises EOFError where that ends.

        Raises:
            EndedError: the command died of it, or cannot be asked in this version of git.
            UsageError: there is no git to run.
        """
        with self._turn:
            if self._useless:
                raise EndedError(refused=True)
            try:
                return self._exchange(question, read)
            except EndedError as error:
                ended = error
            if self._again:
                try:
                    return self._exchange(question, read)
                except EndedError as error:
                    ended = error
            # Never a word from it: this git does not know the command in this form.
            self._useless = not self._answered and ended.refused
            raise ended

    def close(self) -> None:
        """End it; asked again it would start anew."""
        with self._turn:
            self._end()

    @contextmanager
    def asked(self, question: bytes) -> Iterator[Callable[[Callable[[IO[bytes]], Answer]], Answer]]:
        """Ask, and let the caller do something else before it has the answer read, as by `ask`.

        The question is asked once. Nobody else is answered before; an answer that is not read ends
        the process.
        """
        with self._turn:
            if self._useless:
                raise EndedError(refused=True)
            self._send(question)
            asked = self._asked
            try:
                yield self._receive
            finally:
                if self._asked == asked:
                    self._end()

    def _exchange(self, question: bytes, read: Callable[[IO[bytes]], Answer]) -> Answer:
        self._send(question)
        return self._receive(read)

    def _send(self, question: bytes) -> None:
        """Write a question; to a process that died before, to the next one."""
        if self._asked >= self._most:
            self._end()
        try:
            self._write(question)
        except EndedError:
            self._write(question)

    def _write(self, question: bytes) -> None:
        process = self._process()
        assert process.stdin is not None
        try:
            process.stdin.write(question)
            process.stdin.flush()
        except (OSError, ValueError):
            raise self._ended() from None
        except BaseException:
            self._end()
            raise

    def _receive(self, read: Callable[[IO[bytes]], Answer]) -> Answer:
        if self._running is None or self._running.stdout is None:
            raise EndedError(refused=False)
        try:
            answer = read(self._running.stdout)
        except (OSError, EOFError, ValueError):
            raise self._ended() from None
        except BaseException:  # half an answer would be taken for the next one's
            self._end()
            raise
        self._asked += 1
        self._answered = True
        return answer

    def _ended(self) -> EndedError:
        code = self._end()
        return EndedError(refused=code is not None and code > 0)

    def _process(self) -> subprocess.Popen[bytes]:
        """Return the process, which a forked child does not take from its parent."""
        if self._running is None or self._owner != os.getpid():
            interrupt = self._git.start(*self._arguments)
            assert interrupt.proc is not None
            self._running = interrupt.proc
            self._owner, self._asked = os.getpid(), 0
            # Whoever forgets to close it has its pipes closed all the same, in the right order.
            self._ending = weakref.finalize(self, _end, interrupt, self._owner)
        return self._running

    def _end(self) -> int | None:
        """End the process and return its exit code, None when it had to be killed."""
        self._running = None
        return None if self._ending is None else self._ending()


def _end(interrupt: Git.AutoInterrupt, owner: int) -> int | None:
    process = interrupt.proc
    if process is None or owner != os.getpid():
        return None
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdout.close()  # it may be waiting for somebody to read there
        with suppress(OSError):  # what it did not read
            process.stdin.close()
        return process.wait(_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    finally:
        process.stderr.close()
