"""`pytest-autoloop plot`: draws the progress of a campaign as SVG and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.files import replace_file

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.reporting.chart.points import Chart

_KINDS = {".svg": "svg", ".png": "png"}
_NAMES = ("progress.svg", "progress.png")
_DESCRIPTION = (
    "The height of a point is its gain over the baseline: the product of what the keeps won, each "
    "measured side by side with the best before it. Scores without noise are drawn as they are."
)
#: How far a file is read to see whether it is a chart of ours.
_HEAD = 4096


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "plot",
        _run,
        summary="draw the progress of a campaign as SVG and PNG",
        more=_DESCRIPTION,
        example="pytest-autoloop plot nov20 --output progress.png --dark",
    )
    add_tag(command)
    command.add_argument(
        "--output",
        metavar="FILE",
        action="append",
        help="a .svg or a .png; may be given twice "
        "(default: progress.svg and progress.png in .pytest_autoloop/TAG)",
    )
    command.add_argument("--metric", metavar="NAME", help="draw the values of a metric as measured")
    command.add_argument("--dark", action="store_true", help="on a dark ground")
    command.add_argument("--width", metavar="PIXELS", help="default: 1200; a PNG has twice as many")
    command.add_argument(
        "--height", metavar="PIXELS", help="default: 675, more for several targets"
    )
    command.add_argument(
        "--force", action="store_true", help="replace a file that is no chart of ours"
    )


def _run(options: argparse.Namespace) -> None:
    """Draw the chart, all of its files before the first one is written.

    Raises:
        UsageError: an option is wrong, matplotlib is missing, or a file cannot be written.
        JournalError: the record cannot be read.
    """
    # Not at the head: every command loads this module.
    from pytest_autoloop.reporting.chart.draw import WIDTH, Look, draw  # noqa: PLC0415

    look = Look(
        width=_pixels("--width", options.width) or WIDTH,
        height=_pixels("--height", options.height),
        dark=options.dark,
    )
    record = commands.choose(Path.cwd(), options.tag)
    paths = [Path(name) for name in options.output or ()]
    paths = paths or [record.journal.directory / name for name in _NAMES]
    for path in paths:
        _check(path, overwrite=options.force)
    chart = _chart(record, options.metric)
    pictures = [draw(chart, _kind(path), look) for path in paths]
    for path, picture in zip(paths, pictures, strict=True):
        _write(path, picture)
    if options.json:
        commands.print_json(
            {
                "tag": record.tag,
                "files": [
                    {"path": str(path), "bytes": len(picture)}
                    for path, picture in zip(paths, pictures, strict=True)
                ],
            }
        )
        return
    tried = sum(experiment.status != "baseline" for experiment in record.experiments)
    for path, picture in zip(paths, pictures, strict=True):
        told = f"{text.count(tried, 'experiment')}, {len(picture) / 1000:,.0f} kB"
        print(f"wrote {path}: {told}")


def _chart(record: Record, metric: str | None) -> Chart:
    from pytest_autoloop.reporting.chart.points import chart_of  # noqa: PLC0415 - as above

    found = {target: record.audited(target) for target in record.targets}
    audits = {target: effect for target, effect in found.items() if effect is not None}
    return chart_of(record.tag, record.experiments, record.header, metric=metric, audits=audits)


def _kind(path: Path) -> Literal["svg", "png"]:
    return cast("Literal['svg', 'png']", _KINDS[path.suffix.lower()])


def _check(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that cannot be a chart, or must not become one."""
    from pytest_autoloop.reporting.chart.draw import CREATOR  # noqa: PLC0415 - as above

    if path.suffix.lower() not in _KINDS:
        raise UsageError(f"--output {path}: the name of a chart ends with .svg or .png")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--output {path}: there is no directory {path.parent}; make it first")
    if path.is_dir():
        raise UsageError(f"--output {path} is a directory: name a file in it")
    if overwrite or not path.exists():
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    if CREATOR.encode() not in head:
        raise UsageError(
            f"{path} exists and was not drawn by this command: name another file with --output "
            "FILE, or say --force"
        )


def _write(path: Path, picture: bytes) -> None:
    try:
        replace_file(path, picture)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}; name another file with "
            "--output FILE"
        ) from error


def _pixels(option: str, written: str | None) -> int | None:
    from pytest_autoloop.reporting.chart.draw import LARGEST, SMALLEST  # noqa: PLC0415 - as above

    if written is None:
        return None
    if not written.isascii() or not written.isdigit() or not SMALLEST <= int(written) <= LARGEST:
        raise UsageError(
            f"{option} {written}: write a whole number of pixels from {SMALLEST} to {LARGEST}"
        )
    return int(written)
