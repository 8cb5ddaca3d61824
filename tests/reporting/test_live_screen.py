"""The line that moves, on a real terminal's descriptor."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo terminals")

from pytest_autoloop.reporting.live_screen import Screen, replaced, restored  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """Return what has been shown, to read, and the stream that shows it."""
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield reader, stream
    os.close(reader)


def shown(reader: int) -> str:
    """Return what was written since the last look."""
    return os.read(reader, 10_000).decode()


def visible(output: str) -> list[str]:
    """Return what stands on the terminal, line by line, for the few sequences that are used."""
    lines = [""]
    column = 0
    for piece in re.findall(r"\x1b\][^\x1b]*\x1b\\|\x1b\[K|\r|\n|.", output):
        if piece == "\n":
            lines.append("")
        elif piece == "\r":
            column = 0
        elif piece == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif len(piece) == 1:
            lines[-1] = lines[-1][:column] + piece + lines[-1][column + 1 :]
        if len(piece) == 1 and piece != "\r":
            column = 0 if piece == "\n" else column + 1
    return lines


def test_lines_appear_above_the_status(terminal: tuple[int, TextIO]) -> None:
    """Whatever is printed, the status stays the last line, and leaves nothing behind."""
    reader, stream = terminal
    screen = Screen(stream)
    screen.show(lambda _: "a long status")
    screen.write("first\nsec")
    screen.show(lambda _: "short")
    screen.print("between")
    output = shown(reader)
    assert visible(output) == ["first", "between", "short"]
    screen.write("ond\n")
    screen.write("rest")
    assert screen.close() is stream
    assert visible(output + shown(reader)) == ["first", "between", "second", "rest"]


def test_what_moves_no_cursor_passes_at_once(terminal: tuple[int, TextIO]) -> None:
    """The progress that pytest shows in a tab is no text, and ends no line."""
    reader, stream = terminal
    screen = Screen(stream)
    screen.write("begun ")
    screen.write("\x1b]9;4;1;50\x1b\\")
    screen.flush()
    assert shown(reader) == "\x1b]9;4;1;50\x1b\\"
    screen.close()
    assert shown(reader) == "begun "


def test_a_status_fits_the_terminal_as_it_is_now(terminal: tuple[int, TextIO]) -> None:
    """Its width is asked for each time, as people resize windows; the same is not drawn twice."""
    reader, stream = terminal
    termios, fcntl, struct = map(pytest.importorskip, ("termios", "fcntl", "struct"))
    screen = Screen(stream)
    for columns in (80, 30):
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, size)
        screen.show(lambda width: "x" * width)
        assert visible(shown(reader)) == ["x" * (columns - 1)]
    screen.show(lambda width: "x" * width)
    screen.print("y")
    assert shown(reader) == f"\r\x1b[Ky\r\n{'x' * 29}"
    screen.close()


def test_a_writer_gets_its_stream_back(terminal: tuple[int, TextIO]) -> None:
    """A stream without a descriptor is left alone."""

    class Writer:
        """As pytest's."""

        def __init__(self, file: object) -> None:
            self._file = file

    _, stream = terminal
    writer = Writer(stream)
    screen = replaced(writer)
    assert screen is not None
    assert writer._file is screen
    restored(writer, screen)
    assert writer._file is stream
    assert replaced(Writer(object())) is None
