"""A verdict that only who has the token can write, in a file without a name."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.compatible.private import Private, Reserved, private_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="open files keep their names there")


def test_what_a_child_writes_is_read(tmp_path: Path) -> None:
    """The last of several texts, whatever their lengths, after the child has ended."""
    reserved = Reserved(tmp_path / "verdict")
    program = (
        "import sys, pathlib\n"
        "from pytest_autoloop.evaluation.compatible.private import Private, finish\n"
        "private = Private(pathlib.Path(sys.argv[1]))\n"
        "private.write(b'long' * 1000)\n"
        "private.write(b'short')\n"
        "private.close()\n"
        "import atexit; atexit.register(print, 'exit handler')\n"
        "print('printed')\n"
        "finish(3)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "verdict")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "printed\n", "")
    assert reserved.read() == b"short"
    reserved.close()


def test_the_name_is_gone_once_the_child_has_it(tmp_path: Path) -> None:
    """A search of the directory finds nothing, and the parent reads all the same."""
    reserved, private = Reserved(tmp_path / "verdict"), Private(tmp_path / "verdict")
    assert list(tmp_path.iterdir()) == []
    private.write(b"content")
    assert reserved.read() == b"content"
    private.close()
    reserved.close()


def test_what_is_written_without_the_token_is_not_believed(tmp_path: Path) -> None:
    """Neither a forged text, nor one that was cut, nor no text at all, nor what was added to it."""
    reserved = Reserved(tmp_path / "verdict")
    other = os.open(tmp_path / "verdict", os.O_RDWR)
    assert reserved.read() is None
    private = Private(tmp_path / "verdict")
    assert reserved.read() is None
    private.write(b"content")
    os.truncate(other, os.fstat(other).st_size - 1)
    assert reserved.read() is None
    private.write(b"content")
    os.pwrite(other, b"more", os.fstat(other).st_size)
    assert reserved.read() == b"content"
    os.pwrite(other, b"0" * 40, 0)
    assert reserved.read() is None
    os.close(other)
    private.close()
    reserved.close()


def test_a_descriptor_is_high_and_is_not_inherited(tmp_path: Path) -> None:
    """Two of them lie at different places."""
    file = tmp_path / "verdict"
    file.touch()
    descriptors = [private_file(file) for _ in range(4)]
    try:
        assert min(descriptors) >= 40
        assert len(set(descriptors)) == 4
        assert not any(map(os.get_inheritable, descriptors))
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.read(descriptors[0], 1)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    """A link that somebody has put there would lead the verdict elsewhere."""
    (tmp_path / "verdict").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        Reserved(tmp_path / "verdict")
