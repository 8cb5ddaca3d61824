"""Finds documents that answer a question: full-text search in SQLite."""

import re
import sqlite3

#: How FTS5 takes texts apart.
TOKENIZE = "unicode61"


def words_of(question):
    """Return the words of a question."""
    return re.findall(r"\w+", question)


def expression(question):
    """Return what FTS5 looks for; a quoted word is never taken for an operator."""
    return " ".join(f'"{word}"' for word in words_of(question))


class Index:
    """Documents that can be searched.

    `documents` are triples of a name, a title and a body; names are unique.
    """

    def __init__(self, documents):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(
            f"CREATE VIRTUAL TABLE documents USING fts5(name UNINDEXED, title, body, "
            f"tokenize = '{TOKENIZE}')"
        )
        self.connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", documents)

    def by_words(self, question, count):
        """Return the names of documents with the words of a question, best first."""
        wanted = expression(question)
        if not wanted:
            return []

        rows = self.connection.execute(
            "SELECT name FROM documents WHERE documents MATCH ? "
            "ORDER BY bm25(documents, 0, 5, 1), name LIMIT ?",
            (wanted, count),
        )
        return [name for (name,) in rows]

    def search(self, question, count):
        """Return the names of the documents that fit a question best, at most `count`."""
        return self.by_words(question, count)
