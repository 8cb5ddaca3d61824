"""What a host is, and whether it may judge candidates of a campaign."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import socket
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_autoloop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LISTED = 5
_DIGITS = 12
#: Files that name the packages of an environment, the first that is there counts.
LOCK_FILES = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "requirements.txt",
)
_LOCKED = (
    re.compile(r'^\s*name\s*=\s*"([\w.-]+)"', re.MULTILINE),  # [[package]] of TOML
    re.compile(r'^\s{8}"([\w.-]+)": \{', re.MULTILINE),  # Pipfile.lock
    re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==", re.MULTILINE),  # requirements.txt
)


@dataclass(frozen=True, slots=True)
class Host:
    """One worker process and the machine that it runs on."""

    name: str
    #: What makes times comparable: processor, number of processors, system, interpreter.
    kind: str
    python: str
    #: Version of this package, and the digest of its source.
    plugin: str
    #: Versions of the installed packages, by normalised name.
    packages: Mapping[str, str]
    process: int = 0
    #: Where its engine reaches it; empty if that has no addresses.
    address: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a worker must have to take part."""

    python: str
    plugin: str
    #: Versions that have to be the same: those that the lock file names, else all.
    packages: Mapping[str, str]
    #: Layers of the sandbox, such as ``{"bwrap", "landlock", "seccomp"}``; empty for none.
    layers: frozenset[str] = frozenset()
    #: Whether candidates must be isolated there, as they are elsewhere.
    isolated: bool = False

    def refusal(self, host: Host) -> str:
        """Say what differs on a host; empty if it may take part."""
        if host.python != self.python:
            return f"Python {host.python}, the campaign has {self.python}"
        if host.plugin != self.plugin:
            return f"pytest-autoloop {host.plugin}, the campaign has {self.plugin}"
        wrong = [
            f"{name} {host.packages.get(name, 'is missing')} (the campaign has {version})"
            for name, version in sorted(self.packages.items())
            if host.packages.get(name) != version
        ]
        more = f" and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        return ", ".join(wrong[:_LISTED]) + more

    def without_layers(self, names: str) -> str:
        """Say which layers a host's sandbox lacks, given what it calls its own; empty for none."""
        missing = sorted(self.layers - layers_of(names))
        return f"its sandbox has no {' and no '.join(missing)}" if missing else ""


def layers_of(names: str) -> frozenset[str]:
    """Return the layers that a sandbox's name lists, without their versions."""
    return frozenset(part.partition("(")[0] for part in names.split("+")) - {"", "off"}


@cache
def this_host() -> Host:
    """Return what this process is and runs on."""
    return Host(
        name=socket.gethostname(),
        kind=kind_of_machine(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        plugin=f"{pytest_autoloop.__version__} ({_source_digest()})",
        packages=_installed(),
        process=os.getpid(),
    )


def needs_of(host: Host, lock: bytes | None, layers: Iterable[str]) -> Needs:
    """Return what workers must have in common with a host, `lock` being the lock file if any."""
    names = _locked(lock) if lock is not None else frozenset()
    same = {n: v for n, v in host.packages.items() if n in names} if names else host.packages
    return Needs(host.python, host.plugin, same, frozenset(layers))


def kind_of_machine() -> str:
    """Return a class of machines: what a time that was measured on one means on another."""
    parts = [_processor(), f"{os.cpu_count() or 1} cpu", platform.system(), platform.machine()]
    return " · ".join(part for part in parts if part)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join(found[1].split()) if found else platform.processor()


def _installed() -> dict[str, str]:
    """Return all installed packages but this one, whose source is compared."""
    found: dict[str, str] = {}
    for package in metadata.distributions():
        name = package.metadata["Name"]
        if name:
            found.setdefault(_normal(name), package.version)  # the first on the path is imported
    found.pop("pytest-autoloop", None)
    return found


def _locked(lock: bytes) -> frozenset[str]:
    text = lock.decode("utf-8", errors="replace")
    return frozenset(_normal(name) for pattern in _LOCKED for name in pattern.findall(text))


def _normal(name: str) -> str:
    """Return a package's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _source_digest() -> str:
    """Return a digest of this package's source: an unreleased version may be any."""
    root, digest = Path(pytest_autoloop.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:_DIGITS]
