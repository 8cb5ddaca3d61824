"""Reads patterns and labelled lines, and says how well they fit."""

import re
import signal
from collections import Counter

import yaml


def read_patterns(text):
    """Return the pattern of each kind, compiled."""
    return {kind: re.compile(pattern) for kind, pattern in yaml.safe_load(text).items()}


def read_lines(path):
    """Return pairs of a line and the labels in it: how often each kind and text occurs."""
    found = []
    for row in path.read_text(encoding="utf-8").splitlines():
        line, *labels = row.split("\t")
        found.append((line, Counter(tuple(label.split("=", 1)) for label in labels)))
    return found


def matches(patterns, line):
    """Return how often each kind and text is found in a line."""
    return Counter(
        (kind, match[0]) for kind, pattern in patterns.items() for match in pattern.finditer(line)
    )


def f1(patterns, lines):
    """Return the harmonic mean of precision and recall over all kinds, in per cent."""
    right = wrong = missed = 0
    for line, expected in lines:
        found = matches(patterns, line)
        right += (found & expected).total()
        wrong += (found - expected).total()
        missed += (expected - found).total()
    return 100 * 2 * right / ((2 * right + wrong + missed) or 1)


class TooSlow(Exception):
    """A pattern did not come to an end in time."""


def search_within(seconds, pattern, text):
    """Search a text, for some seconds of the processor at most: a busy machine changes nothing.

    Raises:
        TooSlow: the time was up.
    """

    def stop(*_):
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return pattern.search(text)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
