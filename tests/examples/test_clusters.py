"""Executors for clusters: with their engines where those are installed, else with stand-ins.

A stand-in has the few names that an example uses, and the habit of its engine that the example is
written against.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.remote.contract import Task
from pytest_autoloop.remote.engines import ExecutorEngine, engine_of
from pytest_autoloop.remote.hosts import Needs, this_host
from pytest_autoloop.remote.questions import LearnBaseline
from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTERS = EXAMPLES / "clusters"
ENGINES = {"on_parsl": "parsl", "on_executorlib": "executorlib", "on_ray": "ray"}
#: Loses what it is asked for SIGTERM, as Ray does.
RAY = """
import signal
from concurrent.futures import Future

CALLS = []


def init(**how):
    CALLS.append(("init", how))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def nodes():
    return [
        {"Alive": True, "Resources": {"CPU": 16.0}},
        {"Alive": True, "Resources": {"CPU": 8.0}},
        {"Alive": False, "Resources": {}},
    ]


def remote(**options):
    CALLS.append(("remote", options))
    return Remote


class Remote:
    def __init__(self, function):
        self.function = function

    def remote(self, *arguments):
        self.value = self.function(*arguments)
        return self

    def future(self):
        future = Future()
        future.set_result(self.value)
        return future


def shutdown():
    CALLS.append(("shutdown", {}))
"""
#: Cannot cancel, loads one configuration alone, and finds its programs by PATH, as Parsl does.
PARSL = {
    "__init__": """
        import os
        import sys


        class Config:
            def __init__(self, **settings):
                self.settings = settings


        class DataFlowKernel:
            def __init__(self, config):
                assert os.path.dirname(sys.executable) in os.environ["PATH"].split(os.pathsep)
                self.config = config
                self.cleanup_called = False

            def cleanup(self):
                assert not self.cleanup_called
                self.cleanup_called = True
    """,
    "addresses": "def address_by_hostname(): return '10.0.0.1'",
    "concurrent": """
        import warnings
        from concurrent.futures import Executor, Future


        class AppFuture(Future):
            def cancel(self):
                raise NotImplementedError("Cancel not implemented")


        class ParslPoolExecutor(Executor):
            def __init__(self, config=None, dfk=None):
                assert config is None, "it would be loaded, once"
                self.kernel = dfk

            def submit(self, fn, *args, **kwargs):
                future = AppFuture()
                future.set_result(fn(*args))
                return future

            def shutdown(self, wait=True, *, cancel_futures=False):
                if cancel_futures:
                    warnings.warn("Canceling is not supported")
    """,
    "executors": "class HighThroughputExecutor(dict): pass",
    "launchers": "class SrunLauncher: pass",
    "providers": """
        class SlurmProvider(dict):
            pass


        class LocalProvider(dict):
            pass
    """,
}
#: Is of no use any more when its worker has ended.
EXECUTORLIB = """
    from concurrent.futures import Future


    class SlurmJobExecutor:
        def __init__(self, **how):
            self.how, self.ended = how, False

        def submit(self, fn, /, *args):
            future = Future()
            try:
                assert not self.ended
                future.set_result(fn(*args))
            except ZeroDivisionError as error:
                self.ended = True
                future.set_exception(RuntimeError("SocketInterface crashed"))
            return future

        def shutdown(self, wait=True, *, cancel_futures=False):
            self.ended = True


    SingleNodeExecutor = SlurmJobExecutor
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that imports an example beside modules that stand in for its engine."""

    def load(example: str, files: dict[str, str]) -> Any:
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(CLUSTERS)
        monkeypatch.syspath_prepend(tmp_path)
        forget()
        return importlib.import_module(example)

    def forget() -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] in {*ENGINES, *ENGINES.values()}:
                monkeypatch.delitem(sys.modules, name)

    ends, path = signal.getsignal(signal.SIGTERM), os.environ["PATH"]
    yield load
    signal.signal(signal.SIGTERM, ends)
    os.environ["PATH"] = path
    forget()


@pytest.mark.parametrize("example", ENGINES)
@pytest.mark.filterwarnings("ignore")  # theirs
def test_two_workers_of_this_machine_answer(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task is answered in another process, which says why it may not take part."""
    pytest.importorskip(ENGINES[example], reason=f"{ENGINES[example]} is not installed")
    monkeypatch.syspath_prepend(CLUSTERS)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    engine = engine_of(f"{example}:here")
    assert isinstance(engine, ExecutorEngine)
    try:
        task = Task("site", LearnBaseline(), Needs("Python 1", "", {}), "nonce")
        reply = engine.submit(task, {}).result(120)
        assert reply.refusal.endswith("the campaign has Python 1")
        assert reply.host.python == this_host().python
        assert reply.host.process != os.getpid()
    finally:
        engine.close()


