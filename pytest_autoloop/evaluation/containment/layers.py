"""All layers that a process applies to itself, and what they are seen to hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.containment import kernel, landlock, limits, macos, seccomp
from pytest_autoloop.evaluation.containment.attempts import ATTEMPTS, SECRET
from pytest_autoloop.evaluation.containment.bubblewrap import NOT_FOUND, Bubblewrap, detect, inside
from pytest_autoloop.evaluation.containment.paths import kernel_paths, system_paths
from pytest_autoloop.evaluation.containment.policy import (
    GIBIBYTE,
    ContainmentError,
    Policy,
    Profile,
)
from pytest_autoloop.evaluation.process import interpreter
from pytest_autoloop.history.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ContainmentError", "Layers", "Policy", "Profile", "apply", "prepare", "probe"]

_PROBE_SECONDS = 60
_NAMESPACES_REFUSED = ("uid map", "namespace", "Operation not permitted")


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
    #: Whether sandbox-exec boxes commands (macOS).
    sandbox_exec: bool = False
    root: bool = False
    #: Why nothing could be tried.
    fault: str = ""

    @property
    def holds(self) -> bool:
        """Whether a process that applied its layers was refused everything."""
        present = self.sandbox_exec or bool(self.landlock and self.seccomp)
        return present and not self.leaks and not self.fault

    @property
    def names(self) -> str:
        """What a record says, for example ``bwrap+landlock(7)+seccomp``; empty without any."""
        parts = {
            "bwrap": self.bubblewrap is not None,
            "sandbox-exec": self.sandbox_exec,
            f"landlock({self.landlock})": self.landlock,
            "seccomp": self.seccomp,
        }
        return "+".join(name for name, there in parts.items() if there)

    def line(self, policy: Policy | None = None) -> str:
        """Return what the header says: what holds for a policy, and how to get what does not."""
        if not self.holds:
            return self._refusal()
        policy = policy or Policy()
        parts = ["project read-only", "network" if policy.network else "no network", "no keys"]
        if policy.memory_bytes is not None:
            parts.append(f"{policy.memory_bytes / GIBIBYTE:.3g} GiB")
        told = f"sandbox {self.names}: {', '.join(parts)}"
        return "; ".join([told, *self._missing()])

    def _missing(self) -> list[str]:
        missing = []
        if self.bubblewrap is None and not self.sandbox_exec:
            missing.append(f"{self.bubblewrap_fault} ({self._advice()})")
            if self.landlock < landlock.SCOPE_ABI:
                missing.append("tests can signal your other processes before Linux 6.12")
        if self.root:
            hint = "running as root: the number of processes has no limit"
            # In a box, no process of anyone else is seen.
            others = " and /proc shows other processes" if self.bubblewrap is None else ""
            missing.append(f"{hint}{others}; prefer an ordinary user")
        return missing

    def _advice(self) -> str:
        if self.bubblewrap_fault == NOT_FOUND:
            return "'apt install bubblewrap' adds process and file-system isolation"
        if any(text in self.bubblewrap_fault for text in _NAMESPACES_REFUSED):
            return "Ubuntu 24.04 needs an AppArmor profile for it, a container the right to nest"
        return "processes and file systems are not isolated"

    def _refusal(self) -> str:
        user = f" (uid {os.getuid()})" if sys.platform != "win32" else ""
        leaks = self.leaks or tuple(ATTEMPTS)
        could = ", ".join(leaks[:-1]) + (" and " if leaks[:-1] else "") + leaks[-1]
        return (
            f"NOT STARTED: code that a model wrote would run as you{user} and could {could}: "
            f"{'; '.join(self._reasons())}. Run in a container or a virtual machine"
            f"{self._alternative()}. "
            "Limits of time and memory and an environment without keys would still apply"
        )

    def _alternative(self) -> str:
        if sys.platform == "win32":
            return ", for example in WSL 2"
        if sys.platform == "linux" and not self.landlock:
            return ", or under a kernel with Landlock (5.13 or later)"
        return ""

    def _reasons(self) -> list[str]:
        reasons = [self.fault] if self.fault else []
        if sys.platform == "linux":
            if not self.landlock:
                reasons.append("this kernel has no Landlock, or does not offer it here")
            if not self.seccomp:
                reasons.append("this kernel or processor has no seccomp filter that is known here")
            if self.bubblewrap is not None:
                name = self.bubblewrap.executable
                reasons.append(f"{name} works, but boxes only programs that are started anew")
            else:
                reasons.append(self.bubblewrap_fault)
        elif not self.sandbox_exec:
            reasons.append(f"{sys.platform} has no layer that is known here")
        return [reason for reason in reasons if reason] or [f"{self.names} did not refuse it"]


def apply(policy: Policy, profile: Profile) -> None:
    """Confine the calling process for good, by every layer of its system.

    Elsewhere than on Linux only limits of resources apply: there a whole command runs in a box.
    Call it before any thread is started and before unread code is loaded.

    Raises:
        ContainmentError: a layer is missing or cannot be applied; the process must end without
            running the code.
    """
    if profile == "worker" and (policy.programs or policy.network):
        message = "a worker has neither programs nor network; give it a policy without them"
        raise ContainmentError(message)
    if policy.boxed and not inside():
        # Else sockets and terminals of the user would be within reach.
        raise ContainmentError("the policy counts on a box, and this process is in none; start it")
    # Landlock binds the calling thread alone.
    if sys.platform == "linux" and (tasks := len(os.listdir("/proc/self/task"))) > 1:  # noqa: PTH208 - a count
        message = f"{tasks} threads run already, and some layers bind but one; apply them first"
        raise ContainmentError(message)
    limits.limit_resources(policy, profile)
    if sys.platform == "linux":
        _apply_layers(policy, profile)


def _apply_layers(policy: Policy, profile: Profile) -> None:
    abi, filters = landlock.best_abi(), seccomp.available()
    if not abi or not filters:
        absent = [name for name, there in (("Landlock", abi), ("seccomp", filters)) if not there]
        message = f"{' and '.join(absent)} cannot be used here; switch the sandbox off knowingly"
        raise ContainmentError(message)
    kernel.forbid_new_privileges()
    limits.drop_capabilities()
    landlock.restrict(policy, abi)
    seccomp.restrict(policy, profile, abi)


def prepare() -> None:
    """Find out now what every process that confines itself needs to know of this system.

    Called once by a process that forks such processes, after it was confined itself if it is: what
    it has found out they take over. All of it is the same for every candidate.
    """
    if sys.platform != "linux":
        return
    system_paths()
    kernel_paths()
    limits.prepare()
    if landlock.best_abi() and seccomp.available():
        for network in (False, True):
            seccomp.assemble(Policy(network=network, programs=True), "harness", landlock.best_abi())
        seccomp.assemble(Policy(), "worker", landlock.best_abi())


def probe() -> Layers:
    """Apply all layers in a throw-away process, try what they forbid, and tell what was refused.

    It starts one interpreter and one bubblewrap: call it once.
    """
    root = sys.platform != "win32" and os.geteuid() == 0
    if sys.platform not in {"linux", "darwin"}:
        return Layers(root=root)
    bubblewrap, bubblewrap_fault = detect()
    fault, seen = "", {"leaks": [], "fault": ""}
    with scratch_directory("probe") as directory:
        secret = Path(directory, SECRET)
        secret.touch(mode=0o600)
        command = [*interpreter("pytest_autoloop.evaluation.containment.probe"), directory]
        try:
            seen = _answer([*macos.probe_prefix(), *command])
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            fault = f"the layers could not be tried: {error}"
    return Layers(
        landlock=landlock.best_abi(),
        seccomp=seccomp.available(),
        leaks=tuple(seen["leaks"]),
        bubblewrap=bubblewrap,
        bubblewrap_fault=bubblewrap_fault,
        sandbox_exec=sys.platform == "darwin" and not fault,
        root=root,
        fault=fault or str(seen["fault"]),
    )


def _answer(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PROBE_SECONDS,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ValueError(done.stderr.decode(errors="replace").strip()[-200:] or "no answer")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer
