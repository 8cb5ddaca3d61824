"""Writes plain data. `reader` holds the same format from the other side."""

from __future__ import annotations

import datetime
import struct
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import arrays
from pytest_autoloop.evaluation.isolated.limits import Limits, PlainDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: What an object counts for, above one: an empty set takes the room of several numbers.
WEIGHTS = {"l": 4, "q": 4, "D": 4, "m": 4, "S": 8, "z": 8, "B": 4, "a": 8, "e": 4, "r": 8}
#: Bits that a decimal digit needs, a little more than the logarithm.
BITS = 3.3220
_LENGTH = struct.Struct("<I")
_INTEGER = struct.Struct("<cq")
_FLOAT = struct.Struct("<cd")
_COMPLEX = struct.Struct("<cdd")
DATE = struct.Struct("<HBB")
TIME = struct.Struct("<BBBIB")
DELTA = struct.Struct("<iii")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class Writer:
    """Appends values to `out`."""

    def __init__(self, limits: Limits, known: Sequence[object]) -> None:
        self.out = bytearray()
        #: Containers that can change, in the order in which they were met.
        self.met: list[Any] = []
        self._limits = limits
        self._known = {id(container): place for place, container in enumerate(known)}
        self._places: dict[int, int] = {}
        #: What each container counts for; None while it is being written.
        self._counts: list[int | None] = []
        self._count = 0
        self._depth = 0
        self._arrays: list[Any] = []

    def write(self, value: object) -> None:
        """Append one value with all that is in it."""
        kind = type(value)
        write = _WRITERS.get(kind)
        if write is None:
            self._write_array(value, kind)
        else:
            self._count += 1
            write(self, value)

    def finish(self) -> None:
        """Check what only the whole message shows."""
        self._room(0)
        self._charge(0)
        if len(self._arrays) > 1 and arrays.overlap(self._arrays):
            raise PlainDataError("arrays that share memory are not plain data")

    def _charge(self, count: int) -> None:
        self._count += count
        if self._count > self._limits.items:
            raise PlainDataError(f"more than {self._limits.items:,} items")

    def _room(self, size: int) -> None:
        if len(self.out) + size > self._limits.size:
            raise PlainDataError(f"more than {self._limits.size:,} bytes")

    def _raw(self, tag: bytes, data: bytes | bytearray) -> None:
        self._room(len(data))
        self.out += tag
        self.out += _LENGTH.pack(len(data))
        self.out += data

    def _constant(self, tag: bytes) -> None:
        self.out += tag

    def _integer(self, value: int) -> None:
        if _SMALLEST <= value <= _LARGEST:
            self.out += _INTEGER.pack(b"i", value)
            return
        if value.bit_length() > self._limits.digits * BITS:
            raise PlainDataError(f"a whole number of more than {self._limits.digits:,} digits")
        self._raw(b"I", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))

    def _text(self, value: str) -> None:
        if len(value) > self._limits.size:
            self._room(len(value))
        self._raw(b"s", value.encode("utf-8", "surrogatepass"))

    def _decimal(self, value: Decimal) -> None:
        self._charge(WEIGHTS["e"])
        _, digits, exponent = value.as_tuple()
        if len(digits) > self._limits.digits:
            raise PlainDataError(f"a Decimal of more than {self._limits.digits:,} digits")
        if isinstance(exponent, int) and abs(exponent) > self._limits.exponent:
            raise PlainDataError(f"a Decimal with the exponent {exponent}")
        self._raw(b"e", str(value).encode("ascii"))

    def _fraction(self, value: Fraction) -> None:
        self._charge(WEIGHTS["r"])
        most = self._limits.fraction_digits * BITS
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > most:
            digits = self._limits.fraction_digits
            raise PlainDataError(f"a fraction of more than {digits:,} digits")
        self._parts(b"r", (value.numerator, value.denominator))

    def _parts(self, tag: bytes, parts: Iterable[object]) -> None:
        self.out += tag
        for part in parts:
            self.write(part)

    def _slice(self, value: slice) -> None:
        for part in (value.start, value.stop, value.step):
            if part is not None and type(part) is not int:
                raise PlainDataError("a slice of something else than whole numbers")
        self._parts(b"h", (value.start, value.stop, value.step))

    def _date(self, value: datetime.date) -> None:
        self.out += b"y" + DATE.pack(value.year, value.month, value.day)

    def _time(self, value: datetime.time) -> None:
        parts = value.hour, value.minute, value.second, value.microsecond, value.fold
        self.out += b"o" + TIME.pack(*parts)
        self._zone(value.tzinfo)

    def _moment(self, value: datetime.datetime) -> None:
        self.out += b"w" + DATE.pack(value.year, value.month, value.day)
        parts = value.hour, value.minute, value.second, value.microsecond, value.fold
        self.out += TIME.pack(*parts)
        self._zone(value.tzinfo)

    def _zone(self, zone: datetime.tzinfo | None) -> None:
        if zone is None or zone is datetime.timezone.utc:
            self.write(None if zone is None else True)
        elif type(zone) is datetime.timezone:
            # With a name when it was given one: that of a bare offset follows from it.
            offset: datetime.timedelta = zone.utcoffset(None)
            name = zone.tzname(None)
            bare = datetime.timezone(offset).tzname(None) == name
            self.write((offset,) if bare else (offset, name))
        else:
            raise PlainDataError(f"the time zone {type(zone).__name__} is not plain data")

    def _delta(self, value: datetime.timedelta) -> None:
        self.out += b"x" + DELTA.pack(value.days, value.seconds, value.microseconds)

    def _open(self, value: object) -> int:
        """Begin a container that can change; -1 when a reference to an earlier one will do."""
        place = self._places.get(id(value))
        if place is not None:
            count = self._counts[place]
            if count is None:
                raise PlainDataError(f"a {type(value).__name__} contains itself")
            self._charge(count)
            self.out += b"R" + _LENGTH.pack(place)
            return -1
        place = self._places[id(value)] = len(self.met)
        self.met.append(value)
        self._counts.append(None)
        known = self._known.get(id(value))
        if known is not None:
            self.out += b"K" + _LENGTH.pack(known)
        return place

    def _mutable(self, value: Any, write: Callable[[Any], None]) -> None:  # noqa: ANN401
        place = self._open(value)
        if place >= 0:
            before = self._count
            write(value)
            self._counts[place] = self._count - before + 1

    def _items(self, tag: bytes, items: Iterable[object], length: int) -> None:
        self._deeper(length)
        self.out += tag
        self.out += _LENGTH.pack(length)
        write = self.write
        for item in items:
            write(item)
        self._depth -= 1

    def _deeper(self, length: int) -> None:
        self._room(length)
        self._charge(0)
        if self._count + length > self._limits.items:
            self._charge(length)
        self._depth += 1
        if self._depth > self._limits.depth:
            raise PlainDataError(f"more than {self._limits.depth} containers in one another")

    def _list(self, value: list[Any]) -> None:
        self._charge(WEIGHTS["l"])
        kinds = set(map(type, value))
        length = len(value)
        if kinds == {float}:
            self._packed(b"D", struct.pack(f"<{length}d", *value), length)
            return
        if kinds == {int}:
            try:
                packed = struct.pack(f"<{length}q", *value)
            except struct.error:
                packed = b""
            if packed:
                self._packed(b"q", packed, length)
                return
        self._items(b"l", value, length)

    def _packed(self, tag: bytes, data: bytes, length: int) -> None:
        self._charge(length)
        self._raw(tag, data)

    def _tuple(self, value: tuple[Any, ...]) -> None:
        self._items(b"u", value, len(value))

    def _dict(self, value: dict[Any, Any]) -> None:
        self._charge(WEIGHTS["m"])
        both = (part for pair in value.items() for part in pair)
        self._items(b"m", both, 2 * len(value))

    def _set(self, value: set[Any]) -> None:
        self._charge(WEIGHTS["S"])
        self._members(b"S", value)

    def _frozenset(self, value: frozenset[Any]) -> None:
        self._charge(WEIGHTS["z"])
        self._members(b"z", value)

    def _members(self, tag: bytes, members: set[Any] | frozenset[Any]) -> None:
        """Write members in the order of their bytes: a set's own order may differ each time."""
        self._deeper(len(members))
        pieces = []
        start = len(self.out)
        for member in members:
            self.write(member)
            pieces.append(bytes(self.out[start:]))
            del self.out[start:]
        self._depth -= 1
        self._room(sum(map(len, pieces)))
        self.out += tag + _LENGTH.pack(len(pieces)) + b"".join(sorted(pieces))

    def _bytearray(self, value: bytearray) -> None:
        self._charge(WEIGHTS["B"])
        self._raw(b"B", value)

    def _array(self, value: Any) -> None:  # noqa: ANN401
        self._charge(WEIGHTS["a"] + value.size)
        self._room(value.nbytes)
        self._arrays.append(value)
        self._array_parts(b"a", arrays.take_array(value))

    def _array_parts(self, tag: bytes, parts: arrays.Parts) -> None:
        self.out += tag
        self.write(parts.dtype)
        self.write(parts.shape)
        self.write(parts.fortran)
        self.write(parts.writeable)
        self.write(parts.data)

    def _write_array(self, value: object, kind: type) -> None:
        found = arrays.kind_of(kind)
        self._charge(1)
        if found == "array":
            self._mutable(value, self._array)
        elif found == "scalar":
            self._array_parts(b"v", arrays.take_scalar(value))
        else:
            raise PlainDataError(f"{_described(kind)} is not plain data")


