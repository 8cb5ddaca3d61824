"""What becomes of a campaign when workers, hosts and schedulers fail: a table.

Each line is a real campaign on a real Dask cluster of two workers, in processes of their own, with
one fault put in while candidates are being judged. A campaign without any fault says what the
journal has to hold. ``python benchmarks/faults.py [--only NAME …]``; the host that is cut off needs
the right to make network namespaces.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPTS = Path(sys.executable).parent
#: Seconds that one measurement takes, and experiments of a campaign.
SECONDS, EXPERIMENTS = 0.5, 10
#: Addresses of the host that can be cut off, and of this one as seen from there.
AWAY, HERE = "10.213.7.2", "10.213.7.1"
NAMESPACE = f"autoloop-{os.getpid()}"
LONGEST = 600.0

CONFTEST = """
import time

import pytest_autoloop as autoloop


@autoloop.target
def target():
    "Make the text longer."
    return "text.txt"


@autoloop.metric(direction="higher")
def letters(target):
    time.sleep({seconds})
    return float(len(target.read_text()))
"""
GUARD = """
import os
import signal


def test_it_begins_with_a(target):
    text = target.read_text()
    assert text.startswith("a")
    if "poison" in text:  # as a candidate would that takes all memory of its host
        kill_worker()


def kill_worker():
    process = os.getppid()
    while process > 1:
        status = open(f"/proc/{process}/status").read()
        parent = int(status.partition("PPid:")[2].split()[0])
        command = open(f"/proc/{process}/cmdline").read()
        if "dask worker [" in command or "spawn_main" in command:
            os.kill(process, signal.SIGKILL)
            return
        process = parent
