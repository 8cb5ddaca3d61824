"""Judge candidates within an allocation of Slurm, as steps that executorlib starts with srun.

Install the same on all hosts, say in a virtual environment on a shared disk::

    pip install executorlib pytest-autoloop

In a job of four hosts (``salloc --nodes 4 --exclusive``, or a script for sbatch)::

    PYTHONPATH=examples/clusters pytest --autoloop 50 --autoloop-executor on_executorlib:slurm

``on_executorlib:here`` starts two workers on this machine instead, to try it.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from executorlib import SingleNodeExecutor, SlurmJobExecutor

if TYPE_CHECKING:
    from collections.abc import Callable


class Workers(Executor):
    """So many executors of one worker each.

    One of several workers gives a task whose worker ended to the next, until none is left, and then
    all tasks fail. So only the one whose worker ended does, and the campaign counts.
    """

    def __init__(self, slots: int, make: Callable[[], Executor]) -> None:
        self._max_workers = slots
        self._make = make
        self._idle: SimpleQueue[Executor] = SimpleQueue()
        self._all: list[Executor] = []
        self._threads = ThreadPoolExecutor(slots)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._run, fn, *args, **kwargs)

    def _run(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            one = self._idle.get_nowait()
        except Empty:
            one = self._make()
            self._all.append(one)
        try:
            answer = one.submit(fn, *args, **kwargs).result()
        except RuntimeError as error:  # as it says that its worker ended
            one.shutdown(wait=False, cancel_futures=True)
            # No RuntimeError: that would mean that all of them are of no use any more.
            raise ConnectionError(f"a worker ended: {error}") from error
        self._idle.put(one)
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        for one in self._all:
            one.shutdown(wait=wait, cancel_futures=cancel_futures)


def slurm() -> Workers:
    """Return an executor of one worker on each host of this job."""
    # All processors of a host: nothing disturbs what is timed, and no two are on one host.
    processors = int(os.environ["SLURM_CPUS_ON_NODE"])
    wanted = {"num_nodes": 1, "threads_per_core": processors, "exclusive": True}

    def make() -> Executor:
        # It stays between tasks, and with it the clone and what it knows of the host.
        return SlurmJobExecutor(max_workers=1, block_allocation=True, resource_dict=wanted)

    return Workers(int(os.environ["SLURM_JOB_NUM_NODES"]), make)


def here() -> Workers:
    """Return an executor of two workers on this machine."""

    def make() -> Executor:
        return SingleNodeExecutor(max_workers=1, block_allocation=True, hostname_localhost=True)

    return Workers(2, make)
