"""What contained code must not manage: tried for real, and harmless where it succeeds."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.evaluation.containment.policy import Profile

#: The file outside that only its owner may read, and one that does not exist.
SECRET, NEW = "secret", "new"
#: A port that nothing listens on: whoever is told so has reached it.
_PORT = 9


def _write(outside: Path) -> None:
    (outside / NEW).write_text("written", encoding="utf-8")


def _read(outside: Path) -> None:
    (outside / SECRET).read_bytes()


def _empty(outside: Path) -> None:
    os.truncate(outside / SECRET, 0)


def _empty_by_opening(outside: Path) -> None:
    # Some kernels take this for reading alone.
    os.close(os.open(outside / SECRET, os.O_RDONLY | os.O_TRUNC))


def _change_mode(outside: Path) -> None:
    # To what it is: only whether the call is refused matters.
    (outside / SECRET).chmod(0o600)


def _connect(_: Path) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as made:
        made.connect(("127.0.0.1", _PORT))


def _datagram(_: Path) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as made:
        made.connect(("127.0.0.1", _PORT))


def _unix_socket(outside: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as made:
        made.connect(str(outside / NEW))


def _signal_parent(_: Path) -> None:
    # 0 asks only whether a signal would be allowed.
    os.kill(os.getppid(), 0)


def _read_parent(_: Path) -> None:
    Path(f"/proc/{os.getppid()}/environ").read_bytes()


def _write_parent(_: Path) -> None:
    with Path(f"/proc/{os.getppid()}/mem").open("r+b"):
        pass


def _fork(_: Path) -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _execute(outside: Path) -> None:
    # It does not exist: a filter refuses before the kernel looks.
    os.execv(outside / NEW, [NEW])  # noqa: S606 - nothing can start


#: What each is called in a message, and what tries it.
ATTEMPTS: dict[str, Callable[[Path], None]] = {
    "write your files": _write,
    "read private files": _read,
    "empty your files": _empty,
    "empty your files by opening them": _empty_by_opening,
    "connect to the network": _connect,
    "send datagrams": _datagram,
    "use services by unix socket": _unix_socket,
    "signal your processes": _signal_parent,
}
#: Where /proc shows processes.
LINUX_ATTEMPTS: dict[str, Callable[[Path], None]] = {
    "read the memory of your processes": _read_parent,
    "write the memory of your processes": _write_parent,
}
#: What a session of tests may do, but a worker may not.
WORKER_ATTEMPTS: dict[str, Callable[[Path], None]] = {
    "change the mode of your files": _change_mode,
    "fork": _fork,
    "start programs": _execute,
}


def attempt_all(profile: Profile, outside: Path) -> list[str]:
    """Try each, and return the names of those that were not refused."""
    wanted = ATTEMPTS | (LINUX_ATTEMPTS if sys.platform == "linux" else {})
    wanted |= WORKER_ATTEMPTS if profile == "worker" else {}
    return [name for name, attempt in wanted.items() if not refused(attempt, outside)]


def refused(attempt: Callable[[Path], None], outside: Path) -> bool:
    """Return whether the system refused; a failure for another reason shows that it would not."""
    try:
        attempt(outside)
    except PermissionError:
        return True
    except OSError:
        return False
    return False
