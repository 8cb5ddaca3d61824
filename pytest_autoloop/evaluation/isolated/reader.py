"""Reads plain data, believing nothing: lengths are checked before anything is made from them."""

from __future__ import annotations

import datetime
import math
import struct
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import arrays
from pytest_autoloop.evaluation.isolated.limits import Limits, PlainDataError
from pytest_autoloop.evaluation.isolated.writer import BITS, DATE, DELTA, TIME, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LENGTH = struct.Struct("<I")
_INTEGER = struct.Struct("<q")
_FLOAT = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_ZONED = 2
_MISSING = object()


class Reader:
    """Reads one message from its first byte to its last."""

    def __init__(self, data: bytes, limits: Limits, known: Sequence[object] | None) -> None:
        self.value: Any = None
        #: Containers that can change, in the order in which they were met.
        self.met: list[Any] = []
        self._data = data
        self._at = 0
        self._limits = limits
        self._known = known
        self._used: set[int] = set()
        self._pending: list[tuple[Any, Any]] = []
        self._counts: list[int] = []
        self._count = 0
        self._depth = 0

    def read_whole(self) -> None:
        """Read the value, which has to fill the message."""
        if len(self._data) > self._limits.size:
            raise PlainDataError(f"more than {self._limits.size:,} bytes")
        self.value = self._read()
        if self._at != len(self._data):
            raise PlainDataError("bytes are left over")

    def apply(self) -> None:
        """Change the known containers into what was read of them."""
        for container, content in self._pending:
            if type(container) not in (list, dict, set, bytearray) and not (
                container.flags.writeable or container.tobytes() == content.tobytes()
            ):
                raise PlainDataError("an array that cannot be written to was changed")
        for container, content in self._pending:
            if type(container) in (list, bytearray):
                container[:] = content
            elif type(container) in (dict, set):
                container.clear()
                container.update(content)
            else:
                arrays.fill(container, content)

    def _read(self) -> Any:  # noqa: ANN401
        tag = self._data[self._at : self._at + 1]
        self._at += 1
        self._count += 1
        if self._count > self._limits.items:
            raise PlainDataError(f"more than {self._limits.items:,} items")
        read = _READERS.get(tag)
        if read is None:
            raise PlainDataError("no value begins like this" if tag else "the message is cut short")
        return read(self)

    def _charge(self, count: int) -> None:
        self._count += count
        if self._count > self._limits.items:
            raise PlainDataError(f"more than {self._limits.items:,} items")

    def _unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        at = self._at
        self._at = at + form.size
        # Raises struct.error when the message is too short.
        return form.unpack_from(self._data, at)

    def _length(self) -> int:
        (length,) = self._unpack(_LENGTH)
        if length > len(self._data) - self._at:
            raise PlainDataError("the message is cut short")
        return int(length)

    def _raw(self) -> bytes:
        length = self._length()
        at = self._at
        self._at = at + length
        return self._data[at : self._at]

    def _integer(self) -> int:
        return int(self._unpack(_INTEGER)[0])

    def _large(self) -> int:
        value = int.from_bytes(self._raw(), "little", signed=True)
        if value.bit_length() > self._limits.digits * BITS:
            raise PlainDataError(f"a whole number of more than {self._limits.digits:,} digits")
        return value

    def _whole(self) -> int:
        return int(self._exactly(int))

    def _exactly(self, *kinds: type) -> Any:  # noqa: ANN401
        value = self._read()
        if type(value) not in kinds:
            raise PlainDataError(f"a {type(value).__name__} does not belong here")
        return value

    def _decimal(self) -> Decimal:
        self._charge(WEIGHTS["e"])
        text = self._raw()
        if len(text) > self._limits.digits + 40:
            raise PlainDataError(f"a Decimal of more than {self._limits.digits:,} digits")
        value = Decimal(text.decode("ascii"))
        _, digits, exponent = value.as_tuple()
        if len(digits) > self._limits.digits:
            raise PlainDataError(f"a Decimal of more than {self._limits.digits:,} digits")
        if isinstance(exponent, int) and abs(exponent) > self._limits.exponent:
            raise PlainDataError(f"a Decimal with the exponent {exponent}")
        return value

    def _fraction(self) -> Fraction:
        self._charge(WEIGHTS["r"])
        numerator, denominator = self._whole(), self._whole()
        most = self._limits.fraction_digits * BITS
        if max(numerator.bit_length(), denominator.bit_length()) > most:
            raise PlainDataError(f"a fraction of more than {self._limits.fraction_digits:,} digits")
        return Fraction(numerator, denominator)

    def _range(self) -> range:
        return range(self._whole(), self._whole(), self._whole())

    def _slice(self) -> slice:
        either = (int, type(None))
        start, stop = self._exactly(*either), self._exactly(*either)
        return slice(start, stop, self._exactly(*either))

    def _date(self) -> datetime.date:
        return datetime.date(*self._unpack(DATE))

    def _time(self) -> datetime.time:
        hour, minute, second, microsecond, fold = self._unpack(TIME)
        return datetime.time(hour, minute, second, microsecond, self._zone(), fold=fold)

    def _moment(self) -> datetime.datetime:
        year, month, day = self._unpack(DATE)
        hour, minute, second, microsecond, fold = self._unpack(TIME)
        clock = hour, minute, second, microsecond
        return datetime.datetime(year, month, day, *clock, self._zone(), fold=fold)

    def _zone(self) -> datetime.timezone | None:
        value = self._exactly(type(None), bool, tuple)
        if value is None:
            return None
        if value is True:
            return datetime.timezone.utc
        if not value or not 1 <= len(value) <= _ZONED:
            raise PlainDataError("no time zone is like this")
        # Raises TypeError for anything but an offset and a name.
        return datetime.timezone(*value)

    def _delta(self) -> datetime.timedelta:
        days, seconds, microseconds = self._unpack(DELTA)
        return datetime.timedelta(days, seconds, microseconds)

    def _reference(self) -> Any:  # noqa: ANN401
        (place,) = self._unpack(_LENGTH)
        found = self.met[place] if place < len(self.met) else _MISSING
        if found is _MISSING:
            raise PlainDataError("a container contains itself, or one that comes later")
        self._charge(self._counts[place])
        return found

    def _marked(self) -> Any:  # noqa: ANN401
        (place,) = self._unpack(_LENGTH)
        if place in self._used:
            raise PlainDataError("one container is there twice")
        self._used.add(place)
        tag = self._data[self._at : self._at + 1]
        if tag not in _MUTABLE:
            raise PlainDataError("only what can change is marked")
        if self._known is None:
            return self._read()
        if place >= len(self._known):
            raise PlainDataError("an unknown container")
        original = self._known[place]
        # Whatever refers to the container from here on refers to the original.
        where = len(self.met)
        content = self._read()
        if type(content) is not type(original):
            raise PlainDataError("a container became another kind of container")
        if arrays.kind_of(type(content)) and (
            content.dtype != original.dtype or content.shape != original.shape
        ):
            raise PlainDataError("an array changed its type or its shape")
        self.met[where] = original
        self._pending.append((original, content))
        return original

    def _mutable(self, read: Callable[[Reader], Any], tag: str) -> Any:  # noqa: ANN401
        place = len(self.met)
        self.met.append(_MISSING)
        before = self._count
        self._counts.append(0)
        self._charge(WEIGHTS[tag])
        value = read(self)
        self.met[place] = value
        self._counts[place] = self._count - before + 1
        return value

    def _items(self, times: int = 1) -> list[Any]:
        length = self._length()
        if length % times:
            raise PlainDataError("a key without a value")
        if self._count + length > self._limits.items:
            self._charge(length)
        self._depth += 1
        if self._depth > self._limits.depth:
            raise PlainDataError(f"more than {self._limits.depth} containers in one another")
        read = self._read
        items = [read() for _ in range(length)]
        self._depth -= 1
        return items

    def _packed(self, form: str) -> list[Any]:
        data = self._raw()
        length, rest = divmod(len(data), 8)
        if rest:
            raise PlainDataError("a number is cut short")
        self._charge(length)
        return list(struct.unpack(f"<{length}{form}", data))

    def _dict(self) -> dict[Any, Any]:
        items = self._items(times=2)
        keys = items[::2]
        self._spread(keys)
        value = dict(zip(keys, items[1::2], strict=True))
        if len(value) != len(keys):
            raise PlainDataError("a dict has a key twice")
        return value

    def _members(self) -> list[Any]:
        items = self._items()
        self._spread(items)
        return items

    def _set(self) -> set[Any]:
        members = self._members()
        value = set(members)
        if len(value) != len(members):
            raise PlainDataError("a set has a member twice")
        return value

    def _frozenset(self) -> frozenset[Any]:
        self._charge(WEIGHTS["z"])
        members = self._members()
        value = frozenset(members)
        if len(value) != len(members):
            raise PlainDataError("a set has a member twice")
        return value

    def _spread(self, keys: list[Any]) -> None:
        """Refuse keys that share a hash: putting n of them into a table takes n² steps."""
        most = self._limits.collisions
        if len(keys) > most and max(Counter(map(hash, keys)).values()) > most:
            raise PlainDataError(f"more than {most} keys share a hash")

    def _array(self) -> Any:  # noqa: ANN401
        parts = self._array_parts()
        self._charge(math.prod(parts.shape))
        return arrays.make_array(parts)

    def _array_parts(self) -> arrays.Parts:
        dtype, shape = self._exactly(str), self._exactly(tuple)
        if not all(type(length) is int and length >= 0 for length in shape):
            raise PlainDataError("no array has this shape")
        fortran, writeable = self._exactly(bool), self._exactly(bool)
        return arrays.Parts(dtype, shape, fortran, writeable, self._exactly(bytes))


