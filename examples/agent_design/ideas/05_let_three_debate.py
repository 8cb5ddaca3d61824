"""An agent: three solvers see each other's answers, and argue for three rounds."""

import re
from collections import Counter

PROMPT = """\
Solve the question step by step. Do not calculate or remember anything yourself: use a tool for each
step, then stop and wait for its result. To use a tool, write one of these lines:
USE calculator: <expression>
USE search: <one word>
When you know the answer, end with this line:
ANSWER: <answer>

Question: {task}
"""


def attempt(prompt, model, tools):
    """Return one answer to a prompt, empty when there is none."""
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


def solve(task, model, tools):
    """Return the answer that most solvers have after the last round."""
    prompt = PROMPT.format(task=task)
    answers = [attempt(prompt, model, tools) for _ in range(3)]
    for _ in range(2):
        others = "".join(f"Another solver's answer: {answer}\n" for answer in answers)
        answers = [attempt(prompt + others, model, tools) for _ in range(3)]
    return Counter(answers).most_common(1)[0][0]
