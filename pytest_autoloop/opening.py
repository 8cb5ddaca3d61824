"""What must hold before a campaign starts, and the workplace it starts in.

Everything here either succeeds or leaves nothing behind: no file, worktree, branch or process.
"""

from __future__ import annotations

import inspect
import os
import platform
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.baseline import Workplace
from pytest_autoloop.campaign import Records
from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.evaluator import Evaluator, Limits
from pytest_autoloop.evaluation.runner import Project, Runner, import_roots
from pytest_autoloop.harness.items import fixture_item, uses_benchmark, visible_parent
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.history.results import ResultsFile, is_ours
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.model import TIME, Metric, Target
from pytest_autoloop.proposers.specs import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Json
    from pytest_autoloop.settings import Settings

_LISTED = 10


def metrics_of(session: pytest.Session, registry: Registry) -> tuple[Metric, ...]:
    """Return the metric fixtures in the order they were found.

    Raises:
        UsageError: neither a metric nor a benchmark gives a score, or a declaration is wrong.
    """
    registry.check()
    metrics = tuple(
        Metric(m.name, m.direction, m.unit, m.at_least, m.at_most, m.description)
        for m in registry.metrics.values()
    )
    if not metrics and not any(uses_benchmark(item) for item in session.items):
        message = (
            "nothing gives a score: add a test that uses the `benchmark` fixture, or a fixture "
            "decorated with @autoloop.metric that returns a number"
        )
        raise UsageError(message)
    return metrics


def resolve_target(session: pytest.Session, registry: Registry) -> tuple[Path, str]:
    """Evaluate the target fixture; return the absolute path and the goal.

    Raises:
        UsageError: there is no target fixture, more than one, or it does not return a path.
    """
    if not registry.targets:
        message = (
            "no target: decorate a fixture in conftest.py with @autoloop.target that returns the "
            "path of the file that may change"
        )
        raise UsageError(message)
    if len(registry.targets) > 1:
        sources = ", ".join(t.source for t in registry.targets.values())
        message = f"more than one target ({sources}): a campaign improves one file, keep one"
        raise UsageError(message)
    (specification,) = registry.targets.values()
    found: list[object] = []
    parent = visible_parent(session, session.items, registry.home_of(specification.name))
    item = fixture_item(parent, specification.name, found.append)
    try:
        item.ihook.pytest_runtest_setup(item=item)
        item.runtest()
    except Exception as error:  # the user's fixture may raise anything
        message = f"the target fixture {specification.name!r} ({specification.source}): {error}"
        raise UsageError(message) from error
    finally:
        item.ihook.pytest_runtest_teardown(item=item, nextitem=None)
    assert isinstance(found[0], Path)
    return Path(os.path.normpath(found[0])), specification.goal


def check_target(repository: Repository, path: Path) -> str:
    """Return the target's POSIX path below the repository's root.

    Raises:
        UsageError: outside the repository, missing, a directory, a link, ignored or untracked.
    """
    root = repository.root
    parent = path.parent.resolve()
    if not (parent / path.name).is_relative_to(root):
        raise UsageError(
            f"the target {path} is outside the repository {root}: only a file that "
            "git tracks here can be improved"
        )
    name = (parent / path.name).relative_to(root).as_posix()
    if path.is_symlink():
        raise UsageError(f"the target {name} is a symbolic link: name the file it points to")
    if path.is_dir():
        raise UsageError(f"the target {name} is a directory: name one file in it")
    if not path.exists():
        raise UsageError(
            f"the target {name} does not exist below {root}: correct the path that "
            "the target fixture returns"
        )
    if repository.is_tracked(name):
        return name
    if repository.is_ignored(name):
        raise UsageError(
            f"the target {name} is ignored by git: its history could not be kept; "
            "track it (git add -f) or choose another file"
        )
    raise UsageError(f"the target {name} is not tracked by git: git add and commit it first")


def check_clean(session: pytest.Session, repository: Repository, results: Path) -> None:
    """Refuse a checkout whose harness is not what the last commit holds.

    Raises:
        UsageError: naming the files that differ or are not tracked.
    """
    own = results.relative_to(repository.root).as_posix()
    changed = [name for name in repository.changed_tracked() if name != own]
    loaded = {name for file in _harness_files(session) if (name := _inside(repository, file))}
    changed += [f"{name} (untracked)" for name in repository.untracked() if name in loaded]
    if changed:
        listed = ", ".join(changed[:_LISTED]) + (" …" if len(changed) > _LISTED else "")
        message = (
            f"uncommitted changes in {listed}: candidates are judged in clean worktrees of the "
            "last commit, where these changes are missing; commit or stash them first"
        )
        raise UsageError(message)


