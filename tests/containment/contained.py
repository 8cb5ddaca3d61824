"""Runs a few lines in a process that has given up its rights, and tells how they ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pytest_autoloop.evaluation.containment import landlock, seccomp
from pytest_autoloop.evaluation.containment.bubblewrap import detect
from pytest_autoloop.evaluation.containment.paths import kernel_paths, package_path, system_paths

HAS_LAYERS = bool(landlock.best_abi()) and seccomp.available()
needs_layers = pytest.mark.skipif(
    not HAS_LAYERS, reason="this system has no Landlock or no seccomp filter"
)
BOX, NO_BOX = detect()
needs_box = pytest.mark.skipif(BOX is None, reason=NO_BOX)

#: What every contained process of these tests may read: the interpreter, the package, the system.
READABLE = (
    *system_paths(),
    *kernel_paths(),
    package_path(),
    *(Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib")),
    Path(pytest.__file__).parents[1],
)


def import_path() -> str:
    """Return the import path with which an interpreter finds the package and all that it needs."""
    entries = (str(package_path()), os.environ.get("PYTHONPATH", ""))
    return os.pathsep.join(entry for entry in entries if entry)


#: `victim` was started before the layers were applied, so it stands outside of them, as everything
#: else of the user does. Its owner may trace it, also where only descendants may be traced.
PROGRAM = """
import ctypes, json, os, pathlib, signal, socket, subprocess, sys
from pathlib import Path
from pytest_autoloop.evaluation.containment.layers import apply
from pytest_autoloop.evaluation.containment.policy import Policy
wish = json.loads(sys.argv[1])
for name in ("readable", "writable"):
    if wish["policy"].get(name) is not None:
        wish["policy"][name] = tuple(map(Path, wish["policy"][name]))
reading, writing = os.pipe()
victim = os.fork()
if not victim:
    os.close(writing)
    os.read(reading, 1)
    os._exit(0)
os.close(reading)
place = Path(wish["place"])
if wish["profile"]:
    apply(Policy(**wish["policy"]), wish["profile"])
try:
    exec(wish["code"])
except (OSError, MemoryError) as error:
    print(type(error).__name__, file=sys.stderr)
    sys.exit(3)
"""


def start(
    code: str,
    place: Path,
    *,
    profile: str,
    **policy: object,
) -> subprocess.CompletedProcess[str]:
    """Run code under a policy; without a profile, with all its rights."""
    policy.setdefault("readable", READABLE)
    if profile == "harness":
        policy.setdefault("programs", True)
        policy.setdefault("memory_bytes", None)
        policy.setdefault("file_bytes", None)
    wish = {"code": code, "place": str(place), "profile": profile, "policy": policy}
    return subprocess.run(
        [sys.executable, "-s", "-c", PROGRAM, json.dumps(wish, default=_plain)],
        cwd=place if profile == "harness" else "/",
        env=os.environ | {"PYTHONPATH": import_path(), "TMPDIR": str(place), "HOME": str(place)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def outcome(code: str, place: Path, *, profile: str, **policy: object) -> str:
    """Return `done`, the kind of error that code ended with, or what else it said."""
    done = start(code, place, profile=profile, **policy)
    if done.returncode == 0:
        return "done"
    return done.stderr.strip() if done.returncode == 3 else f"{done.returncode}: {done.stderr}"


def _plain(value: object) -> object:
    assert isinstance(value, Path)
    return str(value)
