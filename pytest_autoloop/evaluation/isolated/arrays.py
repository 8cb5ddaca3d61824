"""numpy arrays and scalars as dtype, shape and bytes. Every function raises ValueError.

numpy is imported here only once a value, or the bytes of one, ask for it.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from typing import Any, NamedTuple

#: Booleans, numbers, text and times of a fixed size; no objects, records or raw memory.
_DTYPE = re.compile(r"[<>|][biufcSUmM]\d{1,9}(?:\[\d{0,9}[A-Za-z]{1,2}\])?")
#: A time without a unit, which says only that it is not a time.
_MOST_DIMENSIONS = 32


class Parts(NamedTuple):
    """What an array is made of."""

    dtype: str
    shape: tuple[int, ...]
    #: Whether the first index runs fastest.
    fortran: bool
    writeable: bool
    data: bytes


def kind_of(kind: type) -> str:
    """Return "array" or "scalar" for numpy's own types, empty for all others."""
    numpy = sys.modules.get("numpy")
    if numpy is None or kind.__module__ != "numpy":
        return ""
    if kind is numpy.ndarray:
        return "array"
    return "scalar" if issubclass(kind, numpy.generic) else ""


def take_array(value: Any) -> Parts:  # noqa: ANN401 - numpy is optional
    """Take an array apart."""
    dtype = _dtype_of(value)
    fortran = bool(value.flags.f_contiguous and not value.flags.c_contiguous)
    data = value.tobytes(order="F" if fortran else "C")
    return Parts(dtype, value.shape, fortran, bool(value.flags.writeable), data)


def take_scalar(value: Any) -> Parts:  # noqa: ANN401
    """Take a scalar apart."""
    numpy = _numpy()
    whole = numpy.asarray(value)
    parts = Parts(_dtype_of(whole), (), False, False, whole.tobytes())
    if type(make_scalar(parts)) is not type(value):
        raise ValueError(f"a numpy.{type(value).__name__} is not plain data")
    # Text in an array has no zeros at its end.
    if isinstance(value, str | bytes) and make_scalar(parts) != value:
        raise ValueError("numpy text that ends with zeros is not plain data")
    return parts


def make_array(parts: Parts) -> Any:  # noqa: ANN401
    """Make an array that owns its memory."""
    view = _view(parts)
    array = view.copy(order="F" if parts.fortran else "C")
    array.flags.writeable = parts.writeable
    return array


def make_scalar(parts: Parts) -> Any:  # noqa: ANN401
    """Make a scalar."""
    if parts.shape:
        raise ValueError("a scalar has no shape")
    return _view(parts)[()]


def overlap(arrays: list[Any]) -> bool:
    """Tell whether arrays may share memory: a change of one would have to show in the other."""
    spans = sorted(_span(array) for array in arrays if array.size)
    return any(following[0] < span[1] for span, following in itertools.pairwise(spans))


def fill(array: Any, content: Any) -> None:  # noqa: ANN401
    """Put the content of one array into another of the same kind."""
    if array.dtype != content.dtype or array.shape != content.shape:
        raise ValueError("an array changed its type or its shape")
    if array.tobytes() != content.tobytes():
        array[...] = content


def _view(parts: Parts) -> Any:  # noqa: ANN401
    if not _DTYPE.fullmatch(parts.dtype) or len(parts.shape) > _MOST_DIMENSIONS:
        raise ValueError(f"no array has the type {parts.dtype[:40]!r}")
    numpy = _numpy()
    dtype = numpy.dtype(parts.dtype)
    size = dtype.itemsize
    for length in parts.shape:
        size *= length
    if size != len(parts.data):
        raise ValueError("an array's bytes do not fit its shape")
    order = "F" if parts.fortran else "C"
    return numpy.ndarray(parts.shape, dtype, buffer=parts.data, order=order)


def _span(array: Any) -> tuple[int, int]:  # noqa: ANN401
    low = high = array.__array_interface__["data"][0]
    for length, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            low += (length - 1) * stride
        else:
            high += (length - 1) * stride
    return low, high + array.itemsize


def _dtype_of(array: Any) -> str:  # noqa: ANN401
    name = str(array.dtype.str)
    if not _DTYPE.fullmatch(name):
        raise ValueError(f"a numpy array of {array.dtype} is not plain data")
    return name


def _numpy() -> Any:  # noqa: ANN401
    return sys.modules.get("numpy") or importlib.import_module("numpy")
