"""Experiments as strict JSON, and back without loss."""

from __future__ import annotations

import base64
import dataclasses
import math
import types
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pytest_autoloop.errors import JournalError
from pytest_autoloop.model import Effect, Experiment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from pytest_autoloop.model import Json

Kind = TypeVar("Kind", bound="DataclassInstance")

#: Fields whose name in the journal is not that of the attribute.
_RENAMED = {"seconds": "wall_time_s"}
_PLAIN = (bool, int, float, str)
_MISSING = dataclasses.MISSING
#: What makes the line of an experiment long and is seldom asked for.
_LONG = frozenset({"diff", "pairs", "stages"})


def encode(experiment: Experiment) -> dict[str, Json]:
    """Return the experiment as an object that strict JSON can hold.

    An effect without a bound on one side has null there, because JSON knows no infinity.

    Raises:
        JournalError: a number is NaN or infinite.
    """
    fields = _encode_fields(experiment, f"experiment {experiment.number}")
    return {_RENAMED.get(name, name): value for name, value in fields.items()}


def decode(record: object) -> Experiment:
    """Return the experiment that `encode` turned into a record; names it does not know are skipped.

    Raises:
        JournalError: a field is missing or of another type; the message names it.
    """
    if not isinstance(record, dict):
        raise JournalError("expected an object")
    for name, renamed in _RENAMED.items():
        if renamed in record:
            record = {**record, name: record[renamed]}
    return _decode_fields(Experiment, record, "experiment")


def lean(experiment: Experiment) -> Experiment:
    """Return the experiment without what makes its line long: diff, pairs, output, stages."""
    guard = experiment.guard
    return dataclasses.replace(
        experiment,
        diff="",
        pairs=(),
        stages={},
        guard=None if guard is None else dataclasses.replace(guard, output=""),
    )


def decode_lean(record: object) -> Experiment:
    """Return what `lean` leaves of the experiment that `decode` returns, and look at no more.

    Raises:
        JournalError: a field of it is missing or of another type; the message names it.
    """
    if not isinstance(record, dict):
        raise JournalError("expected an object")
    record = {name: item for name, item in record.items() if name not in _LONG}
    guard = record.get("guard")
    if isinstance(guard, dict):
        record["guard"] = {**guard, "output": ""}
    return decode(record)


def encode_record(value: DataclassInstance, where: str) -> dict[str, Json]:
    """Return any dataclass of ours as strict JSON; bytes become text in base 64.

    Raises:
        JournalError: a number is NaN or infinite; the message names it after `where`.
    """
    return _encode_fields(value, where)


def decode_record(kind: type[Kind], record: object, where: str) -> Kind:
    """Return the dataclass that `encode_record` turned into a record.

    Raises:
        JournalError: a field is missing or of another type; the message names it after `where`.
    """
    if not isinstance(record, dict):
        raise JournalError(f"{where} is no object")
    return _decode_fields(kind, record, where)


def _encode_fields(value: DataclassInstance, where: str) -> dict[str, Json]:
    encoded: dict[str, Json] = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if isinstance(value, Effect) and item == _unbounded(field.name):
            encoded[field.name] = None
        else:
            encoded[field.name] = _encode(item, f"{where}, {field.name}")
    return encoded


def _encode(value: object, where: str) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        raise JournalError(
            f"{where} is {value}, which is no measurement and is not recorded. "
            "An unknown number is None."
        )
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_fields(value, where)
    if isinstance(value, dict):
        return {str(key): _encode(item, f"{where}, {key}") for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_encode(item, where) for item in value]
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise JournalError(f"{where} is a {type(value).__name__}, which a journal cannot hold.")


def _decode_fields(kind: type[Kind], record: dict[str, Any], where: str) -> Kind:
    values: dict[str, Any] = {}
    for name, required, hint, plain in _fields(kind):
        item = record.get(name, _MISSING)
        # Most of thousands of records is plain, and needs no second look.
        if type(item) in plain:
            values[name] = item
            continue
        place = f"{where}, {_RENAMED.get(name, name)}"
        if item is _MISSING:
            if required:
                raise JournalError(f"{place} is missing")
            continue
        if kind is Effect and item is None and _unbounded(name) is not None:
            item = _unbounded(name)
        values[name] = _decode(hint, item, place)
    return kind(**values)


def _decode(hint: object, value: object, where: str) -> object:
    """Return the value as its annotation has it: lists become tuples, objects dataclasses."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if value is None else _decode(inner, value, where)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_decode(arguments[0], item, where) for item in value)
    if origin is dict and isinstance(value, dict):
        return {key: _decode(arguments[1], item, f"{where}, {key}") for key, item in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _decode_fields(hint, value, where)
    if isinstance(hint, type) and hint in {*_PLAIN, bytes}:
        return _decode_plain(hint, value, where)
    raise JournalError(f"{where} is {value!r}, which is not what belongs there")


def _decode_plain(hint: type, value: object, where: str) -> object:
    if hint is bytes and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError as error:
            raise JournalError(f"{where} is not in base 64: {error}") from error
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise JournalError(f"{where} is too large for a number") from error
    if type(value) is not hint:
        raise JournalError(f"{where} is {value!r}, expected a {hint.__name__}")
    return value


def _unbounded(field: str) -> float | None:
    return {"low": -math.inf, "high": math.inf}.get(field)


@cache
def _fields(kind: type[DataclassInstance]) -> tuple[tuple[str, bool, Any, frozenset[type]], ...]:
    """Return name, whether it must be there, annotation and types to be taken as they are."""
    hints = get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        optional = get_origin(hint) in {Union, types.UnionType}
        wanted = set(get_args(hint)) if optional else {hint}
        plain = frozenset(wanted) if wanted <= {*_PLAIN, types.NoneType} else frozenset()
        required = field.default is _MISSING and field.default_factory is _MISSING
        found.append((field.name, required, hint, plain))
    return tuple(found)
