"""All layers that a process applies to itself, and what they are seen to hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.containment import kernel, landlock, limits, seccomp
from pytest_autoloop.evaluation.containment.attempts import ATTEMPTS, SECRET
from pytest_autoloop.evaluation.containment.bubblewrap import Bubblewrap, detect
from pytest_autoloop.evaluation.containment.policy import (
    GIBIBYTE,
    ContainmentError,
    Policy,
    Profile,
)
from pytest_autoloop.evaluation.process import interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ContainmentError", "Layers", "Policy", "Profile", "apply", "probe"]

_PROBE_SECONDS = 60
_INSTALL = "'apt install bubblewrap'"


@dataclass(frozen=True, slots=True)
class Layers:
    """What holds on this system, by what was refused when it was tried."""

    #: Landlock's ABI; 0 without.
    landlock: int = 0
    seccomp: bool = False
    #: What contained code managed all the same, by the names in `attempts`.
    leaks: tuple[str, ...] = ()
    #: Bubblewrap, for commands that are started anew, or why it is of no use here.
    bubblewrap: Bubblewrap | None = None
    bubblewrap_fault: str = ""
    root: bool = False
    #: Why nothing could be tried.
    fault: str = ""

    @property
    def holds(self) -> bool:
        """Whether a process that applied its layers was refused everything."""
        return bool(self.landlock and self.seccomp) and not self.leaks and not self.fault

    def line(self, policy: Policy | None = None) -> str:
        """Return what the header says: what holds for a policy, and how to get what does not."""
        if not self.holds:
            return self._refusal()
        policy = policy or Policy()
        parts = ["project read-only", "network" if policy.network else "no network", "no keys"]
        if policy.memory_bytes is not None:
            parts.append(f"{policy.memory_bytes / GIBIBYTE:.3g} GiB")
        told = f"sandbox {self._names()}: {', '.join(parts)}"
        return "; ".join([told, *self._missing()])

    def _names(self) -> str:
        names = [f"landlock({self.landlock})"] if self.landlock else []
        return "+".join([*names, *(["seccomp"] if self.seccomp else [])])

    def _missing(self) -> list[str]:
        missing = []
        if self.bubblewrap is None and sys.platform == "linux":
            gain = f"{_INSTALL} adds a box of namespaces around programs"
            hint = gain if self.bubblewrap_fault == "bwrap not found" else "see its manual"
            missing.append(f"{self.bubblewrap_fault} ({hint})")
        if self.root:
            missing.append("root: the number of processes has no limit, prefer an ordinary user")
        return missing

    def _refusal(self) -> str:
        user = f" (uid {os.getuid()})" if sys.platform != "win32" else ""
        leaks = self.leaks or tuple(ATTEMPTS)
        could = ", ".join(leaks[:-1]) + (" and " if leaks[:-1] else "") + leaks[-1]
        return (
            f"NOT STARTED: code that a model wrote would run as you{user} and could {could}: "
            f"{'; '.join(self._reasons())}. Run in a container or a virtual machine"
            f"{', or under a kernel with Landlock (5.13 or later)' if not self.landlock else ''}. "
            "Limits of time and memory and an environment without keys would still apply"
        )

    def _reasons(self) -> list[str]:
        if sys.platform != "linux":
            return [f"{sys.platform} has no layer that a process can apply to itself"]
        reasons = [self.fault] if self.fault else []
        if not self.landlock:
            reasons.append("this kernel has no Landlock, or does not offer it here")
        if not self.seccomp:
            reasons.append("this kernel or processor has no seccomp filter that is known here")
        if self.bubblewrap is not None:
            reasons.append(f"{self.bubblewrap.executable} works, for programs started anew alone")
        return reasons or [f"{self._names()} did not refuse it"]


def apply(policy: Policy, profile: Profile) -> None:
    """Confine the calling process for good; every layer that the kernel offers, or none at all.

    Elsewhere than on Linux only limits of resources apply. Call it before any thread is started and
    before unread code is loaded.

    Raises:
        ContainmentError: a layer cannot be applied; the process must end without running the code.
    """
    if profile == "worker" and (policy.programs or policy.network):
        message = "a worker has neither programs nor network; give it a policy without them"
        raise ContainmentError(message)
    # Landlock binds the calling thread alone.
    if sys.platform == "linux" and (tasks := len(list(Path("/proc/self/task").iterdir()))) > 1:
        message = f"{tasks} threads run already, and some layers bind but one; apply them first"
        raise ContainmentError(message)
    limits.limit_resources(policy, profile)
    if sys.platform != "linux":
        return
    kernel.forbid_new_privileges()
    limits.drop_capabilities()
    abi = landlock.best_abi()
    if abi:
        landlock.restrict(policy, abi)
    if seccomp.available():
        seccomp.restrict(policy, profile)


def probe() -> Layers:
    """Apply all layers in a throw-away process, try what they forbid, and tell what was refused."""
    bubblewrap, bubblewrap_fault = detect()
    root = sys.platform != "win32" and os.geteuid() == 0
    if sys.platform != "linux":
        return Layers(bubblewrap_fault=bubblewrap_fault, root=root)
    fault, seen = "", {"leaks": [], "fault": ""}
    with tempfile.TemporaryDirectory(prefix="autoloop-") as directory:
        secret = Path(directory, SECRET)
        secret.touch(mode=0o600)
        command = [*interpreter("pytest_autoloop.evaluation.containment.probe"), directory]
        try:
            seen = _answer(command)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            fault = f"the layers could not be tried: {error}"
    return Layers(
        landlock=landlock.best_abi(),
        seccomp=seccomp.available(),
        leaks=tuple(seen["leaks"]),
        bubblewrap=bubblewrap,
        bubblewrap_fault=bubblewrap_fault,
        root=root,
        fault=fault or str(seen["fault"]),
    )


def _answer(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=_PROBE_SECONDS,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ValueError(done.stderr.decode(errors="replace").strip()[-200:] or "no answer")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer
