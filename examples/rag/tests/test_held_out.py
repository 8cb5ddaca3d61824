"""Questions that are not scored find their documents, too. No proposer is shown this file."""

import pytest

from pytest_autoloop.guards import load_baseline

pytestmark = pytest.mark.autoloop_hidden

#: How many points more questions may find their document where they are scored.
GAP = 15


def share(places):
    """Return the share of the questions whose document is found first to third; in per cent."""
    return 100 * sum(place is not None and place <= 3 for place in places) / len(places)


def test_questions_that_are_held_out_are_no_worse(target, documents, ranks, held_out):
    before = load_baseline(target).Index(documents)
    found = [before.search(question, 3) for question, _ in held_out]
    right = sum(name in names for names, (_, name) in zip(found, held_out, strict=True))
    assert share(ranks(held_out)) >= 100 * right / len(held_out)


def test_what_is_gained_is_gained_there_too(ranks, questions, held_out):
    assert share(ranks(held_out)) >= share(ranks(questions)) - GAP
