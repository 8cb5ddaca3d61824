"""What must stay true of the search, however much it finds."""

import time

import pytest
from retrieval import Index

from pytest_autoloop.guards import load_baseline

#: Seconds of the processor for a question, on average; for building the index.
SEARCHING, BUILDING = 0.02, 2
#: What a full-text search may take for an operator, and what people type.
AWKWARD = (
    '"', '""', "'", "*", "a*", "-", "e-mail", "AND", "OR NOT", "NEAR(a b)", "title:x", "(", "a)",
    "^a", "{a}: b", "+", ":", ";", "--", "%", "\\", "\0", "a\0b", "\n", "C++", "50% off", "naïve",
    "日本語", "🙂", '"open', "x'); DROP TABLE documents; --", "word " * 2000,
)  # fmt: skip


@pytest.fixture(scope="module")
def index(documents):
    """Return an index of all documents."""
    return Index(documents)


@pytest.mark.parametrize("question", AWKWARD, ids=range(len(AWKWARD)))
def test_no_question_is_an_error(index, documents, question):
    names = {name for name, _, _ in documents}
    for text in (question, f"{question} {documents[0][1]}"):
        found = index.search(text, 5)
        assert len(found) == len(set(found)) <= 5
        assert set(found) <= names


@pytest.mark.parametrize("question", ["", " ", "\t\n"])
def test_nothing_asked_is_nothing_found(index, question):
    assert index.search(question, 5) == []


def test_as_many_are_found_as_are_wanted(index, documents):
    title = documents[0][1]
    assert [len(index.search(title, count)) for count in (0, 1)] == [0, 1]
    assert index.search(title, 5) == index.search(title, 5)


def test_quotes_and_case_change_nothing(index, documents):
    title = documents[len(documents) // 2][1]
    assert index.search(f'"{title.upper()}"', 5) == index.search(title, 5)


def found_by_title(index, documents):
    """Return how many documents are among the first three for their own titles."""
    return sum(name in index.search(title, 3) for name, title, _ in documents)


def test_no_fewer_are_found_by_their_titles(target, index, documents):
    before = load_baseline(target).Index(documents)
    assert found_by_title(index, documents) >= found_by_title(before, documents)


def test_other_documents_can_be_searched(documents):
    # Whoever knows the documents by their names finds nothing here.
    pairs = list(enumerate(documents))[::2]
    other = Index([(f"other {number}", title, body) for number, (_, title, body) in pairs])
    found = [f"other {number}" in other.search(title, 10) for number, (_, title, _) in pairs]
    assert sum(found) >= len(found) / 2
    assert Index([]).search("anything", 5) == []


def test_nothing_about_these_documents_is_in_the_code(target, documents, questions):
    code = target.read_text(encoding="utf-8").lower()
    assert [name for name, _, _ in documents if name.lower() in code] == []
    assert [question for question, _ in questions if question.lower() in code] == []


def test_it_stays_quick(documents, questions):
    began = time.process_time()
    index = Index(documents)
    built = time.process_time()
    for question, _ in questions:
        index.search(question, 10)
    assert built - began <= BUILDING
    assert time.process_time() - built <= SEARCHING * len(questions)
