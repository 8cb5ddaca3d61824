"""Builds images with whatever engine answers, docker or podman, and looks into them."""

import functools
import json
import re
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass

ENGINES = ("docker", "podman")


@dataclass(frozen=True)
class Image:
    """An image that was built."""

    engine: str
    name: str
    #: How large it is, and how long it took to build.
    bytes: int
    seconds: float

    def run(self, *command, seconds):
        """Return what the image prints: its own command, or another; it has no network."""
        orders = ("run", "--rm", "--network", "none", "--read-only", self.name, *command)
        return _told(self.engine, *orders, seconds=seconds)

    @property
    def user(self):
        """Who its command runs as; "" is root."""
        told = _told(self.engine, "image", "inspect", self.name)
        return json.loads(told)[0]["Config"].get("User") or ""

    def copy(self, path, place):
        """Copy a file of the image to a place; nothing of the image runs for it."""
        made = _told(self.engine, "create", self.name).split()[-1]
        try:
            _told(self.engine, "cp", f"{made}:{path}", str(place))
        finally:
            _told(self.engine, "rm", made)

    def remove(self):
        """Remove the image."""
        _told(self.engine, "rmi", "--force", self.name)


@functools.cache
def find():
    """Return the first engine that answers, and why the others do not; None if none does."""
    said = []
    for name in ENGINES:
        if shutil.which(name) is None:
            said.append(f"{name} is not installed")
            continue
        try:
            done = _run(name, "version", seconds=20)
        except subprocess.TimeoutExpired:
            said.append(f"{name} does not answer")
            continue
        if done.returncode == 0:
            return name, ""
        lines = done.stderr.strip().splitlines() or ["it gives no reason"]
        said.append(f"{name} does not answer: {lines[-1]}")
    return None, "; ".join(said)


def build(engine, dockerfile, context, *, seconds):
    """Build a file with a directory as its context, from scratch; who calls removes the image."""
    name = f"autoloop-{uuid.uuid4().hex[:12]}:candidate"
    start = time.monotonic()
    orders = ("build", "--quiet", "--no-cache", "--file", str(dockerfile), "--tag", name)
    _told(engine, *orders, str(context), seconds=seconds)
    took = time.monotonic() - start
    size = _told(engine, "image", "inspect", "--format", "{{.Size}}", name)
    return Image(engine, name, int(size), took)


def bases(text):
    """Return the images that a Dockerfile starts from, without those that it makes itself."""
    joined = re.sub(r"\\\s*\n", " ", text)
    found, stages = [], {"scratch"}
    for line in joined.splitlines():
        match = re.match(r"(?i)\s*from\s+(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?", line)
        if match:
            if match[1].lower() not in stages:
                found.append(match[1])
            stages.add((match[2] or "").lower())
        copied = re.match(r"(?i)\s*(?:copy|add|run)\s.*?(?:--|,)from=([^\s,]+)", line)
        if copied and not copied[1].isdigit() and copied[1].lower() not in stages:
            found.append(copied[1])
    return found


def is_pinned(image):
    """Tell whether an image's name means one version: it has a digest, or a tag with a number."""
    if "@sha256:" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag != "latest" and any(letter.isdigit() for letter in tag)


def _run(engine, *arguments, seconds):
    return subprocess.run(
        [engine, *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )


def _told(engine, *arguments, seconds=60):
    """Return what an engine prints; a RuntimeError says what it complains about."""
    done = _run(engine, *arguments, seconds=seconds)
    if done.returncode:
        what = " ".join(arguments)
        message = f"{engine} {what} ended with {done.returncode}:\n{done.stderr[-4000:]}"
        raise RuntimeError(message)
    return done.stdout
