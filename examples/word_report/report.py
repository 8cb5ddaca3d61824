"""How repetitive a text is, counted the slow way."""

import math

STOP = ["the", "a", "of", "and", "to", "in", "is", "it", "that", "for", "on", "with", "as", "was"]


def clean(word):
    """Return the letters of a word."""
    letters = ""
    for character in word:
        if character in "abcdefghijklmnopqrstuvwxyz":
            letters += character
    return letters


def report(text):
    """Return the first word with its count, and the sum of squared counts, as log2 and plain."""
    counts = {}
    words = []
    for word in text.lower().split():
        words.append(clean(word))
    kept = []
    for word in words:
        if word not in list(STOP) and len(word) > 0:
            kept.append(word)
    for word in kept:
        if word not in counts:
            counts[word] = 0
        counts[word] += 1
    total = 0
    for word in kept:
        total += counts[word] ** 2
    return sorted(counts.items())[0], math.log(total, 2), total
