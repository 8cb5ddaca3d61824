"""What is seen to hold, how it is said, and that nothing runs where a layer fails."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.containment.bubblewrap import NOT_FOUND, Bubblewrap
from pytest_autoloop.evaluation.containment.layers import Layers, Policy, probe
from tests.containment.contained import needs_layers, start

if TYPE_CHECKING:
    from pathlib import Path

FULL = Layers(landlock=7, seccomp=True, bubblewrap=Bubblewrap("/usr/bin/bwrap", (0, 8, 0)))
ALONE = replace(FULL, bubblewrap=None, bubblewrap_fault=NOT_FOUND)

linux = pytest.mark.skipif(sys.platform != "linux", reason="the words are those for Linux")


@needs_layers
def test_the_probe_sees_what_was_refused() -> None:
    """Where the kernel has both layers, everything that was tried was refused."""
    layers = probe()

    assert layers.holds, layers
    assert layers.leaks == ()
    assert f"landlock({layers.landlock})+seccomp" in layers.names
    assert layers.root == (os.geteuid() == 0)
    assert (layers.bubblewrap is None) == bool(layers.bubblewrap_fault)


@linux
def test_the_header_names_what_holds() -> None:
    """One line says which layers there are and what they mean."""
    assert FULL.names == "bwrap+landlock(7)+seccomp"
    assert FULL.line() == (
        "sandbox bwrap+landlock(7)+seccomp: project read-only, no network, no keys, 4 GiB"
    )
    policy = Policy(network=True, memory_bytes=None)
    assert FULL.line(policy) == (
        "sandbox bwrap+landlock(7)+seccomp: project read-only, network, no keys"
    )


@linux
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (NOT_FOUND, "bwrap not found ('apt install bubblewrap' adds process and"),
        (
            "bwrap does not work: setting up uid map: Permission denied",
            "setting up uid map: Permission denied (Ubuntu 24.04 needs an AppArmor profile",
        ),
    ],
)
def test_the_header_says_what_is_missing(fault: str, told: str) -> None:
    """Without a box it says why, and what to do."""
    line = replace(ALONE, bubblewrap_fault=fault).line()

    assert line.startswith("sandbox landlock(7)+seccomp: ")
    assert told in line


@linux
def test_the_header_warns_root_and_old_kernels() -> None:
    """What does not bind root, and what an old kernel leaves open, is said."""
    assert (
        "/proc shows other processes; prefer an ordinary user" in replace(ALONE, root=True).line()
    )
    assert "no limit; prefer an ordinary user" in replace(FULL, root=True).line()
    assert "signal your other processes" in replace(ALONE, landlock=4).line()


@linux
@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (replace(ALONE, landlock=0), "this kernel has no Landlock"),
        (replace(ALONE, seccomp=False), "no seccomp filter"),
        (replace(FULL, leaks=("write your files",)), "and could write your files: "),
        (replace(FULL, fault="no answer"), "no answer"),
        (replace(FULL, landlock=0), "/usr/bin/bwrap works, but boxes only programs"),
    ],
)
def test_it_does_not_start_where_something_leaks(layers: Layers, reason: str) -> None:
    """A layer that is missing, or that did not refuse, is a reason not to start."""
    assert not layers.holds
    assert layers.line().startswith("NOT STARTED: code that a model wrote would run as you")
    assert reason in layers.line()


BREAKS = {
    "no Landlock": (
        (
            "from pytest_autoloop.evaluation.containment import landlock\n"
            "landlock.best_abi = lambda: 0"
        ),
        "Landlock cannot be used here",
    ),
    "no seccomp": (
        (
            "from pytest_autoloop.evaluation.containment import seccomp\n"
            "seccomp.available = lambda: False"
        ),
        "seccomp cannot be used here",
    ),
    "a filter that the kernel refuses": (
        (
            "from pytest_autoloop.evaluation.containment import seccomp\n"
            "seccomp.assemble = lambda *_: bytes(8)"
        ),
        "the seccomp filter cannot be applied",
    ),
    "an ABI that the kernel does not know": (
        (
            "from pytest_autoloop.evaluation.containment import landlock\n"
            "landlock._ALL_RIGHTS = 1 << 60\nlandlock._RIGHTS[7] = 1 << 60"
        ),
        "Landlock (ABI",
    ),
    "a thread that no layer would bind": (
        (
            "import threading\nended = threading.Event()\n"
            "threading.Thread(target=ended.wait, daemon=True).start()"
        ),
        "2 threads run already",
    ),
    "a writable path that is not there": (
        "policy = Policy(writable=(place / 'absent',))",
        "No such file or directory",
    ),
}


@needs_layers
@pytest.mark.parametrize("name", BREAKS)
def test_nothing_runs_where_a_layer_fails(tmp_path: Path, name: str) -> None:
    """The process ends with the reason before it comes to the code."""
    broken, reason = BREAKS[name]
    code = f"policy = Policy()\n{broken}\napply(policy, 'worker')\nprint('ran')"
    done = start(code, tmp_path, profile="")

    assert done.returncode == 1
    assert "ContainmentError" in done.stderr
    assert reason in done.stderr
    assert done.stdout == ""
