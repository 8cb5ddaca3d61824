"""What the layers of an older kernel hold: the same code asks for fewer rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.containment import landlock
from tests.containment.contained import needs_layers, outcome

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_layers

SETTING = """
from pytest_autoloop.evaluation.containment import landlock
landlock.best_abi = lambda: {abi}
apply(Policy(readable=(place,), writable=(place / "inner",), programs={programs}), "{profile}")
"""
ATTEMPTS = {
    "write": "(place / 'file').write_text('other')",
    "truncate": "os.truncate(place / 'file', 0)",
    "open and truncate": "os.open(place / 'file', os.O_RDONLY | os.O_TRUNC)",
    "open for nothing and truncate": "os.open(place / 'file', 3 | os.O_TRUNC)",
    "connect": "socket.create_connection(('127.0.0.1', 9))",
    "signal": "os.kill(os.getppid(), 0)",
}


@pytest.mark.parametrize("profile", ["worker", "harness"])
@pytest.mark.parametrize("abi", range(1, landlock.NEWEST_ABI + 1))
@pytest.mark.parametrize("name", ATTEMPTS)
def test_it_is_refused_by_each(tmp_path: Path, name: str, abi: int, profile: str) -> None:
    """What Landlock did not see then, the filter refuses."""
    if abi > landlock.best_abi():
        pytest.skip(f"this kernel has no Landlock {abi}")
    (tmp_path / "file").write_text("text", encoding="utf-8")
    (tmp_path / "inner").mkdir()
    setting = SETTING.format(abi=abi, profile=profile, programs=profile == "harness")

    assert outcome(setting + ATTEMPTS[name], tmp_path, profile="") == "PermissionError"
    assert (tmp_path / "file").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize("abi", range(1, landlock.NEWEST_ABI + 1))
def test_a_writable_path_is_written_under_each(tmp_path: Path, abi: int) -> None:
    """A file in a writable directory is made, opened anew and emptied."""
    if abi > landlock.best_abi():
        pytest.skip(f"this kernel has no Landlock {abi}")
    (tmp_path / "inner").mkdir()
    code = SETTING.format(abi=abi, profile="harness", programs=True) + (
        "(place / 'inner' / 'file').write_text('first')\n"
        "(place / 'inner' / 'file').write_text('x')\n"
        "assert (place / 'inner' / 'file').read_text() == 'x'"
    )

    assert outcome(code, tmp_path, profile="") == "done"
