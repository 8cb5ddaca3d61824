"""How large files are."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.metrics.measurement import Place


def file_size(path: str | os.PathLike[str] | None = None) -> Measurement:
    """Measure the target, a file, or all in a directory or pattern: bytes, lower is better.

    A file counts with its content, once, however many patterns and links lead to it; what a
    directory's links to other directories hold does not count.

    Args:
        path: relative to the root directory; a pattern has `*`, `?` or `[`, and `**` for any
            number of directories. None for the target.

    Raises:
        ValueError: the path is empty.
    """
    if path is None:
        return Measurement("lower", "bytes", "size of the target", _of_target)
    name = os.fspath(path)
    if not isinstance(name, str) or not name:
        raise ValueError(f"path={path!r}: write the path of a file or directory, or a pattern")
    return Measurement("lower", "bytes", f"size of {name}", lambda place: _total(name, place))


def _of_target(place: Place) -> float:
    return _total(str(place.required_target()), place)


def _total(name: str, place: Place) -> float:
    found = _found(place.directory / name)
    if not found:
        raise MeasurementError(f"there is no {name} in {place.directory}: nothing to weigh")
    sizes: dict[tuple[int, int], int] = {}
    for one in found:
        for file in _files(one):
            try:
                status = file.stat()
            except OSError as error:
                raise MeasurementError(f"{file} cannot be weighed: {error.strerror}") from error
            if stat.S_ISREG(status.st_mode):
                sizes[status.st_dev, status.st_ino] = status.st_size
    if not sizes:
        raise MeasurementError(f"{name} in {place.directory} has no files: nothing to weigh")
    return float(sum(sizes.values()))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for directory, _, names in os.walk(path):
        yield from (Path(directory, name) for name in names)


def _found(path: Path) -> list[Path]:
    # A file may be named as a pattern is written.
    if path.exists():
        return [path]
    root = Path(path.anchor)
    try:
        return list(root.glob(str(path.relative_to(root))))
    except (ValueError, NotImplementedError) as error:
        raise MeasurementError(f"{path} is no pattern: {error}") from error
