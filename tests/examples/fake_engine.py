"""Stands in for a container engine: reads a Dockerfile, and answers as docker would.

Started as a program of its own, with the commands that the example `docker` uses. Nothing of the
Dockerfile is run but its command; sizes follow from what it says. Images are directories below the
directory of temporary files.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

STATE = Path(tempfile.gettempdir()) / "fake-engine"
MEGABYTE = 1_000_000
#: What base images hold.
BASES = {"python:3.12.4-bookworm": 1020, "python:3.12.4-slim-bookworm": 130, "python:slim": 125}


def build(options: dict[str, str], rest: list[str]) -> int:
    """Follow a Dockerfile, line by line."""
    text = Path(options["--file"]).read_text(encoding="utf-8")
    root = STATE / options["--tag"]
    root.mkdir(parents=True)
    config: dict[str, Any] = {"User": "", "Cmd": [], "WorkingDir": "/"}
    size = 0
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        word, _, value = line.strip().partition(" ")
        if word == "FROM" and value not in BASES:
            sys.stderr.write(f"pull access denied for {value}\n")
            return 1
        if word == "FROM":
            size += BASES[value] * MEGABYTE
        elif word == "RUN" and "apt-get" in value:
            # Lists that are removed in the same layer were never there.
            size += 20 * MEGABYTE * ("update" in value and "rm -rf /var/lib/apt" not in value)
            size += 300 * MEGABYTE * ("build-essential" in value)
        elif word == "COPY":
            source, destination = value.split()
            place = root / config["WorkingDir"].strip("/") / destination
            shutil.copytree(Path(rest[0]) / source, place, dirs_exist_ok=True)
        elif word in {"WORKDIR", "USER"}:
            config["WorkingDir" if word == "WORKDIR" else "User"] = value
        elif word == "CMD":
            config["Cmd"] = json.loads(value)
    size += sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    (root / "image.json").write_text(json.dumps({"Size": size, "Config": config}))
    return 0


def run(name: str) -> int:
    """Run an image's command, as whoever calls, below the image's directory."""
    config = json.loads((STATE / name / "image.json").read_text())["Config"]
    command = [sys.executable if word == "python" else word for word in config["Cmd"]]
    place = STATE / name / config["WorkingDir"].strip("/")
    return subprocess.run(command, cwd=place, check=False).returncode


def copy(source: str, destination: str) -> int:
    """Copy a file of an image, named as docker names it, to a place."""
    name, _, path = source.rpartition(":")
    found = STATE / name / path.strip("/")
    if not found.exists():
        sys.stderr.write(f"Could not find the file {source}\n")
        return 1
    shutil.copy(found, destination)
    return 0


def main(arguments: list[str]) -> int:
    """Do what one call of an engine asks for."""
    action, *given = arguments
    options: dict[str, str] = {}
    rest: list[str] = []
    while given:
        word = given.pop(0)
        if word in {"--file", "--tag", "--format", "--network"}:
            options[word] = given.pop(0)
        elif not word.startswith("--"):
            rest.append(word)
    if action == "build":
        return build(options, rest)
    if action == "run":
        return run(rest[0])
    if action == "cp":
        return copy(*rest)
    if action == "image":
        found = json.loads((STATE / rest[1] / "image.json").read_text())
        print(found["Size"] if "--format" in options else json.dumps([found]))  # noqa: T201
    elif action == "create":
        print(f"warnings come first\n{rest[0]}")  # noqa: T201
    elif action == "rmi":
        shutil.rmtree(STATE / rest[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
