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

from pytest_autoloop.evaluation.containment.paths import interpreter_paths, system_paths
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOT_FOUND = "bwrap not found"
#: The first version with --disable-userns.
_DISABLES_NAMESPACES = (0, 8)
#: Where services of the machine listen: a namespace of the network does not hide them. In the box
#: they are empty, and gone with it.
_HIDDEN = ("/run", "/var/run", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - hidden, not used
#: Made anew in the box.
_ANEW = (Path("/proc"), Path("/dev"))
_SECONDS = 20
#: The user and group that a boxed command runs as: nobody.
_NOBODY = "65534"
#: Set in the box alone: an environment that is made for a contained process does not pass it.
MARK = "PYTEST_AUTOLOOP_BOX"
#: Namespaces that a box must have for itself.
_NAMESPACES = ("user", "pid", "net", "ipc", "mnt")
#: Ends with 0 only in a box whose files cannot be written, nor its mounts changed, and whose
#: namespaces, as the links in /proc name them, are not those of the arguments.
_ATTEMPT = """\
touch /usr/autoloop 2>/dev/null && exit 1
touch /autoloop 2>/dev/null && exit 2
mount -o remount,bind,rw /usr 2>/dev/null && exit 3
for name in {names}; do
  test "$(readlink /proc/self/ns/$name)" != "$1" || exit 4
  shift
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bubblewrap that was seen to work."""

    executable: str
    version: tuple[int, ...]

    def prefix(self, policy: Policy, cwd: Path | None = None) -> list[str]:
        """Return what to put before a command, so that it runs in a box.

        The environment is the one the command is started with; give it only what may pass. The box
        ends, with all in it, when the thread that started it ends.
        """
        command = [self.executable, "--unshare-all", "--unshare-user"]
        command += ["--uid", _NOBODY, "--gid", _NOBODY]
        # As root, a box that keeps its capabilities can mount everything writable again.
        command += ["--cap-drop", "ALL", "--die-with-parent", "--new-session"]
        if self.version >= _DISABLES_NAMESPACES:
            command.append("--disable-userns")
        if policy.network:
            command.append("--share-net")
        command += ["--setenv", MARK, "1", *_mounts(policy)]
        if cwd is not None:
            command += ["--chdir", str(cwd)]
        return [*command, "--"]


def inside() -> bool:
    """Return whether this process was started through `Bubblewrap.prefix`."""
    try:
        first = Path("/proc/1/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return False
    return first == "bwrap" and MARK in os.environ


def detect(environment: Mapping[str, str] | None = None) -> tuple[Bubblewrap | None, str]:
    """Return a bubblewrap that works here, or None and why there is none."""
    if sys.platform != "linux":
        return None, "bubblewrap is for Linux"
    path = (os.environ if environment is None else environment).get("PATH")
    executable = shutil.which("bwrap", path=path)
    if executable is None:
        return None, NOT_FOUND
    told = _run([executable, "--version"])
    number = re.search(r"\d+(\.\d+)+", told.stdout)
    if told.returncode or number is None:
        return None, f"{executable} --version says {(told.stderr or told.stdout).strip()!r}"
    found = Bubblewrap(executable, tuple(int(part) for part in number[0].split(".")))
    # Installed is not enough: many systems refuse namespaces to ordinary users.
    try:
        outside = [str(Path(f"/proc/self/ns/{name}").readlink()) for name in _NAMESPACES]
    except OSError as error:
        return None, f"bwrap cannot be tried: {error}"
    script = _ATTEMPT.format(names=" ".join(_NAMESPACES))
    tried = _run([*found.prefix(Policy(readable=())), "/bin/sh", "-c", script, "sh", *outside])
    if tried.returncode:
        lines = tried.stderr.strip().splitlines() or [f"status {tried.returncode}"]
        return None, f"bwrap does not work: {lines[-1].removeprefix('bwrap: ')}"
    return found, ""


def _mounts(policy: Policy) -> list[str]:
    bound: dict[Path, str] = {}
    if policy.readable is None:
        bound[Path("/")] = "--ro-bind"
        # The interpreter itself may stand below what is hidden.
        bound |= dict.fromkeys(interpreter_paths(), "--ro-bind")
    else:
        bound |= dict.fromkeys((*system_paths(), *policy.readable), "--ro-bind")
    bound |= dict.fromkeys(policy.writable, "--bind")
    # What is hidden as a whole cannot be asked for as a whole: the box has its own.
    hidden = [Path(name) for name in _HIDDEN]
    bound = {path: how for path, how in bound.items() if path not in (*hidden, *_ANEW)}
    mounts = _binds(bound)
    mounts += [(path, ["--tmpfs", str(path)]) for path in hidden if _own_directory(path)]
    mounts += [(Path("/proc"), ["--proc", "/proc"]), (Path("/dev"), ["--dev", "/dev"])]
    # A mount hides what was mounted below it before, so parents come first.
    mounts.sort(key=lambda mount: len(mount[0].parts))
    return [*(word for _, words in mounts for word in words), "--remount-ro", "/"]


def _binds(bound: Mapping[Path, str]) -> list[tuple[Path, list[str]]]:
    """Return the mounts of paths where they really are, and where links lead to them."""
    real: dict[Path, str] = {}
    for path, how in bound.items():
        # What may be written under one name may be written.
        if path.exists() and real.get(path.resolve()) != "--bind":
            real[path.resolve()] = how
    links = {
        path: path.resolve()
        for path in bound
        # A link that stands in something bound is seen already, and nothing can be put over it.
        if path.exists() and path.resolve() != path and not _below(path, real)
    }
    mounts = [(path, [how, str(path), str(path)]) for path, how in real.items()]
    return mounts + [(link, [real[path], str(path), str(link)]) for link, path in links.items()]


def _below(path: Path, others: Iterable[Path]) -> bool:
    return any(path.is_relative_to(other) for other in others)


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
