"""A cluster of processes: a scheduler and two workers, which start and end with this module."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.remote import dask
from pytest_autoloop.remote.contract import Task
from pytest_autoloop.remote.dask import TIMING, DaskEngine
from pytest_autoloop.remote.dispatch import Dispatcher, PoisonError
from pytest_autoloop.remote.hosts import Host, needs_of, this_host
from pytest_autoloop.remote.questions import LearnBaseline
from tests.projects import COUNTED, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.projects import Project

pytest.importorskip("distributed")
AMPLE = 60.0
#: dask leaves the sockets of a lost worker to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@dataclass(frozen=True)
class Looked:
    """Needs that no host has: its refusal says who looked, without anything being set up.

    As long as one of the files is not there, whoever looks makes it, and is killed.
    """

    deadly: tuple[str, ...] = ()

    def refusal(self, host: Host) -> str:
        """End this process, or tell of it."""
        for name in self.deadly:
            if not Path(name).exists():
                Path(name).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return f"seen by {os.getpid()}"


@dataclass(frozen=True)
class Place:
    """What a dispatcher knows of a site."""

    key: str = "site"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Cluster:
    """A scheduler and workers, each a process group of its own."""

    directory: Path
    environment: dict[str, str]
    scheme: str = "tcp"
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the scheduler is reached."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> None:
        """Start a scheduler or a worker; each waits for the other."""
        log = (self.directory / f"{len(self.processes)}.log").open("wb")
        with log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
                    env=self.environment,
                    cwd=self.directory,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def scheduler(self) -> None:
        """Start the scheduler."""
        host = f"{self.scheme}://127.0.0.1"
        self.start("scheduler", "--host", host, "--port", str(self.port))

    def worker(self, *arguments: str) -> None:
        """Start a worker, and what starts it again when it is killed."""
        common = ("--nthreads", "1", "--local-directory", str(self.directory))
        self.start("worker", self.address, *common, *arguments)

    def close(self) -> None:
        """End all of them, with what they have started."""
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def environment_of(directory: Path, **more: str) -> dict[str, str]:
    """Return the environment of workers that can import what these tests can.

    Of plugins they load what the sessions of these tests do.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    own = {"PYTHONPATH": paths, "TMPDIR": str(directory), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**clean_environment(), **own, **more}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a scheduler, a worker, and one that has what others lack."""
    directory = tmp_path_factory.mktemp("cluster")
    made = Cluster(directory, environment_of(directory))
    with contextlib.closing(made):
        made.scheduler()
        made.worker("--name", "plain")
        made.worker("--name", "special", "--resources", f"GPU=1,{TIMING}=1")
        yield made


@pytest.fixture(scope="module")
def engine(cluster: Cluster) -> Iterator[DaskEngine]:
    """Reach the cluster, once both workers are there."""
    with contextlib.closing(DaskEngine(cluster.address)) as first:
        first._client.wait_for_workers(2, timeout=AMPLE)
    with contextlib.closing(DaskEngine(cluster.address)) as made:
        yield made


def task(*deadly: Path, nonce: str = "1") -> Task:
    """Return a task that tells who has it, and ends a worker for each file that is missing."""
    needs: Any = Looked(tuple(map(str, deadly)))
    return Task("site", LearnBaseline(), needs, nonce)


def address_of(engine: DaskEngine, name: str) -> str:
    """Return where a worker is."""
    return next(a for a, worker in engine._workers().items() if worker["name"] == name)


def test_the_header_says_what_there_is(cluster: Cluster, engine: DaskEngine) -> None:
    """Workers and threads are counted; one of them alone may time something."""
    assert engine.description == f"dask at {cluster.address}: 2 workers, 2 threads"
    assert engine.slots == 2
    assert engine.has_timing


def test_a_task_goes_to_a_worker_that_has_what_it_takes(engine: DaskEngine) -> None:
    """And waits for one where there is none."""
    waiting = engine.submit(task(nonce="wait"), {"TPU": 1})
    special = address_of(engine, "special")
    replies = [engine.submit(task(nonce=f"r{n}"), {"GPU": 1}) for n in range(6)]
    assert {reply.result(AMPLE).host.address for reply in replies} == {special}
    assert not waiting.done()
    waiting.cancel()


def test_a_worker_that_is_killed_gives_its_task_to_another(
    engine: DaskEngine, tmp_path: Path
) -> None:
    """The engine sees to it; whoever asks waits for the answer alone."""
    future = engine.submit(task(tmp_path / "first", nonce="killed"), {})
    assert "seen by" in future.result(AMPLE).refusal
    assert (tmp_path / "first").exists()


def test_what_ends_two_workers_is_given_to_no_third(engine: DaskEngine, tmp_path: Path) -> None:
    """However many the scheduler's own settings would allow."""
    files = [tmp_path / name for name in ("first", "second", "third")]
    notes: list[str] = []
    site: Any = Place()
    needs: Any = Looked(tuple(map(str, files)))
    dispatcher = Dispatcher(engine, site, needs, notes.append)
    with pytest.raises(PoisonError, match="2 workers ended while they had it"):
        dispatcher.ask(LearnBaseline())
    assert [file.exists() for file in files] == [True, True, False]


