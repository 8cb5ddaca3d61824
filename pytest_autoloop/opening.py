"""What must hold before a campaign starts, and the workplace it starts in.

Everything here either succeeds or leaves nothing behind: no file, worktree, branch or process.
"""

from __future__ import annotations

import keyword
import os
import platform
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.items import uses_benchmark
from pytest_autoloop.history.journal import DIRECTORY, campaigns
from pytest_autoloop.history.lock import is_held
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.results import ResultsFile, is_ours
from pytest_autoloop.model import TIME, Metric
from pytest_autoloop.option_table import DEFAULT_PROGRAM
from pytest_autoloop.targets import harness_files, inside

if TYPE_CHECKING:
    from pytest_autoloop.harness.registry import Registry
    from pytest_autoloop.harness.specifications import MetricSpecification, TargetSpecification
    from pytest_autoloop.model import Json
    from pytest_autoloop.settings import Settings

_LISTED = 10


def open_repository(session: pytest.Session) -> Repository:
    """Open the repository that pytest's root directory and the caller stand in.

    Raises:
        UsageError: there is none that can be used, or one of the two stands outside.
    """
    config = session.config
    called_in = config.invocation_params.dir.resolve()
    try:
        repository = Repository.open(config.rootpath)
    except UsageError:
        root = _root_of_tests(session)
        if root is None:
            raise
        raise UsageError(
            f"pytest was called in {called_in} with the root directory {config.rootpath}, which is "
            f"not in the checkout {root} that holds the tests: call pytest there, and leave out "
            "--rootdir or -c if it names another place"
        ) from None
    if not called_in.is_relative_to(repository.root):
        raise UsageError(
            f"pytest was called in {called_in}, outside the repository {repository.root}: change "
            "to the repository first, its worktrees have no place for another directory"
        )
    return repository


def _root_of_tests(session: pytest.Session) -> Path | None:
    """Return the checkout that the first test stands in, None when it is in none we can use."""
    for item in session.items[:1]:
        with suppress(UsageError):
            return Repository.open(item.path.parent).root
    return None


def metrics_of(
    session: pytest.Session, registry: Registry, settings: Settings
) -> tuple[Metric, ...]:
    """Return what is measured, the metric to improve first.

    Metric fixtures come in the order they were found. The benchmarks' time comes after them, but
    before those that have a bound: such a metric is there to be held, not to be improved.

    Raises:
        UsageError: neither a metric nor a benchmark gives a score, or a declaration is wrong.
    """
    registry.check()
    _check_names(registry)
    fixtures = [found.metric for found in registry.metrics.values()]
    unit = "G instructions" if settings.clock == "instructions" else TIME.unit
    time = replace(TIME, unit=unit, max_regression=settings.max_regression)
    times = [time] if any(map(uses_benchmark, session.items)) else []
    free = [metric for metric in fixtures if not metric.bounded]
    metrics = (*free, *times, *(metric for metric in fixtures if metric.bounded))
    if not metrics:
        message = (
            "nothing gives a score: add a test that uses the `benchmark` fixture, or a fixture "
            "decorated with @autoloop.metric that returns a number, or name a command that prints "
            "one with --autoloop-command"
        )
        raise UsageError(message)
    # Refuses a name that heads another column; nothing is written yet.
    ResultsFile(Path("results.tsv"), [metric.name for metric in metrics])
    return metrics


def _check_names(registry: Registry) -> None:
    declared: list[TargetSpecification | MetricSpecification]
    declared = [*registry.targets.values(), *registry.metrics.values()]
    for found in declared:
        if not found.name.isidentifier() or keyword.iskeyword(found.name):
            raise UsageError(
                f"{found.source}: {found.name!r} cannot be requested as a fixture; give it a name "
                "made of letters, digits and underscores (name=...)"
            )


def check_clean(
    session: pytest.Session, repository: Repository, results: Path, *others: Path
) -> None:
    """Refuse a checkout whose harness is not what the last commit holds.

    The table of results and `others` may differ.

    Raises:
        UsageError: naming the files that differ or are not tracked.
    """
    own = {inside(repository, file) for file in (results, *others)}
    changed = [name for name in repository.changed_tracked() if name not in own]
    loaded = {name for file in harness_files(session) if (name := inside(repository, file))}
    changed += [f"{name} (untracked)" for name in repository.untracked() if name in loaded]
    if changed:
        listed = ", ".join(changed[:_LISTED]) + (" …" if len(changed) > _LISTED else "")
        message = (
            f"uncommitted changes in {listed}: candidates are judged in clean worktrees of the "
            "last commit, where these changes are missing; commit them, or put them aside with "
            "`git stash -u`"
        )
        raise UsageError(message)


def choose_tag(repository: Repository, rootdir: Path, chosen: str | None) -> str:
    """Return the tag of a new campaign.

    Raises:
        UsageError: the chosen tag names a branch or refs whose records are gone.
    """
    # Records without a branch were left by a session that was killed during its baseline.
    known = set(campaigns(rootdir)) - {chosen}
    records = rootdir / DIRECTORY
    if os.path.lexists(records) and not records.is_dir():
        raise UsageError(f"{records} is not a directory: move it away, records are kept there")
    if repository.ref("refs/heads/autoexp") is not None:
        raise UsageError(
            "the branch autoexp is in the way of the branches autoexp/TAG that git would have to "
            "keep below it: rename it (git branch -m autoexp another-name)"
        )

    def taken(tag: str) -> bool:
        # At the name and below it: git cannot hold both a/b and a/b/c.
        places = (f"refs/heads/autoexp/{tag}", f"refs/autoloop/{tag}")
        return tag in known or any(repository.refs(place) for place in places)

    if chosen is not None:
        if taken(chosen):
            message = (
                f"--autoloop-tag={chosen}: the branch autoexp/{chosen} or refs/autoloop/{chosen} "
                "exist, but no record of that campaign to go on with; choose another tag, or "
                "remove them"
            )
            raise UsageError(message)
        return chosen
    today = datetime.now().astimezone().strftime("%b%d").lower()
    tag, number = today, 1
    while taken(tag) or is_held(records / tag):
        number += 1
        tag = f"{today}-{number}"
    return tag


def results_path(repository: Repository, rootdir: Path, name: str) -> Path:
    """Return where the table goes.

    Raises:
        UsageError: a table cannot stand there, or a file does that is not one of ours.
    """
    path = rootdir / name
    below = inside(repository, path) or ""
    if path.is_dir() or below.split("/")[0] in (".git", DIRECTORY):
        fault = "cannot hold the table of experiments: name a file elsewhere"
    elif not path.parent.is_dir():
        fault = f"cannot be written, there is no directory {path.parent}: create that first"
    elif path.is_symlink():
        fault = "is a symbolic link, which is not followed: remove it"
    elif path.exists() and not is_ours(path):
        fault = "exists and is not a table of pytest-autoloop: move it away"
    else:
        return path
    raise UsageError(f"{path} {fault} (the table's file is chosen with --autoloop-results)")


def check_program(rootdir: Path, name: str) -> None:
    """Refuse standing orders that cannot be read; the default file may come later, or never.

    Raises:
        UsageError: naming the file.
    """
    path = rootdir / name
    if path.is_file() or (name == DEFAULT_PROGRAM and not os.path.lexists(path)):
        return
    what = "is not a file" if os.path.lexists(path) else "does not exist"
    raise UsageError(
        f"{path}, the standing orders for the proposer, {what}: write them there, or name "
        "another file with --autoloop-program"
    )


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
