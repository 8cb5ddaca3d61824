"""Makes patterns find what is labelled in lines of text, and nothing else.

Adapt: `corpus.tsv` is scored, `held_out.tsv` never is. A line of text each, then its labels, each
after a tab: `amount=7.00 EUR`, `date=2025-03-07`. Hold out lines from another source or time than
those that are scored.
"""

from pathlib import Path

import pytest
from matching import f1, read_lines, read_patterns

import pytest_autoloop as autoloop

HERE = Path(__file__).parent


@autoloop.target
def target():
    """Make the patterns find more of what is labelled, and less of what is not.

    They are searched with Python's `re`, each for itself, in lines that nobody has seen yet as
    well, so describe forms and do not list values. No pattern may need exponential time.
    """
    return "patterns.yaml"


def labelled(name):
    """Return the labelled lines of a file."""
    path = HERE / name
    if not path.is_file():
        message = "put lines of text there, each followed by a tab and kind=text for each label"
        raise pytest.UsageError(f"{path} is missing: {message}")
    return read_lines(path)


@pytest.fixture(scope="session")
def corpus():
    """Return the lines that are scored, with their labels."""
    return labelled("corpus.tsv")


@pytest.fixture(scope="session")
def held_out():
    """Return lines that are never scored."""
    return labelled("held_out.tsv")


@pytest.fixture(scope="session")
def patterns(target):
    """Return the pattern of each kind."""
    return read_patterns(target.read_text(encoding="utf-8"))


@autoloop.metric(direction="higher", unit="%")
def f1_score(patterns, corpus):
    """Harmonic mean of precision (found rightly) and recall (not overlooked), over all kinds."""
    return f1(patterns, corpus)
