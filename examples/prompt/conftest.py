"""Makes a model sort messages better, by the prompt that tells it how.

Adapt: MODEL and MOST_TOKENS below, and the two files of cases: `labelled.tsv`, which the score
counts, and `held_out.tsv`, which it does not count and must not lose. Each line is a label, a tab
and a message. Take what is held out from other days or other customers, 50 lines or more.

The model is asked by the session's own process, with the key of your environment. Another one:

    AUTOLOOP_PROMPT_MODEL=openai:gpt-5-mini pytest --autoloop 20

With AUTOLOOP_PROMPT_JUDGE=openai:gpt-5-mini a model also judges how clear the prompt is to people.
Both names have to stand in pytest's ini option `autoloop_env`.
"""

import os
import re
from pathlib import Path

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop import metrics

HERE = Path(__file__).parent
#: Who reads the prompt where AUTOLOOP_PROMPT_MODEL names nobody else.
MODEL = "openai:gpt-5-mini"
#: Words and punctuation marks: models count about a third more of their own tokens.
MOST_TOKENS = 400
TOKEN = re.compile(r"\w+|[^\w\s]")
#: What people found of prompts, so that a judge of today and one of next week agree.
RUBRIC = """\
How clear is this prompt to somebody who has to do its task by hand?
0: the task cannot be told from it. 5: the usual cases are clear, and others left to chance.
10: each case has one answer, in plain words, without repetition."""
ANCHORS = [
    ("Be helpful and answer well.", 0),
    ("Sort mail into work and private. Work is what is about work.", 4),
    ("Sort mail. work: about a project. private: all else. Answer with the label alone.", 8),
]


@autoloop.target
def target():
    """Make the prompt sort more messages under the right label.

    It is the system message; each message is sent alone, and the answer must be one label and
    nothing else. Write what makes a label right, so that messages nobody has seen are sorted too:
    no message of the examples may be quoted, and there is room for 400 words and marks.
    """
    return "prompt.md"


def cases_of(name):
    """Return pairs of label and message."""
    path = HERE / name
    if not path.is_file():
        raise pytest.UsageError(
            f"{path} is missing: write a label, a tab and a message in each line"
        )
    pairs = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    for number, pair in enumerate(pairs, 1):
        if len(pair) != 2:
            raise pytest.UsageError(f"{path}:{number} is no label, tab and message: correct it")
    return [tuple(pair) for pair in pairs]


@pytest.fixture(scope="session")
def labelled():
    """Return the cases that the score counts."""
    return cases_of("labelled.tsv")


@pytest.fixture(scope="session")
def held_out():
    """Return the cases that it does not count."""
    return cases_of("held_out.tsv")


@pytest.fixture(scope="session")
def answers():
    """Return a function of a prompt and cases that gives the model's answers, as they are."""
    model = metrics.chat(os.environ.get("AUTOLOOP_PROMPT_MODEL") or MODEL)
    return lambda prompt, cases: model.map([text for _, text in cases], system=prompt)


@pytest.fixture(scope="session")
def share(answers):
    """Return a function of a prompt and cases that gives the share of right answers, in %."""

    def of(prompt, cases):
        said = answers(prompt, cases)
        right = sum(answer.strip() == label for answer, (label, _) in zip(said, cases, strict=True))
        return 100 * right / len(cases)

    return of


# An answer is remembered, and another prompt is luckier with some: 5% is more than luck brings.
@autoloop.metric(direction="higher", unit="%", min_gain=0.05)
def accuracy(target, labelled, share):
    """Share of the labelled messages that get exactly their label."""
    return share(target.read_text(encoding="utf-8"), labelled)


@autoloop.metric(direction="lower", at_most=MOST_TOKENS)
def tokens(target):
    """Words and punctuation marks of the prompt, which each message pays for."""
    return len(TOKEN.findall(target.read_text(encoding="utf-8")))


if os.environ.get("AUTOLOOP_PROMPT_JUDGE"):
    clarity = autoloop.metric(
        metrics.llm_judge(RUBRIC, os.environ["AUTOLOOP_PROMPT_JUDGE"], anchors=ANCHORS),
        at_least=3,
    )