"""


def run(*command: object, **how: object) -> str:
    """Run a command to its end, and return what it printed."""
    words = list(map(str, command))
    return subprocess.run(words, check=True, capture_output=True, text=True, **how).stdout  # type: ignore[call-overload,no-any-return]


def project(root: Path, *, poison: bool) -> Path:
    """Make a repository whose queue of ideas has gains, losses and, if wanted, poison."""
    root.mkdir()
    (root / "conftest.py").write_text(CONFTEST.format(seconds=SECONDS))
    (root / "test_text.py").write_text(GUARD)
    (root / "text.txt").write_text("a")
    ideas = root / "ideas"
    ideas.mkdir()
    for number in range(EXPERIMENTS):
        text = "a" + "b" * (number * 7 % 10 + 1)
        if poison and number == 3:  # noqa: PLR2004 - neither the first nor the last
            text += " poison"
        (ideas / f"{number:02}_idea.txt").write_text(text)
    run("git", "init", "-q", cwd=root)
    run("git", "add", ".", cwd=root)
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    run("git", *author, "commit", "-q", "-m", "begin", cwd=root)
    return root


@dataclass
class Cluster:
    """A scheduler and workers, each a process group of its own."""

    directory: Path
    port: int
    listen: str = "127.0.0.1"
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the scheduler is reached from here."""
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start a scheduler, and wait until it answers."""
        command = [SCRIPTS / "dask", "scheduler", "--port", self.port, "--no-dashboard"]
        self.scheduler = self._start("scheduler", [*command, "--host", self.listen])
        until(lambda: answers(self.port), "the scheduler answers")

    def start_worker(self, *prefix: object, at: str = "127.0.0.1") -> None:
        """Start a worker with its nanny."""
        number = len(self.workers)
        command = [SCRIPTS / "dask", "worker", f"tcp://{at}:{self.port}", "--nthreads", "1"]
        command += ["--no-dashboard", "--local-directory", self.directory / f"worker-{number}"]
        self.workers.append(self._start(f"worker-{number}", [*prefix, *command]))

    def worker_process(self, number: int) -> int:
        """Return the process that runs tasks: the child of a nanny."""
        nanny = self.workers[number].pid
        return next(p for p in descendants(nanny) if b"dask worker [" in command_of(p))

    def close(self) -> None:
        """End everything."""
        for process in [*self.workers, self.scheduler]:
            if process is not None:
                for one in [process.pid, *descendants(process.pid)]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one, signal.SIGCONT)
                        os.kill(one, signal.SIGKILL)
                process.wait()

    def _start(self, name: str, command: list[object]) -> subprocess.Popen[bytes]:
        log = (self.directory / f"{name}.log").open("ab")
        words = list(map(str, command))
        environment = {**os.environ, "AUTOLOOP_LOCKS": ""}  # one host stands for two
        return subprocess.Popen(
            words, stdout=log, stderr=log, start_new_session=True, env=environment
        )


def descendants(process: int) -> list[int]:
    """Return the processes below one."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(path.name))
    found, left = [], [process]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def command_of(process: int) -> bytes:
    """Return a process's command line."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something to come about."""
    end = time.monotonic() + LONGEST
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def rows(root: Path) -> list[dict[str, object]]:
    """Return the experiments in the campaign's journal."""
    found = list(root.glob(".pytest_autoloop/*/experiments.jsonl"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def busy(cluster: Cluster, number: int) -> bool:
    """Tell whether a worker is judging: its children belong to a candidate."""
    with contextlib.suppress(StopIteration):
        worker = cluster.worker_process(number)
        return any(b"pytest_autoloop" in command_of(one) for one in descendants(worker))
    return False


def kill_worker(cluster: Cluster) -> None:
    """Kill the process that runs tasks; its nanny starts another."""
    os.kill(cluster.worker_process(0), signal.SIGKILL)


def kill_nanny(cluster: Cluster) -> None:
    """Kill a nanny, and with it its worker: the whole host is gone."""
    below = cluster.worker_process(0)
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    os.kill(below, signal.SIGKILL)


def stop_worker(cluster: Cluster) -> None:
    """Stop a worker for good, which looks like a host that is very slow."""
    os.kill(cluster.worker_process(0), signal.SIGSTOP)


def cut_off(_: Cluster) -> None:
    """Take the network away from the host of the second worker."""
    run("ip", "link", "set", "autoloop-here", "down")


def restart_scheduler(cluster: Cluster) -> None:
    """Kill the scheduler, start another at its address, and workers as a supervisor would."""
    assert cluster.scheduler is not None
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    cluster.start_scheduler()
    for _ in range(2):
        cluster.start_worker()


def nothing(_: Cluster) -> None:
    """Leave everything as it is."""


FAULTS: dict[str, Callable[[Cluster], None]] = {
    "none": nothing,
    "worker killed": kill_worker,
    "nanny killed": kill_nanny,
    "host cut off": cut_off,
    "scheduler restarted": restart_scheduler,
    "poison candidate": nothing,
    "straggler": stop_worker,
}


@contextlib.contextmanager
def second_host() -> Iterator[list[str]]:
    """Make a network namespace that is linked to this one; yield what runs a command in it."""
    run("ip", "netns", "add", NAMESPACE)
    try:
        ends = ("autoloop-here", "autoloop-away")
        run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        run("ip", "link", "set", ends[1], "netns", NAMESPACE)
        run("ip", "addr", "add", f"{HERE}/24", "dev", ends[0])
        run("ip", "link", "set", ends[0], "up")
        inside = ["ip", "netns", "exec", NAMESPACE]
        run(*inside, "ip", "addr", "add", f"{AWAY}/24", "dev", ends[1])
        run(*inside, "ip", "link", "set", ends[1], "up")
        run(*inside, "ip", "link", "set", "lo", "up")
        yield inside
    finally:
        run("ip", "netns", "del", NAMESPACE)


def campaign(name: str, place: Path) -> dict[str, object]:
    """Run one campaign with one fault, and return what came of it."""
    root = project(place / "project", poison=name == "poison candidate")
    away = name == "host cut off"
    cluster = Cluster(place, free_port(), "0.0.0.0" if away else "127.0.0.1")  # noqa: S104 - to be reached from the other namespace
    with contextlib.ExitStack() as stack:
        stack.callback(cluster.close)
        inside = stack.enter_context(second_host()) if away else []
        cluster.start_scheduler()
        cluster.start_worker()
        cluster.start_worker(*inside, at=HERE if away else "127.0.0.1")
        command = [str(SCRIPTS / "pytest"), f"--autoloop={EXPERIMENTS}", "-p", "no:cacheprovider"]
        command += ["--autoloop-proposer=replay:ideas", "--autoloop-tag=t"]
        command += [f"--autoloop-executor=dask:{cluster.address}", "--autoloop-workers=2"]
        if name == "poison candidate":  # it has to get out to do any harm
            command.append("--autoloop-sandbox=off")
        began = time.monotonic()
        output = (place / "output").open("wb")
        session = subprocess.Popen(command, cwd=root, stdout=output, stderr=subprocess.STDOUT)
        stack.callback(session.wait)
        stack.callback(session.kill)
        # In the middle: something is recorded, and the worker that is to suffer has work.
        until(lambda: len(rows(root)) > 2 or session.poll() is not None, "two experiments")  # noqa: PLR2004
        number = 1 if away else 0
        until(lambda: busy(cluster, number) or session.poll() is not None, "a busy worker")
        struck = time.monotonic()
        FAULTS[name](cluster)
        status = session.wait(LONGEST)
        ended = time.monotonic()
    found = rows(root)
    return {
        "status": status,
        "seconds": ended - began,
        "after": ended - struck,
        "numbers": [row["number"] for row in found],
        "decisions": [f"{row['status']} {row['reason']}".strip() for row in found],
        "output": (place / "output").read_text(errors="replace"),
    }


def told(name: str, found: dict[str, object], clean: list[str] | None) -> str:
    """Return the line of a table."""
    numbers, decisions = found["numbers"], found["decisions"]
    assert isinstance(numbers, list)
    assert isinstance(decisions, list)
    lost = EXPERIMENTS + 1 - len(set(numbers))
    twice = len(numbers) - len(set(numbers))
    if clean is None:
        same = ""
    else:
        different = [n for n, (a, b) in enumerate(zip(clean, decisions, strict=False)) if a != b]
        same = (
            "the same"
            if not different and len(clean) == len(decisions)
            else ", ".join(f"{n:03} {decisions[n]}" for n in different)
        )
    return (
        f"{name:20} {found['status']:>4} {lost:>5} {twice:>6} {found['seconds']:>8.1f} "
        f"{found['after']:>7.1f}  {same}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--show", action="store_true", help="what each session printed")
    options = parser.parse_args()
    print(f"{'fault':20} exit  lost  twice  seconds   after  decisions")
    clean: list[str] | None = None
    for name in options.only:
        place = Path(tempfile.mkdtemp(prefix="autoloop-faults-"))
        try:
            found = campaign(name, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        print(told(name, found, None if name == "none" else clean), flush=True)
        if options.show:
            print(found["output"])
        if name == "none":
            clean = found["decisions"]  # type: ignore[assignment]


if __name__ == "__main__":
    main()
