"""What importing the room costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest_autoloop.history


def test_import_does_not_load_git():
    """A plain pytest run never pays for GitPython: no module of the room imports it."""
    room = Path(pytest_autoloop.history.__file__).parent
    modules = sorted(file.stem for file in room.glob("*.py") if file.stem != "__init__")
    assert "repository" in modules
    lines = [f"import pytest_autoloop.history.{module}" for module in modules]
    program = "\n".join([*lines, "import sys", "assert 'git' not in sys.modules"])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
