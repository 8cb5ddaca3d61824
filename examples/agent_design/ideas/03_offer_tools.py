"""An agent: it works in steps and lets the model use a calculator and an almanac."""

import re

PROMPT = """\
Solve the question step by step. Do not calculate or remember anything yourself: use a tool for each
step, then stop and wait for its result. To use a tool, write one of these lines:
USE calculator: <expression>
USE search: <one word>
When you know the answer, end with this line:
ANSWER: <answer>

Question: {task}
"""


def solve(task, model, tools):
    """Return the answer to a task."""
    prompt = PROMPT.format(task=task)
    for _ in range(6):
        reply = model(prompt)
        found = re.findall(r"^ANSWER: *(.*?) *$", reply, re.MULTILINE)
        if found:
            return found[-1]
        use = re.search(r"^USE (\w+): *(.*)$", reply, re.MULTILINE)
        if use is None or use[1] not in tools:
            break
        prompt += f"{use[0]}\n{tools[use[1]](use[2])}\n"
    return ""
