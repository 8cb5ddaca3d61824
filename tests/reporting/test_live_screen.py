"""The line that moves, on the descriptors of real pipes and terminals."""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.reporting.live_screen import Screen, replaced, restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@pytest.fixture
def piped() -> Iterator[tuple[int, TextIO]]:
    """Return where all is read that was written to a stream, and the stream."""
    reader, writer = os.pipe()
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


def test_lines_appear_above_the_status(piped: tuple[int, TextIO]) -> None:
    """Whatever is printed, the status stays the last line, and leaves nothing behind."""
    reader, stream = piped
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


def test_what_moves_no_cursor_passes_at_once(piped: tuple[int, TextIO]) -> None:
    """The progress that pytest shows in a tab is no text, and ends no line."""
    reader, stream = piped
    screen = Screen(stream)
    screen.write("begun ")
    screen.write("\x1b]9;4;1;50\x1b\\")
    screen.flush()
    assert shown(reader) == "\x1b]9;4;1;50\x1b\\"
    screen.close()
    assert shown(reader) == "begun "


def test_a_line_can_be_shown_before_it_is_ended(piped: tuple[int, TextIO]) -> None:
    """Pytest ends it with what it writes next; there is one line break all the same."""
    reader, stream = piped
    screen = Screen(stream)
    screen.write("first")
    screen.end_line()
    assert shown(reader) == "first\n"
    screen.write("\n")
    screen.write("\n")
    screen.write("second\n\n")
    screen.end_line()
    screen.write("third\n")
    screen.print("fourth")
    screen.write("\n")
    screen.write("fifth\n")
    assert shown(reader) == "\nsecond\n\nthird\nfourth\nfifth\n"
    screen.close()


@pytest.mark.timeout(20)  # it reads until all is there
def test_a_status_fits_the_terminal_as_it_is_now() -> None:
    """Its width is asked for each time, as people resize windows; the same is not drawn twice."""
    pty, fcntl, termios = map(pytest.importorskip, ("pty", "fcntl", "termios"))
    reader, writer = pty.openpty()
    widths: list[int] = []

    def compose(width: int) -> str:
        widths.append(width)
        return "x" * width

    with os.fdopen(reader, "rb") as shown_there, os.fdopen(writer, "w", encoding="utf-8") as stream:
        screen = Screen(stream)
        for columns in (80, 30, 30):
            fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            screen.show(compose)
        screen.print("y")
        expected = f"\r{'x' * 79}\x1b[K\r{'x' * 29}\x1b[K\r\x1b[Ky\r\n{'x' * 29}".encode()
        assert shown_there.read(len(expected)) == expected
        screen.close()
    assert widths == [79, 29, 29]


def test_a_writer_gets_its_stream_back(piped: tuple[int, TextIO]) -> None:
    """A stream without a descriptor is left alone."""

    class Writer:
        """As pytest's."""

        def __init__(self, file: Any) -> None:
            self._file = file

    _, stream = piped
    writer = Writer(stream)
    screen = replaced(writer)
    assert screen is not None
    assert writer._file is screen
    restored(writer, screen)
    assert vars(writer)["_file"] is stream
    assert replaced(Writer(object())) is None
