"""What must stay true of the server, however fast it answers."""

import gzip
import http.client
import time

import pytest
import serving

#: How long it may take until a file that was replaced is served, in seconds.
FRESH = 1.5


def ask(server, path, headers=None):
    """Return status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    return answer.status, answer.headers, body


@pytest.fixture(scope="module")
def server(configuration, wanted, tmp_path_factory):
    """Return a server that runs."""
    prefix = tmp_path_factory.mktemp("server") / "server"
    with serving.serving(configuration, wanted.site, prefix) as running:
        yield running


def test_nginx_finds_no_fault(configuration, wanted, tmp_path):
    assert serving.check(configuration, wanted.site, tmp_path / "server") == ""


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_bodies_are_right_byte_for_byte(server, wanted, compressed):
    for path in wanted.paths:
        status, _, body = ask(server, path, wanted.headers if compressed else {})
        assert (path, status) == (path, 200)
        assert body == (wanted.site / path[1:]).read_bytes(), path


def test_headers_stay(server, wanted):
    for path in wanted.paths:
        _, headers, _ = ask(server, path)
        kept = {**wanted.kept, "Content-Type": wanted.kinds[path.rpartition(".")[2]]}
        assert {name: headers[name] for name in kept} == kept, path


def test_what_is_compressed_says_so(server, wanted):
    for path in wanted.compressed:
        _, headers, _ = ask(server, path, wanted.headers)
        assert headers["Content-Encoding"] == "gzip", path
        assert "Accept-Encoding" in (headers["Vary"] or ""), path


def test_what_is_not_there_is_not_found(server, wanted):
    for path in ("/absent.html", "/absent/", "/server.conf", f"{wanted.paths[0]}/absent"):
        status, headers, body = ask(server, path)
        assert (path, status) == (path, 404)
        assert body == wanted.not_found
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_replaced_is_served_anew(configuration, wanted, tmp_path):
    """Neither from the configuration nor from a cache; a moment is allowed."""
    with serving.serving(configuration, wanted.site, tmp_path / "server") as running:
        versions = {}
        for path in wanted.paths:
            ask(running, path)
            file = running.site / path[1:]
            versions[path] = file.read_bytes() + b"<!-- another version -->\n"
            fresh = file.with_suffix(".fresh")
            fresh.write_bytes(versions[path])
            fresh.replace(file)
        deadline = time.monotonic() + FRESH
        while stale := [path for path, body in versions.items() if ask(running, path)[2] != body]:
            assert time.monotonic() < deadline, f"served as they were: {', '.join(stale)}"
            time.sleep(0.05)


def test_every_request_is_logged(configuration, wanted, tmp_path):
    """Lines may come late, but none is missing, and each says what was asked for."""
    page = wanted.paths[0]
    with serving.serving(configuration, wanted.site, tmp_path / "server") as running:
        for number in range(40):
            ask(running, f"{page}?visit={number}")
    lines = [line for line in running.log if "visit=" in line]
    assert len(lines) == 40
    assert all(f'"GET {page}?visit={n} HTTP/1.1" 200 ' in line for n, line in enumerate(lines))
