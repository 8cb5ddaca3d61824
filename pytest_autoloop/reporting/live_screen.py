"""A terminal with a line at its bottom that is drawn again and again, below what pytest prints."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

#: Begins what a terminal acts upon without moving the cursor: pytest's progress in the tab.
_COMMAND = "\x1b]"
#: Erases from the cursor to the end of the line.
_ERASE = "\x1b[K"
_WIDTH = 80


class Screen:
    """Stands in for the stream of pytest's terminal writer, whoever else is captured meanwhile.

    Lines appear when they are whole, so that nothing else ever begins in the middle of one; the
    status is erased before them and drawn again below. The stream has a descriptor of its own,
    because pytest captures the usual one while an item runs. May be used from several threads.
    """

    def __init__(self, file: TextIO) -> None:
        file.flush()
        self._file = file
        # Closed together with the stream.
        self._stream = os.fdopen(
            os.dup(file.fileno()), "w", encoding=file.encoding, errors="backslashreplace"
        )
        # A signal handler prints, too, perhaps while this thread does.
        self._lock = threading.RLock()
        self._held = ""
        #: The line break that comes next is there already.
        self._ended = False
        self._status = ""
        self._printed = time.monotonic()

    def silent_for(self) -> float:
        """Return the seconds since a line was printed."""
        return time.monotonic() - self._printed

    def write(self, text: str) -> int:
        """Print the lines that `text` completes, and hold back the rest."""
        with self._lock:
            if text.startswith(_COMMAND):
                self._stream.write(text)
                return len(text)
            if self._ended and text:
                text, self._ended = text.removeprefix("\n"), False
            lines, newline, rest = (self._held + text).rpartition("\n")
            self._held = rest
            if newline:
                self._print(lines)
        return len(text)

    def end_line(self) -> None:
        """Print a line that pytest has begun and ends with whatever it writes next."""
        with self._lock:
            if self._held:
                self._print(self._held)
            self._held, self._ended = "", True

    def print(self, line: str) -> None:
        """Print a line of its own, also between the parts of another."""
        with self._lock:
            self._print(line)
            # Nor is there a blank line where pytest makes sure that its own begins anew.
            self._ended = not self._held

    def show(self, compose: Callable[[int], str]) -> None:
        """Draw the status anew: `compose` is told how many characters there is room for."""
        # The last column is left free: some terminals begin a new line there. Composed without the
        # lock, which whoever is asked for the status may wait for in another thread.
        status = compose(self._width() - 1)
        with self._lock:
            if status != self._status:
                self._stream.write(f"\r{status}{_ERASE}")
                self._stream.flush()
                self._status = status

    def flush(self) -> None:
        """Let go of all that is not held back."""
        with self._lock:
            self._stream.flush()

    def isatty(self) -> bool:
        """Say whether this is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """Name of the encoding."""
        return self._stream.encoding

    def close(self) -> TextIO:
        """Erase the status, print what was held back, and return the stream that was replaced."""
        with self._lock, suppress(OSError):  # a terminal that is gone shows nothing more
            erased = f"\r{_ERASE}" if self._status else ""
            self._stream.write(f"{erased}{self._held}")
            self._held = self._status = ""
            self._stream.flush()
        with suppress(OSError):
            self._stream.close()
        return self._file

    def _print(self, lines: str) -> None:
        erased = f"\r{_ERASE}" if self._status else ""
        self._stream.write(f"{erased}{lines}\n{self._status}")
        self._printed = time.monotonic()
        self._stream.flush()

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _WIDTH
        except OSError:
            return _WIDTH


def replaced(writer: Any) -> Screen | None:  # noqa: ANN401 - pytest does not export its type
    """Put a screen in the place of a terminal writer's stream; None where that has no descriptor.

    `restored` takes it out again.
    """
    file = getattr(writer, "_file", None)
    try:
        screen = Screen(file) if file is not None else None
    except (OSError, ValueError, AttributeError):  # such as a stream in memory
        return None
    if screen is not None:
        writer._file = screen
    return screen


def restored(writer: Any, screen: Screen) -> None:  # noqa: ANN401 - as above
    """Give a terminal writer its own stream back."""
    writer._file = screen.close()
