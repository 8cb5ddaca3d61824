"""One browser for all tests of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reporting.html.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a headless Chromium; skip where there is none."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """Return the browser, without what it told of pages before."""
    chromium.open("about:blank")
    chromium.requests.clear()
    chromium.faults.clear()
    return chromium
