"""The trusted side's handle on a worker."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import plain, worker
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.isolated.frames import Channel, ChannelClosed, ChannelTimeout
from pytest_autoloop.evaluation.isolated.limits import PlainDataError
from pytest_autoloop.evaluation.isolated.settled import settled_clock
from pytest_autoloop.evaluation.process import end_with_parent

if TYPE_CHECKING:
    from types import TracebackType

    from pytest_autoloop.evaluation.isolated.contract import Source, Surroundings

_TAIL = 500
_GO = plain.encode("go")


@dataclass(frozen=True, slots=True)
class Exports:
    """What a loaded module offers."""

    functions: frozenset[str]
    #: Plain values of the module's other names.
    constants: dict[str, Any]
    others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that a call ended with."""

    #: Qualified name, with the module unless it is a builtin; and those of its bases, itself first.
    kind: str
    bases: tuple[str, ...]
    #: None when they are not plain data.
    arguments: tuple[Any, ...] | None
    text: str
    #: It came out of a `raise` statement of the target itself.
    explicit: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call."""

    value: Any
    raised: Raised | None
    #: The arguments as the call left them.
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """A batch of calls, and the seconds it took by clocks that the worker cannot reach."""

    outcomes: tuple[Outcome, ...]
    call_wall: float
    call_cpu: float
    total_wall: float
    total_cpu: float
    #: Processor time since the last answer: nothing was asked of the worker then.
    idle_cpu: float


class Remote(Exception):
    """A call of the candidate raised."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(raised.kind)
        self.raised = raised


