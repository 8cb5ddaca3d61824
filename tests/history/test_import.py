"""What importing the room costs."""

from __future__ import annotations

import subprocess
import sys


def test_import_does_not_load_git():
    """A plain pytest run never pays for GitPython: no module of the room imports it."""
    modules = "command copies files journal records repository results worktrees".split()
    lines = [f"import pytest_autoloop.history.{module}" for module in modules]
    program = "\n".join([*lines, "import sys", "assert 'git' not in sys.modules"])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
