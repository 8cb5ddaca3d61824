"""Finds documents that answer a question: full-text search in SQLite."""

import math
import re
import sqlite3
from collections import Counter, defaultdict

#: How FTS5 takes texts apart.
TOKENIZE = "unicode61"


def words_of(question):
    """Return the words of a question."""
    return re.findall(r"\w+", question)


def expression(question):
    """Return what FTS5 looks for; a quoted word is never taken for an operator."""
    return " ".join(f'"{word}"' for word in words_of(question))


def trigrams(text):
    """Return how often three letters follow one another in the words of a text."""
    padded = " ".join(f" {word} " for word in words_of(text.lower()))
    return Counter(padded[at : at + 3] for at in range(len(padded) - 2))


class Vectors:
    """Documents as vectors of trigrams: a slip or an ending changes few of them."""

    def __init__(self, documents):
        counts = {name: trigrams(f"{title} {title} {body}") for name, title, body in documents}
        spread = Counter(gram for grams in counts.values() for gram in grams)
        self.weights = {gram: math.log(1 + len(counts) / times) for gram, times in spread.items()}
        self.places = defaultdict(list)
        for name, grams in counts.items():
            vector = self.vector(grams)
            for gram, weight in vector.items():
                self.places[gram].append((name, weight))

    def vector(self, grams):
        """Return a vector of length 1; what occurs in no document is left out."""
        raw = {
            gram: (1 + math.log(count)) * self.weights[gram]
            for gram, count in grams.items()
            if gram in self.weights
        }
        length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1
        return {gram: weight / length for gram, weight in raw.items()}

    def search(self, question, count):
        """Return the names of the documents nearest to a question."""
        near = defaultdict(float)
        for gram, weight in self.vector(trigrams(question)).items():
            for name, other in self.places[gram]:
                near[name] += weight * other
        return sorted(near, key=lambda name: (-near[name], name))[:count]


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
        self.vectors = Vectors(documents)
        self.connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", documents)

    def by_words(self, question, count):
        """Return the names of documents with the words of a question, best first."""
        wanted = expression(question)
        if not wanted:
            return []

        rows = self.connection.execute(
            "SELECT name FROM documents WHERE documents MATCH ? "
            "ORDER BY bm25(documents), name LIMIT ?",
            (wanted, count),
        )
        return [name for (name,) in rows]

    def search(self, question, count):
        """Return the names of the documents that fit a question best, at most `count`."""
        # Reciprocal rank fusion: what both find stands first, and words count for more.
        fused = defaultdict(float)
        found = ((2, self.by_words(question, 50)), (1, self.vectors.search(question, 50)))
        for weight, names in found:
            for place, name in enumerate(names):
                fused[name] += weight / (60 + place)
        return sorted(fused, key=lambda name: (-fused[name], name))[:count]