class Worker:
    """A process that holds one version of the target.

    Raises:
        CandidateFault: the version cannot be loaded, or does what none may. It has ended then.
    """

    def __init__(self, source: Source, surroundings: Surroundings, *, seconds: float) -> None:
        self._output = Path(surroundings.output)
        requests, answers = os.pipe(), os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                end_with_parent()
                worker.serve(requests[0], answers[1], source, surroundings)
            finally:
                os._exit(1)
        os.close(requests[0])
        os.close(answers[1])
        self._descriptors = [requests[1], answers[0]]
        self._channel = Channel(answers[0], requests[1])
        self._idle_since = 0.0
        loaded = self._receive("loading", seconds)
        if not (isinstance(loaded, tuple) and len(loaded) == 4 and loaded[0] == "loaded"):  # noqa: PLR2004
            raise self._broken(f"answered {loaded!r:.200} instead of loading")
        _, functions, constants, others = loaded
        self.exports = Exports(frozenset(functions), dict(constants), frozenset(others))
        self._idle_since = settled_clock(self.pid)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def call(
        self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, seconds: float
    ) -> Outcome:
        """Call a function with copies of the arguments."""
        data = self._encoded((args, kwargs))
        copies, _ = plain.decode_noting(data)
        return self._called(function, copies[0], copies[1], seconds)

    def remote(
        self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, seconds: float
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        """Call a function as if it were here: arguments are changed in place.

        Raises:
            Remote: the function raised.
        """
        outcome = self._called(function, args, kwargs, seconds)
        if outcome.raised is not None:
            raise Remote(outcome.raised)
        return outcome.value

    def get(self, name: str, *, seconds: float) -> Any:  # noqa: ANN401 - a plain value
        """Return what a name of the module means now."""
        return self._called(name, (), {}, seconds, "get").value

    def batch(
        self,
        function: str,
        calls: list[tuple[tuple[Any, ...], dict[str, Any]]],
        *,
        seconds: float,
    ) -> Window:
        """Call a function many times, and time that from outside.

        At each signal the worker waits for an answer, so that its clock is up to date when read.
        """
        data = self._encoded(("batch", function, [tuple(call) for call in calls]))
        deadline = time.monotonic() + seconds
        cpu, wall = settled_clock(self.pid), time.perf_counter()
        idle = cpu - self._idle_since
        self._send(data, deadline)
        self._expect("ready", deadline)
        cpu_go, wall_go = settled_clock(self.pid), time.perf_counter()
        self._send(_GO, deadline)
        self._expect("done", deadline)
        wall_done, cpu_done = time.perf_counter(), settled_clock(self.pid)
        self._send(_GO, deadline)
        answer = self._receive_raw(f"{function}()", deadline - time.monotonic())
        wall_end, cpu_end = time.perf_counter(), settled_clock(self.pid)
        outcomes = self._decoded(answer, ())
        if not isinstance(outcomes, list) or len(outcomes) != len(calls):
            raise self._refusal(outcomes)
        self._idle_since = cpu_end
        return Window(
            outcomes=tuple(self._outcome(one) for one in outcomes),
            call_wall=wall_done - wall_go,
            call_cpu=cpu_done - cpu_go,
            total_wall=wall_end - wall,
            total_cpu=cpu_end - cpu,
            idle_cpu=idle,
        )

    def close(self) -> None:
        """End the process."""
        for descriptor in self._descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._descriptors.clear()
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.pid = 0

    def _called(
        self,
        function: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        seconds: float,
        kind: str = "call",
    ) -> Outcome:
        try:
            data, met = plain.encode_noting((kind, function, args, kwargs))
        except PlainDataError as error:
            raise self._broken(f"was called with what is no plain data: {error}") from error
        deadline = time.monotonic() + seconds
        self._send(data, deadline)
        answer = self._decoded(self._receive_raw(f"{function}()", seconds), met)
        self._idle_since = settled_clock(self.pid)
        if not isinstance(answer, tuple) or len(answer) != 5:  # noqa: PLR2004 - see worker._answer
            raise self._refusal(answer)
        *outcome, changed = answer
        if changed is not False:
            self.close()
            told = f"what an earlier call returned had changed when {function}() was called"
            raise CandidateFault("discard", "tampered", told)
        return self._outcome(tuple(outcome))

    def _outcome(self, answer: Any) -> Outcome:  # noqa: ANN401 - checked here
        try:
            kind, value, args, kwargs = answer
            if kind == "returned":
                return Outcome(value, None, args, kwargs)
            name, bases, arguments, text, explicit = value
            raised = Raised(str(name), tuple(map(str, bases)), arguments, str(text), bool(explicit))
            return Outcome(None, raised, args, kwargs)
        except (TypeError, ValueError) as error:
            raise self._broken("answered what is no outcome") from error

    def _encoded(self, value: object) -> bytes:
        try:
            return plain.encode(value)
        except PlainDataError as error:
            raise self._broken(f"was to be called with what is no plain data: {error}") from error

    def _send(self, data: bytes, deadline: float) -> None:
        try:
            self._channel.send(data, max(0.0, deadline - time.monotonic()))
        except ChannelClosed:
            raise self._ended("before a call") from None
        except ChannelTimeout:
            self.close()
            raise CandidateFault("timeout", "call", "the worker takes no request") from None

    def _expect(self, signal_name: str, deadline: float) -> None:
        answer = self._receive("a batch", deadline - time.monotonic())
        if answer != signal_name:
            raise self._refusal(answer)

    def _receive(self, what: str, seconds: float) -> Any:  # noqa: ANN401
        return self._decoded(self._receive_raw(what, seconds), ())

    def _receive_raw(self, what: str, seconds: float) -> bytes:
        try:
            return self._channel.receive(max(0.0, seconds))
        except ChannelClosed:
            raise self._ended(f"in {what}") from None
        except ChannelTimeout:
            self.close()
            told = f"{what} did not end within {seconds:.3g} s"
            raise CandidateFault("timeout", "call", told) from None
        except PlainDataError as error:
            raise self._broken(f"answered {error}") from error

    def _decoded(self, data: bytes, known: Any) -> Any:  # noqa: ANN401
        try:
            answer = plain.restore(data, known) if known else plain.decode(data)
        except PlainDataError as error:
            raise self._broken(f"answered what is no plain data: {error}") from error
        if isinstance(answer, tuple) and answer and answer[0] in {"tripwire", "failed"}:
            raise self._told(answer)
        return answer

    def _told(self, answer: tuple[Any, ...]) -> CandidateFault:
        self.close()
        if answer[0] == "tripwire":
            return CandidateFault("discard", "tripwire", str(answer[1]))
        detail = f"the module cannot be loaded: {answer[1]}: {answer[2]}"
        return CandidateFault("crash", "import", detail)

    def _refusal(self, answer: Any) -> CandidateFault:  # noqa: ANN401
        if isinstance(answer, tuple) and len(answer) == 2 and answer[0] == "refused":  # noqa: PLR2004
            self.close()
            return CandidateFault("discard", "plain-data", f"a call returned {answer[1]}")
        return self._broken(f"answered {answer!r:.200}")

    def _broken(self, what: str) -> CandidateFault:
        self.close()
        return CandidateFault("discard", "plain-data", f"the worker {what}")

    def _ended(self, when: str) -> CandidateFault:
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        self.close()
        code = os.waitstatus_to_exitcode(status)
        detail = f"the candidate ended its process {when}, with status {code}"
        with contextlib.suppress(OSError):
            detail += f"\n{self._output.read_bytes()[-_TAIL:].decode('utf-8', 'replace')}"
        return CandidateFault("crash", "worker", detail.strip())
