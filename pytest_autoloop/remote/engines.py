"""Who runs tasks: an executor, and what has to be known of it besides."""

from __future__ import annotations

import importlib
import threading
from concurrent.futures import BrokenExecutor, CancelledError
from typing import TYPE_CHECKING, Protocol, cast

from pytest_autoloop.errors import UsageError
from pytest_autoloop.remote.local import LocalExecutor
from pytest_autoloop.remote.worker import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor, Future

    from pytest_autoloop.remote.contract import Reply, Task
    from pytest_autoloop.remote.hosts import Host, Needs

#: Tasks under way at once on an executor that does not say how many it runs.
_SLOTS = 4


class Engine(Protocol):
    """Runs `evaluate` on a task, somewhere."""

    #: For the header of the session.
    description: str
    #: Tasks that it runs at once, as far as it is known.
    slots: int
    #: Whether it has workers that alone may time something: guards are then asked for before.
    has_timing: bool

    def check(self, needs: Needs) -> list[str]:
        """Return a line for each worker that may not take part, if they can be asked beforehand.

        Raises:
            UsageError: none may.
        """

    def submit(self, task: Task, resources: Mapping[str, float]) -> Future[Reply]:
        """Have a task answered by a worker that has the resources.

        Raises:
            Exception: the engine takes nothing any more; `renew` may help.
        """

    def avoid(self, host: Host) -> None:
        """Give no further task to a worker that may not take part, if that can be told."""

    def renew(self, error: BaseException) -> None:
        """See that tasks can be submitted again after an error, if that is needed.

        Raises:
            Exception: it cannot be; it may help to call again later.
        """

    def close(self) -> None:
        """End what runs, and what was started for it."""


class ExecutorEngine:
    """Any `concurrent.futures.Executor`; resources are for others to see to."""

    has_timing = False

    def __init__(self, description: str, make: Callable[[], Executor], slots: int = 0) -> None:
        self.description = description
        self._make = make
        self._executor = make()
        self._lock = threading.Lock()
        #: Why it was made anew: each call of a pool that broke fails with the same error.
        self._known: BaseException | None = None
        known = getattr(self._executor, "_max_workers", None) or getattr(
            self._executor, "max_workers", None
        )
        self.slots = slots or (known if isinstance(known, int) and known > 0 else _SLOTS)

    def check(self, needs: Needs) -> list[str]:  # noqa: ARG002 - workers cannot be told apart
        """Return nothing: each worker looks at itself when it gets its first task."""
        return []

    def submit(self, task: Task, resources: Mapping[str, float]) -> Future[Reply]:  # noqa: ARG002
        """Submit the one function with the one argument."""
        return self._executor.submit(evaluate, task)

    def avoid(self, host: Host) -> None:
        """Do nothing: workers cannot be told apart."""

    def renew(self, error: BaseException) -> None:
        """Make a new executor where the old one takes nothing any more."""
        if not isinstance(error, (BrokenExecutor, CancelledError, RuntimeError)):
            return
        with self._lock:
            if error is self._known or isinstance(self._executor, LocalExecutor):
                return
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = self._make()
            self._known = error

    def close(self) -> None:
        """End what runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def engine_of(spec: str) -> Engine:
    """Return the engine that a spec names: ``local:4``, ``dask:…``, ``package.module:factory``.

    Raises:
        UsageError: it cannot be had.
    """
    kind, _, rest = spec.partition(":")
    if kind == "local":
        count = int(rest or 2)
        return ExecutorEngine(f"{count} local processes", lambda: LocalExecutor(count), count)
    if kind == "dask":
        from pytest_autoloop.remote.dask import DaskEngine  # noqa: PLC0415 - an extra, and slow

        return DaskEngine(rest)
    return ExecutorEngine(spec, _factory(kind, rest))


def _factory(module: str, name: str) -> Callable[[], Executor]:
    try:
        made: object = importlib.import_module(module)
        for part in name.split("."):
            made = getattr(made, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"--autoloop-executor={module}:{name}: {error}; name a function that returns a "
            "concurrent.futures.Executor, in a module that can be imported (PYTHONPATH, or "
            "pythonpath in pytest's settings)"
        ) from error
    if not callable(made):
        raise UsageError(
            f"--autoloop-executor={module}:{name} is no function: name one that returns a "
            "concurrent.futures.Executor"
        )

    who, factory = f"--autoloop-executor={module}:{name}", made

    def make() -> Executor:
        try:
            return checked(who, factory())
        except UsageError:
            raise
        except Exception as error:  # whatever a user's function raises
            raise UsageError(
                f"{who} could not make an executor ({type(error).__name__}: {error}): is the "
                "cluster there, and does this host reach it?"
            ) from error

    return make


def checked(who: str, made: object) -> Executor:
    """Return what was made as an executor.

    Raises:
        UsageError: it is none.
    """
    if not callable(getattr(made, "submit", None)):
        raise UsageError(
            f"{who} returned {type(made).__name__}, which has no submit(): return a "
            "concurrent.futures.Executor"
        )
    return cast("Executor", made)
