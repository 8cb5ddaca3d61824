"""An agent: it asks for steps, and for the answer in a form that can be read."""

import re

PROMPT = """\
Solve the question step by step. Write one short line for each step.
End with this line:
ANSWER: <answer>

Question: {task}
"""


def solve(task, model, tools):
    """Return the answer to a task."""
    reply = model(PROMPT.format(task=task))
    found = re.findall(r"^ANSWER: *(.*?) *$", reply, re.MULTILINE)
    return found[-1] if found else ""
