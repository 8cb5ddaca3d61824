"""`pytest-autoloop apply`: brings what was kept into the branch that is checked out."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

from pytest_autoloop import applying
from pytest_autoloop.ablation import minimal_branch
from pytest_autoloop.applying import Source
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.repository import Repository

if TYPE_CHECKING:
    from pytest_autoloop.cli.commands import Record


def apply(record: Record, *, as_json: bool, squash: bool, minimal: bool) -> None:
    """Merge a campaign's branch, or the smaller set of changes that was proposed.

    Raises:
        UsageError: it cannot be done; the checkout is as it was.
        RepositoryError: git failed.
    """
    repository = Repository.open(record.root)
    branch, first, best = record.branch, record.first, record.best.commit
    if minimal:
        branch = minimal_branch(repository, record.tag)
        tip = repository.ref(f"refs/heads/{branch}")
        if tip is None:
            raise UsageError(
                f"there is no branch {branch}: no smaller set of changes was proposed; "
                f"pytest --autoloop N --autoloop-tag {record.tag} --autoloop-ablate looks for one"
            )
        if repository.merge_base(repository.head(), best) == best:
            paths = " ".join(shlex.quote(f":/{path}") for path in record.paths)
            raise UsageError(
                f"what is checked out has all of {record.branch} already, and a merge takes "
                f"nothing back: `git restore --source {branch} {paths}` brings the smaller "
                "version, for you to commit"
            )
        best = tip
    applied = applying.apply(repository, Source(branch, first, best, record.paths), squash=squash)
    if as_json:
        print(json.dumps({"tag": record.tag, **asdict(applied)}, indent=2))
        return
    for line in applied.told():
        print(line)
