"""Starts child sessions in a worktree and brings back what they saw."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pytest_autoloop.errors import EvaluationError, RepositoryError
from pytest_autoloop.evaluation.compatible.private import Reserved
from pytest_autoloop.evaluation.isolated.visible import visible
from pytest_autoloop.evaluation.launchers import Launch, Launcher
from pytest_autoloop.evaluation.protocol import (
    INCUMBENT,
    LOADED,
    ORIGINAL,
    RECORDING,
    RUNNING,
    ChildSpec,
    Phase,
    Verdict,
)
from pytest_autoloop.evaluation.sandbox import Sandbox
from pytest_autoloop.evaluation.surroundings import (
    child_environment,
    map_argument,
    private_places,
)
from pytest_autoloop.history.files import holds, remove_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.evaluation.process import Exit
    from pytest_autoloop.model import Clock, Statistic

_TAIL_BYTES = 20_000
#: Directory beside the temporary ones: the harness's bytecode.
_BYTECODE = "bytecode"


@dataclass(frozen=True, slots=True)
class Project:
    """Where the user's project stands and how pytest was called in it."""

    #: Root of the git repository, resolved.
    checkout: Path
    #: pytest's root directory, inside the checkout.
    rootdir: Path
    invocation_dir: Path
    args: tuple[str, ...]
    target: str
    #: Entries of `sys.path` inside the checkout, in order.
    import_roots: tuple[Path, ...]
    #: Environment variables that no child may see: the proposer's keys.
    secrets: tuple[str, ...] = ()
    #: Whether pytest's cache is in use: without it, the name of its directory is unknown.
    has_cache: bool = True
    clock: Clock = "wall"
    statistic: Statistic = "min"


