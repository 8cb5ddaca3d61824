"""How pytest was called, in the header of a campaign."""

from __future__ import annotations

from pathlib import Path

from pytest_autoloop.calling import call_document, is_masked


def test_it_tells_arguments_and_place_but_no_key() -> None:
    """The place relative to the records, so that a copy of the project can go on, too."""
    given: list[str | Path] = [
        "--autoloop",
        "5",
        "--autoloop-proposer=http://me:key@host/v1#m",
        Path("tests"),
    ]
    found = call_document(given, Path("/project/below"), Path("/project"))
    assert found == {
        "arguments": [*map(str, given[:2]), "--autoloop-proposer=http://***@host/v1#m", "tests"],
        "directory": "below",
    }
    assert is_masked("--autoloop-proposer=http://***@host/v1#m")
    assert not is_masked("http://host/v1#m@x")
