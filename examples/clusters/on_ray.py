"""Judge candidates on a Ray cluster.

Install the same on all hosts::

    pip install ray pytest-autoloop

and on a host of the cluster::

    PYTHONPATH=examples/clusters pytest --autoloop 50 --autoloop-executor on_ray:cluster

``on_ray:here`` starts a cluster of two workers on this machine instead, to try it.
"""

from __future__ import annotations

import signal
from concurrent.futures import Executor, Future
from typing import Any

import ray


class Workers(Executor):
    """Runs each call as a task of Ray.

    Args:
        slots: calls that the cluster runs at once.
        resources: what each call needs, in Ray's words: ``num_cpus=8``, ``num_gpus=1``,
            ``resources={"timing": 1}`` for a resource that the cluster's hosts were started with.

    """

    def __init__(self, slots: int, **resources: Any) -> None:
        self._max_workers = slots
        # No retries: how often a candidate may end a worker is counted by the campaign.
        self._options = {"max_retries": 0, **resources}

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = ray.remote(**self._options)(fn).remote(*args, **kwargs).future()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as Executor has it
        ray.shutdown()


def cluster() -> Workers:
    """Return an executor on the cluster that this host, or RAY_ADDRESS, belongs to."""
    _begin(address="auto")
    hosts = [node for node in ray.nodes() if node["Alive"]]
    # A whole host for each call, as far as the smallest has processors: what is timed is alone.
    smallest = min(int(node["Resources"].get("CPU", 1)) for node in hosts)
    return Workers(len(hosts), num_cpus=smallest)


def here() -> Workers:
    """Return an executor of two workers on this machine."""
    _begin(num_cpus=2, include_dashboard=False)
    return Workers(2, num_cpus=1)


def _begin(**how: Any) -> None:
    ends = signal.getsignal(signal.SIGTERM)
    ray.init(log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True, **how)
    signal.signal(signal.SIGTERM, ends)  # Ray puts its own there; the campaign ends in order