def test_ray_takes_no_signal_away_and_counts_no_deaths(stand_in: Any) -> None:
    """One task for each host that is there, as large as the smallest; nothing is tried again."""
    example = stand_in("on_ray", {"ray": RAY})
    before = signal.getsignal(signal.SIGTERM)
    workers = example.cluster()
    assert signal.getsignal(signal.SIGTERM) is before
    assert ExecutorEngine("ray", lambda: workers).slots == 2
    assert workers.submit(divmod, 7, 2).result() == (3, 1)
    workers.shutdown(wait=False, cancel_futures=True)
    (began, how), (asked, options), (ended, _) = example.ray.CALLS
    assert [began, asked, ended] == ["init", "remote", "shutdown"]
    assert how["address"] == "auto"
    assert options == {"max_retries": 0, "num_cpus": 8}


def test_parsl_may_be_asked_to_cancel(stand_in: Any) -> None:
    """A second answer is not waited for; the end warns of nothing, and ends what was started."""
    example = stand_in("on_parsl", {f"parsl/{name}": text for name, text in PARSL.items()})
    workers = example.here()
    assert ExecutorEngine("parsl", lambda: workers).slots == 2
    future = workers.submit(divmod, 7, 2)
    assert future.cancel() is False
    assert future.result() == (3, 1)
    for _ in range(2):
        workers.shutdown(wait=False, cancel_futures=True)
    assert workers.kernel.cleanup_called
    settings = example.slurm().kernel.config.settings
    assert settings["retries"] == 0
    (hosts,) = settings["executors"]
    assert hosts["max_workers_per_node"] == 1
    assert hosts["provider"]["init_blocks"] == example.HOSTS


def test_executorlib_puts_one_worker_on_each_host(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all its processors; it stays between tasks, and where it ended another one begins."""
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "4")
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "64")
    workers = stand_in("on_executorlib", {"executorlib": EXECUTORLIB}).slurm()
    assert ExecutorEngine("executorlib", lambda: workers).slots == 4
    assert [workers.submit(divmod, 7, 2).result() for _ in range(2)] == [(3, 1)] * 2
    with pytest.raises(ConnectionError, match="crashed"):
        workers.submit(divmod, 7, 0).result()
    assert workers.submit(divmod, 7, 2).result() == (3, 1)
    workers.shutdown(wait=False, cancel_futures=True)
    assert [one.ended for one in workers._all] == [True, True]
    for one in workers._all:
        assert one.how["resource_dict"]["threads_per_core"] == 64
        assert one.how["block_allocation"] is True


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_with_tls_only_the_certificate_gets_in(tmp_path: Path) -> None:
    """Two that have it speak with each other; who has another one, or none, is turned away."""
    dask = pytest.importorskip("dask")
    distributed: Any = pytest.importorskip("distributed")
    communication: Any = importlib.import_module("distributed.comm")
    connect, listen = communication.connect, communication.listen

    def security(name: str) -> Any:
        command = ["sh", str(CLUSTERS / "dask-tls.sh"), str(tmp_path / name)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        assert (tmp_path / name / "autoloop-key.pem").stat().st_mode & 0o077 == 0
        settings = dask.config.collect_yaml([str(tmp_path / name)])
        with dask.config.set(dask.config.merge(dask.config.config, *settings)):
            return distributed.Security()

    ours, other = security("ours"), security("other")

    async def answer(comm: Any) -> None:
        with contextlib.suppress(communication.CommClosedError):
            await comm.write(await comm.read())

    async def speak() -> None:
        arguments = ours.get_listen_args("scheduler")
        async with listen("tls://127.0.0.1:0", answer, **arguments) as listener:
            address = listener.contact_address
            comm = await connect(address, timeout=10, **ours.get_connection_args("client"))
            await comm.write("hello")
            assert await comm.read() == "hello"
            await comm.close()
            with pytest.raises(OSError, match=r"(?i)ssl|tls|certificate"):
                await connect(address, timeout=1, **other.get_connection_args("client"))
            with pytest.raises(TypeError, match="TLS"):
                await connect(address, timeout=1)
            with pytest.raises(RuntimeError, match="encryption required"):
                await connect("tcp://127.0.0.1:1", **ours.get_connection_args("client"))

    asyncio.run(speak())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_a_job_of_slurm_starts_a_cluster(tmp_path: Path) -> None:
    """Its scheduler answers at the address that it prints, and has a worker that may time."""
    pytest.importorskip("distributed")
    from pytest_autoloop.remote.dask import DaskEngine

    here = tmp_path / "bin"
    here.mkdir()
    (here / "activate").write_text("", encoding="utf-8")
    (here / "srun").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    (here / "srun").chmod(0o755)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    path = os.pathsep.join([str(here), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "AUTOLOOP_ENVIRONMENT": str(tmp_path),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TMPDIR": str(tmp_path),
    }
    job = subprocess.Popen(
        ["bash", str(CLUSTERS / "dask.slurm")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert job.stdout is not None
        executor, _, address = job.stdout.readline().split()[-1].partition(":")
        assert (executor, address) == ("dask", f"tcp://127.0.0.1:{port}")
        engine = DaskEngine(address)
        try:
            assert (engine.slots, engine.has_timing) == (1, True)
        finally:
            engine.close()
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