def _described(kind: type) -> str:
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"a {module}{kind.__qualname__}"[:200]


_WRITERS: dict[type, Callable[[Writer, Any], None]] = {
    type(None): lambda writer, _: writer._constant(b"n"),
    bool: lambda writer, value: writer._constant(b"t" if value else b"f"),
    int: Writer._integer,
    float: lambda writer, value: writer._constant(_FLOAT.pack(b"d", value)),
    complex: lambda writer, value: writer._constant(_COMPLEX.pack(b"c", value.real, value.imag)),
    str: Writer._text,
    bytes: lambda writer, value: writer._raw(b"b", value),
    bytearray: lambda writer, value: writer._mutable(value, writer._bytearray),
    list: lambda writer, value: writer._mutable(value, writer._list),
    tuple: Writer._tuple,
    dict: lambda writer, value: writer._mutable(value, writer._dict),
    set: lambda writer, value: writer._mutable(value, writer._set),
    frozenset: Writer._frozenset,
    Decimal: Writer._decimal,
    Fraction: Writer._fraction,
    datetime.date: Writer._date,
    datetime.time: Writer._time,
    datetime.datetime: Writer._moment,
    datetime.timedelta: Writer._delta,
    range: lambda writer, value: writer._parts(b"g", (value.start, value.stop, value.step)),
    slice: Writer._slice,
}
