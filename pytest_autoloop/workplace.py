"""Where a campaign works: two worktrees, a launcher of children, and the box they run in.

All of it is made once; each target that is improved has a workplace of its own in it.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_autoloop.brokering import Broker
from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.containment.layers import Layers, probe
from pytest_autoloop.evaluation.evaluator import Evaluator
from pytest_autoloop.evaluation.launchers import choose_launcher
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.evaluation.runner import Project, Runner
from pytest_autoloop.evaluation.sandbox import Sandbox, package_paths
from pytest_autoloop.evaluation.surroundings import import_roots, warm_environment
from pytest_autoloop.harness.symbols import locate
from pytest_autoloop.history.copies import copied_files
from pytest_autoloop.history.journal import DIRECTORY
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.proposers.vendors import SECRETS
from pytest_autoloop.targets import harness_files, inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

    from pytest_autoloop.evaluation.launchers import Launcher
    from pytest_autoloop.harness.specifications import TargetSpecification
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Target
    from pytest_autoloop.settings import Settings
    from pytest_autoloop.targets import Leg

#: Directory of this package.
_OURS = Path(__file__).resolve().parent

#: What is read and never run.
_DATA = frozenset(
    {".cfg", ".conf", ".css", ".csv", ".html", ".ini", ".json", ".md", ".rst", ".toml", ".tsv"}
    | {".txt", ".yaml", ".yml"}
)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Everything an experiment needs around it."""

    repository: Repository
    pool: WorktreePool
    runner: Runner
    evaluator: Evaluator
    target: Target
    #: The commit that the target's experiments start from, and the target's content in it.
    commit: str
    source: bytes
    #: Its content as the campaign found it. In `source` something may have been kept for another
    #: symbol of the file; what stands behind a proxy in the process of the tests is this.
    original: bytes
    options: TargetSpecification
    #: POSIX paths below the repository's root that no candidate may read: what judges it.
    hidden: tuple[str, ...] = ()
    #: The campaign's other targets, by path, as they are in `commit`: files of the harness now.
    frozen: Mapping[str, bytes] = field(default_factory=dict)
    #: Those of them that may be run and that something was kept for, as the campaign found them:
    #: nobody has read yet what they are now.
    untouched: Mapping[str, bytes] = field(default_factory=dict)
    #: SHA-256 of the files that git does not carry and that were copied into the worktrees.
    copied: Mapping[str, str] = field(default_factory=dict)

    def place(self, worktree: str, content: bytes) -> None:
        """Put the target's content into a worktree."""
        self.pool.write(worktree, self.target.path, content)

    def settle(self, worktree: str, *, clean: bool = False) -> None:
        """Bring a worktree to the commit; a `clean` one is there, and nothing has run in it.

        The pool seals no target's content, since each changes in its turn. What was written there
        it holds everything to, so the targets that stand still are written as well.
        """
        if not clean:
            self.pool.reset(worktree, self.commit)
        for path, content in self.frozen.items():
            self.pool.write(worktree, path, content)
        self.place(worktree, self.source)


