"""How much plain data may cross from one process to another, and what is raised beyond it."""

from __future__ import annotations

from dataclasses import dataclass


class PlainDataError(Exception):
    """A value is not plain data, is too large, or bytes do not encode one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one message; sender and receiver hold to the same ones."""

    #: Bytes of the encoded message.
    size: int = 64 * 2**20
    #: How deeply containers may stand in one another.
    depth: int = 200
    #: Items in all containers together. Larger objects count as several, and a second reference
    #: to a container as much as the container: whoever walks the value takes that many steps.
    items: int = 5_000_000
    #: Decimal digits of a whole number, or of a Decimal's coefficient.
    digits: int = 100_000
    #: Decimal digits of a fraction's parts, which have to be proved coprime.
    fraction_digits: int = 4_000
    #: Largest absolute exponent of a Decimal: that of Python's default context.
    exponent: int = 1_000_000
    #: Members of one dict or set that may share a hash: more make each look-up slow.
    collisions: int = 64


DEFAULT = Limits()
