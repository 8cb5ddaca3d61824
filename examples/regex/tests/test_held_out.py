"""The patterns fit lines that are not scored, too. Nobody who proposes is shown this file."""

import pytest
from matching import f1, read_patterns

from pytest_autoloop.guards import original

pytestmark = pytest.mark.autoloop_hidden

#: How many points better they may be on the lines that are scored.
GAP = 15


def test_lines_that_are_held_out_are_no_worse(target, patterns, held_out):
    before = read_patterns(original(target).decode())
    assert f1(patterns, held_out) >= f1(before, held_out)


def test_what_is_gained_is_gained_there_too(patterns, corpus, held_out):
    assert f1(patterns, held_out) >= f1(patterns, corpus) - GAP
