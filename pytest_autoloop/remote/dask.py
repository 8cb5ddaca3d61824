"""The engine for many machines: dask.distributed (the extra `dask`)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import UsageError
from pytest_autoloop.remote.contract import Reply
from pytest_autoloop.remote.hosts import Host, this_host
from pytest_autoloop.remote.worker import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from pytest_autoloop.remote.contract import Task
    from pytest_autoloop.remote.hosts import Needs

#: Seconds to reach a scheduler, and to wait for its first worker.
_CONNECT, _FIRST_WORKER = 20, 60
#: Workers that may end with one task; a scheduler counts for itself, and allows more.
_DEATHS = 2
#: The resource of a worker that may time something. Give it to one worker of each host.
TIMING = "timing"


class DaskEngine:
    """A cluster behind a scheduler's address, or one of its own on this machine.

    Args:
        where: ``tcp://host:8786`` or another address of a scheduler, or ``local:4`` for processes
            that are started here.

    Raises:
        UsageError: dask.distributed is not installed, nobody answers, or there is no worker.

    """

    def __init__(self, where: str) -> None:
        try:
            import distributed  # noqa: PLC0415 - an extra, and slow
        except ImportError as error:
            raise UsageError(
                "--autoloop-executor=dask needs dask.distributed: pip install "
                "'pytest-autoloop[dask]', here and on every worker"
            ) from error
        self._library: Any = distributed
        self._where = where
        self._cluster: Any = None
        self._avoided: set[str] = set()
        kind, _, count = where.partition(":")
        if kind == "local":
            self._cluster = self._local(int(count or 2))
        self._client = self._connected()
        try:
            self._client.wait_for_workers(1, timeout=_FIRST_WORKER)
        except TimeoutError as error:
            self.close()
            raise UsageError(
                f"--autoloop-executor=dask:{where}: the scheduler has had no worker for "
                f"{_FIRST_WORKER} s; start some with: dask worker {where}"
            ) from error
        workers = self._workers()
        self.slots = max(1, sum(int(one["nthreads"]) for one in workers.values()))
        self.has_timing = any(TIMING in one["resources"] for one in workers.values())
        self.description = f"dask at {where}: {len(workers)} workers, {self.slots} threads"

    def check(self, needs: Needs) -> list[str]:
        """Ask every worker that is there what it is; see `Engine`."""
        found = self._client.run(this_host, on_error="return")
        told = []
        for address, host in found.items():
            known = isinstance(host, Host)
            why = needs.refusal(host) if known else f"it cannot import pytest-autoloop ({host})"
            if why:
                self._avoided.add(address)
                told.append(f"{host.name if known else address} gets no task: {why}")
        if told and len(told) == len(found):
            raise UsageError(
                f"--autoloop-executor=dask:{self._where}: no worker may take part; "
                f"{'; '.join(told)}"
            )
        return told

    def submit(self, task: Task, resources: Mapping[str, float]) -> Future[Reply]:
        """Submit to any worker but those that were refused."""
        keywords: dict[str, Any] = {"pure": False}
        if resources:
            keywords["resources"] = dict(resources)
        if self._avoided:
            keywords["workers"] = sorted(set(self._workers()) - self._avoided)
            if not keywords["workers"]:
                raise ConnectionError("no worker that may take part is there")
        executor = self._client.get_executor(**keywords)
        future: Future[Reply] = executor.submit(answer, task)
        # Else the executor, which knows its futures weakly alone, would cancel it when it goes.
        future.executor = executor  # type: ignore[attr-defined]
        return future

    def avoid(self, host: Host) -> None:
        """Leave a worker out from now on."""
        self._avoided.add(host.address)

    def renew(self, error: BaseException) -> None:  # noqa: ARG002 - the client knows better
        """Connect anew if the scheduler was lost."""
        if self._client.status != "running":
            self._client.close(timeout=1)
            self._client = self._connected()

    def close(self) -> None:
        """Let go of the scheduler; what was started here is ended."""
        self._client.close(timeout=1)
        if self._cluster is not None:
            self._cluster.close(timeout=20)

    def _workers(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return found

    def _connected(self) -> Any:  # noqa: ANN401 - the library is an extra
        where = self._where if self._cluster is None else self._cluster
        try:
            return self._library.Client(where, timeout=_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
            raise UsageError(
                f"--autoloop-executor=dask:{self._where}: no scheduler answers there ({error}); "
                "start one with: dask scheduler, and workers with: dask worker ADDRESS; for tls:// "
                "name certificates in Dask's settings"
            ) from error

    def _local(self, count: int) -> Any:  # noqa: ANN401 - as above
        return self._library.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )


def answer(task: Task) -> Reply:
    """Answer a task on a worker, unless it has ended two of them already.

    The scheduler gives a task of a worker that ended to another one, as often as its own setting
    says. So each beginning is noted there, where it outlives the worker.
    """
    import distributed  # noqa: PLC0415 - an extra

    worker = distributed.get_worker()
    client = distributed.get_client()
    topic = f"autoloop-{task.nonce}"
    deaths = len(client.get_events(topic))
    host = replace(this_host(), address=worker.address)
    if deaths >= _DEATHS:
        return Reply(host, deaths=deaths)
    client.log_event(topic, worker.address)
    reply = evaluate(task)
    return replace(reply, host=host)
