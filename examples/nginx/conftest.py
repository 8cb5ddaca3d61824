"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: `SITE` (what is served), `PATHS` and `HEADERS` (what is asked for), and what the answers
must keep: `KEPT`, `KINDS`, `COMPRESSED`, `NOT_FOUND`. The server runs as you, on loopback, in a
temporary directory; `listen`, `user`, `pid` and `error_log` of the configuration are replaced. Set
`autoloop_network = true` and `autoloop_objective = "gated"` in the settings of pytest.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
import serving

import pytest_autoloop as autoloop

SITE = Path(__file__).parent / "site"
#: What visitors ask for, in turn, and what their browsers send.
PATHS = ["/index.html", "/about.html", "/style.css", "/app.js", "/logo.svg"]
HEADERS = {"Accept-Encoding": "gzip"}
#: Headers of every page that is found, and content types by the endings of names.
KEPT = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
#: Which of the paths are compressed for who asks for it, and the page of what is not found.
COMPRESSED, NOT_FOUND = ["/style.css", "/app.js"], "404.html"
#: How long a sample of the load is, in seconds.
SECONDS = 0.2
#: Requests that may fail, in per cent.
FAILURES = 0.1


def lacking():
    """Return what to install, "" if there is nothing."""
    absent = serving.missing()
    return f"not installed: {', '.join(absent)} (apt install nginx-light wrk)" if absent else ""


def pytest_collection_modifyitems(config):
    """End a campaign at once that could measure nothing; plain tests are skipped."""
    if config.getoption("--autoloop", default=None) is not None and lacking():
        raise pytest.UsageError(lacking())


@autoloop.target
def target():
    """Serve more requests per second. What is served, its headers and the log must stay."""
    return "nginx.conf"


@pytest.fixture(scope="session")
def configuration(target):
    """Return the configuration, if there are programs to try it with and files to serve."""
    if lacking():
        pytest.skip(lacking())
    if not SITE.is_dir():
        pytest.fail(f"{SITE} is missing: put the files that are served into it", pytrace=False)
    return target.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def wanted():
    """Return what guards ask for, and what they want to be answered."""
    return SimpleNamespace(
        site=SITE,
        paths=PATHS,
        headers=HEADERS,
        kept=KEPT,
        kinds=KINDS,
        compressed=COMPRESSED,
        not_found=(SITE / NOT_FOUND).read_bytes(),
    )


@pytest.fixture(scope="session")
def load(configuration, tmp_path_factory):
    """Return what came of the load, and the seconds of processor time that the server took."""
    prefix = tmp_path_factory.mktemp("load") / "server"
    with serving.serving(configuration, SITE, prefix) as server:
        found = serving.load(server, PATHS, SECONDS, HEADERS)
    return found, server.used


@autoloop.metric(direction="higher", unit="/s")
def requests(load):
    """Requests that are answered per second of the server's processor time.

    A busy server has no other seconds; and whoever else uses the machine makes no difference.
    """
    found, used = load
    return found.requests / used


@autoloop.metric(direction="lower", unit="%", at_most=FAILURES)
def failures(load):
    """Share of the requests that fail, or are answered with an error."""
    found, _ = load
    return 100 * found.failed / found.requests
