"""Size of files, directories and patterns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.metrics import MeasurementError, file_size

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make a directory of files, whose sizes are powers of ten."""
    sizes = {"a.txt": 1, "b.txt": 10, "deep/c.txt": 100, "deep/er/.hidden": 1000, "[x].txt": 10_000}
    for name, size in sizes.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("a.txt", 1),
        ("deep", 1100),
        ("?.txt", 11),
        ("**/*.txt", 10_111),
        ("deep/**", 1100),
        ("[x].txt", 10_000),
        (".", 11_111),
    ],
)
def test_files_directories_and_patterns(files: Path, path: str, size: int) -> None:
    """All of it, however deep and hidden; what exists under a name is no pattern."""
    measurement = file_size(path)
    assert measurement(None, files) == measurement(files / "b.txt", files) == size
    assert file_size(files / path)(None, files.parent) == size
    assert (measurement.direction, measurement.unit) == ("lower", "bytes")
    assert measurement.description == f"size of {path}"


def test_by_default_it_is_the_target(files: Path) -> None:
    """Which may be named as patterns are."""
    assert file_size()(files / "[x].txt") == 10_000
    assert file_size().description == "size of the target"


def test_links_count_with_what_they_lead_to_once(files: Path) -> None:
    """A target that is replaced by a link does not weigh less; a file is not weighed twice."""
    try:
        (files / "link.txt").symlink_to("b.txt")
        (files / "deep" / "elsewhere").symlink_to("..", target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    assert file_size("link.txt")(None, files) == 10
    assert file_size("?*.txt")(None, files) == 10_011
    assert file_size("deep")(None, files) == 1100


@pytest.mark.parametrize("path", ["gone", "gone/*", "empty", "empty/**"])
def test_what_is_not_there_is_an_error_not_zero(files: Path, path: str) -> None:
    """A build that made nothing is not the smallest of all."""
    (files / "empty").mkdir()
    with pytest.raises(MeasurementError, match="nothing to weigh"):
        file_size(path)(None, files)
    with pytest.raises(MeasurementError, match=r"there is no .*gone"):
        file_size()(files / "gone", files)


def test_a_link_to_nowhere_is_an_error(files: Path) -> None:
    """It names the file."""
    try:
        (files / "deep" / "lost").symlink_to("nowhere")
    except OSError:
        pytest.skip("links are not allowed here")
    with pytest.raises(MeasurementError, match="lost cannot be weighed: No such file"):
        file_size("deep")(None, files)


@pytest.mark.parametrize("path", ["", b"a"])
def test_a_path_that_is_none_is_refused(path: Any) -> None:
    """Where it is written."""
    with pytest.raises(ValueError, match="write the path of a file or directory, or a pattern"):
        file_size(os.fspath(path))
