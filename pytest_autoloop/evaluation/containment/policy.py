"""What a contained process may still do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.errors import EvaluationError

if TYPE_CHECKING:
    from pathlib import Path

#: `worker` computes and answers over pipes that it inherited: no program, no process, no socket,
#: no change to a file's mode. `harness` is a pytest session that runs the user's own tests.
Profile: TypeAlias = Literal["worker", "harness"]

GIBIBYTE = 2**30
MEBIBYTE = 2**20


class ContainmentError(EvaluationError):
    """A layer that this system has cannot be applied: the code must not run."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a contained process may still do; without arguments, read files and compute."""

    #: What may be read, with everything below it; None for whatever the user may read.
    readable: tuple[Path, ...] | None = None
    #: What may be written and read, with everything below it. Each must exist.
    writable: tuple[Path, ...] = ()
    #: Whether sockets may be made. Services behind a socket of the file system are then in reach.
    network: bool = False
    #: Whether processes may be forked and programs started.
    programs: bool = False
    #: Whether the process stands in a box of `bubblewrap` already: loopback, terminals and shared
    #: memory are then its own, and a session of tests may use them.
    boxed: bool = False
    #: Address space of each process; None leaves it as it is. For a worker: a session of tests may
    #: reserve far more than it uses, as sanitizers and compilers at run time do.
    memory_bytes: int | None = 4 * GIBIBYTE
    #: Size of each file that is written; None leaves it as it is. For a worker as well.
    file_bytes: int | None = 16 * MEBIBYTE
    #: Processor time of each process; None leaves it as it is.
    cpu_seconds: int | None = None
    #: Whether a process may read the hardware's counters for itself.
    counters: bool = False
    #: Directories whose names may be listed, with those of all below: imports look through them.
    listable: tuple[Path, ...] = ()

    @property
    def sockets(self) -> bool:
        """Whether sockets of all kinds may be made: nothing of the user's is then behind them."""
        # The whole tree of files holds sockets of services, which no namespace closes.
        return self.network or (self.boxed and self.programs and self.readable is not None)
