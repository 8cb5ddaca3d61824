"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: the target. Guards compare every version with the one that was committed last; they
understand plain CSS with `@media`, `@supports` and `@keyframes`, and say so where they do not.
"""

import gzip

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop import metrics
from pytest_autoloop.harness.baseline_fixture import original


@autoloop.target
def target():
    """Make the stylesheet smaller, as a file and on the wire. Every page must look the same."""
    return "style.css"


size = autoloop.metric(metrics.file_size())


@autoloop.metric(direction="lower", unit="bytes", max_regression=0.0)
def gzipped(target):
    """Bytes on the wire: repeated text costs less there, so shorter is not always smaller."""
    return len(gzip.compress(target.read_bytes(), 9, mtime=0))


@pytest.fixture(scope="session")
def before(target):
    """Return the stylesheet that all versions are compared with, as bytes."""
    return original(target)
