"""Judge candidates on hosts that Parsl starts, as jobs of Slurm.

Install the same on all hosts, say in a virtual environment on a shared disk::

    pip install parsl pytest-autoloop

Change the constants below, then, on a host from which jobs can be submitted::

    PYTHONPATH=examples/clusters pytest --autoloop 50 --autoloop-executor on_parsl:slurm

``on_parsl:here`` starts two workers on this machine instead, to try it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsl import Config, DataFlowKernel
from parsl.addresses import address_by_hostname
from parsl.concurrent import ParslPoolExecutor
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SrunLauncher
from parsl.providers import LocalProvider, SlurmProvider

if TYPE_CHECKING:
    from concurrent.futures import Future

HOSTS = 4
PARTITION = "compute"
WALLTIME = "08:00:00"
#: Typed on each host before its worker starts.
BEFORE = "source ~/autoloop/bin/activate"
#: Parsl's scripts and logs; the hosts must see it, and it is not the project.
NOTES = Path.home() / ".parsl"


class Workers(ParslPoolExecutor):
    """Parsl's executor, but for what it cannot do: to cancel. Its own raises or warns there."""

    def __init__(self, slots: int, *executors: HighThroughputExecutor) -> None:
        # Parsl finds its programs by PATH, where they are if the environment was activated.
        found = os.environ.get("PATH", os.defpath)
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), found])
        # No retries: how often a candidate may end a worker is counted by the campaign.
        config = Config(executors=list(executors), retries=0, run_dir=str(NOTES))
        # Not parsl.load(), which loads once in a process: a lost executor is made anew.
        self._kernel = DataFlowKernel(config)
        super().__init__(dfk=self._kernel)
        self._max_workers = slots

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = super().submit(fn, *args, **kwargs)
        future.cancel = lambda: False  # type: ignore[method-assign]
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as Executor has it
        super().shutdown(wait=wait)
        if not self._kernel.cleanup_called:
            self._kernel.cleanup()


def slurm() -> Workers:
    """Return an executor of one worker on each of so many hosts: nothing disturbs what is timed."""
    provider = SlurmProvider(
        partition=PARTITION,
        nodes_per_block=1,
        init_blocks=HOSTS,
        max_blocks=HOSTS,
        exclusive=True,
        walltime=WALLTIME,
        worker_init=BEFORE,
        launcher=SrunLauncher(),
    )
    address = address_by_hostname()
    return Workers(
        HOSTS, HighThroughputExecutor(max_workers_per_node=1, address=address, provider=provider)
    )


def here() -> Workers:
    """Return an executor of two workers on this machine."""
    provider = LocalProvider(init_blocks=1, max_blocks=1)
    one = HighThroughputExecutor(
        max_workers_per_node=2,
        cores_per_worker=0.5,
        address="127.0.0.1",
        provider=provider,
        # Else a worker that was killed is noticed when its next sign of life is due.
        heartbeat_period=2,
        heartbeat_threshold=10,
    )
    return Workers(2, one)
