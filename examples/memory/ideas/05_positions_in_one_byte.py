"""Finds words and phrases in documents: an index from each word to its places."""

import re
from array import array

_WORD = re.compile(r"\w+")


def words_of(text):
    """Return the words of a text, in lower case."""
    return _WORD.findall(text.lower())


class Index:
    """Knows in which documents, and where in them, each word stands."""

    def __init__(self):
        self.documents = 0
        self._places = {}

    def add(self, text):
        """Add a document and return its number; the first one is 0."""
        number = self.documents
        for position, word in enumerate(words_of(text)):
            if word not in self._places:
                self._places[word] = array("I"), array("B")
            documents, positions = self._places[word]
            documents.append(number)
            positions.append(position)
        self.documents += 1
        return number

    def freeze(self):
        """Make it ready for questions, once all documents are added."""

    def words(self):
        """Return all words, sorted."""
        return sorted(self._places)

    def find(self, word):
        """Return the places of a word as pairs of document and position, in order."""
        return list(zip(*self._places.get(word.lower(), ())))

    def phrase(self, text):
        """Return the numbers of the documents that have these words in a row, in order."""
        words = words_of(text)
        if not words:
            return []
        found = set(self.find(words[0]))
        for word in words[1:]:
            found = {(document, position + 1) for document, position in found}
            found &= set(self.find(word))
        return sorted({document for document, _ in found})
