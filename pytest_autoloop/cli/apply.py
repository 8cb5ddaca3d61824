"""`pytest-autoloop apply`: brings what was kept into the branch that is checked out."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import applying
from pytest_autoloop.ablation import minimal_branch
from pytest_autoloop.applying import Source
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.repository import Repository

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "apply",
        _run,
        summary="bring what was kept into the branch that is checked out",
        more="With your own git configuration and hooks: fast-forward when possible, else a merge. "
        "Refused, with nothing changed, when the files concerned have changes that are not "
        "committed, or conflict.",
        example="pytest-autoloop apply nov20 --squash",
    )
    add_tag(command)
    command.add_argument("--squash", action="store_true", help="as one commit of your own")
    command.add_argument(
        "--minimal",
        action="store_true",
        help="only the changes that --autoloop-ablate found needed",
    )


def _run(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    apply(record, as_json=options.json, squash=options.squash, minimal=options.minimal)


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
