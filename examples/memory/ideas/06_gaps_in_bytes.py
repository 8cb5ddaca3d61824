"""Finds words and phrases in documents: an index from each word to its places."""

import re

_WORD = re.compile(r"\w+")


def words_of(text):
    """Return the words of a text, in lower case."""
    return _WORD.findall(text.lower())


def _append(gaps, number):
    """Append a number, seven bits to a byte; the last byte is below 128."""
    while number > 127:
        gaps.append(number & 127 | 128)
        number >>= 7
    gaps.append(number)


def _numbers(gaps):
    """Yield the numbers that were appended."""
    number = shift = 0
    for byte in gaps:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


class Index:
    """Knows in which documents, and where in them, each word stands."""

    def __init__(self):
        self.documents = 0
        self._places = {}

    def add(self, text):
        """Add a document and return its number; the first one is 0."""
        number = self.documents
        for position, word in enumerate(words_of(text)):
            gaps, last = self._places.get(word) or (bytearray(), [0, 0])
            self._places[word] = gaps, last
            if number != last[0]:
                last[1] = 0
            _append(gaps, number - last[0])
            _append(gaps, position - last[1])
            last[:] = number, position
        self.documents += 1
        return number

    def freeze(self):
        """Make it ready for questions, once all documents are added."""

    def words(self):
        """Return all words, sorted."""
        return sorted(self._places)

    def find(self, word):
        """Return the places of a word as pairs of document and position, in order."""
        gaps, _ = self._places.get(word.lower(), (b"", ()))
        places = []
        document = position = 0
        numbers = _numbers(gaps)
        for more in numbers:
            position = next(numbers) + (0 if more else position)
            document += more
            places.append((document, position))
        return places

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
