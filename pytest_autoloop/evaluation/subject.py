"""What the target is in a child session: the candidate itself, recorded, or a proxy of it."""

from __future__ import annotations

import dataclasses
import secrets
import time
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.compatible.integrity import Integrity
from pytest_autoloop.evaluation.imports import SourceLoader
from pytest_autoloop.evaluation.isolated import given
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.protocol import RECORDING
from pytest_autoloop.harness.items import uses_benchmark

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from importlib.machinery import SourceFileLoader
    from types import ModuleType

    from pytest_autoloop.evaluation.isolated.api import Recorder
    from pytest_autoloop.evaluation.isolated.trusted import Trusted
    from pytest_autoloop.evaluation.protocol import ChildSpec, Verdict

#: Calls that are drawn from each of the user's own inputs.
_DRAWN = 200


class Subject(Protocol):
    """Loads the target in one child session, and tells of it at the end."""

    #: Plugin objects that the session is run with.
    plugins: list[object]
    #: SHA-256 of the candidate's source if it is loaded already; empty while a loader has to tell.
    loaded: str

    def loader(self, name: str, path: str) -> SourceFileLoader:
        """Return what loads the target's file under a name."""

    def fill(self, verdict: Verdict, inputs: object) -> None:
        """Add to a verdict, at the end of the session; `inputs` is what the user's fixture gave."""

    def close(self) -> None:
        """End what it has started."""


def subject_of(spec: ChildSpec) -> Subject:
    """Return the subject that a specification asks for.

    Raises:
        CandidateFault: the candidate cannot be loaded in its worker.
    """
    if spec.mode == "isolated":
        # Imported late: a target that is not Python has no need of it.
        from pytest_autoloop.evaluation.isolated.trusted import Trusted  # noqa: PLC0415

        return Isolated(spec, Trusted(spec))
    if spec.mode == "record":
        from pytest_autoloop.evaluation.isolated.api import Recorder  # noqa: PLC0415

        return Recorded(spec, Recorder())
    return Compatible(spec)


class Compatible:
    """The candidate in the process of the tests, which is watched for traces of tampering."""

    loaded = ""

    def __init__(self, spec: ChildSpec) -> None:
        self._integrity = Integrity(
            measuring=spec.phase == "measure",
            clock=spec.clock,
            hide_current_test=spec.hide_current_test,
        )
        self.plugins: list[object] = [self._integrity]

    def loader(self, name: str, path: str) -> SourceFileLoader:
        """Load the file as it is now."""
        return SourceLoader(name, path)

    def fill(self, verdict: Verdict, inputs: object) -> None:  # noqa: ARG002 - for others
        """Say what was found."""
        verdict.traces = [
            [found.kind, found.what]
            for found in self._integrity.findings()
            # Honest modules register such functions too, and a child ends without calling any.
            if not found.kind.startswith("atexit:")
        ]
        verdict.claimed = self._integrity.claimed

    def close(self) -> None:
        """End nothing."""


class Recorded:
    """The untouched target, with every call of its functions written down."""

    loaded = ""

    def __init__(self, spec: ChildSpec, recorder: Recorder) -> None:
        self._spec = spec
        self._recorder = recorder
        self.plugins: list[object] = [self]

    def loader(self, name: str, path: str) -> SourceFileLoader:
        """Load the file, and watch what others do with the module."""
        return _RecordingLoader(name, path, self._recorder)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell the recorder which test makes the calls that follow."""
        self._recorder.node, self._recorder.benchmark = item.nodeid, uses_benchmark(item)
        try:
            return (yield)
        finally:
            self._recorder.node, self._recorder.benchmark = "", False

    def fill(self, verdict: Verdict, inputs: object) -> None:  # noqa: ARG002 - for others
        """Say whether the target can be isolated, and leave the recorded calls in a file."""
        api, recording = self._recorder.finish()
        verdict.api = api.to_json()
        self._spec.file(RECORDING).write_bytes(recording.to_bytes())

    def close(self) -> None:
        """End nothing."""


class Isolated:
    """A proxy of the candidate, which lives in a worker."""

    def __init__(self, spec: ChildSpec, trusted: Trusted) -> None:
        self._spec = spec
        self._trusted = trusted
        self.loaded = trusted.loaded
        self.plugins: list[object] = [self]

    def loader(self, name: str, path: str) -> SourceFileLoader:
        """Load the proxy."""
        return self._trusted.loader(name, path)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Run no test on a candidate that cannot be loaded."""
        if self._trusted.fault is not None:
            session.shouldstop = "the candidate cannot be loaded"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Stop after the first fault: a worker that has ended answers no other test."""
        result = yield
        if self._trusted.fault is not None:
            item.session.shouldstop = "the candidate's worker has ended"
        return result

    def fill(self, verdict: Verdict, inputs: object) -> None:
        """Try fresh inputs on a candidate that has passed every guard; verify its gain."""
        try:
            if self._trusted.fault is not None:
                raise self._trusted.fault
            if self._spec.phase == "verify":
                found = self._trusted.verify(_extra(inputs))
                verdict.verification = dataclasses.asdict(found)
            elif self._spec.phase == "guard" and self._spec.differential and not verdict.failed:
                began = time.monotonic()
                compared = dataclasses.asdict(self._trusted.differential(_extra(inputs)))
                verdict.differential = {**compared, "seconds": time.monotonic() - began}
        except CandidateFault as fault:
            verdict.fault = told(fault)
        except (EvaluationError, given.GivenInputsError) as error:
            verdict.error = str(error)
        finally:
            # They end while the rest of the session does.
            self._trusted.leave()

    def close(self) -> None:
        """End every worker."""
        self._trusted.close()


def told(fault: CandidateFault) -> list[str]:
    """Return what a verdict says of a fault."""
    return [fault.status, fault.reason, fault.detail]


def _extra(inputs: object) -> Mapping[str, Any]:
    if inputs is None:
        return {}
    # Drawn now, when the candidate is loaded: it cannot know what is coming.
    return given.drawn(given.check(inputs), secrets.randbits(64), _DRAWN)


class _RecordingLoader(SourceLoader):
    def __init__(self, name: str, path: str, recorder: Recorder) -> None:
        super().__init__(name, path)
        self._recorder = recorder

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module, then watch it."""
        super().exec_module(module)
        self._recorder.install(module)