def test_a_worker_of_another_version_gets_no_task(cluster: Cluster, engine: DaskEngine) -> None:
    """The user reads why, before anything is sent; where there is no other, nothing begins."""
    engine._client.wait_for_workers(2, timeout=AMPLE)
    needs = needs_of(this_host(), b"", ())
    assert engine.check(needs) == []
    with contextlib.closing(DaskEngine(cluster.address)) as other:
        with pytest.raises(UsageError, match=r"no worker may take part; .*has 0\.0\.1"):
            other.check(replace(needs, plugin="0.0.1"))
        with pytest.raises(ConnectionError, match="no worker that may take part"):
            other.submit(task(nonce="none"), {})
    with contextlib.closing(DaskEngine(cluster.address)) as other:
        special = address_of(other, "special")
        other.avoid(replace(this_host(), address=special))
        replies = [other.submit(task(nonce=f"a{n}"), {}) for n in range(4)]
        addresses = {reply.result(AMPLE).host.address for reply in replies}
        assert addresses == {address_of(other, "plain")}


def test_where_nobody_answers_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to start one."""
    monkeypatch.setattr(dask, "_CONNECT", 0.5)
    with pytest.raises(UsageError, match=r"no scheduler answers there.*start one with: dask sch"):
        DaskEngine(f"tcp://127.0.0.1:{free_port()}")


def test_a_campaign_is_judged_by_a_cluster(
    cluster: Cluster, engine: DaskEngine, project: Project
) -> None:
    """As by a process of its own; the cluster outlives it."""
    engine._client.wait_for_workers(2, timeout=AMPLE)
    project.commit(COUNTED)
    ideas = project.ideas("alpha beta\n", "beta\n", suffix=".txt")
    session = project.autoloop(
        *(2, "--autoloop-proposer", ideas, "--autoloop-tag=t", "--autoloop-workers=2"),
        f"--autoloop-executor=dask:{cluster.address}",
    )
    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("discard", "guard")]
    assert all(row["host"] for row in session.journal if row["pairs"])
    assert f"on dask at {cluster.address}" in session.stdout
    assert "seen by" in engine.submit(task(nonce="later"), {}).result(AMPLE).refusal


def test_a_cluster_may_be_reached_through_tls(tmp_path: Path) -> None:
    """Certificates are dask's own business, as its configuration has it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    prefix = "DASK_DISTRIBUTED__COMM__"
    roles = {
        f"{prefix}TLS__{role}__{kind}": str(path)
        for role in ("SCHEDULER", "WORKER", "CLIENT")
        for kind, path in (("KEY", key), ("CERT", certificate))
    }
    certified = {f"{prefix}REQUIRE_ENCRYPTION": "True", f"{prefix}TLS__CA_FILE": str(certificate)}
    environment = environment_of(tmp_path, **certified, **roles)
    with contextlib.closing(Cluster(tmp_path, environment, "tls")) as cluster:
        cluster.scheduler()
        cluster.worker()
        source = (
            "import json, sys\n"
            "from contextlib import closing\n"
            "from pytest_autoloop.remote.engines import engine_of\n"
            "from tests.remote.test_dask import task\n"
            "with closing(engine_of(sys.argv[1])) as engine:\n"
            "    reply = engine.submit(task(), {}).result(60)\n"
            "    print(json.dumps([reply.refusal, reply.host.address, engine.description]))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", source, f"dask:{cluster.address}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=AMPLE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    refusal, address, description = json.loads(done.stdout.splitlines()[-1])
    assert "seen by" in refusal
    assert address.startswith("tls://")
    assert description.startswith(f"dask at {cluster.address}: 1 workers")
