"""A small language model's stand-in: it does what the prompt asks for, with a small model's faults.

It understands the kinds of questions that make_tasks.py writes, and no others. How reliable it is
depends on the prompt:

- asked for steps it seldom forgets one; without, it does everything in its head;
- it multiplies large numbers wrong, and remembers only some of the almanac;
- it uses a tool if the prompt has a line with the tool's name and the argument in <angle brackets>:
  it copies that line with the argument filled in and stops, and goes on when asked again with the
  line and, on the line below, the result;
- it ends in the form that the prompt shows, a line with <answer>; else it chats;
- where others have answered, it often agrees with most of them.

Its faults are drawn from a seed that depends on the question, on what follows the question in the
prompt, and on how often the same has been asked before: the same session gives the same answers,
and another sample of the same prompt may be another answer.
"""

import hashlib
import itertools
import random
import re
from collections import Counter
from pathlib import Path

ALMANAC = Path(__file__).with_name("almanac.txt")
_LINE = re.compile(r"(\w+): on the river (\w+), founded in (\d+), (\d+) people, makes (\w+)")
_COLUMNS = ("town", "river", "founded", "people", "goods")
#: Numbers up to here are multiplied in the head.
_SMALL = 60
#: A question, and its steps: look up a column in the line with a word, or calculate with what was
#: found (#1 is the first step's result).
_QUESTIONS = (
    (r"has (\d+) boxes with (\d+) lamps each and sells (\d+) of them", ("{0} * {1}", "#1 - {2}")),
    (
        r"has (\d+) cars of (\d+) seats; (\d+) are broken, (\d+) taken",
        ("{0} * {1}", "#1 - {2}", "#2 - {3}"),
    ),
    (r"grinds (\d+) sacks a day\. .* in (\d+) days", ("{0} * {1}",)),
    (r"How many people live in (\w+)\?", (("{0}", "people"),)),
    (r"Which river flows through (\w+)\?", (("{0}", "river"),)),
    (r"year was the town that makes (\w+) founded", (("{0}", "founded"),)),
    (
        r"years is (\w+) older than (\w+)\?",
        (("{0}", "founded"), ("{1}", "founded"), "#2 - #1"),
    ),
    (
        r"more people live in the town that makes (\w+) than in (\w+)\?",
        (("{0}", "people"), ("{1}", "people"), "#1 - #2"),
    ),
)


def ask(prompt, sample):
    """Return the reply to a prompt; `sample` counts how often it was asked before."""
    before, question, steps, after = _understood(prompt)
    if question is None:
        return "I do not see a question that I can answer."
    forms = {tool: _form(before, tool) for tool in ("calculator", "search")}
    results = _results(after, [form for form in forms.values() if form])
    stepwise = re.search(r"\bsteps?\b", before, re.IGNORECASE)
    said, found = [], []
    for number, step in enumerate(steps, 1):
        draw = random.Random(_seed(question, after, sample, number))
        tool = "search" if isinstance(step, tuple) else "calculator"
        form = forms[tool]
        if len(results) >= number and form:
            value = _read(step, results[number - 1], draw)
        elif form:
            return "\n".join([*said, form.format(_argument(step, found, draw))])
        else:
            value = _guess(step, found, draw)
        if not stepwise and number > 1 and draw.random() < 0.35:
            value = found[-1]  # a step forgotten
        found.append(value)
        said += [f"Step {number}: {value}"] if stepwise else []
    answer = _agreed(found[-1], after, random.Random(_seed(question, after, sample, "agree")))
    ending = _form(before, "<answer>")
    if ending:
        return "\n".join([*said, ending.format(answer)])
    chats = random.Random(_seed(question, after, sample, "chat")).random() < 0.4
    return "\n".join([*said, f"It is {answer}" + (", I would say." if chats else ".")])


def _understood(prompt):
    """Return what stands before the last question, the question, its steps, and what follows."""
    lines = prompt.splitlines()
    for index in range(len(lines) - 1, -1, -1):
        for pattern, steps in _QUESTIONS:
            if found := re.search(pattern, lines[index]):
                filled = [
                    tuple(part.format(*found.groups()) for part in step)
                    if isinstance(step, tuple)
                    else step.format(*found.groups())
                    for step in steps
                ]
                return "\n".join(lines[:index]), found[0], filled, lines[index + 1 :]
    return prompt, None, (), ()


def _form(before, name):
    """Return the line of the instructions that shows how something is written, to be filled in."""
    for line in before.splitlines():
        if name in line and (shown := re.search(r"<[^<>]+>", line)):
            start, end = line[: shown.start()].lstrip(), line[shown.end() :]
            return start.replace("{", "{{") + "{}" + end.replace("}", "}}").replace("{", "{{")
    return ""


def _results(after, forms):
    """Return what stands below each line in which a tool was called."""
    starts = tuple(form.partition("{}")[0] for form in forms)
    return [
        below for line, below in itertools.pairwise(after) if starts and line.startswith(starts)
    ]


def _argument(step, found, draw):
    """Return what a tool is called with, now and then the wrong thing."""
    if isinstance(step, tuple):
        return step[0]
    expression = _filled(step, found)
    return expression[:-1] if draw.random() < 0.08 else expression


def _read(step, result, draw):
    """Return what a result says."""
    if not isinstance(step, tuple):
        return result
    found = _LINE.search(result)
    if found is None:
        return "unknown"
    columns = dict(zip(_COLUMNS, found.groups(), strict=True))
    wrong = draw.choice(["people", "founded"])
    return columns[wrong if draw.random() < 0.08 else step[1]]


def _guess(step, found, draw):
    """Return what the model believes without a tool."""
    if isinstance(step, tuple):
        lines = ALMANAC.read_text(encoding="utf-8").splitlines()
        known = [line for line in lines if step[0] in line]
        remembers = random.Random(_seed(*step)).random() < 0.4
        line = known[0] if known and remembers else draw.choice(lines)
        return dict(zip(_COLUMNS, _LINE.search(line).groups(), strict=True))[step[1]]
    match = re.fullmatch(r"(-?\d+) ([*-]) (-?\d+)", _filled(step, found))
    if match is None:
        return "unknown"
    one, sign, other = int(match[1]), match[2], int(match[3])
    value = one * other if sign == "*" else one - other
    hard = sign == "*" and min(one, other) > _SMALL
    right = draw.random() < (0.03 if hard else 0.93)
    return str(value if right else value + draw.choice([-100, -10, -1, 1, 10, 100]))


def _agreed(answer, after, draw):
    """Return an answer in view of those that others gave."""
    others = [line.split()[-1] for line in after if re.search(r"\banswer", line, re.IGNORECASE)]
    if others and draw.random() < 0.6:
        return Counter(others).most_common(1)[0][0]
    return answer


def _filled(step, found):
    return re.sub(r"#(\d)", lambda number: found[int(number[1]) - 1], step)


def _seed(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()
