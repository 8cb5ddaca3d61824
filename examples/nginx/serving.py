"""Runs nginx in a directory of its own on a free port of this machine, and puts load on it."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

#: Directives that say where a server stands, not how it works: they are set here instead.
PLACES = (
    "user|pid|daemon|master_process|error_log|lock_file|client_body_temp_path|proxy_temp_path|"
    "fastcgi_temp_path|uwsgi_temp_path|scgi_temp_path"
)
#: How long a server may take to start or to stop, in seconds.
PATIENCE = 10
#: Connections that are kept busy.
CONNECTIONS = 16


@dataclass
class Server:
    """A server that runs, or ran: its port and its directory."""

    port: int
    prefix: Path
    #: Processor time that it used after its start, in seconds; None until it has ended.
    used: float | None = None

    @property
    def site(self):
        """The files that it serves: a copy."""
        return self.prefix / "site"

    @property
    def log(self):
        """The lines of its access log; complete after it has ended."""
        path = self.prefix / "access.log"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@dataclass(frozen=True)
class Load:
    """What came of the load."""

    requests: int
    failed: int


def missing():
    """Return the names of programs that are needed and not installed."""
    return [name for name in ("nginx", "wrk") if shutil.which(name) is None]


def local(configuration, port):
    """Return a configuration for a directory and port of this machine."""
    text = re.sub(rf"(?m)^\s*(?:{PLACES})\s[^;]*;", "", configuration)
    text = re.sub(r"(?m)^(\s*)listen\s+[^\s;]+", rf"\1listen 127.0.0.1:{port}", text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path temporary/{kind};" for kind in kinds)
    return re.sub(r"(?m)^(\s*http\s*\{)", rf"\1 {places}", text, count=1)


def prepare(configuration, site, prefix, port):
    """Write a server's directory, and return the command that starts it."""
    (prefix / "temporary").mkdir(parents=True)
    shutil.copytree(site, prefix / "site")
    path = prefix / "server.conf"
    path.write_text(local(configuration, port), encoding="utf-8")
    # One process: a sandbox does not let a master start workers (F_SETOWN on their channel).
    orders = "daemon off; master_process off; pid nginx.pid; error_log error.log;"
    if os.geteuid() == 0:
        # Otherwise its workers become a user who may not read this directory.
        orders += " user root;"
    return ["nginx", "-p", f"{prefix}/", "-c", str(path), "-e", "error.log", "-g", orders]


def check(configuration, site, prefix):
    """Return what `nginx -t` complains about, "" if nothing."""
    command = prepare(configuration, site, prefix, 1024)
    done = subprocess.run([*command, "-t", "-q"], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def free_port():
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def serving(configuration, site, prefix):
    """Run a server; it has ended, and written its log, when the block ends."""
    port = free_port()
    command = prepare(configuration, site, prefix, port)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server, started = Server(port, prefix), 0.0
    try:
        _wait(process, port, prefix)
        started = _used_by(process.pid)
        yield server
    finally:
        before = _used_by_children()
        # It closes what is open and writes what is buffered.
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        server.used = _used_by_children() - before - started


def _used_by(pid):
    """Return the processor time of a process so far, in seconds; 0 where nobody tells."""
    try:
        told = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(told.split()[0]) / 1e9


def _used_by_children():
    """Return the processor time of child processes that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _wait(process, port, prefix):
    deadline = time.monotonic() + PATIENCE
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            said = prefix / "error.log"
            text = said.read_text(encoding="utf-8") if said.exists() else ""
            message = f"nginx does not answer at port {port}: {text}"
            raise RuntimeError(message)
        time.sleep(0.01)


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def load(server, paths, seconds, headers):
    """Ask for paths in turn with wrk for so many seconds, and return what came of it."""
    script = server.prefix / "paths.lua"
    listed = ", ".join(f'"{path}"' for path in paths)
    script.write_text(
        f"local paths = {{{listed}}}\n"
        "local turn, requests = 0, {}\n"
        "function init()\n"
        '  for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path) end\n'
        "end\n"
        "function request() turn = turn % #requests + 1; return requests[turn] end\n",
        encoding="utf-8",
    )
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d60s", "-s", str(script), *given]
    process = subprocess.Popen(
        [*command, f"http://127.0.0.1:{server.port}"], stdout=subprocess.PIPE, text=True
    )
    time.sleep(seconds)
    # It counts whole seconds only; interrupted, it tells what it has measured.
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=PATIENCE)[0]
    found = re.search(r"(\d+) requests in ", told)
    if found is None:
        message = f"wrk told nothing that can be read:\n{told}"
        raise RuntimeError(message)
    errors = re.findall(r"(?:responses:|connect|read|write|timeout) (\d+)", told)
    return Load(int(found[1]), sum(map(int, errors)))
