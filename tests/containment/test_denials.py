"""What contained code is refused, one attempt at a time; each succeeds where nothing is applied."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.containment import landlock
from tests.containment.contained import needs_layers, outcome, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_layers

#: Refused in either profile. `place` is a directory of the user's that the policy does not name.
ATTEMPTS = {
    "write a new file": "(place / 'new').write_text('x')",
    "write a file": "(place / 'secret').open('a').write('x')",
    "empty a file": "os.truncate(place / 'secret', 0)",
    "empty a file by opening it": "os.open(place / 'secret', os.O_RDONLY | os.O_TRUNC)",
    "remove a file": "(place / 'secret').unlink()",
    "rename a file": "(place / 'secret').rename(place / 'other')",
    "make a directory": "(place / 'new').mkdir()",
    "make a link": "(place / 'new').symlink_to('/')",
    "read a file": "(place / 'secret').read_text()",
    "list a directory": "list(place.iterdir())",
    "connect by TCP": "socket.create_connection(('127.0.0.1', TCP))",
    "listen on a port of its choice": "socket.create_server(('127.0.0.1', 8642))",
    "send with the first packet": ("socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', TCP))"),
    "another protocol": "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",
    "send by UDP": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))",
    "connect to a socket's path": "socket.socket(socket.AF_UNIX).connect(str(place / 'socket'))",
    "connect to an abstract socket": "socket.socket(socket.AF_UNIX).connect(chr(0) + 'ABSTRACT')",
    "connect a datagram pair": (
        "socket.socketpair(type=socket.SOCK_DGRAM)[0].connect(str(place / 'datagram'))"
    ),
    "signal the parent": "os.kill(os.getppid(), 0)",
    "signal everybody": "os.kill(-1, 0)",
    "read a process's environment": "Path(f'/proc/{victim}/environ').read_bytes()",
    "write a process's memory": "open(f'/proc/{victim}/mem', 'r+b')",
    "trace a process": (
        "library = ctypes.CDLL(None, use_errno=True)\n"
        "if library.ptrace(0x4206, victim, None, None): raise OSError(ctypes.get_errno(), 'ptrace')"
    ),
}
#: Refused to a worker, and part of a session's work.
WORKER_ATTEMPTS = {
    "listen by TCP": "socket.create_server(('127.0.0.1', 0))",
    "change a mode": "(place / 'secret').chmod(0o644)",
    "change an open file's mode": "os.fchmod(HELD, 0o644)",
    "change times": "os.utime(place / 'secret', (0, 0))",
    "fork": "os.fork()",
    "execute": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "start a program": "subprocess.run([sys.executable, '-c', ''], check=True)",
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Return a directory with a private file and the sockets of services."""
    secret = tmp_path / "secret"
    secret.write_text("the key", encoding="utf-8")
    secret.chmod(0o600)
    with (
        closing(socket.socket(socket.AF_UNIX)) as named,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as datagram,
    ):
        # A socket's path may be no longer than 107 bytes.
        directory = os.open(tmp_path, os.O_RDONLY)
        named.bind(f"/proc/self/fd/{directory}/socket")
        datagram.bind(f"/proc/self/fd/{directory}/datagram")
        os.close(directory)
        named.listen()
        yield tmp_path


def filled(code: str, tcp: int, udp: int, abstract: str) -> str:
    """Return code with the ports and names of services that do answer."""
    code = code.replace("TCP", str(tcp)).replace("UDP", str(udp)).replace("ABSTRACT", abstract)
    held = "os.open(place / 'secret', os.O_RDONLY)"
    # Paths of sockets are taken from the directory: the whole would be too long.
    return (
        code.replace("str(place / 'socket')", "'socket'")
        .replace("str(place / 'datagram')", "'datagram'")
        .replace("HELD", held)
    )


@pytest.fixture
def services() -> Iterator[tuple[int, int, str]]:
    """Return a TCP port, a UDP port and an abstract name that something listens on."""
    name = f"autoloop-test-{os.getpid()}"
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as tcp,
        closing(socket.socket(type=socket.SOCK_DGRAM)) as udp,
        closing(socket.socket(socket.AF_UNIX)) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        abstract.bind("\0" + name)
        abstract.listen()
        yield tcp.getsockname()[1], udp.getsockname()[1], name


@pytest.mark.parametrize("profile", ["worker", "harness"])
@pytest.mark.parametrize("name", ATTEMPTS)
def test_it_is_refused(
    place: Path, services: tuple[int, int, str], name: str, profile: str
) -> None:
    """Neither profile manages it, and the reason is that it may not."""
    code = filled(ATTEMPTS[name], *services)

    assert outcome(code, place, profile=profile) == "PermissionError"


@pytest.mark.skipif(
    landlock.best_abi() < landlock.SCOPE_ABI, reason="this kernel's Landlock confines no signals"
)
@pytest.mark.parametrize("profile", ["worker", "harness"])
def test_a_foreign_process_is_not_signalled(tmp_path: Path, profile: str) -> None:
    """A process outside that stands not above the contained one is out of its reach too."""
    assert outcome("os.kill(victim, 0)", tmp_path, profile=profile) == "PermissionError"
    assert outcome("os.kill(victim, 0)", tmp_path, profile="") == "done"