_MUTABLE = (b"l", b"q", b"D", b"m", b"S", b"B", b"a")
_READERS: dict[bytes, Callable[[Reader], Any]] = {
    b"n": lambda _: None,
    b"t": lambda _: True,
    b"f": lambda _: False,
    b"i": Reader._integer,
    b"I": Reader._large,
    b"d": lambda reader: reader._unpack(_FLOAT)[0],
    b"c": lambda reader: complex(*reader._unpack(_COMPLEX)),
    b"s": lambda reader: reader._raw().decode("utf-8", "surrogatepass"),
    b"b": Reader._raw,
    b"B": lambda reader: reader._mutable(lambda inner: bytearray(inner._raw()), "B"),
    b"l": lambda reader: reader._mutable(Reader._items, "l"),
    b"q": lambda reader: reader._mutable(lambda inner: inner._packed("q"), "q"),
    b"D": lambda reader: reader._mutable(lambda inner: inner._packed("d"), "D"),
    b"u": lambda reader: tuple(reader._items()),
    b"m": lambda reader: reader._mutable(Reader._dict, "m"),
    b"S": lambda reader: reader._mutable(Reader._set, "S"),
    b"z": Reader._frozenset,
    b"e": Reader._decimal,
    b"r": Reader._fraction,
    b"y": Reader._date,
    b"o": Reader._time,
    b"w": Reader._moment,
    b"x": Reader._delta,
    b"g": Reader._range,
    b"h": Reader._slice,
    b"a": lambda reader: reader._mutable(Reader._array, "a"),
    b"v": lambda reader: arrays.make_scalar(reader._array_parts()),
    b"R": Reader._reference,
    b"K": Reader._marked,
}
