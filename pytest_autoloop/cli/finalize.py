"""`pytest-autoloop finalize`: makes review branches of what a campaign kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag
from pytest_autoloop.cli.sessions import arguments_of, check_idle
from pytest_autoloop.errors import UsageError
from pytest_autoloop.finalizing import (
    Request,
    check,
    finalize,
    judge,
    measured,
    pull_request,
)
from pytest_autoloop.verifying import wanted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.finalizing import Branch, Finalized, Part
    from pytest_autoloop.model import Json
    from pytest_autoloop.remeasuring import Opener

_NOTHING_HELD = 1


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "finalize",
        _run,
        summary="make review branches of what a campaign kept, each judged by itself",
        more="One branch autoloop/TAG/N-… for each part that has nothing to do with the others, "
        "one commit with its effect and interval on it, and a text for its pull request. Your "
        "branch and checkout stay as they are; the commits are yours, with your hooks. What "
        "follows -- is given to pytest. The exit code is 1 when no part holds by itself.",
        example="pytest-autoloop finalize nov20 --output pull-requests",
    )
    add_tag(command)
    command.add_argument("--whole", action="store_true", help="one branch with all of it")
    command.add_argument(
        "--output", metavar="DIRECTORY", help="write the texts there, a file each, not to stdout"
    )
    command.add_argument("--force", action="store_true", help="replace branches of an earlier call")
    command.add_argument("--no-verify", action="store_true", help="commit without your git hooks")
    command.set_defaults(calls_pytest=True)


def _run(options: argparse.Namespace) -> int:
    record = commands.choose(Path.cwd(), options.tag)
    request = _request(record, whole=options.whole, hooks=not options.no_verify)
    check(request, replace=options.force)
    output = None if options.output is None else Path.cwd() / options.output
    if output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"{output} is no directory: name another with --output")
    found = finalize(request, *_judged(record, request, options.rest))
    texts = _texts(request, found)
    if output is not None:
        _write(output, found.branches, texts)
    if options.json:
        commands.print_json(_document(record, found, texts))
    else:
        for line in _told(record, found, texts, output):
            print(line)
    return 0 if found.branches else _NOTHING_HELD


def _request(record: Record, *, whole: bool, hooks: bool) -> Request:
    """Return what is to be made.

    Raises:
        UsageError: nothing was kept, or commits are not here.
    """
    repository = record.repository()
    check_idle(record)
    parts = list(wanted(record.targets, record.experiments))
    if not parts:
        raise UsageError(f"campaign {record.tag}: nothing was kept, so there is nothing to review")
    for part in parts:
        for commit in (part.baseline.commit, *(keep.commit for keep in part.keeps)):
            record.check_commit(repository, commit)
    here = _environment()
    return Request(
        repository=repository,
        tag=record.tag,
        base=record.first,
        parts=parts,
        whole=whole,
        hooks=hooks,
        measured_on=f"against {record.first[:10]} on Python {here['python']}, {here['machine']}",
    )


def _environment() -> dict[str, object]:
    from pytest_autoloop.opening import environment  # noqa: PLC0415 - brings pytest

    return dict(environment())


def _judged(record: Record, request: Request, rest: Sequence[str]) -> tuple[list[Part], list[Part]]:
    """Judge the parts in a session of pytest."""
    from pytest_autoloop.remeasuring import (  # noqa: PLC0415 - brings pytest
        remeasure,
        standard_error,
    )

    arguments, directory = arguments_of(record, rest)
    manifests = record.header.get("manifests")
    found: list[tuple[list[Part], list[Part]]] = []
    with standard_error() as stream:

        def tell(line: str) -> None:
            stream.write(f"{text.visible(line)}\n")
            stream.flush()

        def say(part: Part) -> None:
            numbers = ", ".join(f"{number:03}" for number in part.group.numbers)
            tell(f"{numbers}  {_finding(part)}  {part.path}: {part.title}")

        def work(open_bench: Opener) -> None:
            found.append(judge(request, open_bench, begun=tell, say=say))

        known = manifests if isinstance(manifests, dict) else {}
        remeasure(arguments, directory, work, first=request.base, manifests=known)
    return found[0]


def _finding(part: Part) -> str:
    if part.outcome.holds:
        return f"holds: {measured(part)}"
    lines = part.outcome.detail.splitlines() or [""]
    effect = part.outcome.effect
    here = "" if effect is None else text.effect(effect, part.metric.direction)
    reason = part.outcome.reason or part.outcome.status
    return ": ".join(one for one in ("does not hold by itself", reason, here, lines[0]) if one)


def _texts(request: Request, found: Finalized) -> list[str]:
    count, environment = len(found.branches), _environment()
    return [
        pull_request(branch, request, count=count, environment=environment)
        for branch in found.branches
    ]


def _file_of(branch: Branch) -> str:
    return f"{branch.name.rpartition('/')[2]}.md"


def _write(directory: Path, branches: Sequence[Branch], texts: Sequence[str]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for branch, written in zip(branches, texts, strict=True):
            (directory / _file_of(branch)).write_text(written, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the branches are made, but {directory} cannot be written: {error.strerror or error}"
        ) from error


def _told(
    record: Record, found: Finalized, texts: Sequence[str], output: Path | None
) -> Iterator[str]:
    """Yield what people read; the texts, where they are not written to files."""
    for branch, written in zip(found.branches, texts, strict=True):
        told = f"{branch.part.path}: {branch.part.title}"
        yield f"branch {branch.name} ({branch.commit[:10]}): {text.visible(told)}"
        if output is None:
            yield ""
            yield from written.splitlines()
            yield ""
        else:
            yield f"  text: {output / _file_of(branch)}"
    for part in found.left_out:
        numbers = ", ".join(f"{number:03}" for number in part.group.numbers)
        yield f"left out: {numbers} ({text.visible(part.title)}): {text.visible(_finding(part))}"
    if found.left_out and found.branches:
        yield f"pytest-autoloop finalize {record.tag} --whole --force makes one branch of all"
    if found.branches:
        names = " ".join(branch.name for branch in found.branches)
        yield f"push them: git push origin {names}"


def _document(record: Record, found: Finalized, texts: Sequence[str]) -> dict[str, Json]:
    branches: list[Json] = [
        {
            "name": branch.name,
            "commit": branch.commit,
            "title": branch.part.title,
            "message": branch.message,
            "body": re.sub(r"\A[^\n]*\n+", "", written),
            **_part(branch.part),
        }
        for branch, written in zip(found.branches, texts, strict=True)
    ]
    left: list[Json] = [
        {"title": part.title, "reason": part.outcome.reason, **_part(part)}
        for part in found.left_out
    ]
    return {"tag": record.tag, "base": found.base, "branches": branches, "left_out": left}


def _part(part: Part) -> dict[str, Json]:
    return {
        "path": part.path,
        "experiments": list(part.group.numbers),
        "metric": part.metric.name,
        "effect": commands.effect_document(part.outcome.effect),
        "pairs": part.outcome.pairs,
        "guards": part.guards,
    }