@dataclass(slots=True)
class Places:
    """What all targets of a campaign share: the worktrees, who starts children, and their box."""

    repository: Repository
    pool: WorktreePool
    launcher: Launcher
    sandbox: Sandbox
    #: POSIX paths of all targets, and of the files that judge them, below the repository's root.
    targets: tuple[str, ...]
    hidden: tuple[str, ...]
    #: How pytest was called; each target's runner gets the same with its own target.
    project: Project
    #: The commit that the campaign begins on.
    first: str
    #: SHA-256 of the files that were copied into the worktrees, by path.
    copied: Mapping[str, str] = field(default_factory=dict)
    #: Whether rounds repeat the same calls, so that a target may remember their results.
    warm: bool = False
    #: The commit that both worktrees were made from, until something may have run in them.
    clean: str = ""
    #: Who asks models for metrics; without one nobody does.
    broker: Broker | None = None

    def of(self, leg: Leg, commit: str) -> Workplace:
        """Return the workplace of one target, whose experiments start from a commit.

        Both worktrees are brought there. The other targets stand still as they are in it: for a
        candidate they are files of the harness. Call it when the targets before it are done.

        Raises:
            UsageError: the commit lacks a target, or the symbol that may change.
        """
        target, repository = leg.target, self.repository
        contents = {path: self._read(commit, path) for path in self.targets}
        source = contents.pop(target.path)
        found = {path: self._read(self.first, path) for path in contents}
        if target.symbol:
            locate(source, target.symbol, target.path)
        root = repository.root
        project = replace(
            self.project,
            target=target.path,
            import_roots=import_roots(root, root / target.path, sys.path),
        )
        pool, options = self.pool, leg.options
        if self.warm:
            options = replace(options, allow_cross_call_cache=True)
        runner = Runner(project, pool.directory, self.launcher, self.sandbox)
        sides = pool.path("incumbent"), pool.path("candidate")
        place = Workplace(
            repository=repository,
            pool=pool,
            runner=runner,
            evaluator=Evaluator(runner, *sides, Limits(0.0, 0.0), pool),
            target=target,
            commit=commit,
            source=source,
            original=self._read(self.first, target.path),
            options=options,
            hidden=self.hidden,
            frozen=contents,
            untouched={
                path: was
                for path, was in found.items()
                if was != contents[path] and PurePosixPath(path).suffix not in _DATA
            },
            copied=self.copied,
        )
        for name in ("incumbent", "candidate"):
            place.settle(name, clean=commit == self.clean)
        self.clean = ""
        return place

    def _read(self, commit: str, path: str) -> bytes:
        if self.repository.mode_of(commit, path) is None:
            raise UsageError(
                f"the target {path} is not in commit {commit[:10]}, from which the campaign goes "
                "on: choose another tag with --autoloop-tag"
            )
        return self.repository.read(commit, path)


def sandbox_of(
    settings: Settings, repository: Repository, rootdir: Path, layers: Layers | None
) -> Sandbox:
    """Return how children are contained, by the layers that were seen to hold.

    Raises:
        UsageError: nothing holds, a wanted layer is missing, or a path does not exist.
    """
    if layers is None:
        return Sandbox(without=settings.without)
    if not layers.holds:
        raise UsageError(
            f"{layers.line()}. To run candidates as you all the same: --autoloop-sandbox=off"
        )
    if settings.sandbox == "strict" and layers.bubblewrap is None and sys.platform == "linux":
        raise UsageError(
            f"--autoloop-sandbox=strict: {layers.bubblewrap_fault}; install bubblewrap, or write "
            "auto to do without its box"
        )
    writable = _paths(rootdir, settings.writable, "autoloop_writable")
    packages = package_paths(repository.root, sys.path)
    readable = _paths(rootdir, settings.readable, "autoloop_readable")
    return Sandbox(
        layers=layers,
        network=settings.network,
        # Harnesses ask git for a version or a file; hooks and history are read-only for them. This
        # package may stand in the checkout itself.
        readable=(repository.root / ".git", _OURS, *packages, *readable),
        writable=writable,
        environment=settings.environment,
        without=settings.without,
    )


def _paths(rootdir: Path, names: tuple[str, ...], key: str) -> tuple[Path, ...]:
    paths = tuple((rootdir / Path(name).expanduser()).resolve() for name in names)
    for name, path in zip(names, paths, strict=True):
        if not path.exists():
            raise UsageError(f"the ini option {key}: {name} does not exist ({path}); create it")
    return paths


def _hidden(session: pytest.Session, repository: Repository, settings: Settings) -> tuple[str, ...]:
    """Return the files below the repository's root that judge a candidate."""
    rootdir = session.config.rootpath
    files = {*harness_files(session), rootdir / settings.results, rootdir / settings.program}
    return tuple(sorted(name for file in files if (name := inside(repository, file))))


