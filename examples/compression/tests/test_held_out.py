"""The settings fit lines that are not scored, too. Nobody who proposes is shown this file."""

import packer
import pytest

pytestmark = pytest.mark.autoloop_hidden

#: Bytes for each byte of the held-out lines that the original settings needed: to adapt.
SHARE = 0.227


def test_lines_that_are_held_out_become_no_larger(settings, held_out, sample):
    size = len(packer.pack(settings, held_out, sample))
    assert size <= SHARE * sum(map(len, held_out))