@pytest.mark.parametrize("name", WORKER_ATTEMPTS)
def test_it_is_refused_to_a_worker(place: Path, services: tuple[int, int, str], name: str) -> None:
    """A worker manages it not even with a file that it may read."""
    code = filled(WORKER_ATTEMPTS[name], *services)

    assert outcome(code, place, profile="worker", writable=(place,)) == "PermissionError"


@pytest.mark.parametrize("name", sorted({*ATTEMPTS, *WORKER_ATTEMPTS} - {"signal everybody"}))
def test_each_succeeds_without_layers(
    place: Path, services: tuple[int, int, str], name: str
) -> None:
    """What was refused was no mistake of the attempt."""
    code = filled((ATTEMPTS | WORKER_ATTEMPTS)[name], *services)

    assert outcome("os.chdir(place)\n" + code, place, profile="") == "done"


@pytest.mark.parametrize("profile", ["worker", "harness"])
def test_a_writable_path_is_written_and_read(tmp_path: Path, profile: str) -> None:
    """What the policy names works: files, directories, links, removal."""
    code = """
inner = place / "inner"
inner.mkdir()
(inner / "file").write_text("text")
assert (inner / "file").read_text() == "text"
(inner / "file").rename(place / "moved")
(place / "link").symlink_to("moved")
assert (place / "link").read_text() == "text"
os.truncate(place / "moved", 1)
(place / "moved").unlink()
inner.rmdir()
"""
    assert outcome(code, tmp_path, profile=profile, writable=(tmp_path,)) == "done"


def test_a_readable_path_is_read_only(tmp_path: Path) -> None:
    """What may be read may not be written."""
    (tmp_path / "file").write_text("text", encoding="utf-8")
    read = "assert (place / 'file').read_text() == 'text'"

    assert outcome(read, tmp_path, profile="worker", readable=(tmp_path, "/usr")) == "done"
    write = read + "\n(place / 'file').write_text('other')"
    assert outcome(write, tmp_path, profile="worker", readable=(tmp_path,)) == "PermissionError"


def test_with_network_a_session_connects(place: Path, services: tuple[int, int, str]) -> None:
    """A policy with network lets a session of tests use TCP and UDP."""
    code = "\n".join((ATTEMPTS["connect by TCP"], ATTEMPTS["send by UDP"]))

    assert outcome(filled(code, *services), place, profile="harness", network=True) == "done"


@pytest.mark.parametrize("name", ["worker with network", "worker with programs"])
def test_a_worker_has_no_such_policy(tmp_path: Path, name: str) -> None:
    """A policy that gives a worker more than it may have is a mistake, and nothing runs."""
    policy = {"network": name.endswith("network"), "programs": name.endswith("programs")}
    done = start("print('ran')", tmp_path, profile="worker", **policy)

    assert done.returncode == 1
    assert "a worker has neither programs nor network" in done.stderr
    assert done.stdout == ""


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A worker that asks for more memory than it may have is told that there is none."""
    code = "bytearray(2**29)"

    assert outcome(code, tmp_path, profile="worker", memory_bytes=2**28) == "MemoryError"
    assert outcome(code, tmp_path, profile="worker", memory_bytes=2**31) == "done"


def test_files_are_bounded(tmp_path: Path) -> None:
    """A file does not grow beyond its limit."""
    code = "(place / 'large').write_bytes(bytes(2**20 + 1))"

    assert (
        outcome(code, tmp_path, file_bytes=2**20, profile="worker", writable=(tmp_path,))
        == "OSError"
    )
    assert (tmp_path / "large").stat().st_size == 2**20
    assert (
        outcome(code, tmp_path, file_bytes=2**21, profile="worker", writable=(tmp_path,)) == "done"
    )


def test_processor_time_is_bounded(tmp_path: Path) -> None:
    """A process that computes beyond its limit is ended."""
    code = "while True: pass"
    done = start(code, tmp_path, profile="worker", cpu_seconds=1)

    assert done.returncode < 0


def test_descriptors_are_bounded(tmp_path: Path) -> None:
    """A worker cannot use up what the whole system has of open files."""
    code = "held = [os.dup(0) for _ in range(200)]"

    assert outcome(code, tmp_path, profile="worker") == "OSError"
    assert outcome(code, tmp_path, profile="harness") == "done"


@pytest.mark.skipif(os.geteuid() == 0, reason="the kernel does not count root's processes")
def test_processes_are_bounded(tmp_path: Path) -> None:
    """A session of tests cannot fill the process table."""
    code = """
children = []
try:
    for _ in range(3000):
        child = os.fork()
        if not child:
            signal.pause()
        children.append(child)
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
"""
    assert outcome(code, tmp_path, profile="harness") == "BlockingIOError"
