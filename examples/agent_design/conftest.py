"""An agent's code: what may change, and how many tasks it solves.

To adapt: the files of tasks, `TOOLS` in tools.py, and the bound on calls. Set the environment
variable AGENT_MODEL to a chat model, such as ollama:qwen3 or openai:gpt-5-mini, and it answers the
agent's prompts in place of stand_in.py. The bound holds, and the accuracy alone is improved, where
pytest's ini file says `autoloop_objective = gated`.
"""

import os
from pathlib import Path

import pytest
from harness import solve_all

import pytest_autoloop as autoloop
from pytest_autoloop import metrics

HERE = Path(__file__).parent
#: Tasks that are scored, and tasks that only a hidden guard sees: question, tab, answer.
TASKS, HELD_OUT = "tasks.tsv", "held_out.tsv"
#: Which chat model is asked; empty asks stand_in.py, whose `ask(prompt, sample)` returns a reply.
MODEL = os.environ.get("AGENT_MODEL", "")
#: How often the model may be asked for a task, on average.
MOST_CALLS = 8
#: Smallest gain that is kept: of 112 tasks, three more or less may be luck.
MIN_GAIN = 0.03


@autoloop.target
def target():
    """Design an agent that solves more tasks: `solve(task, model, tools)` returns the answer.

    `model(prompt)` returns a chat model's reply, a text; asked the same again it may reply
    otherwise. `tools` maps names to functions from a text to a text. Prompts, the parsing of
    replies, the use of tools, checks, retries and votes are yours; the answer has to come from the
    model, and to be right to the letter. Each call costs: the average per task is bounded.
    """
    return "agent.py"


def present(name, what):
    """Return a file of the project, or say what has to be in it."""
    path = HERE / name
    if not path.is_file():
        pytest.fail(f"{path} is missing: {what}")
    return path


def read(name):
    """Return pairs of question and answer."""
    path = present(name, "write a question, a tab and the answer on each line")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]


def ask(prompt, sample):
    """Return the model's reply to a prompt that was sent `sample` times before."""
    if MODEL:
        return metrics.chat(MODEL, temperature=0.7, seed=sample)(prompt)
    present("stand_in.py", "write `ask(prompt, sample)`, which returns a reply, or set AGENT_MODEL")
    import stand_in  # noqa: PLC0415 - a project with a model has none

    return stand_in.ask(prompt, sample)


@pytest.fixture(scope="session")
def solve(target):
    """Return what solves named tasks, with the model or with what takes its place."""
    present("tools.py", "write `TOOLS`, a dict of functions from a text to a text; it may be empty")
    from tools import TOOLS  # noqa: PLC0415 - what is missing is told first

    def solved(pairs, model=ask):
        return solve_all(target, [question for question, _ in pairs], model, TOOLS)

    return solved


@pytest.fixture(scope="session")
def tasks():
    """Pairs of question and answer that are scored."""
    return read(TASKS)


@pytest.fixture(scope="session")
def held_out():
    """Pairs that are never scored."""
    return read(HELD_OUT)


@pytest.fixture(scope="session")
def run(solve, tasks):
    """What became of each task that is scored."""
    return solve(tasks)


def right(run, pairs):
    """Return the percentage of tasks that were answered as they should be."""
    found = [solved.answer == answer for solved, (_, answer) in zip(run, pairs, strict=True)]
    return 100 * sum(found) / len(found)


@autoloop.metric(direction="higher", unit="%", min_gain=MIN_GAIN)
def accuracy(run, tasks):
    """Share of the tasks that are answered right."""
    return right(run, tasks)


@autoloop.metric(direction="lower", unit="calls", at_most=MOST_CALLS)
def calls_per_task(run):
    """How often the model is asked for a task, on average."""
    return sum(solved.calls for solved in run) / len(run)
