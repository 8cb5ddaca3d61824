"""`pytest-autoloop init --template`: starts from the files of an example of the same domain."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from pytest_autoloop.cli import written as written_files
from pytest_autoloop.errors import UsageError
from pytest_autoloop.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.onboarding.domains import Domain, Need, Needs
    from pytest_autoloop.onboarding.files import Planned

_LIST = "list"
#: Options of `init` that look at a project's tests, which a template does not.
_NOT_BESIDE = ("goal", "function", "record_again", "golden", "golden_inputs", "golden_run")


def add_argument(command: argparse.ArgumentParser) -> None:
    """Let `init` take `--template`."""
    command.add_argument(
        "--template",
        metavar="NAME",
        help="write the conftest.py, program.md and guards of a domain, and run nothing; list "
        "shows all",
    )


def run(options: argparse.Namespace, root: Path) -> int:
    """Write the files of a template that are not there yet, and say what else is needed.

    Raises:
        UsageError: an unknown template, or a target that cannot be improved; nothing was written.
    """
    from pytest_autoloop.onboarding import domains  # noqa: PLC0415 - only here

    _refuse_others(options)
    if options.template == _LIST:
        return _list(options, domains.domains())
    about = domains.domain(options.template)
    target = _target(options, about, root)
    files = domains.plan(about.name, target, root)
    notes = _lines_kept(files)
    if options.dry_run:
        written_files.show_changes(options, root, files, notes)
        return 0
    left_out = written_files.not_agreed(options, root, files)
    there = [one for one in files if one not in left_out]
    # What the template itself brings is not what somebody has to add to it.
    needs = domains.needs_of(about, target, root)
    _write(there)
    _report(options, root, there, left_out, notes=notes, needs=needs)
    return 0


def _refuse_others(options: argparse.Namespace) -> None:
    given = [name for name in _NOT_BESIDE if getattr(options, name)]
    if given:
        flag = given[0].replace("_", "-")
        raise UsageError(
            f"--template and --{flag} are two ways to begin: a template does not look at the "
            "tests; leave one of them out"
        )
    if options.rest:
        raise UsageError(
            f"{options.rest[0]!r} follows --, which is for pytest; --template does not run it"
        )


def _list(options: argparse.Namespace, known: Sequence[Domain]) -> int:
    if options.json:
        told = [{"name": one.name, "summary": one.summary, "target": one.target} for one in known]
        print(json.dumps({"templates": told}, indent=2))
        return 0
    widest = max((len(one.name) for one in known), default=0)
    for one in known:
        print(f"{one.name:{widest}}  {one.summary}")
    print("\nnext: pytest-autoloop init --template NAME --target PATH")
    return 0


def _target(options: argparse.Namespace, about: Domain, root: Path) -> str:
    """Return the target as it is written into the files.

    Raises:
        UsageError: there is no such file, or it cannot be improved.
    """
    from pytest_autoloop.harness.symbols import locate, split  # noqa: PLC0415 - only here
    from pytest_autoloop.history.repository import Repository  # noqa: PLC0415 - as above
    from pytest_autoloop.targets import check_target  # noqa: PLC0415 - as above

    repository = Repository.open(root)
    path, symbol = split(options.target or about.target)
    place = root / path
    if not place.exists():
        wanted = f"--target {path}" if options.target else f"the template's own target {path}"
        raise UsageError(
            f"{wanted}: there is no such file in {root}; name the file to improve with --target "
            "PATH, or write a first version of it and git add it"
        )
    check_target(repository, place)
    if not place.resolve().is_relative_to(root):
        raise UsageError(f"--target {path} is outside of {root}: run this in the project's root")
    name = place.resolve().relative_to(root).as_posix()
    if symbol:
        locate(place.read_bytes(), symbol, name)
    return f"{name}::{symbol}" if symbol else name


def _lines_kept(files: Sequence[Planned]) -> list[str]:
    """Return a note for each file that stays although the template has lines for it."""
    return [
        f"{one.path.name} declares a target already and stays as it is; the template's would be"
        f"\n\n{one.added}\n"
        for one in files
        if one.action == "keep" and one.added
    ]


def _write(files: Sequence[Planned]) -> None:
    """Write files, all of them or none.

    Raises:
        UsageError: one cannot be written; new ones are removed again.
    """
    from pytest_autoloop.onboarding.files import remove  # noqa: PLC0415 - only here

    done: list[Planned] = []
    # What goes into a file that exists comes last: it is not taken back.
    for one in sorted(files, key=lambda one: one.action == "add"):
        if one.action == "keep":
            continue
        try:
            one.write()
        except BaseException:
            remove(done)
            raise
        done.append(one)


def _report(
    options: argparse.Namespace,
    root: Path,
    written: Sequence[Planned],
    left_out: Sequence[Planned],
    *,
    notes: Sequence[str],
    needs: Needs,
) -> None:
    missing = [one.what for one in needs.packages if not one.present]
    install = f"pip install {shlex.join(missing)}" if missing else ""
    lacking = any(not one.present for one in needs.files)
    steps = "add what is missing, " if lacking else ""
    following = f"{steps}read and commit it, then pytest-autoloop doctor"
    if options.json:
        told: dict[str, Any] = dict(written_files.documents(root, written, left_out))
        for kind in ("files", "packages"):
            found: tuple[Need, ...] = getattr(needs, kind)
            told[f"needs_{kind}"] = [{"what": one.what, "present": one.present} for one in found]
        told |= {"install": install, "notes": list(notes), "next": following}
        print(json.dumps(told, indent=2))
        return
    written_files.show_written(options, root, written, left_out)
    for note in notes:
        print(f"\nnote: {written_files.visible_lines(note)}", end="")
    _show_needs("what else it needs", needs.files)
    _show_needs("packages", needs.packages)
    if install:
        print(f"    {install}")
    print(f"\nnext: {following}")


def _show_needs(title: str, needs: Sequence[Need]) -> None:
    if needs:
        print(f"\n{title}:")
    for one in needs:
        print(f"  [{'x' if one.present else ' '}] {visible(one.what)}")
