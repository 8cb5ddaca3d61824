"""Calls of the target that tests made on the untouched version: the pattern of fresh inputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass, field

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.limits import PlainDataError

#: Bounds of what is kept: distinct calls of each function, and bytes of arguments together.
_CALLS = 300
_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came from outside of the target."""

    function: str
    #: Positional and keyword arguments before the call, as plain data.
    data: bytes
    #: Node id of the test that made it, and whether that is a benchmark.
    node: str
    benchmark: bool
    seconds: float
    raised: bool


@dataclass(slots=True)
class Recording:
    """Distinct calls, in the order in which they were made."""

    calls: list[Call] = field(default_factory=list)
    _seen: set[tuple[str, bytes, bool]] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)
    _size: int = 0

    def add(self, call: Call) -> None:
        """Keep a call, unless it is known or there are enough."""
        key = call.function, call.data, call.benchmark
        # Benchmarks are few, and without their calls nothing can be timed.
        full = not call.benchmark and self._counts[call.function] >= _CALLS
        if key in self._seen or full or self._size + len(call.data) > _BYTES:
            return
        self._seen.add(key)
        self._counts[call.function] += 1
        self._size += len(call.data)
        self.calls.append(call)

    def to_bytes(self) -> bytes:
        """Return the calls as plain data."""
        return plain.encode([astuple(call) for call in self.calls])

    @classmethod
    def from_bytes(cls, data: bytes) -> Recording:
        """Return what `to_bytes` made bytes of.

        Raises:
            PlainDataError: they are something else.
        """
        recording = cls()
        try:
            for fields in plain.decode(data):
                recording.add(Call(*fields))
        except (TypeError, AttributeError) as error:
            raise PlainDataError(f"no recording of calls: {error}") from error
        return recording
