"""Prints what the workload takes, as JSON, in a process in which nothing else happens.

The command line has the name of the module to measure and the directories to import it from.
"""

import gc
import importlib
import json
import sys
import tracemalloc

sys.path[:] = sys.argv[2:]

import workload  # noqa: E402 - found by what was given on the command line

module = importlib.import_module(sys.argv[1])
prepared = workload.prepare()
# Once before, so that what is made on a first call only is not counted.
workload.work(module, prepared)

gc.collect()
before = sys.getallocatedblocks()
kept = workload.work(module, prepared)
gc.collect()
blocks = sys.getallocatedblocks() - before
del kept

gc.collect()
tracemalloc.start()
kept = workload.work(module, prepared)
peak = tracemalloc.get_traced_memory()[1]
tracemalloc.stop()
json.dump({"peak_kib": peak / 1024, "blocks": blocks}, sys.stdout)
