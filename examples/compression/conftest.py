"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: the files in `data/`, what `packer.py` does with them, and the two bounds. With
`autoloop_objective = "gated"` in the settings of pytest a time is free as long as it is within its
bound; otherwise none may become more than 5% worse.
"""

import time
import zlib
from pathlib import Path

import packer
import pytest

import pytest_autoloop as autoloop

DATA = Path(__file__).parent / "data"
#: How long packing and unpacking may take, as a multiple of what zlib takes at its level 6: a
#: number that means the same on any machine.
PACKING, UNPACKING = 20, 5
#: Blocks that the yardstick is cut into, in bytes.
BLOCK = 4096


@autoloop.target
def target():
    """Make the archive smaller. Packing, unpacking and reading a single line must stay quick."""
    return "compress.yaml"


def lines_of(name):
    """Return the lines of a file of `data/`."""
    path = DATA / name
    if not path.is_file():
        message = f"{path} is missing: put lines of text like those that are archived into it"
        pytest.fail(message, pytrace=False)
    return path.read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="session")
def corpus():
    """Return the lines that are scored."""
    return lines_of("corpus.jsonl")


@pytest.fixture(scope="session")
def sample():
    """Return older lines, from which a dictionary may be made."""
    return lines_of("sample.jsonl")


@pytest.fixture(scope="session")
def held_out():
    """Return lines that are never scored."""
    return lines_of("held_out.jsonl")


@pytest.fixture(scope="session")
def settings(target):
    """Return the text of the settings."""
    return target.read_text(encoding="utf-8")


def quickest(function):
    """Return the processor time of a call in seconds, the least of five."""
    times = []
    for _ in range(5):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


@autoloop.metric(direction="lower", unit="bytes")
def size(settings, corpus, sample):
    """Bytes of the archive, with all that is needed to read it."""
    return len(packer.pack(settings, corpus, sample))


@autoloop.metric(direction="lower", unit="× zlib", at_most=PACKING)
def packing(settings, corpus, sample):
    """Time of packing, as a multiple of what zlib takes."""
    text = b"".join(corpus)
    blocks = [text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]
    yardstick = quickest(lambda: [zlib.compress(block, 6) for block in blocks])
    return quickest(lambda: packer.pack(settings, corpus, sample)) / yardstick


@autoloop.metric(direction="lower", unit="× zlib", at_most=UNPACKING)
def unpacking(settings, corpus, sample):
    """Time of unpacking everything, as a multiple of what zlib takes."""
    text = b"".join(corpus)
    blocks = [zlib.compress(text[start : start + BLOCK]) for start in range(0, len(text), BLOCK)]
    yardstick = quickest(lambda: [zlib.decompress(block) for block in blocks])
    archive = packer.pack(settings, corpus, sample)
    return quickest(lambda: packer.unpack(archive)) / yardstick
