"""What a worker does: it answers one task after another, and remembers what it was given.

`evaluate` is the one function that engines call. It ends what a candidate has started, keeps its
limits of time itself, and raises nothing that concerns the task: whatever is raised out of it is
the engine's own.
"""

from __future__ import annotations

import atexit
import os
import re
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import AutoloopError, EvaluationError
from pytest_autoloop.history.files import remove_tree
from pytest_autoloop.history.leftovers import is_alive, remove_leftovers
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.scratch import PREFIX
from pytest_autoloop.remote.bench import PURPOSE, Bench, RefusedError
from pytest_autoloop.remote.contract import Reply
from pytest_autoloop.remote.hosts import this_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.remote.contract import Supplies, Task

_OWNER = re.compile(rf"{PREFIX}{PURPOSE}-(\d+)-")
#: Sites that are remembered; what is kept for others is removed.
_SITES = 2
#: Seconds after which what nobody has asked for is removed.
_IDLE = 900.0


def evaluate(task: Task) -> Reply:
    """Answer a task; the one function that is submitted to an engine."""
    began = time.monotonic()
    host = this_host()
    refusal = task.needs.refusal(host)
    if refusal:
        return Reply(host, refusal=refusal)
    try:
        with BENCHES.lent(task) as bench:
            if bench is None:
                return Reply(host, lacking=True)
            answer = task.question.answer(bench)
            learned, bench.anew = (bench.learned if bench.anew else None), False
        return Reply(host, answer, learned=learned, seconds=time.monotonic() - began)
    except RefusedError as error:
        return Reply(host, refusal=str(error))
    except AutoloopError as error:
        return Reply(host, error=error)
    except OSError as error:  # of this host: its disk is full, its temporary directory gone
        fault = EvaluationError(f"the worker {host.name} (process {host.process}): {error}")
        return Reply(host, error=fault)


class Benches:
    """The benches of this process: one for each task at a time, used again by later ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The site that was used last stands last.
        self._supplies: dict[str, Supplies] = {}
        self._idle: dict[str, list[Bench]] = {}
        self._tidied = False
        self._timer: threading.Timer | None = None

    @contextmanager
    def lent(self, task: Task) -> Iterator[Bench | None]:
        """Lend a bench of the task's site; None when the site is not known.

        One in which something went wrong is not used again.

        Raises:
            AutoloopError: none can be made.
        """
        with self._lock:
            supplies = self._known(task)
            idle = self._idle.get(task.site)
            bench = idle.pop() if idle else None
        if supplies is None:
            yield None
            return
        if bench is None:
            self._tidy()
            bench = Bench(supplies, this_host(), task.needs)
            # What is registered last is called first, and directories of a bench remove themselves.
            atexit.unregister(self.close)
            atexit.register(self.close)
        try:
            yield bench
        except BaseException:
            bench.close()
            raise
        with self._lock:
            known = task.site in self._supplies
            if known:
                self._idle.setdefault(task.site, []).append(bench)
            self._wind_up()
        if not known:
            bench.close()

    def close(self) -> None:
        """Remove the benches that nobody uses."""
        with self._lock:
            idle = [bench for benches in self._idle.values() for bench in benches]
            self._idle.clear()
            self._supplies.clear()
        for bench in idle:
            bench.close()

    def _wind_up(self) -> None:
        """Remove what is kept when nobody has asked for it for long: a campaign may be over."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(_IDLE, self.close)
        self._timer.daemon = True
        self._timer.start()

    def _known(self, task: Task) -> Supplies | None:
        """Return the supplies of a task's site, and forget the site that was not used longest."""
        supplies = self._supplies.pop(task.site, None) or task.supplies
        if supplies is None:
            return None
        self._supplies[task.site] = supplies
        while len(self._supplies) > _SITES:
            oldest = next(iter(self._supplies))
            del self._supplies[oldest]
            for bench in self._idle.pop(oldest, []):
                bench.close()
        return supplies

    def _tidy(self) -> None:
        with self._lock:
            if self._tidied:
                return
            self._tidied = True
        tidy()


def tidy() -> None:
    """Remove what workers of this user have left here that were killed."""
    place = Path(tempfile.gettempdir()).resolve()
    for path in place.glob(f"{PREFIX}{PURPOSE}-*"):
        owner = _OWNER.match(path.name)
        with suppress(OSError, AutoloopError):
            mine = path.stat().st_uid == os.getuid()
            if owner is not None and mine and not is_alive(int(owner[1])):
                with suppress(AutoloopError):  # its checkouts lie elsewhere
                    remove_leftovers(Repository.open(path / "project"), place)
                remove_tree(path)


#: Of this process.
BENCHES = Benches()