def _harness_files(session: pytest.Session) -> set[Path]:
    files = {item.path for item in session.items}
    for plugin in session.config.pluginmanager.get_plugins():
        if inspect.ismodule(plugin) and Path(plugin.__file__ or "").name == "conftest.py":
            files.add(Path(plugin.__file__ or ""))
    if session.config.inipath is not None:
        files.add(session.config.inipath)
    return files


def _inside(repository: Repository, file: Path) -> str | None:
    resolved = file.resolve()
    if not resolved.is_relative_to(repository.root):
        return None
    return resolved.relative_to(repository.root).as_posix()


def choose_tag(repository: Repository, rootdir: Path, chosen: str | None) -> str:
    """Return the tag of a new campaign.

    Raises:
        UsageError: the chosen tag names a campaign that exists.
    """
    known = set(campaigns(rootdir))

    def taken(tag: str) -> bool:
        branch = repository.ref(f"refs/heads/autoexp/{tag}")
        return tag in known or branch is not None or bool(repository.refs(f"refs/autoloop/{tag}"))

    if chosen is not None:
        if taken(chosen):
            message = (
                f"--autoloop-tag={chosen}: a campaign of that name exists; choose another tag, or "
                f"remove the branch autoexp/{chosen}, refs/autoloop/{chosen} and "
                f"{rootdir / '.pytest_autoloop' / chosen}"
            )
            raise UsageError(message)
        return chosen
    today = datetime.now().astimezone().strftime("%b%d").lower()
    tag, number = today, 1
    while taken(tag):
        number += 1
        tag = f"{today}-{number}"
    return tag


def results_path(rootdir: Path, name: str) -> Path:
    """Return where the table goes.

    Raises:
        UsageError: a file stands there that is not one of our tables.
    """
    path = rootdir / name
    if (path.exists() or path.is_symlink()) and not is_ours(path):
        message = (
            f"{path} exists and is not a table of pytest-autoloop: move it away, or choose another "
            "file with --autoloop-results"
        )
        raise UsageError(message)
    return path


@contextmanager
def workplace(
    session: pytest.Session, settings: Settings, repository: Repository, target: Target
) -> Iterator[Workplace]:
    """Make two worktrees and everything around them; remove them at the end.

    Raises:
        UsageError: pytest was called from outside the repository.
    """
    config = session.config
    root = repository.root
    invoked_from = config.invocation_params.dir.resolve()
    if not invoked_from.is_relative_to(root):
        raise UsageError(f"pytest was called in {invoked_from}: call it inside {root}")
    project = Project(
        checkout=root,
        rootdir=config.rootpath.resolve(),
        invocation_dir=invoked_from,
        args=(*map(str, config.invocation_params.args), *_extra_arguments(config)),
        target=target.path,
        import_roots=import_roots(root, root / target.path, sys.path),
        secrets=SECRETS,
    )
    commit = repository.head()
    with WorktreePool(repository, copy=settings.copy, project=config.rootpath) as pool:
        runner = Runner(project, pool.directory)
        incumbent, candidate = pool.add("incumbent", commit), pool.add("candidate", commit)
        place = Workplace(
            repository=repository,
            pool=pool,
            runner=runner,
            evaluator=Evaluator(runner, incumbent, candidate, Limits(0.0, 0.0)),
            target=target,
            commit=commit,
            source=repository.read(commit, target.path),
        )
        for name in ("incumbent", "candidate"):
            place.place(name, place.source)
        yield place


def _extra_arguments(config: pytest.Config) -> tuple[str, ...]:
    # pytest-cov acts before options can be reset, so a child is told on its command line.
    return ("--no-cov",) if config.pluginmanager.hasplugin("pytest_cov") else ()


def open_records(
    rootdir: Path, tag: str, results: Path, metrics: tuple[Metric, ...], header: Mapping[str, Json]
) -> Records:
    """Create the journal and the table of a campaign whose baseline is green."""
    journal = Journal.create(rootdir, tag)
    journal.write_header({"tag": tag, "environment": environment(), **header})
    table = ResultsFile(results, [metric.name for metric in metrics or (TIME,)])
    table.write([])
    return Records(tag, journal, table)


def environment() -> dict[str, Json]:
    """Return what a reader of the figures must know of the machine."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "pytest": pytest.__version__,
    }
