"""A command in a box: what it reaches, what it does not, and how it ends."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.containment.bubblewrap import (
    NOT_FOUND,
    Bubblewrap,
    detect,
)
from pytest_autoloop.evaluation.containment.policy import Policy
from tests.containment.contained import BOX, READABLE, import_path, needs_box, needs_layers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

linux = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")


def boxed(
    code: str, place: Path, *arguments: object, policy: Policy | None = None, told: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run code in a box in which `place` may be written."""
    assert BOX is not None
    policy = policy or Policy(readable=READABLE, writable=(place,))
    command = [*BOX.prefix(policy, place), sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, input=told, capture_output=True, text=True, timeout=60, check=False
    )


def output(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command said, once it has ended well."""
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@linux
def test_without_bubblewrap_it_says_so(tmp_path: Path) -> None:
    """A PATH without it is no error, but a reason."""
    assert detect({"PATH": str(tmp_path)}) == (None, NOT_FOUND)


@linux
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'bubblewrap: no' >&2; exit 1", "--version says 'bubblewrap: no'"),
        (
            (
                'test "$1" = --version && echo "bubblewrap 0.9.0" && exit 0\n'
                "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1"
            ),
            "bwrap does not work: setting up uid map: Permission denied",
        ),
        (
            (
                'test "$1" = --version && echo "bubblewrap 0.9.0" && exit 0\n'
                'while test "$1" != --; do shift; done; shift; exec "$@"'
            ),
            "bwrap does not work: status",
        ),
    ],
)
def test_a_bubblewrap_that_boxes_nothing_is_none(tmp_path: Path, script: str, reason: str) -> None:
    """One that fails, is refused namespaces or only starts the command is not believed."""
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (tmp_path / "bwrap").chmod(0o755)
    found, fault = detect({"PATH": str(tmp_path)})

    assert found is None
    assert reason in fault


@linux
def test_an_old_bubblewrap_gets_no_option_that_it_does_not_know() -> None:
    """Nested namespaces are forbidden by those that can."""
    assert "--disable-userns" not in Bubblewrap("bwrap", (0, 4, 1)).prefix(Policy())
    assert "--disable-userns" in Bubblewrap("bwrap", (0, 8, 0)).prefix(Policy())
    assert "--share-net" in Bubblewrap("bwrap", (0, 8, 0)).prefix(Policy(network=True))


@needs_box
def test_pipes_pass_and_the_directory_is_that_asked_for(tmp_path: Path) -> None:
    """A command in a box answers what it is told, from below a hidden directory too."""
    code = "import os; print(input(), os.getcwd(), os.getuid())"
    done = boxed(code, tmp_path, told="told\n")

    assert output(done) == f"told {tmp_path.resolve()} 65534"
    assert done.stderr == ""


@needs_box
def test_below_a_hidden_directory_only_what_is_named_is_seen(tmp_path: Path) -> None:
    """A writable, a readable and a foreign directory stand side by side."""
    names = ("writable", "readable", "foreign")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name, encoding="utf-8")
    (tmp_path / "readable" / "inner").mkdir()
    code = """
import sys
from pathlib import Path
place = Path(sys.argv[1])
for name in ("writable", "readable", "foreign", "readable/inner"):
    try:
        (place / name / "new").write_text("x")
        print(name, "written")
    except OSError as error:
        print(name, type(error).__name__, error.errno)
print((place / "readable" / "file").read_text())
"""
    policy = Policy(
        readable=(*READABLE, tmp_path / "readable"),
        writable=(tmp_path / "writable", tmp_path / "readable" / "inner"),
    )
    done = boxed(code, tmp_path / "writable", tmp_path, policy=policy)

    assert output(done).splitlines() == [
        "writable written",
        "readable OSError 30",
        "foreign FileNotFoundError 2",
        "readable/inner written",
        "readable",
    ]
    assert (tmp_path / "writable" / "new").read_text(encoding="utf-8") == "x"
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["file"]


@needs_box
@pytest.mark.parametrize("everything", [True, False])
def test_links_lead_where_they_did(tmp_path: Path, everything: bool) -> None:
    """A path that is named by a link is found by the link and by its real name."""
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    code = """
import sys
from pathlib import Path
place = Path(sys.argv[1])
(place / "link" / "inner" / "file").write_text("x")
print((place / "real" / "inner" / "file").read_text())
"""
    named = tmp_path / "link" / "inner"
    above = (tmp_path,) if everything else ()
    policy = Policy(readable=(*READABLE, *above), writable=(named,))
    done = boxed(code, named, tmp_path, policy=policy)

    assert output(done) == "x"


@needs_box
def test_everything_readable_is_read_only(tmp_path: Path) -> None:
    """With the whole tree in the box, nothing outside of the policy can be written."""
    code = """
from pathlib import Path
for path in map(Path, ("/etc", "/usr", "/var", "/")):
    assert path.is_dir()
    try:
        (path / "new-of-autoloop").touch()
    except OSError as error:
        print(type(error).__name__)
assert not list(Path("/run").iterdir())
Path("new").touch()
"""
    done = boxed(code, tmp_path, policy=Policy(writable=(tmp_path,)))

    assert output(done).split() in (["OSError"] * 4, ["PermissionError"] * 4)
    assert (tmp_path / "new").exists()


@needs_box
def test_mounts_cannot_be_changed(tmp_path: Path) -> None:
    """A command has no capability left with which a read-only mount becomes writable."""
    code = """
import ctypes, os
library = ctypes.CDLL(None, use_errno=True)
REMOUNT, BIND = 32, 4096
for flags in (REMOUNT | BIND, REMOUNT):
    print(library.mount(b"none", b"/usr", None, flags, None), ctypes.get_errno())
NEW_USER = 0x10000000
print(library.unshare(NEW_USER))
status = open("/proc/self/status").read().splitlines()
print(*{line.split()[1] for line in status if line.startswith("Cap")})
"""
    lines = output(boxed(code, tmp_path)).splitlines()

    assert lines == ["-1 1", "-1 1", "-1", "0000000000000000"]


@needs_box
@needs_layers
def test_processes_and_services_outside_are_out_of_reach(tmp_path: Path) -> None:
    """Neither processes nor ports nor abstract sockets of the machine are in the box."""
    name = f"autoloop-box-{os.getpid()}"
    code = """
import os, socket, sys
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[-1] < 10)
for family, address in (
    (socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))), (socket.AF_UNIX, chr(0) + sys.argv[2])
):
    try:
        socket.socket(family).connect(address)
    except OSError as error:
        print(type(error).__name__)
