"""How the children of a campaign are contained, and what they may reach."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.containment import bubblewrap, macos
from pytest_autoloop.evaluation.containment.environment import contained_environment
from pytest_autoloop.evaluation.containment.layers import apply
from pytest_autoloop.evaluation.containment.paths import kernel_paths, system_paths
from pytest_autoloop.evaluation.containment.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pytest_autoloop.evaluation.containment.layers import Layers
    from pytest_autoloop.evaluation.protocol import ChildSpec

#: Where semaphores and shared memory of multiprocessing live.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - no file of ours


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What children may do beyond computing; without layers, whatever the user may."""

    layers: Layers | None = None
    network: bool = False
    #: What the harness reads and writes besides worktrees, temporary files and installed packages.
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    #: Names of environment variables that pass.
    environment: tuple[str, ...] = ()
    #: Other layers that are switched off, to see what they are worth: `settings.LAYERS`.
    without: frozenset[str] = frozenset()

    @property
    def contained(self) -> bool:
        """Whether children are contained at all."""
        return self.layers is not None

    @property
    def names(self) -> str:
        """What the record calls the layers; `off` without."""
        return "off" if self.layers is None else self.layers.names

    def told(self) -> str:
        """Return the line that says what holds."""
        if self.layers is None:
            return "sandbox off: candidates run as you, with your files and your network"
        return self.layers.line(self.policy(()))

    def environment_of(
        self, environment: Mapping[str, str], *, home: Path, secrets: Collection[str]
    ) -> dict[str, str]:
        """Return what of an environment children may see: never a proposer's key."""
        if self.contained:
            passed = contained_environment(environment, home=home, allow=self.environment)
        else:
            passed = dict(environment)
        return {name: value for name, value in passed.items() if name not in secrets}

    def policy(
        self, writable: Iterable[Path], *, boxed: bool = False, counters: bool = False
    ) -> Policy:
        """Return what a child session may do that writes only below some paths.

        In a box it has a loopback, shared memory and sockets of its own.
        """
        shared = [_SHARED_MEMORY] if _SHARED_MEMORY.is_dir() else []
        return Policy(
            readable=(*system_paths(), *kernel_paths(), *self.readable),
            writable=(*writable, *self.writable, *shared),
            network=self.network,
            programs=True,
            boxed=boxed,
            counters=counters,
            # The user's own tests are no flood: what they need is not for us to know.
            memory_bytes=None,
            file_bytes=None,
        )

    def prefix(self, scratch: Path) -> list[str]:
        """Return what stands before a command that starts children, so that it runs in a box."""
        if self.layers is None:
            return []
        policy = self.policy((scratch,))
        if sys.platform == "darwin":
            return macos.prefix(policy)
        box = self.layers.bubblewrap
        return [] if box is None else box.prefix(policy)


def confine(spec: ChildSpec) -> None:
    """Confine the calling process as its specification says, for good.

    Raises:
        ContainmentError: a layer cannot be applied; nothing unread may be run.
    """
    if not spec.contained or sys.platform == "darwin":
        # There the whole command runs in a box.
        return
    bytecode = [Path(spec.bytecode)] if spec.bytecode else []
    sandbox = Sandbox(
        network=spec.network,
        readable=(*map(Path, spec.readable), *bytecode),
        writable=tuple(map(Path, spec.writable)),
    )
    writable = (Path(spec.worktree), Path(spec.temporary), *(bytecode if spec.trusted else ()))
    counters = spec.clock == "instructions"
    apply(sandbox.policy(writable, boxed=bubblewrap.inside(), counters=counters), "harness")


def package_paths(inside: Path, entries: Sequence[str]) -> tuple[Path, ...]:
    """Return where this process has its packages from, without the checkout `inside`.

    Entries of the import path, and the places of what is imported already: an editable install may
    name its directory in a finder alone.
    """
    found = {Path(entry).resolve() for entry in entries if entry}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.isabs(file):  # noqa: PTH117 - thousands of them
            depth = name.count(".") + (os.path.basename(file).startswith("__init__."))  # noqa: PTH119
            found.add(Path(file).parents[depth])
    known = [path.resolve() for path in system_paths()]
    outside = {
        path
        for path in found
        if path.exists()
        and path not in (Path(path.anchor), Path.home())
        and not any(path.is_relative_to(other) for other in (inside, *known))
    }
    return tuple(sorted(outside))
