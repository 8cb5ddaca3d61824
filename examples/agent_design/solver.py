"""Runs an agent in a process that has neither answers nor files: `harness.py` starts it.

It reads the agent's source and then one task after another from standard input, and asks for
replies and tools on standard output, one JSON document a line.
"""

import collections  # noqa: F401 - loaded while files may still be opened, as all below
import functools  # noqa: F401
import heapq  # noqa: F401
import itertools  # noqa: F401
import json
import math  # noqa: F401
import random  # noqa: F401
import re  # noqa: F401
import statistics  # noqa: F401
import string  # noqa: F401
import sys
import traceback

#: What an agent has no need of.
REFUSED = ("open", "os.", "subprocess.", "socket.", "shutil.", "ctypes.")


def refuse(event, _):
    """End whatever reaches out of the process: the answers are in files, and nowhere else."""
    if event.startswith(REFUSED):
        raise PermissionError(f"an agent may not use {event}: it has `model` and `tools`")


def attempt(solve, task, model, tools):
    """Return the agent's answer, or how it failed."""
    try:
        return {"answer": str(solve(task, model, tools))}
    except Exception as error:  # noqa: BLE001 - an agent may raise anything
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def main():
    """Solve tasks until there are none."""
    answers, questions = sys.stdout, sys.stdin
    sys.stdout = sys.stderr

    def post(**message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def asked(**message):
        post(**message)
        return json.loads(questions.readline())["reply"]

    def tool(name):
        return lambda argument: asked(tool=name, argument=str(argument))

    first = json.loads(questions.readline())
    names = {"__name__": "agent"}
    sys.addaudithook(refuse)
    try:
        exec(compile(first["source"], "<agent>", "exec"), names)
        solve = names["solve"]
    except BaseException:  # noqa: BLE001 - it may raise anything, as below
        post(broken=traceback.format_exc(limit=3))
        return
    tools = {name: tool(name) for name in first["tools"]}
    while line := questions.readline():
        post(
            **attempt(solve, json.loads(line)["task"], lambda text: asked(prompt=str(text)), tools)
        )


if __name__ == "__main__":
    main()