"""
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as tcp,
        closing(socket.socket(socket.AF_UNIX)) as abstract,
    ):
        abstract.bind("\0" + name)
        abstract.listen()
        done = boxed(code, tmp_path, tcp.getsockname()[1], name)

    assert output(done).splitlines() == ["True", *["ConnectionRefusedError"] * 2]


@needs_box
def test_with_network_a_port_of_the_machine_is_reached(tmp_path: Path) -> None:
    """A policy with network shares it with the box."""
    policy = Policy(readable=READABLE, writable=(tmp_path,), network=True)
    code = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"
    with closing(socket.create_server(("127.0.0.1", 0))) as tcp:
        done = boxed(code, tmp_path, tcp.getsockname()[1], policy=policy)

    assert output(done) == ""


SESSION = """
import multiprocessing, os, socket, sys
from pathlib import Path
from pytest_autoloop.evaluation.containment.bubblewrap import inside
from pytest_autoloop.evaluation.containment.layers import apply
from pytest_autoloop.evaluation.containment.policy import Policy

if __name__ == "__main__":
    readable = tuple(map(Path, sys.argv[2:]))
    assert inside()
    place = Path(sys.argv[1])
    apply(Policy(readable, (place,), programs=True, boxed=True, memory_bytes=None), "harness")
    server = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(server.getsockname())
    with multiprocessing.Manager() as manager:
        assert manager.list([1])[0] == 1
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        assert pool.map(abs, [-1]) == [1]
    os.close(os.openpty()[0])
    child = os.fork()
    if not child:
        worker = Policy(readable, boxed=True)
        apply(worker, "worker")
        for attempt in (socket.socket, os.openpty, lambda: Path("/dev/shm/x").write_text("")):
            try:
                attempt()
            except PermissionError:
                continue
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print("done")
"""


@needs_box
@needs_layers
def test_in_a_box_a_session_has_its_own_services(tmp_path: Path) -> None:
    """Layers apply in a box; there, loopback, terminals and shared memory are the session's own."""
    (tmp_path / "session.py").write_text(SESSION, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "session.py"), str(tmp_path), *map(str, READABLE)]
    assert BOX is not None
    done = subprocess.run(
        [*BOX.prefix(Policy(readable=READABLE, writable=(tmp_path,)), tmp_path), *command],
        env={**os.environ, "PYTHONPATH": import_path(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert output(done) == "done"


#: Starts a box with a process that has left its session, tells that it stands, and waits.
PARENT = """
import os, subprocess, sys
box = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
sys.stdin.read()
"""
INNER = """
import os, signal
if not os.fork():
    os.setsid()
    if not os.fork():
        print("daemon", flush=True)
        signal.pause()
    os._exit(0)
os.wait()
signal.pause()
"""


@needs_box
def test_the_box_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Killed without a chance to clean up, nothing that it started is left."""
    assert BOX is not None
    policy = Policy(readable=READABLE, writable=(tmp_path,))
    inner = [*BOX.prefix(policy, tmp_path), sys.executable, "-c", INNER]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"daemon\n"
        parent.send_signal(signal.SIGKILL)
        # Every process of the box holds the other end: it is closed once all have ended.
        ready, _, _ = select.select([parent.stdout], [], [], 60)
        assert ready
        assert parent.stdout.read() == b""


@needs_box
def test_the_box_ends_when_it_is_killed(tmp_path: Path) -> None:
    """Whoever started the box ends all in it with one signal."""
    assert BOX is not None
    policy = Policy(readable=READABLE, writable=(tmp_path,))
    command: Sequence[str] = [*BOX.prefix(policy, tmp_path), sys.executable, "-c", INNER]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as box:
        assert box.stdout is not None
        assert box.stdout.readline() == b"daemon\n"
        box.kill()
        ready, _, _ = select.select([box.stdout], [], [], 60)
        assert ready
        assert box.stdout.read() == b""
