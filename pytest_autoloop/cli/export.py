"""`pytest-autoloop export`: the protocol by which any coding agent improves the target itself."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.archiving import SUFFIX, write_archive
from pytest_autoloop.briefing import EXPORT_ENDS, EXPORTED
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal, campaigns

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers

_PROTOCOL = """\
{begins}
# Improve {target} by experiments

You improve {target}, one idea at a time. pytest judges each of them; you never do.

Repeat:

1. Think of one idea that has not been tried: `pytest-autoloop history` lists what has been, with
   the outcome, and `pytest-autoloop best` shows the best version so far.
2. Edit {target}, and no other file. Do not commit.
3. Run `pytest --autoloop-try "what you changed and why, in one line" --autoloop-json`.
   It prints one JSON document on standard output:
   - `status`: `keep` (better, confirmed on fresh measurements), `discard`, `crash` or `timeout`;
   - `reason` and `detail`: why it was not kept, for example the guard that failed;
   - `effect`: how many times better it is than the version before (`gain`, between `low` and
     `high`); `metrics`: its values;
   - `branch`: the git branch with all keeps; `error`: what has to be put right before anything can
     be judged (the exit code is then not 0).
4. After a `keep`, go on from the file as it is now: it is the version to beat. After anything else,
   go back to the best version with `git restore --source BRANCH {path}`, or repair your idea once.

Rules:

- Never change tests, benchmarks, conftest.py or pytest's configuration: the edit would be refused.
- Never detect tests, benchmarks, clocks or their inputs: improve what the file does in general.
- Differences smaller than the machine's noise are not kept. Do not try the same idea again in the
  hope of better luck; an identical program is recognised and not measured again.
- Simpler is better: an equally fast version that is shorter is worth trying.
- Stop when five ideas in a row were not kept, or when somebody tells you to.
{ends}
"""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "export",
        _run,
        summary="write a protocol by which a coding agent improves the target with --autoloop-try",
        more="With --archive it writes a campaign to one file instead: the record, and the commits "
        "as a git bundle, for `pytest-autoloop verify FILE` in another clone. How pytest was "
        "called is not in it.",
        example="pytest-autoloop export --output program.md\n"
        "pytest-autoloop export --archive nov20",
    )
    command.add_argument("tag", nargs="?", help="the campaign of --archive (default: the newest)")
    command.add_argument("--archive", action="store_true", help="write a campaign to one file")
    command.add_argument(
        "--output",
        metavar="FILE",
        help=f"default: program.md, or TAG{SUFFIX}; - prints the protocol",
    )
    command.add_argument("--force", action="store_true", help="replace a file that exists")


def _run(options: argparse.Namespace) -> None:
    here = Path.cwd()
    if options.archive:
        record = commands.choose(here, options.tag)
        file = here / (options.output or f"{record.tag}{SUFFIX}")
        write_archive(
            file,
            record.repository(),
            record.journal,
            record.experiments,
            overwrite=options.force,
        )
        if options.json:
            commands.print_json({"tag": record.tag, "file": str(file)})
            return
        size = file.stat().st_size / 1000
        print(
            f"wrote {file} ({size:,.0f} kB): pytest-autoloop verify {file.name}, in another clone"
        )
        return
    if options.tag is not None:
        raise UsageError(
            f"the protocol is of no campaign: leave out {options.tag}, or add --archive"
        )
    if options.json and options.output == "-":
        raise UsageError("--json and --output - both want standard output: leave out one of them")
    path = export(here, options.output, overwrite=options.force)
    if options.json:
        commands.print_json({"file": str(path)})
    elif path is not None:
        print(f"wrote {path}: tell your agent to follow it")


def export(start: Path, output: str | None, *, overwrite: bool) -> Path | None:
    """Write the protocol to a file, or to standard output where `output` is ``-``.

    Returns the file, None where there is none.

    Raises:
        UsageError: the file exists, or cannot be written.
    """
    text = _protocol(start)
    if output == "-":
        sys.stdout.write(text)
        return None
    path = start / (output or "program.md")
    if path.exists() and not overwrite:
        raise UsageError(
            f"{path} exists and is not overwritten: name another file with --output FILE (- prints "
            "it), or say --force"
        )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _protocol(start: Path) -> str:
    """Return the protocol, with the target's name where a campaign has told it."""
    root = next((d for d in (start, *start.parents) if campaigns(d)), None)
    headers = [] if root is None else [Journal(root, tag) for tag in campaigns(root)]
    headers.sort(key=lambda journal: journal.header_path.stat().st_mtime_ns)
    found = (headers[-1].read_header() or {}).get("target") if headers else None
    if found:
        return _filled(f"`{found}`", shlex.quote(f":/{found}"))
    told = "the file that the `target` fixture in conftest.py returns"
    return _filled(told, "FILE")


def _filled(target: str, path: str) -> str:
    return _PROTOCOL.format(target=target, path=path, begins=EXPORTED, ends=EXPORT_ENDS)
