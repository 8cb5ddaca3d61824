"""What must stay true of the patterns, however much they find."""

import pytest
from matching import TooSlow, read_patterns, search_within

from pytest_autoloop.guards import original

#: Seconds of the processor for one search; characters of a text and of a pattern, at most.
LIMIT, LONG, PATTERN = 0.5, 1000, 200
#: Labels of a kind that texts are made of, single letters, and what makes a search go back.
LABELS, LETTERS, ENDS = 5, "aA01 \t.,-_/", ("!", "\0", "")


def hostile(corpus):
    """Return texts that take a careless pattern for ever: a piece of a label, over and over."""
    kinds = {}
    for _, labels in corpus:
        for kind, label in labels:
            kinds.setdefault(kind, {})[label] = None
    some = [label for labels in kinds.values() for label in list(labels)[:LABELS]]
    pieces = {label[:length] for label in some for length in (1, 2, len(label))}
    pieces |= {*LETTERS, *(letter + mark for letter in "aA1" for mark in LETTERS[4:])}
    return [piece * (LONG // len(piece)) + end for piece in sorted(pieces) for end in ENDS]


def slow_text(pattern, texts):
    """Return the first text in which a search takes too long; None if there is none."""
    for text in texts:
        try:
            search_within(LIMIT, pattern, text)
        except TooSlow:  # noqa: PERF203 - each search has a limit of its own
            return text
    return None


def test_kinds_stay(target, patterns):
    assert sorted(patterns) == sorted(read_patterns(original(target).decode()))


def test_no_search_takes_for_ever(patterns, corpus):
    texts = hostile(corpus)
    for kind, pattern in patterns.items():
        text = slow_text(pattern, texts)
        if text is not None:
            pytest.fail(
                f"the pattern for {kind}, {pattern.pattern!r}, goes back for ever in a text of "
                f"{len(text)} characters: {text[:20]!r} … {text[-6:]!r}",
                pytrace=False,
            )


def test_nothing_is_found_in_nothing(patterns):
    assert [kind for kind, pattern in patterns.items() if pattern.search("")] == []


def test_patterns_stay_short(patterns):
    # A long one is a list of answers.
    assert {kind for kind, one in patterns.items() if len(one.pattern) > PATTERN} == set()
