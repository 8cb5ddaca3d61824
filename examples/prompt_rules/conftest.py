"""Tells pytest-autoloop what may change, and what makes it better."""

from pathlib import Path

import pytest
from reader import answer

import pytest_autoloop as autoloop

HERE = Path(__file__).parent


@autoloop.target
def target():
    """Make the prompt sort more messages into the right box. Keep it short and general."""
    return "prompt.txt"


@pytest.fixture
def labelled_messages():
    """Return pairs of label and message."""
    lines = (HERE / "messages.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]


@autoloop.metric(direction="higher", unit="%")
def accuracy(target, labelled_messages):
    """Share of the labelled messages that end up in the right box."""
    prompt = target.read_text(encoding="utf-8")
    right = sum(answer(prompt, message) == label for label, message in labelled_messages)
    return 100 * right / len(labelled_messages)
