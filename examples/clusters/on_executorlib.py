"""Judge candidates within an allocation of Slurm, as steps that executorlib starts with srun.

Install the same on all hosts, say in a virtual environment on a shared disk::

    pip install executorlib pytest-autoloop

In a job of four hosts (``salloc --nodes 4 --exclusive``, or a script for sbatch)::

    PYTHONPATH=examples/clusters pytest --autoloop 50 --autoloop-executor on_executorlib:slurm

``on_executorlib:here`` starts two workers on this machine instead, to try it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from executorlib import SingleNodeExecutor, SlurmJobExecutor

if TYPE_CHECKING:
    from concurrent.futures import Executor

#: How often each worker may be started anew. A worker that ends gives its task back, so this also
#: bounds how many of them a candidate can end: (1 + this) times the workers.
RESTARTS = 2


def slurm() -> Executor:
    """Return an executor of one worker on each host of this job."""
    hosts, processors = (
        int(os.environ[f"SLURM_{name}"]) for name in ("JOB_NUM_NODES", "CPUS_ON_NODE")
    )
    # Workers stay between tasks, and with them the clone and what they know of the host. Each has
    # all processors of a host: nothing disturbs what is timed, and no two are on one host.
    return SlurmJobExecutor(
        max_workers=hosts,
        block_allocation=True,
        restart_limit=RESTARTS,
        resource_dict={"num_nodes": 1, "threads_per_core": processors, "exclusive": True},
    )


def here() -> Executor:
    """Return an executor of two workers on this machine."""
    return SingleNodeExecutor(
        max_workers=2, block_allocation=True, restart_limit=RESTARTS, hostname_localhost=True
    )
