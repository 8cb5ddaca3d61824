"""What must stay true of the archive, however small it gets."""

import random

import packer
import pytest

#: What a reader has for the window, in bytes, and how many lines it unpacks to read one of them.
WINDOW, LINES = 2**20, 50


def test_what_is_unpacked_is_what_was_packed(settings, corpus, sample):
    assert packer.unpack(packer.pack(settings, corpus, sample)) == corpus


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"\n"],
        [b"x" * 200_000 + b"\n"],
        ["☃ — naïve, 雪\n".encode()] * 30,
        [random.Random(number).randbytes(50).hex().encode() + b"\n" for number in range(200)],
    ],
    ids=["nothing", "an empty line", "a long line", "not ASCII", "noise"],
)
def test_other_lines_come_back_too(settings, sample, lines):
    assert packer.unpack(packer.pack(settings, lines, sample)) == lines


def test_the_same_lines_make_the_same_archive(settings, corpus, sample):
    assert packer.pack(settings, corpus, sample) == packer.pack(settings, corpus, sample)


def test_small_readers_can_read_it(settings):
    chosen = packer.settings(settings)
    assert 2**chosen.window <= WINDOW
    assert chosen.lines <= LINES
