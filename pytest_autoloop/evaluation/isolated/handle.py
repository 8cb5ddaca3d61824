"""The trusted side's handle on a worker."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.answers import Exports, Outcome, Raised, Window
from pytest_autoloop.evaluation.isolated.contract import CandidateFault, to_plain
from pytest_autoloop.evaluation.isolated.frames import Channel, ChannelClosed, ChannelTimeout
from pytest_autoloop.evaluation.isolated.limits import PlainDataError
from pytest_autoloop.evaluation.isolated.nursery import Here
from pytest_autoloop.evaluation.isolated.settled import settled_clock

if TYPE_CHECKING:
    from types import TracebackType

    from pytest_autoloop.evaluation.isolated.contract import Source, Surroundings
    from pytest_autoloop.evaluation.isolated.nursery import Birth, Births
    from pytest_autoloop.model import Status

_TAIL = 500
_GO = plain.encode("go")


class Remote(Exception):
    """A call of the candidate raised."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(raised.kind)
        self.raised = raised


class Worker:
    """A process that holds one version of the target.

    It loads while the caller goes on: the first use waits for that. Every method but `close` raises
    CandidateFault when the version cannot be loaded, or does what none may; the process has ended
    then, and each further use raises the same.

    `births` says who makes the process, by default a fork of this one. Only one that is `timed` has
    a clock for batches: reading it costs every call some microseconds.

    Raises:
        EvaluationError: the process cannot be asked for.
    """

    def __init__(
        self,
        source: Source,
        surroundings: Surroundings,
        *,
        seconds: float,
        births: Births | None = None,
        timed: bool = True,
    ) -> None:
        self._output = Path(surroundings.output)
        self._timed = timed
        self._idle_since = 0.0
        self._fault: CandidateFault | None = None
        self._exports: Exports | None = None
        self._pid = 0
        self._seconds = seconds
        self._loading_ends = time.monotonic() + seconds
        requests, answers = os.pipe(), os.pipe()
        self._descriptors = [requests[1], answers[0]]
        try:
            made = births or Here(surroundings.import_roots)
            self._birth: Birth | None = made.begin(requests[0], answers[1])
        finally:
            os.close(requests[0])
            os.close(answers[1])
        self._channel = Channel(answers[0], requests[1])
        self._send(plain.encode(to_plain(source, surroundings)), self._loading_ends)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's number; 0 when it has ended."""
        if not self._pid and self._birth is not None:
            self._pid = self._birth.pid()
        return self._pid

    @property
    def exports(self) -> Exports:
        """What the module offers, once it is loaded."""
        if self._fault is not None:
            raise self._fault
        if self._exports is None:
            self._exports = self._loaded()
        return self._exports

    def _loaded(self) -> Exports:
        left = self._loading_ends - time.monotonic()
        loaded = self._decoded(self._receive_raw("loading", left, self._seconds), ())
        if not (isinstance(loaded, tuple) and len(loaded) == 4 and loaded[0] == "loaded"):  # noqa: PLR2004
            raise self._broken(f"answered {loaded!r:.200} instead of loading")
        _, functions, constants, others = loaded
        try:
            found = Exports(frozenset(functions), dict(constants), frozenset(others))
        except (TypeError, ValueError) as error:
            raise self._broken(f"answered {loaded!r:.200} instead of loading") from error
        self._rest()
        return found

    def _rest(self) -> None:
        """Note the clock after an answer: what the process does from now on it was not asked."""
        if self._timed:
            self._idle_since = settled_clock(self.pid)

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
        assert self._timed, "started without a clock"
        data = self._encoded(("batch", function, [tuple(call) for call in calls]))
        self._ready()
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
        self._end()

    def _end(self, *, grace: bool = False) -> int | None:
        birth, self._birth, self._pid = self._birth, None, 0
        try:
            return birth.end(grace=grace) if birth is not None else None
        except EvaluationError:
            # It cannot be made, or it has ended with who made it.
            return None

    def _ready(self) -> None:
        _ = self.exports

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
        self._ready()
        deadline = time.monotonic() + seconds
        self._send(data, deadline)
        answer = self._decoded(self._receive_raw(f"{function}()", seconds), met)
        self._rest()
        if not isinstance(answer, tuple) or len(answer) != 5:  # noqa: PLR2004 - see worker._answer
            raise self._refusal(answer)
        *outcome, changed = answer
        if changed is not False:
            told = f"what an earlier call returned had changed when {function}() was called"
            raise self._ends_with("discard", "tampered", told)
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
            told = "the worker takes no request"
            raise self._ends_with("timeout", "call", told) from None

    def _expect(self, signal_name: str, deadline: float) -> None:
        answer = self._receive("a batch", deadline - time.monotonic())
        if answer != signal_name:
            raise self._refusal(answer)

    def _receive(self, what: str, seconds: float) -> Any:  # noqa: ANN401
        return self._decoded(self._receive_raw(what, seconds), ())

    def _receive_raw(self, what: str, seconds: float, allowed: float | None = None) -> bytes:
        try:
            return self._channel.receive(max(0.0, seconds))
        except ChannelClosed:
            raise self._ended(f"in {what}") from None
        except ChannelTimeout:
            told = f"{what} did not end within {seconds if allowed is None else allowed:.3g} s"
            raise self._ends_with("timeout", "call", told) from None
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
        told = [*map(str, answer), "", ""]
        if told[0] == "tripwire":
            return self._ends_with("discard", "tripwire", told[1])
        detail = f"the module cannot be loaded: {told[1]}: {told[2]}"
        return self._ends_with("crash", "import", detail)

    def _refusal(self, answer: Any) -> CandidateFault:  # noqa: ANN401
        if isinstance(answer, tuple) and len(answer) == 2 and answer[0] == "refused":  # noqa: PLR2004
            return self._ends_with("discard", "plain-data", f"a call returned {answer[1]}")
        return self._broken(f"answered {answer!r:.200}")

    def _broken(self, what: str) -> CandidateFault:
        return self._ends_with("discard", "plain-data", f"the worker {what}")

    def _ended(self, when: str) -> CandidateFault:
        if self._birth is not None:
            # One that could not be made is no fault of a candidate's.
            self._birth.pid()
        code = self._end(grace=True)
        detail = f"the candidate ended its process {when}"
        detail += "" if code is None else f", with status {code}"
        with contextlib.suppress(OSError):
            detail += f"\n{self._output.read_bytes()[-_TAIL:].decode('utf-8', 'replace')}"
        return self._ends_with("crash", "worker", detail.strip())

    def _ends_with(self, status: Status, reason: str, detail: str) -> CandidateFault:
        self.close()
        self._fault = CandidateFault(status, reason, detail)
        return self._fault
