"""Makes a search find the document that answers a question.

Adapt: `documents.jsonl` (a line each: {"name": ..., "title": ..., "body": ...}), `questions.tsv` (a
question, a tab, the name of the document that answers it) and `held_out.tsv`, of the same form,
which never is scored: questions of other people, or of another month. FIRST is how many documents
are handed on, to a reader or to a model. `retrieval`, here and in the tests, is the target: its
class `Index` takes the documents, and its method `search` a question and a number.
"""

import json
from pathlib import Path

import pytest
import retrieval

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: How many of the documents found are handed on; how many are ranked.
FIRST, RANKED = 3, 10


@autoloop.target
def target():
    """Make `Index.search` find the document that answers a question, and put it first.

    People ask in words of their own, with endings and slips, and with quotes, hyphens and stars.
    Documents and questions change every day: nothing about these very ones belongs into the code.
    `Index(documents).search(question, count)` stays as it is; standard library only.
    """
    return "retrieval.py"


def lines_of(name, what):
    """Return the lines of a file of the project."""
    path = HERE / name
    if not path.is_file():
        raise pytest.UsageError(f"{path} is missing: put {what} there, a line each")
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def documents():
    """Return triples of name, title and body."""
    lines = lines_of("documents.jsonl", '{"name": ..., "title": ..., "body": ...}')
    found = [json.loads(line) for line in lines]
    return [(one["name"], one["title"], one["body"]) for one in found]


@pytest.fixture(scope="session")
def questions():
    """Return the questions that are scored, each with the name of the document that answers it."""
    lines = lines_of("questions.tsv", "a question, a tab and the name of the document it asks for")
    return [tuple(line.split("\t")) for line in lines]


@pytest.fixture(scope="session")
def held_out():
    """Return questions that are never scored."""
    lines = lines_of("held_out.tsv", "questions as in questions.tsv, but other ones")
    return [tuple(line.split("\t")) for line in lines]


def places(index, questions):
    """Return the place of the right document for each question, from 1; None if it is not there."""
    found = []
    for question, name in questions:
        names = index.search(question, RANKED)
        found.append(names.index(name) + 1 if name in names else None)
    return found


@pytest.fixture(scope="session")
def ranks(documents):
    """Return what gives the places of the right documents, for pairs of question and name."""
    index = retrieval.Index(documents)
    return lambda questions: places(index, questions)


@autoloop.metric(direction="higher", unit="%")
def hit_rate(ranks, questions):
    """Share of the questions whose document is among the first ones."""
    found = ranks(questions)
    return 100 * sum(place is not None and place <= FIRST for place in found) / len(found)


@autoloop.metric(direction="higher")
def reciprocal_rank(ranks, questions):
    """Mean of 1/place of the right document, 0 where it is not found (MRR)."""
    found = ranks(questions)
    return sum(1 / place for place in found if place) / len(found)
