"""The trusted side of isolated mode in one child: proxies, fresh inputs, timing from outside."""

from __future__ import annotations

import hashlib
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_autoloop.evaluation.isolated.api import Api
from pytest_autoloop.evaluation.isolated.contract import CandidateFault, Source, Surroundings
from pytest_autoloop.evaluation.isolated.differential import compare_versions
from pytest_autoloop.evaluation.isolated.handle import Worker
from pytest_autoloop.evaluation.isolated.nursery import Nursery
from pytest_autoloop.evaluation.isolated.proxy import ProxyLoader
from pytest_autoloop.evaluation.isolated.recording import Recording
from pytest_autoloop.evaluation.isolated.timing import verify_gain
from pytest_autoloop.evaluation.isolated.visible import visible
from pytest_autoloop.evaluation.protocol import INCUMBENT, ORIGINAL, RECORDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_autoloop.evaluation.isolated.differential import Differential
    from pytest_autoloop.evaluation.isolated.verification import Verification
    from pytest_autoloop.evaluation.protocol import ChildSpec

#: Seconds that loading a candidate, or one call, may take when nothing else bounds it.
_CALL_SECONDS = 60.0

Version = Literal["original", "incumbent", "candidate"]


class Trusted:
    """Runs versions of the target in workers, for one child session.

    The candidate is loaded while the session goes on: a fault in that shows where it is first used,
    and in `fault`.
    """

    def __init__(self, spec: ChildSpec) -> None:
        self._spec = spec
        self._api = Api.from_json(spec.api)
        self._stack = ExitStack()
        self._count = 0
        self._roots = _import_roots(Path(spec.worktree))
        self._readable: tuple[str, ...] | None = None
        # Before tests import anything: a library's threads would not let a worker confine itself.
        later = spec.phase == "verify" or (spec.phase == "guard" and spec.differential)
        self._nursery = Nursery(self._roots) if later else None
        content = self._content("candidate")
        #: SHA-256 of the source that the candidate's worker loads.
        self.loaded = hashlib.sha256(content).hexdigest()
        self.candidate = self._start(content)
        self._loaders: list[ProxyLoader] = []

    def loader(self, name: str, path: str) -> ProxyLoader:
        """Return what makes the proxy when the target is imported."""
        loader = ProxyLoader(
            name,
            path,
            original=self._spec.file(ORIGINAL).read_bytes(),
            api=self._api,
            worker=self.candidate,
            seconds=self._seconds,
        )
        self._loaders.append(loader)
        return loader

    @property
    def fault(self) -> CandidateFault | None:
        """What the candidate did behind the proxy that no candidate may."""
        faults = (loader.first_fault() for loader in self._loaders)
        found = next((fault for fault in faults if fault is not None), None)
        return self._of_loading() if found is None else found

    def _of_loading(self) -> CandidateFault | None:
        try:
            _ = self.candidate.exports
        except CandidateFault as fault:
            return fault
        return None

    def start(self, version: Version) -> Worker:
        """Start a worker for a version of the target; a fault in loading shows when it is used."""
        return self._start(self._content(version))

    def _start(self, content: bytes) -> Worker:
        spec = self._spec
        # Versions get a directory each, of equal length: what one leaves, no other finds.
        self._count += 1
        home = spec.file(f"worker-{self._count:04}")
        home.mkdir()
        if self._readable is None:
            # A walk through the worktree, unless who asks for many sessions there has done it once.
            known: list[str] | None = getattr(spec, "visible", None)
            hidden = frozenset(spec.hidden)
            self._readable = tuple(known or visible(spec.worktree, hidden, spec.target))
        surroundings = Surroundings(
            import_roots=self._roots,
            readable=self._readable,
            home=str(home),
            output=f"{home}.out",
            contained=spec.contained,
            tripwire=spec.tripwire,
        )
        path = str(Path(spec.worktree, spec.target))
        worker = Worker(
            Source(self._api.module, path, content),
            surroundings,
            seconds=self._seconds,
            births=self._nursery,
            timed=spec.phase == "verify",
        )
        self._stack.callback(worker.close)
        return worker

    def differential(self, extra: Mapping[str, Iterable[Any]]) -> Differential:
        """Compare the candidate with the first commit on fresh inputs.

        Raises:
            CandidateFault: the candidate did what none may.
        """
        recording = Recording.from_bytes(self._spec.file(RECORDING).read_bytes())
        # Both load at the same time.
        originals = [self.start("original") for _ in range(2)]

        def another() -> Worker:
            worker = originals.pop() if originals else self.start("original")
            _ = worker.exports
            return worker

        return compare_versions(
            another(),
            self.candidate,
            recording,
            # Drawn now, when the candidate is loaded: it cannot know what is coming.
            seed=secrets.randbits(64),
            seconds=self._spec.differential,
            extra=extra,
            tolerance=self._spec.tolerance,
            again=another,
        )

    def verify(self, extra: Mapping[str, Iterable[Any]]) -> Verification:
        """Time the candidate and the incumbent from outside.

        Raises:
            CandidateFault: the candidate did what none may.
        """
        spec = self._spec
        return verify_gain(
            self.start,
            Recording.from_bytes(spec.file(RECORDING).read_bytes()),
            claimed_log_gain=spec.claimed,
            seed=secrets.randbits(64),
            seconds=spec.verify_seconds,
            extra=extra,
            tolerance=spec.tolerance,
            allow_cross_call_cache=spec.may_cache,
            incumbent_is_original=self._content("incumbent") == self._content("original"),
        )

    def close(self) -> None:
        """End every worker."""
        if self._nursery is not None:
            self._nursery.close()
        self._stack.close()

    def leave(self) -> None:
        """Let every worker end that a nursery has made, without waiting; nothing is asked of it."""
        if self._nursery is not None:
            self._nursery.leave()

    def _content(self, version: Version) -> bytes:
        spec = self._spec
        if version == "candidate":
            return Path(spec.worktree, spec.target).read_bytes()
        return spec.file(INCUMBENT if version == "incumbent" else ORIGINAL).read_bytes()

    @property
    def _seconds(self) -> float:
        return self._spec.test_timeout or _CALL_SECONDS


def _import_roots(worktree: Path) -> tuple[str, ...]:
    return tuple(entry for entry in sys.path if entry and Path(entry).is_relative_to(worktree))
