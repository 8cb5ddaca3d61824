"""A standing session: a process in which pytest is configured, and which forks the children.

It is itself a fork of a warm parent, for one worktree and one kind of run. How far it goes ahead of
its children is one of

    session   pytest is configured and its session has begun; conftests are loaded in the children
    plugins   plugins are loaded, and conftests are about to be
    imports   pytest has not begun

None of the project's own code runs here, so that each child imports it for itself, and afresh.
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.evaluation.child import Child
from pytest_autoloop.evaluation.compatible import fingerprints
from pytest_autoloop.evaluation.containment import bubblewrap
from pytest_autoloop.evaluation.preload import memory, unsafe
from pytest_autoloop.evaluation.process import end_with_parent
from pytest_autoloop.evaluation.protocol import ChildSpec
from pytest_autoloop.evaluation.supervise import (
    become_supervisor,
    begin_child,
    leaving,
    watch,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pytest_autoloop.evaluation.channel import Channel
    from pytest_autoloop.evaluation.protocol import Level


class Standing:
    """Answers requests from one place in pytest's own course, where children are forked.

    Registered as a plugin beside the `Child`, it stops at that place for good; what goes on from
    there is a child.
    """

    def __init__(self, request: Mapping[str, Any], channel: Channel) -> None:
        self._level: Level = request["level"]
        self._projects = tuple(map(Path, request["projects"]))
        self._ours = bool(request["ours"])
        self._channel = channel
        self._output = os.memfd_create("output")
        for standard in (1, 2):
            os.dup2(self._output, standard)
        self._begun = False
        spec = ChildSpec(**request["specification"])
        self.child = Child(spec)

    def run(self) -> None:
        """Begin a session, as far as it goes ahead; returns in a child whose session has ended."""
        if self._level == "imports":
            self._stand()
            self.child.run()
            return
        self.child.run(self)
        if not self._begun:
            self._channel.send({"unsafe": "pytest ended before its session had begun"})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(
        self, early_config: pytest.Config
    ) -> Generator[None, object, object]:
        """Stop before the first conftest is loaded, or leave them all to the children."""
        if self._level == "plugins":
            self._stand()
            self.child.register_late(early_config)
            return (yield)
        options = early_config.known_args_namespace
        chosen, options.noconftest = options.noconftest, True
        try:
            return (yield)
        finally:
            options.noconftest = chosen

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stop when the session has begun; in a child, load the conftests then."""
        if self._level != "session":
            return
        config = session.config
        self._stand()
        capture = config.pluginmanager.getplugin("capturemanager")
        if capture is not None and capture.is_globally_capturing():
            # What is captured goes to files, whose offsets all forks of this process would share.
            capture.stop_global_capturing()
            capture.start_global_capturing()
            capture.suspend_global_capture()
        self.child.register_late(config)
        self.child.pytest_load_initial_conftests(config)
        if not config.known_args_namespace.noconftest:
            config.pluginmanager._noconftest = False
            if capture is not None:
                capture.resume_global_capture()
            try:
                _load_conftests(config)
            finally:
                if capture is not None:
                    capture.suspend_global_capture()

    def _stand(self) -> None:
        """Answer requests; returns in each child, and ends the process with its channel."""
        why = unsafe(self._projects, ours=self._ours)
        if why:
            self._channel.send({"unsafe": why})
            os._exit(0)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if self._level == "session":
            fingerprints.settle()
        become_supervisor()
        self._begun = True
        # So that the first child does not differ from the others in what it gets from here.
        process = os.fork()
        if not process:
            os._exit(0)
        ended = watch(process, math.inf, self._channel.fileno())
        gc.collect()
        # What exists now is never collected in a child: its memory stays shared.
        gc.freeze()
        self._channel.send({"ready": True})
        while (request := self._channel.receive()) is not None:
            if "memory" in request:
                self._channel.send(memory())
                continue
            process = os.fork()
            if not process:
                begin_child()
                self._channel.close()
                self._become(request["run"])
                return
            ended = watch(process, float(request["run"]["seconds"]), self._channel.fileno())
            self._channel.send(asdict(ended))
        os._exit(0)

    def _become(self, request: Mapping[str, Any]) -> None:
        """Become the child that a request asks for; one that has nothing to run ends here."""
        self._redirect(request["output"])
        reseed()
        importlib.invalidate_caches()
        if not self.child.begin(Path(request["specification"])):
            self.child.close()
            os._exit(0)
        self.child.keep_bytecode()

    def _redirect(self, output: str) -> None:
        """Let the child's output go to a file, with all that pytest has printed until now.

        Every descriptor that leads to this process's output is led there: faulthandler has a copy
        of its own.
        """
        # Not cut off: some file systems (ext4) would send it to the disk when it is closed.
        file = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
        if os.fstat(file).st_size:
            os.ftruncate(file, 0)
        status = os.fstat(self._output)
        if status.st_size:
            os.write(file, os.pread(self._output, status.st_size, 0))
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
            number = int(name)
            try:
                same = os.path.samestat(os.fstat(number), status)
            except OSError:
                continue
            if same:
                os.dup2(file, number, inheritable=number <= 2)  # noqa: PLR2004 - the standard ones
        os.close(file)


def _load_conftests(config: pytest.Config) -> None:
    """Load the conftests as pytest does, under its own filters of warnings, which end with that.

    Every other plugin has had its turn in this hook.
    """
    known = config.pluginmanager
    wanted = (config, known.get_plugin("warnings"))
    others = [plugin for plugin in known.get_plugins() if plugin not in wanted]
    hook = known.subset_hook_caller("pytest_load_initial_conftests", others)
    hook(early_config=config, parser=config._parser, args=list(config.invocation_params.args))


def stand(request: Mapping[str, Any], channel: Channel) -> None:
    """Become a standing session: the calling process, a fork of a warm parent, ends in it."""
    with leaving():
        end_with_parent()
        _surround(request)
        standing = Standing(request, channel)
        try:
            standing.run()
        finally:
            standing.child.close()


def _surround(request: Mapping[str, Any]) -> None:
    """Take the directory, the environment and the import path of the children."""
    os.chdir(request["cwd"])
    # It says that this process stands in a box, which the controller cannot know.
    box = {name: os.environ[name] for name in (bubblewrap.MARK,) if name in os.environ}
    os.environ.clear()
    os.environ.update(request["environment"], **box)
    entries = [e for e in os.environ.get("PYTHONPATH", "").split(os.pathsep) if e]
    sys.path[:] = [*entries, *(entry for entry in sys.path if entry not in entries)]
    importlib.invalidate_caches()
    # The warm-up has asked for it, and got another directory.
    tempfile.tempdir = None
    gc.enable()


def reseed() -> None:
    """Let this fork draw other numbers than its parent's other forks, as new processes do.

    Python reseeds its own generator, and what asks the system for each number needs no seed.
    """
    random.seed()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    hypothesis = sys.modules.get("hypothesis.core")
    if getattr(hypothesis, "_hypothesis_global_random", None) is not None:
        hypothesis._hypothesis_global_random = None  # type: ignore[union-attr]
    unique = sys.modules.get("uuid")
    if unique is not None:
        unique._last_timestamp = None  # type: ignore[attr-defined]
