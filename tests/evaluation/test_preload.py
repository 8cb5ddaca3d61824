"""What a warm parent may hold when it is forked, and what it imports beforehand."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.launchers import SpawnLauncher, choose_launcher
from tests.projects import clean_environment
from tests.scripted import plugged_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux shows a process's threads and descriptors"
)


def told(program: str) -> str:
    """Run statements in a new process, and return what then speaks against forking it."""
    asked = "from pytest_autoloop.evaluation.preload import preload, unsafe\n"
    return subprocess.run(
        [sys.executable, "-c", f"{asked}{program}"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


def test_a_library_whose_threads_end_with_a_fork_is_kept() -> None:
    """NumPy's OpenBLAS ends its threads when a process is forked, and makes them anew."""
    assert (
        told("import numpy; numpy.ones((200, 200)) @ numpy.ones((200, 200)); print(unsafe())") == ""
    )


def test_a_thread_that_stays_is_a_reason() -> None:
    """It would not be there in a fork, and whatever it holds would be held for ever."""
    started = (
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    assert told(f"{started}; print(unsafe())") == "2 threads are alive"


def test_an_open_device_is_a_reason(tmp_path: Path) -> None:
    """A context on a graphics processor belongs to one process; /dev/full stands for it here."""
    opened = (
        "import os\n"
        "from pytest_autoloop.evaluation import preload\n"
        "preload._DEVICES = ('/dev/full',)\n"
        "os.open('/dev/full', os.O_RDWR)\n"
    )
    assert told(f"{opened}print(unsafe())") == (
        "/dev/full is open: its context belongs to one process"
    )


def test_modules_are_imported_as_far_as_they_can_be(tmp_path: Path) -> None:
    """One that raises or that is denied is left to the children; the next ones are not."""
    (tmp_path / "broken.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    (tmp_path / "grpc.py").write_text("", encoding="utf-8")
    names = ["broken", "grpc", "no_such_module", "colorsys"]
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); preload({names})\n"
        f"print([name for name in {names} if name in sys.modules])"
    )
    assert told(program) == "['colorsys']"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no fork server")
def test_a_plugin_that_imports_what_is_denied_is_told(tmp_path: Path) -> None:
    """Children are then started anew, and the header says why."""
    environment = plugged_in(tmp_path / "plugins", "import grpc\n")
    (tmp_path / "plugins" / "grpc.py").write_text("", encoding="utf-8")
    with closing(choose_launcher("auto", environment, tmp_path)) as chosen:
        assert isinstance(chosen, SpawnLauncher)
        assert "grpc is imported by a plugin, and does not survive a fork" in chosen.description


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no fork server")
def test_a_plugin_that_is_the_project_s_own_is_told(tmp_path: Path) -> None:
    """Every session would load it before anything could be forked."""
    environment = plugged_in(tmp_path / "plugins", "")
    with closing(choose_launcher("auto", environment, tmp_path, projects=[tmp_path])) as chosen:
        assert isinstance(chosen, SpawnLauncher)
        assert "a plugin imports the project's own" in chosen.description
