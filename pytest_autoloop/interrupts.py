"""What Ctrl-C and the other signals that end a session mean while a campaign runs."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class Interrupts:
    """Ends a campaign: the first Ctrl-C after the running experiment, the second at once.

    SIGTERM and SIGHUP always mean at once: whoever sends them waits for seconds at most. What is
    lost then is the judging of one candidate, which begins again when the campaign goes on.
    """

    #: Called when the first Ctrl-C has been taken note of.
    tell: Callable[[], None]
    #: Somebody wants the campaign to end.
    asked: bool = False
    _running: bool = False

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Let what is done in the block end before the first Ctrl-C takes effect."""
        self._running = True
        try:
            yield
        finally:
            self._running = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals in the block, as far as this thread may."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # A closed terminal sends SIGHUP; Windows has none.
        ending = [getattr(signal, n) for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
        before = {number: signal.signal(number, _at_once) for number in ending}
        before[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupted)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, *_: object) -> None:
        if self.asked or not self._running:
            raise KeyboardInterrupt
        self.asked = True
        self.tell()


def _at_once(*_: object) -> None:
    raise KeyboardInterrupt