@dataclass(frozen=True, slots=True)
class Isolation:
    """What is needed to run a candidate behind a proxy."""

    #: The first commit's target, and the calls that its tests made.
    original: bytes
    recording: bytes
    api: Mapping[str, Any]
    #: POSIX paths below the checkout that no worker sees.
    hidden: tuple[str, ...]
    tolerance: float = 1e-9
    may_cache: bool = False
    #: Whether results on fresh inputs have to be the original's.
    same_results: bool = True
    #: Whether there is a fixture `autoloop_inputs`.
    inputs: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One finished child session."""

    exit: Exit
    verdict: Verdict | None
    #: End of what the child printed.
    output: str
    #: Node id of the test that was running when the child ended, if one was.
    running: str = ""
    #: Whether the target's file changed while the child ran.
    rewritten: bool = False
    #: The calls that a recording session saw.
    recording: bytes = b""


class Runner:
    """Runs child sessions, one at a time, each in a fresh process.

    The temporary directory has the same name for all, so that a session can be begun before it is
    known what it runs on; it is made anew for each.
    """

    def __init__(
        self, project: Project, scratch: Path, launcher: Launcher, sandbox: Sandbox | None = None
    ) -> None:
        self.project = project
        self._scratch = scratch
        self.launcher = launcher
        self.sandbox = sandbox or Sandbox()
        self._bytecode: Path | None = None
        self._seen: dict[Path, list[str]] = {}
        self._temporary: Path | None = None

    @property
    def keeps_bytecode(self) -> bool:
        """Whether the harness's compiled code is kept."""
        return self._bytecode is not None

    def compares(self, isolation: Isolation | None, layer: str) -> bool:
        """Tell whether a layer compares candidates with the original on fresh inputs."""
        same = isolation is not None and isolation.same_results
        return same and layer not in self.sandbox.without

    def keep_bytecode(self) -> None:
        """Keep the harness's compiled code from now on: trusted sessions write it, others read."""
        self._bytecode = self._scratch / _BYTECODE
        self._bytecode.mkdir(exist_ok=True)

    def twin(self, launcher: Launcher) -> Runner:
        """Return one for another thread, which needs a launcher of its own."""
        twin = Runner(self.project, self._scratch, launcher, self.sandbox)
        twin._bytecode = self._bytecode
        return twin

    def run(
        self,
        worktree: Path,
        phase: Phase,
        *,
        seconds: float,
        hash_seed: int = 0,
        isolation: Isolation | None = None,
        incumbent: bytes = b"",
        **wanted: Any,  # noqa: ANN401 - fields of ChildSpec, which says what they are
    ) -> Run:
        """Run one phase in a worktree, bounded by `seconds` of wall time.

        With `isolation`, the target is a proxy there; `incumbent` is what a gain is verified
        against. Everything else are fields of `ChildSpec`.

        Raises:
            EvaluationError: the child cannot be started.
        """
        temporary = self._emptied()
        # Opened now: what the child's name for it leads to afterwards is the candidate's choice.
        reserved, running, loaded = (
            Reserved(temporary / name) for name in ("verdict", RUNNING, LOADED)
        )
        # For the same reason: a link would show a proposer any file of the user.
        printed = (temporary / "output").open("xb+")
        try:
            specification = self._specification(worktree, temporary, phase, wanted)
            if isolation is not None:
                specification = replace(
                    specification,
                    mode="isolated",
                    api=dict(isolation.api),
                    hidden=list(isolation.hidden),
                    visible=self._visible(worktree, isolation),
                    tolerance=isolation.tolerance,
                    may_cache=isolation.may_cache,
                    inputs=isolation.inputs,
                )
                specification.file(ORIGINAL).write_bytes(isolation.original)
                specification.file(RECORDING).write_bytes(isolation.recording)
                specification.file(INCUMBENT).write_bytes(incumbent)
            specification.write(temporary / "spec.json")
            target = worktree / self.project.target
            source = _content(target)
            ended = self.launcher.run(
                self._launch(worktree, specification, seconds=seconds, hash_seed=hash_seed)
            )
            _prove(source, loaded.read(), self.project.target)
            believed = not ended.timed_out and not ended.lost
            recorded = specification.mode == "record" and believed
            return Run(
                ended,
                _verdict(reserved.read(), specification) if believed else None,
                _tail(printed),
                running=(running.read() or b"").decode("utf-8", errors="replace"),
                rewritten=os.path.lexists(target) if source is None else not holds(target, source),
                recording=(_content(temporary / RECORDING) or b"") if recorded else b"",
            )
        finally:
            for file in (reserved, running, loaded, printed):
                file.close()

    def _visible(self, worktree: Path, isolation: Isolation) -> list[str]:
        """Return what a worker may see of a worktree, whose files are the same in every run."""
        if worktree not in self._seen:
            hidden, target = frozenset(isolation.hidden), self.project.target
            self._seen[worktree] = visible(str(worktree), hidden, target)
        return self._seen[worktree]

    def _emptied(self) -> Path:
        """Return the temporary directory, with nothing in it; another one if that is not to be."""
        if self._temporary is not None:
            with suppress(OSError, RepositoryError):
                remove_tree(self._temporary)
                self._temporary.mkdir(mode=0o700)
                return self._temporary
        self._temporary = Path(tempfile.mkdtemp(prefix="run-", dir=self._scratch))
        return self._temporary

    def _specification(
        self, worktree: Path, temporary: Path, phase: Phase, wanted: Mapping[str, Any]
    ) -> ChildSpec:
        project, sandbox = self.project, self.sandbox
        return ChildSpec(
            phase=phase,
            args=[
                *(map_argument(arg, project.checkout, worktree) for arg in project.args),
                *(("-o", f"cache_dir={temporary / 'cache'}") if project.has_cache else ()),
            ],
            worktree=str(worktree),
            checkout=str(project.checkout),
            target=project.target,
            verdict=str(temporary / "verdict"),
            temporary=str(temporary),
            clock=project.clock,
            statistic=project.statistic,
            contained=sandbox.contained,
            tripwire="tripwire" not in sandbox.without,
            network=sandbox.network,
            readable=list(map(str, sandbox.readable)),
            writable=list(map(str, sandbox.writable)),
            bytecode=str(self._bytecode or ""),
            **wanted,
        )

    def _launch(
        self, worktree: Path, specification: ChildSpec, *, seconds: float, hash_seed: int
    ) -> Launch:
        project, temporary = self.project, Path(specification.temporary)
        places = private_places(temporary)
        passed = self.sandbox.environment_of(
            os.environ, home=temporary / "home", secrets=project.secrets
        )
        return Launch(
            specification=temporary / "spec.json",
            standing=specification.standing(),
            cwd=worktree / project.invocation_dir.relative_to(project.checkout),
            environment={**child_environment(passed, project, worktree), **places},
            output=temporary / "output",
            seconds=seconds,
            hash_seed=hash_seed,
        )


def _verdict(content: bytes | None, specification: ChildSpec) -> Verdict | None:
    verdict = Verdict.from_bytes(content)
    if verdict is None or specification.mode != "compatible":
        return verdict
    # Only a session with a worker says so: here the candidate itself would have, to stop us.
    return None if verdict.error or verdict.fault else verdict


def _prove(source: bytes | None, loaded: bytes | None, target: str) -> None:
    """See that the source that was loaded is the one that was there when the run began.

    Raises:
        EvaluationError: it is another one, so whatever was measured is not the candidate.
    """
    if source is None or not loaded:
        return  # nothing imported it, or it was no module
    digest = hashlib.sha256(source).hexdigest()
    if loaded.decode("ascii", "replace") != digest:
        raise EvaluationError(
            f"a child session ran another {target} than it was given (SHA-256 {loaded[:12]!r}, not "
            f"{digest[:12]}): nothing it said is used. Something else writes in the temporary "
            "directory, or this is a fault of pytest-autoloop: please report it"
        )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _tail(stream: BinaryIO) -> str:
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
    return stream.read(_TAIL_BYTES).decode("utf-8", errors="replace")
