"""Bubblewrap: a box of namespaces around a command that is started anew (Linux)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.containment.paths import system_paths
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The first version with --disable-userns.
_DISABLES_NAMESPACES = (0, 8)
#: Where services of the machine listen: a namespace of the network does not hide them.
_SOCKETS = ("/run", "/var/run", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - hidden, not used
_SECONDS = 20
#: The user and group that a boxed command runs as: nobody.
_NOBODY = "65534"


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bubblewrap that was seen to work."""

    executable: str
    version: tuple[int, ...]

    def prefix(self, policy: Policy, cwd: Path | None = None) -> list[str]:
        """Return what to put before a command, so that it runs in a box.

        The environment is the one the command is started with; give it only what may pass.
        """
        command = [self.executable, "--unshare-all", "--unshare-user"]
        command += ["--uid", _NOBODY, "--gid", _NOBODY]
        # As root, a box that keeps its capabilities can mount everything writable again.
        command += ["--cap-drop", "ALL", "--die-with-parent", "--new-session"]
        if self.version >= _DISABLES_NAMESPACES:
            command.append("--disable-userns")
        if policy.network:
            command.append("--share-net")
        command += _mounts(policy)
        if cwd is not None:
            command += ["--chdir", str(cwd)]
        return [*command, "--"]


def detect(environment: Mapping[str, str] | None = None) -> tuple[Bubblewrap | None, str]:
    """Return a bubblewrap that works here, or None and why there is none."""
    if sys.platform != "linux":
        return None, "bubblewrap is for Linux"
    path = (os.environ if environment is None else environment).get("PATH")
    executable = shutil.which("bwrap", path=path)
    if executable is None:
        return None, "bwrap not found"
    told = _run([executable, "--version"])
    number = re.search(r"\d+(\.\d+)+", told.stdout)
    if told.returncode or number is None:
        return None, f"{executable} --version says {(told.stderr or told.stdout).strip()!r}"
    found = Bubblewrap(executable, tuple(int(part) for part in number[0].split(".")))
    # Installed is not enough: many systems refuse namespaces to ordinary users.
    tried = _run([*found.prefix(Policy(readable=())), *_ATTEMPT])
    if tried.returncode:
        lines = (tried.stderr or tried.stdout).strip().splitlines()
        return None, f"bwrap does not work: {lines[-1] if lines else tried.returncode}"
    return found, ""


#: Ends with 0 only in a box whose root cannot be written and that sees no process but its own.
_ATTEMPT = ("/bin/sh", "-c", "! touch /usr/autoloop 2>/dev/null && ! kill -0 $PPID 2>/dev/null")


def _mounts(policy: Policy) -> list[str]:
    bound: dict[Path, str] = {}
    if policy.readable is None:
        bound[Path("/")] = "--ro-bind"
    else:
        bound |= dict.fromkeys((*system_paths(), *policy.readable), "--ro-bind")
    hidden = [Path(name) for name in _SOCKETS if policy.readable is None or name != "/dev/shm"]  # noqa: S108
    bound |= dict.fromkeys(policy.writable, "--bind")
    mounts: list[tuple[Path, list[str]]] = [
        (path, [how, str(path), str(path)]) for path, how in bound.items() if path.exists()
    ]
    mounts += [(path, ["--tmpfs", str(path)]) for path in hidden if _own_directory(path)]
    mounts += [(Path("/proc"), ["--proc", "/proc"]), (Path("/dev"), ["--dev", "/dev"])]
    # A mount hides what was mounted below it before, so parents come first.
    mounts.sort(key=lambda mount: len(mount[0].parts))
    return [*(word for _, words in mounts for word in words), "--remount-ro", "/"]


def _own_directory(path: Path) -> bool:
    # /var/run is a link to /run on most systems, and nothing can be mounted on a link.
    return path.is_dir() and not path.is_symlink()


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
