"""A sandbox-exec profile for a command that is started anew on macOS.

Written after Apple's own profiles; it was not run on macOS: the tests read its text, and `probe`
believes only what is refused there. Apple marks sandbox-exec as deprecated, but ships and uses it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.containment.paths import interpreter_paths, package_path
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXECUTABLE = "/usr/bin/sandbox-exec"
_SYSTEM = (
    "/System",
    "/Library/Apple",
    "/Library/Developer",
    "/Library/Frameworks",
    "/opt/homebrew",
    "/private/etc",
    "/private/var/db/timezone",
    "/private/var/db/dyld",
    "/usr",
    "/bin",
    "/sbin",
    "/dev",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/tty")


def prefix(policy: Policy) -> list[str]:
    """Return what to put before a command, so that it runs in a sandbox."""
    return [_EXECUTABLE, "-p", profile(policy)]


def probe_prefix() -> list[str]:
    """Return what to put before the command that tries the layers; nothing but on macOS."""
    if sys.platform != "darwin":
        return []
    return prefix(Policy(readable=(package_path(),), programs=True))


def profile(policy: Policy) -> str:
    """Return the rules for a policy, in the sandbox's own language: the last match decides."""
    rules = [
        "(version 1)",
        "(deny default)",
        "(allow sysctl-read)",
        "(allow process-info* (target self))",
        "(allow signal (target same-sandbox))",
        # Directories of a path are looked at, not listed, whenever something below is opened.
        "(allow file-read-metadata)",
    ]
    if policy.readable is None:
        rules.append("(allow file-read*)")
    else:
        known = [Path(name) for name in _SYSTEM]
        rules += _rules("file-read*", [*known, *interpreter_paths(), *policy.readable])
        rules.append('(allow file-read-data (literal "/"))')
    rules += _rules("file-read* file-write*", policy.writable)
    rules += [f"(allow file-write-data (literal {json.dumps(name)}))" for name in _DEVICES]
    rules += [f"(allow file-ioctl (literal {json.dumps(name)}))" for name in _DEVICES]
    # The command itself has to be started, whatever it may start afterwards.
    rules.append("(allow process-exec*)")
    if policy.programs:
        rules += ["(allow process-fork)", "(allow ipc-posix-sem)"]
    if policy.network:
        rules += ["(allow network*)", "(allow system-socket)", "(allow mach-lookup)"]
    return "\n".join(rules)


def _rules(operation: str, paths: Iterable[Path]) -> list[str]:
    # /tmp and /var are links, and the sandbox compares what they resolve to. JSON quotes a string
    # the way the sandbox's language does.
    resolved = dict.fromkeys(str(path.resolve()) for path in paths)
    return [
        f"(allow {operation} (subpath {json.dumps(path, ensure_ascii=False)}))" for path in resolved
    ]
