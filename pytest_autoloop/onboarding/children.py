"""Runs the project's own pytest in a child process, with a plugin of this room that looks at it.

The plugin is named in an environment variable, which it takes back when it is loaded: on the
command line, the child's own children would find it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: What a plugin is asked for, as JSON, and a line with which it tells how far it is.
WANTED = "PYTEST_AUTOLOOP_ONBOARDING"
PROGRESS = "pytest-autoloop: "
_PLUGINS = "PYTEST_PLUGINS"
#: As the command `pytest` does it: the working directory is no place to import from.
PYTEST = (
    sys.executable,
    "-c",
    "import sys; del sys.path[0]; import pytest; sys.exit(pytest.main())",
)
_TAIL = 4000


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished child."""

    status: int
    #: What the plugin found; None when it could not tell.
    found: dict[str, Any] | None
    #: The end of what pytest printed.
    output: str


def run_pytest(
    root: Path,
    plugin: str,
    wanted: Mapping[str, object],
    arguments: Sequence[str],
    *,
    told: Callable[[str], None] = lambda _: None,
) -> Finished:
    """Run pytest in a directory, with a plugin that is told what is wanted.

    Args:
        root: where pytest is started.
        plugin: dotted name of its module.
        wanted: plain data for it; it finds the place for its answer in ``answer``.
        arguments: pytest's own.
        told: is given each line of progress.

    Raises:
        UsageError: no process can be started.
    """
    with tempfile.TemporaryDirectory(prefix="pytest-autoloop-onboarding-") as scratch:
        place = Path(scratch, "answer.json")
        plugins = os.environ.get(_PLUGINS, "")
        environment = {
            **os.environ,
            WANTED: json.dumps({**wanted, "answer": str(place), "plugins": plugins}),
            _PLUGINS: f"{plugins},{plugin}" if plugins else plugin,
            # What is only looked at is not written to.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        command = [*PYTEST, "--color=no", "-o", f"cache_dir={scratch}/cache", *arguments]
        lines: list[str] = []
        try:
            with subprocess.Popen(
                command,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith(PROGRESS):
                        told(line.removeprefix(PROGRESS).rstrip())
                    else:
                        lines.append(line)
        except OSError as error:
            raise UsageError(f"pytest cannot be started in {root} ({error}): mend that") from error
        return Finished(process.returncode, _read(place), "".join(lines)[-_TAIL:])


def wanted_here() -> dict[str, Any]:
    """Return what the parent wants of a plugin; its own children are not asked."""
    document: dict[str, Any] = json.loads(os.environ.pop(WANTED))
    del os.environ[_PLUGINS]
    if document["plugins"]:
        os.environ[_PLUGINS] = document["plugins"]
    return document


def answer(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Leave what was found for the parent."""
    Path(wanted["answer"]).write_text(json.dumps(found), encoding="utf-8")


def _read(place: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