@contextmanager
def set_up(
    session: pytest.Session,
    settings: Settings,
    repository: Repository,
    legs: Sequence[Leg],
    commit: str,
) -> Iterator[Places]:
    """Make two worktrees of a commit and everything around them; remove them at the end.

    Raises:
        UsageError: children cannot be contained as asked, or a path of the settings is not there.
    """
    project = _project(session, settings, repository.root)
    targets = tuple(dict.fromkeys(leg.target.path for leg in legs))
    modules = [path for path in targets if path.endswith(".py")]
    if settings.sandbox == "strict" and len(modules) > 1:
        raise UsageError(
            f"--autoloop-sandbox=strict: of {', '.join(modules)}, what is kept for one would run "
            "unread in the process of the next one's tests; improve one at a time, or write auto"
        )
    hidden = _hidden(session, repository, settings)
    with (
        places_of(settings, repository, project, commit, targets=targets, hidden=hidden) as places,
        closing(Broker(project.rootdir / DIRECTORY)) as broker,
    ):
        places.broker, places.launcher = broker, broker.attended(places.launcher)
        yield places


@contextmanager
def places_of(
    settings: Settings,
    repository: Repository,
    project: Project,
    commit: str,
    *,
    targets: tuple[str, ...],
    hidden: tuple[str, ...],
) -> Iterator[Places]:
    """Make what `set_up` makes, for a project that is known already.

    Raises:
        UsageError: as for `set_up`.
    """
    off = settings.sandbox == "off" or "containment" in settings.without
    layers = None if off else probe()
    sandbox = sandbox_of(settings, repository, project.rootdir, layers)
    with (
        WorktreePool(
            repository, copy=settings.copy, project=project.rootdir, targets=targets
        ) as pool,
        closing(
            choose_launcher(
                settings.launcher,
                warm_environment(
                    sandbox.environment_of(
                        os.environ, home=pool.directory, secrets=project.secrets
                    ),
                    project,
                ),
                pool.directory,
                sandbox.prefix(pool.directory),
                projects=(repository.root,),
                ours=any(_OURS in (repository.root / path).parents for path in targets),
            )
        ) as launcher,
    ):
        for name in ("incumbent", "candidate"):
            pool.add(name, commit)
        # What is contained cannot write there.
        pool.seal(refs=not sandbox.contained)
        yield Places(
            repository,
            pool,
            launcher,
            sandbox,
            targets,
            hidden,
            project,
            commit,
            copied=copied_files(repository.root, project.rootdir, settings.copy),
            warm=settings.rounds == "warm",
            clean=commit,
        )


def _project(session: pytest.Session, settings: Settings, root: Path) -> Project:
    """Return how pytest was called; the target, and what follows from it, is still to come."""
    config = session.config
    return Project(
        checkout=root,
        rootdir=config.rootpath.resolve(),
        invocation_dir=config.invocation_params.dir.resolve(),
        args=(
            *_without_proposers(list(map(str, config.invocation_params.args))),
            *_extra_arguments(config),
        ),
        target="",
        import_roots=(),
        secrets=SECRETS,
        has_cache=config.pluginmanager.hasplugin("cacheprovider"),
        clock=settings.clock,
        statistic=settings.statistic,
    )


def _without_proposers(arguments: list[str]) -> Iterator[str]:
    """Leave out who proposes: an address or a command line may hold a key, and no child asks."""
    specs = ("--autoloop-proposer", "--autoloop-model-explore", "--autoloop-model-validate")
    left = iter(arguments)
    for argument in left:
        if argument in specs:
            next(left, None)
        elif argument.partition("=")[0] not in specs:
            yield argument


def _extra_arguments(config: pytest.Config) -> tuple[str, ...]:
    # pytest-cov acts before options can be reset, so a child is told on its command line.
    return ("--no-cov",) if hasattr(config.option, "no_cov") else ()
