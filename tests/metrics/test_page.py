"""The page about ready-made metrics gives what it says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import tests.test_docs as pages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform == "win32", reason="written for a POSIX shell")
def test_the_page_goes_as_it_says(tmp_path: Path) -> None:
    """Its snippets are a conftest, and the values are those that it names."""
    pages.test_a_page_goes_as_it_says("how-to/metrics.md", tmp_path)
