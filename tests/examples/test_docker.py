"""The example `docker`, with a program in the place of the engine that answers as one does."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.projects import Project

FAKE = Path(__file__).with_name("fake_engine.py")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a directory of programs with an engine that answers."""
    directory = tmp_path / "programs"
    directory.mkdir()
    shutil.copy(FAKE, directory)
    engine = directory / "docker"
    engine.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -IS "{directory / FAKE.name}" "$@"\n', encoding="utf-8"
    )
    engine.chmod(0o755)
    return directory


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the example's module that talks to an engine."""
    monkeypatch.syspath_prepend(EXAMPLES / "docker")
    yield importlib.import_module("engine")
    del sys.modules["engine"]


def test_smaller_images_are_kept_and_worse_ones_refused(
    example: Callable[[str], Project], programs: Path
) -> None:
    """An unpinned base, root and a lost file are refused; less in the image is a gain."""
    project = example("docker")
    (project.root / "ideas" / "02_clean_up_in_the_same_layer.dockerfile").unlink()
    project.commit()
    session = project.autoloop(
        5,
        f"--override-ini=autoloop_readable={programs}",
        # There is no socket: the program is all there is.
        "--override-ini=autoloop_writable=",
        environment={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
    )

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    kept, guard, nothing = ("keep", ""), ("discard", "guard"), ("discard", "no-gain")
    decided = [(row["status"], row["reason"]) for row in rows]
    assert decided == [guard, kept, guard, guard, nothing]
    assert baseline["metrics"]["size"] == 1340.0
    assert rows[1]["metrics"]["size"] == 130.0
    lines = {line.partition("autoloop::")[2][:3]: line for line in session.output.splitlines()}
    assert "test_base_images_are_pinned_as_they_were" in lines["001"]
    assert "test_it_does_not_run_as_root" in lines["003"]


def test_it_is_skipped_without_an_engine(example: Callable[[str], Project], tmp_path: Path) -> None:
    """Plain tests skip what needs an engine, and a campaign ends with the reason."""
    project = example("docker")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "sh"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    broken = programs / "docker"
    broken.write_text("#!/bin/sh\necho 'Cannot connect to the daemon' >&2\nexit 1\n")
    broken.chmod(0o755)
    why = "no container engine: docker does not answer: Cannot connect to the daemon; podman"

    plain = project.pytest("-q", "-rs", environment={"PATH": str(programs)})
    assert plain.returncode == 0, plain.output
    assert why in plain.output
    assert "2 passed, 4 skipped" in plain.output
    campaign = project.autoloop(2, environment={"PATH": str(programs)})
    assert campaign.returncode == 4
    assert why in campaign.output


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM python:3.12\n", ["python:3.12"]),
        ("from --platform=linux/amd64 a:1 AS x\nFROM x\nCOPY --from=x /a /b\n", ["a:1"]),
        ("FROM a:1\nCOPY --from=b:latest /a /b\n", ["a:1", "b:latest"]),
        ("FROM a:1\nRUN --mount=type=bind,from=c,target=/c ls\n", ["a:1", "c"]),
        ("FROM \\\n  a:1\nFROM scratch\nCOPY --from=0 /a /a\n", ["a:1"]),
        ("FROM ${BASE}\n", ["${BASE}"]),
    ],
)
def test_base_images_are_found(text: str, found: list[str], engine: Any) -> None:
    """In capitals or not, over two lines, in copies and mounts; a file's own stages are none."""
    assert engine.bases(text) == found


@pytest.mark.parametrize(
    ("name", "pinned"),
    [
        ("python:3.12.4-slim", True),
        ("registry:5000/python", False),
        ("registry:5000/python:3", True),
        (f"python@sha256:{'0' * 64}", True),
        ("python", False),
        ("python:latest", False),
        ("python:slim", False),
        ("${BASE}", False),
    ],
)
def test_a_pinned_image_has_a_digest_or_a_number(name: str, pinned: bool, engine: Any) -> None:
    """A registry's port is no tag, and a variable is not a version."""
    assert engine.is_pinned(name) is pinned
