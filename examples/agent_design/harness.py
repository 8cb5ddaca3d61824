"""Lets an agent solve tasks in a process of its own, which never has the answers."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SOLVER = Path(__file__).with_name("solver.py")


@dataclass(frozen=True)
class Solved:
    """What became of one task."""

    task: str
    #: None where the agent failed; then `error` says how.
    answer: str | None
    #: How often the model was asked.
    calls: int
    error: str = ""


def solve_all(agent, tasks, ask, tools, *, most_calls=40):
    """Return what an agent makes of each task.

    Args:
        agent: file with a function `solve(task, model, tools)`.
        tasks: questions.
        ask: returns a model's reply to a prompt; its second argument counts how often the same
            prompt was sent before for this task.
        tools: functions from a text to a text, by name.
        most_calls: how often the model may be asked for one task; then the task has failed.
    """
    command = [sys.executable, "-I", str(SOLVER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as solver:
        _send(solver, source=agent.read_text(encoding="utf-8"), tools=sorted(tools))
        try:
            return [_solve(solver, task, ask, tools, most_calls) for task in tasks]
        finally:
            solver.kill()


def _solve(solver, task, ask, tools, most_calls):
    asked = Counter()
    _send(solver, task=task)
    for line in solver.stdout:
        message = json.loads(line)
        if "prompt" in message and asked.total() < most_calls:
            prompt = message["prompt"]
            _send(solver, reply=ask(prompt, asked[prompt]))
            asked[prompt] += 1
        elif "tool" in message:
            _send(solver, reply=tools[message["tool"]](message["argument"]))
        elif "answer" in message:
            return Solved(task, message["answer"].strip(), asked.total())
        elif "error" in message:
            return Solved(task, None, asked.total(), message["error"])
        elif "broken" in message:
            raise AssertionError(f"the agent cannot be loaded: {message['broken']}")
        else:
            raise AssertionError(f"the agent asked the model {most_calls} times about: {task}")
    raise AssertionError(f"the agent ended its process, or answered with no text: {task}")


def _send(solver, **message):
    solver.stdin.write(json.dumps(message) + "\n")
    solver.stdin.flush()
