"""Packs what a campaign judges by, and unpacks it on a worker."""

from __future__ import annotations

import hashlib
import pickle
import stat
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.evaluator import Evaluator
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.evaluation.runner import Runner
from pytest_autoloop.evaluation.surroundings import map_argument
from pytest_autoloop.history.bundle import bundled, unbundled
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.remote.contract import Site
from pytest_autoloop.workplace import Workplace, places_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.evaluation.runner import Project
    from pytest_autoloop.model import Metric
    from pytest_autoloop.settings import Settings

#: Bytes of files that git does not carry: each worker gets them with the bundle.
_MOST_COPIED = 256 * 2**20


def pack(
    workplace: Workplace,
    settings: Settings,
    metrics: tuple[Metric, ...],
    targets: tuple[str, ...],
    hidden_nodes: frozenset[str],
) -> Site:
    """Return what a worker needs to judge candidates as this workplace would.

    Raises:
        UsageError: the files that git does not carry are too large to be sent.
        RepositoryError: git refused to make a bundle.
    """
    repository = workplace.repository
    bundle, commit = bundled(repository.root, workplace.commit)
    files = _copied(repository.root, workplace)
    site = Site(
        key="",
        bundle=bundle,
        commit=commit,
        files=files,
        settings=settings,
        project=workplace.runner.project,
        target=workplace.target,
        options=workplace.options,
        metrics=metrics,
        source=workplace.source,
        original=workplace.original,
        targets=targets,
        hidden=workplace.hidden,
        hidden_nodes=hidden_nodes,
        frozen=dict(workplace.frozen),
        untouched=dict(workplace.untouched),
        copied=dict(workplace.copied),
    )
    # A bundle of the same tree has other bytes each time; its commit has not.
    known = pickle.dumps(replace(site, bundle=b""))
    return replace(site, key=hashlib.sha256(known).hexdigest())


def _copied(root: Path, workplace: Workplace) -> dict[str, tuple[int, bytes]]:
    found, size = {}, 0
    for name in workplace.copied:
        path = root / name
        content = path.read_bytes()
        size += len(content)
        if size > _MOST_COPIED:
            raise UsageError(
                f"autoloop_copy: the files up to {name} have {size / 2**20:.0f} MB, too much to be "
                "sent to each worker: put them where every worker reads them (autoloop_readable)"
            )
        found[name] = (stat.S_IMODE(path.stat().st_mode), content)
    return found


@contextmanager
def unpacked(site: Site, directory: Path) -> Iterator[Workplace]:
    """Make a clone and a workplace of a site; the workplace is removed at the end.

    Raises:
        AutoloopError: this host cannot offer what the site needs.
    """
    root = (directory / "project").resolve()
    unbundled(site.bundle, site.commit, root)
    for name, (mode, content) in site.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    repository = Repository.open(root)
    project = _moved(site.project, root)
    try:
        with places_of(
            site.settings,
            repository,
            project,
            site.commit,
            targets=site.targets,
            hidden=site.hidden,
        ) as places:
            pool = places.pool
            runner = Runner(project, pool.directory, places.launcher, places.sandbox)
            sides = pool.path("incumbent"), pool.path("candidate")
            place = Workplace(
                repository=repository,
                pool=pool,
                runner=runner,
                evaluator=Evaluator(runner, *sides, Limits(0.0, 0.0), pool),
                target=site.target,
                commit=site.commit,
                source=site.source,
                original=site.original,
                options=site.options,
                hidden=site.hidden,
                frozen=site.frozen,
                untouched=site.untouched,
                copied=site.copied,
            )
            for name in ("incumbent", "candidate"):
                place.settle(name, clean=True)
            yield place
    finally:
        repository.close()


def _moved(project: Project, root: Path) -> Project:
    """Return a project as it is called in another checkout."""
    old = project.checkout

    def there(path: Path) -> Path:
        return root / path.relative_to(old)

    return replace(
        project,
        checkout=root,
        rootdir=there(project.rootdir),
        invocation_dir=there(project.invocation_dir),
        args=tuple(map_argument(argument, old, root) for argument in project.args),
        import_roots=tuple(map(there, project.import_roots)),
    )
