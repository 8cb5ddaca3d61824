"""Plain data as bytes: a tagged format of its own, since reading a pickle runs code.

Types are exact: a subclass is refused, since it could bring behaviour along. A container that can
change and stands in a value twice comes back as one object that stands there twice; one that
contains itself is refused, and so are arrays that share memory. Whatever is wrong with a value or
with bytes, it is a `PlainDataError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated.limits import DEFAULT, Limits, PlainDataError
from pytest_autoloop.evaluation.isolated.reader import Reader
from pytest_autoloop.evaluation.isolated.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEFAULT", "Limits", "PlainDataError", "decode", "encode", "encode_noting", "restore"]


def encode(value: object, limits: Limits = DEFAULT, known: Sequence[object] = ()) -> bytes:
    """Return a value as bytes.

    Containers in `known` are marked with their place in it, for `restore`.

    Raises:
        PlainDataError: it is not plain data, contains itself, or is beyond a limit.
    """
    return _written(value, limits, known)[0]


def encode_noting(value: object, limits: Limits = DEFAULT) -> tuple[bytes, list[Any]]:
    """Return a value as bytes, and the containers in it that can change, as they were met."""
    return _written(value, limits, ())


def decode(data: bytes, limits: Limits = DEFAULT) -> Any:  # noqa: ANN401
    """Return the value that bytes encode.

    Raises:
        PlainDataError: they encode none, or one beyond a limit.
    """
    return _read(data, limits, None).value


def decode_noting(data: bytes, limits: Limits = DEFAULT) -> tuple[Any, list[Any]]:
    """Return the value, and the containers in it that can change, as `encode_noting` does."""
    reader = _read(data, limits, None)
    return reader.value, reader.met


def restore(data: bytes, known: Sequence[object], limits: Limits = DEFAULT) -> Any:  # noqa: ANN401
    """Return the value, in which marked containers are those of `known`, changed in place.

    Nothing is changed when an error is raised.

    Raises:
        PlainDataError: as `decode`, or a marked container cannot become what it should.
    """
    reader = _read(data, limits, known)
    try:
        reader.apply()
    # As above: what an array refuses is no affair of the caller's.
    except Exception as error:
        raise PlainDataError(f"an argument cannot be changed: {error}"[:500]) from error
    return reader.value


def _written(value: object, limits: Limits, known: Sequence[object]) -> tuple[bytes, list[Any]]:
    writer = Writer(limits, known)
    try:
        writer.write(value)
        writer.finish()
    except PlainDataError:
        raise
    # The boundary between processes: an odd value must not pass for an odd failure.
    except Exception as error:
        raise PlainDataError(f"{type(error).__name__}: {error}"[:500]) from error
    return bytes(writer.out), writer.met


def _read(data: bytes, limits: Limits, known: Sequence[object] | None) -> Reader:
    reader = Reader(data, limits, known)
    try:
        reader.read_whole()
    except PlainDataError:
        raise
    # The boundary between processes: whatever bytes from a candidate lead to, it is their fault.
    except Exception as error:
        raise PlainDataError(f"{type(error).__name__}: {error}"[:500]) from error
    return reader
