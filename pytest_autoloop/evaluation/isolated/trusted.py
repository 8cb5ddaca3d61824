"""The trusted side of isolated mode in one child: proxies, fresh inputs, timing from outside."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_autoloop.evaluation.isolated.api import Api
from pytest_autoloop.evaluation.isolated.contract import CandidateFault, Source, Surroundings
from pytest_autoloop.evaluation.isolated.differential import compare_versions
from pytest_autoloop.evaluation.isolated.handle import Worker
from pytest_autoloop.evaluation.isolated.proxy import ProxyLoader
from pytest_autoloop.evaluation.isolated.recording import Recording
from pytest_autoloop.evaluation.isolated.timing import verify_gain
from pytest_autoloop.evaluation.protocol import INCUMBENT, ORIGINAL, RECORDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_autoloop.evaluation.isolated.differential import Differential
    from pytest_autoloop.evaluation.isolated.verification import Verification
    from pytest_autoloop.evaluation.protocol import ChildSpec

#: Names that no target needs to read: git's, ours, and what tests are called by convention.
_NEVER = frozenset({".git", ".pytest_autoloop", "conftest.py", "results.tsv", "program.md"})
_TESTS = frozenset({"test", "tests"})
#: Seconds that loading a candidate, or one call, may take when nothing else bounds it.
_CALL_SECONDS = 60.0

Version = Literal["original", "incumbent", "candidate"]


class Trusted:
    """Runs versions of the target in workers, for one child session.

    Raises:
        CandidateFault: the candidate cannot be loaded.
    """

    def __init__(self, spec: ChildSpec) -> None:
        self._spec = spec
        self._api = Api.from_json(spec.api)
        self._stack = ExitStack()
        self._count = 0
        self.candidate = self.start("candidate")
        # Before tests import anything: a library's threads would not let a worker confine itself.
        compared = spec.phase == "guard" and spec.differential
        self._originals = [self.start("original") for _ in range(2 if compared else 0)]
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
        return next((fault for fault in faults if fault is not None), None)

    def start(self, version: Version) -> Worker:
        """Start a worker for a version of the target.

        Raises:
            CandidateFault: it cannot be loaded.
        """
        spec = self._spec
        # Versions get a directory each, of equal length: what one leaves, no other finds.
        self._count += 1
        home = spec.file(f"worker-{self._count:04}")
        home.mkdir()
        surroundings = Surroundings(
            import_roots=_import_roots(Path(spec.worktree)),
            readable=tuple(visible(spec.worktree, frozenset(spec.hidden), spec.target)),
            home=str(home),
            output=f"{home}.out",
            contained=spec.contained,
            tripwire=spec.tripwire,
        )
        path = str(Path(spec.worktree, spec.target))
        source = Source(self._api.module, path, self._content(version))
        worker = Worker(source, surroundings, seconds=self._seconds)
        self._stack.callback(worker.close)
        return worker

    def differential(self, extra: Mapping[str, Iterable[Any]]) -> Differential:
        """Compare the candidate with the first commit on fresh inputs.

        Raises:
            CandidateFault: the candidate did what none may.
        """
        recording = Recording.from_bytes(self._spec.file(RECORDING).read_bytes())
        return compare_versions(
            self._originals[0],
            self.candidate,
            recording,
            # Drawn now, when the candidate is loaded: it cannot know what is coming.
            seed=secrets.randbits(64),
            seconds=self._spec.differential,
            extra=extra,
            tolerance=self._spec.tolerance,
            again=self._another,
        )

    def _another(self) -> Worker:
        return self._originals.pop() if len(self._originals) > 1 else self.start("original")

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
        self._stack.close()

    def _content(self, version: Version) -> bytes:
        spec = self._spec
        if version == "candidate":
            return Path(spec.worktree, spec.target).read_bytes()
        return spec.file(INCUMBENT if version == "incumbent" else ORIGINAL).read_bytes()

    @property
    def _seconds(self) -> float:
        return self._spec.test_timeout or _CALL_SECONDS


def visible(root: str, hidden: frozenset[str], target: str) -> list[str]:
    """Return what a worker may read of a worktree, whole directories where nothing is hidden.

    `hidden` holds POSIX paths below the root: the files that judge.
    """
    found, whole = _visible(root, hidden, target, "")
    return [root] if whole else found


def _visible(root: str, hidden: frozenset[str], target: str, below: str) -> tuple[list[str], bool]:
    """Return the visible paths in a directory, and whether that is all of it."""
    found: list[str] = []
    all_of_it = True
    for entry in sorted(os.scandir(Path(root, below)), key=lambda one: one.name):
        name = f"{below}{entry.name}"
        if name in hidden or (_is_harness(entry) and not target.startswith(f"{name}/")):
            all_of_it = False
        elif entry.is_dir(follow_symlinks=False):
            inside, whole = _visible(root, hidden, target, f"{name}/")
            found += [entry.path] if whole else inside
            all_of_it = all_of_it and whole
        else:
            found.append(entry.path)
    return found, all_of_it


def _is_harness(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    if name in _NEVER:
        return True
    if entry.is_dir(follow_symlinks=False):
        return name in _TESTS or name == "__pycache__"
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _import_roots(worktree: Path) -> tuple[str, ...]:
    return tuple(entry for entry in sys.path if entry and Path(entry).is_relative_to(worktree))
