"""Finds settings of a cache that answer more requests within its memory, and rightly.

Adapt: `access_log.py` (your log), `replay.py` (what your cache does with it), and the two bounds.
`autoloop_objective = "gated"` in the settings of pytest leaves memory and staleness free within
their bounds; without it neither may become more than 5% worse. `autoloop_proposers = ["sweep"]`
tries values for the knobs that are marked in the file.
"""

from pathlib import Path

import pytest
from replay import read_settings, replay

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: Most that may be in the cache, in megabytes; most requests with a stale answer, in per cent.
MEMORY, STALE = 512, 3
#: Numbers of the log that is scored, and of one that never is.
SCORED, HELD_OUT = 1, 2


@autoloop.target
def target():
    """Find settings with which the cache answers more requests, within its memory.

    A stale answer is no hit. Tomorrow's log will not be today's: popularity moves on, and scans
    that ask for everything once come by.
    """
    return "cache.yaml"


@pytest.fixture(scope="session")
def settings(target):
    """Return the settings."""
    return read_settings(target.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def access_log():
    """Return what gives the log of a number."""
    try:
        from access_log import access_log  # noqa: PLC0415 - a file of yours, which may be missing
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"{HERE / 'access_log.py'} is missing: write `access_log(number)` there, which returns "
            f"requests as (seconds, name, version, bytes); {SCORED} is scored, {HELD_OUT} held out"
        ) from error
    return access_log


@pytest.fixture(scope="session")
def counts(settings, access_log):
    """Return what became of the requests of the log that is scored."""
    return replay(settings, access_log(SCORED))


@autoloop.metric(direction="higher", unit="%")
def hit_rate(counts):
    """Share of the requests that are answered from the cache, rightly."""
    return counts.hit_rate


@autoloop.metric(direction="lower", unit="MB", at_most=MEMORY)
def memory(counts):
    """Most that is in the cache at any time: the sizes of its entries."""
    return counts.peak_megabytes


@autoloop.metric(direction="lower", unit="%", at_most=STALE)
def stale(counts):
    """Share of the requests that get an answer which is not true any more."""
    return counts.stale_rate
