"""Objects and refs by git processes that stay: what one experiment asks costs no start of any.

Every method returns None where its process cannot answer: the object is missing, git is too old, a
name is out of the ordinary. The caller then runs a command of its own, and git's words are those of
that one.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from contextlib import ExitStack
from functools import partial
from typing import IO, TYPE_CHECKING, NamedTuple

from pytest_autoloop.history.command import IDENTITY
from pytest_autoloop.history.processes import EndedError, GitProcess
from pytest_autoloop.history.scratch import lasting_directory

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.history.command import GitCommand

REGULAR = ("100644", "100755")
_HASH = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})")
#: A ref that needs no quoting.
_REF = re.compile(r"refs/[!-~]+")
#: Diffs after which the process starts anew: it never lets go of a tree.
_MOST_DIFFS = 100
#: Files of commits whose place in the trees is remembered, and targets that have a process.
_PLACES = 8
#: Seconds for which a process may write reflogs: it knows the time of the first entry alone.
_TIME_HOLDS = 60.0


class _Object(NamedTuple):
    name: str
    kind: str
    content: bytes


class _Level(NamedTuple):
    """A tree on the way to a file, and where in it the name of the next object stands."""

    tree: bytes
    start: int


class _Place(NamedTuple):
    """A regular file of a commit, and the trees that lead to it, the root first."""

    commit: str
    mode: str
    levels: tuple[_Level, ...]


class Plumbing:
    """The processes of one repository; they start when they are needed, and end with `close`.

    Any thread may call it. What it writes is on the disk when a call returns.
    """

    def __init__(self, git: GitCommand, durable: GitCommand) -> None:
        self._git, self._durable = git, durable
        self._objects = GitProcess(git, "cat-file", "--batch")
        self._writers = {
            kind: GitProcess(
                durable, "hash-object", "-w", "--no-filters", "-t", kind, "--stdin-paths"
            )
            for kind in ("blob", "tree", "commit")
        }
        self._refs = GitProcess(
            *(durable, "update-ref", "--no-deref", "-m", "pytest-autoloop", "--stdin"), again=False
        )
        self._refs_since = -_TIME_HOLDS
        self._diffs: dict[str, GitProcess] = {}
        self._places: dict[tuple[str, str], _Place] = {}
        self._scratch: Path | None = None
        #: For what is remembered; a process has a lock of its own.
        self._lock = threading.Lock()

    def processes(self) -> list[GitProcess]:
        """Return all there are, running or not."""
        return [self._objects, *self._writers.values(), self._refs, *self._diffs.values()]

    def close(self) -> None:
        """End all of them; asked again they would start anew."""
        for process in self.processes():
            process.close()
        with self._lock:
            scratch, self._scratch = self._scratch, None
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

    # Reading ----------------------------------------------------------------------------------

    def blob(self, name: str) -> bytes | None:
        """Return the content of a blob, by its hash or ``commit:path``."""
        found = self._object(name)
        return found.content if found is not None and found.kind == "blob" else None

    def mode(self, commit: str, path: str) -> str | None:
        """Return the mode of a regular file in a commit; None also where it is none."""
        place = self._place(commit, path)
        return None if place is None else place.mode

    def diff(self, a: str, b: str, path: str) -> bytes | None:
        """Return the unified diff of one file between two commits."""
        trees = self._tree_of(a), self._tree_of(b)
        if None in trees:
            return None
        with self._lock:
            if path not in self._diffs:
                while len(self._diffs) >= _PLACES:
                    self._diffs.pop(next(iter(self._diffs))).close()
                self._diffs[path] = GitProcess(self._git, *_DIFF, path, most=_MOST_DIFFS)
            process = self._diffs[path]
        # What is no name of an object comes back as it is, behind the diff.
        pair = f"{trees[0]} {trees[1]}\n".encode("ascii")
        mark = f"end {secrets.token_hex(16)}\n".encode("ascii")
        try:
            found = process.ask(pair + mark, partial(_until, mark=mark))
        except EndedError:
            return None
        return found.removeprefix(pair) if found.startswith(pair) else None

    def _object(self, name: str) -> _Object | None:
        if "\n" in name:
            return None
        try:
            return self._objects.ask(os.fsencode(name) + b"\n", _read_object)
        except EndedError:
            return None

    def _tree_of(self, commit: str) -> str | None:
        found = self._object(f"{commit}^{{commit}}")
        return None if found is None else found.content[5 : 5 + len(found.name)].decode("ascii")

    def _place(self, commit: str, path: str) -> _Place | None:
        """Find a regular file in the trees of a commit."""
        key = (commit, path)
        with self._lock:
            if key in self._places:
                return self._places[key]
        found = self._object(f"{commit}^{{commit}}")
        if found is None:
            return None
        name = found.content[5 : 5 + len(found.name)].decode("ascii")
        levels: list[_Level] = []
        mode = "40000"
        for part in path.split("/"):
            tree = self._object(name) if mode == "40000" else None
            entry = _entry(tree, os.fsencode(part)) if tree is not None else None
            if tree is None or entry is None:
                return None
            mode, start = entry
            levels.append(_Level(tree.content, start))
            name = tree.content[start : start + len(name) // 2].hex()
        if mode not in REGULAR:
            return None
        place = _Place(found.name, mode, tuple(levels))
        if _HASH.fullmatch(commit):  # any other name may come to mean something else
            with self._lock:
                while len(self._places) >= _PLACES:
                    del self._places[next(iter(self._places))]
                self._places[key] = place
        return place

    # Writing ----------------------------------------------------------------------------------

    def commit_file(self, parent: str, path: str, content: bytes, message: bytes) -> str | None:
        """Return a new commit: `parent` with the content of one regular file changed."""
        place = self._place(parent, path)
        if place is None:
            return None
        digits = len(place.commit)
        blob = name = _name_of("blob", content, digits)
        trees: dict[str, bytes] = {}
        for tree, start in reversed(place.levels):
            raw = bytes.fromhex(name)
            changed = tree[:start] + raw + tree[start + len(raw) :]
            name = _name_of("tree", changed, digits)
            trees[name] = changed
        text = _commit_text(name, place.commit, message)
        commit = _name_of("commit", text, digits)
        # Nothing leads to one of them before all are there, so that they reach the disk together.
        objects = {"blob": {blob: content}, "tree": trees, "commit": {commit: text}}
        return commit if self._stored(objects) else None

    def set_ref(self, ref: str, commit: str, expected_old: str | None) -> bool | None:
        """Point a ref at a commit, as `Repository.set_ref`; None when git refused.

        False says that the process died, and that nobody knows whether it was done.
        """
        if not all(map(_HASH.fullmatch, filter(None, (commit, expected_old)))):
            return None
        if not _REF.fullmatch(ref):
            return None
        old = f" {expected_old}" if expected_old else ""
        verb = "create" if expected_old == "" else "update"
        request = f"start\n{verb} {ref} {commit}{old}\nprepare\ncommit\n".encode("ascii")
        if ref.startswith("refs/heads/"):  # which has a reflog
            with self._lock:
                now = time.monotonic()
                if self._refs.pid is None or now - self._refs_since > _TIME_HOLDS:
                    self._refs.close()
                    self._refs_since = now
        try:
            self._refs.ask(request, _read_transaction)
        except EndedError as ended:
            return None if ended.refused else False
        return True

    def _stored(self, objects: dict[str, dict[str, bytes]]) -> bool:
        """Write objects, by kind and name; tell whether git found them as they are named."""
        files: list[Path] = []
        try:
            with ExitStack() as stack:
                waiting = []
                for kind, contents in objects.items():
                    paths = [self._put(content, files) for content in contents.values()]
                    question = b"".join(path + b"\n" for path in paths)
                    if question.count(b"\n") != len(paths) or b'"' in question:
                        return False  # they would have to be quoted
                    waiting.append((stack.enter_context(self._writers[kind].asked(question)), kind))
                # Whoever could have changed a file meanwhile has not.
                found = [
                    answer(partial(_read_lines, count=len(objects[kind])))
                    for answer, kind in waiting
                ]
                return found == [list(contents) for contents in objects.values()]
        except (EndedError, OSError):
            return False
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    def _put(self, content: bytes, files: list[Path]) -> bytes:
        with self._lock:
            if self._scratch is None:
                self._scratch = lasting_directory("objects", self)
            files.append(self._scratch / secrets.token_hex(8))
        files[-1].write_bytes(content)
        return os.fsencode(files[-1])


_SHA1_DIGITS = 40
_DIFF = (
    *("diff-tree", "--stdin", "-p", "--no-ext-diff", "--no-textconv", "--no-color"),
    *("--no-renames", "--"),
)


def _entry(tree: _Object, name: bytes) -> tuple[str, int] | None:
    """Return the mode of an entry of a tree, and where the hash of its object stands."""
    if tree.kind != "tree":
        return None
    content, position, length = tree.content, 0, len(tree.name) // 2
    wanted = b" " + name
    while position < len(content):
        end = content.index(b"\0", position)
        space = content.index(b" ", position)
        if content[space:end] == wanted:
            return content[position:space].decode("ascii"), end + 1
        position = end + 1 + length
    return None


def _name_of(kind: str, content: bytes, digits: int) -> str:
    """Return the hash by which git names an object."""
    algorithm = hashlib.sha1 if digits == _SHA1_DIGITS else hashlib.sha256
    return algorithm(b"%s %d\0" % (kind.encode("ascii"), len(content)) + content).hexdigest()


def _commit_text(tree: str, parent: str, message: bytes) -> bytes:
    """Return a commit as git writes it, by nobody but us."""
    offset = time.localtime().tm_gmtoff // 60
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    who = f"{IDENTITY['GIT_AUTHOR_NAME']} <{IDENTITY['GIT_AUTHOR_EMAIL']}>"
    stamp = f"{who} {int(time.time())} {zone}"
    head = f"tree {tree}\nparent {parent}\nauthor {stamp}\ncommitter {stamp}\n\n"
    return head.encode("ascii") + message


def _read_line(stream: IO[bytes]) -> str:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line[:-1].decode("ascii")


def _read_lines(stream: IO[bytes], count: int) -> list[str]:
    return [_read_line(stream) for _ in range(count)]


def _read_object(stream: IO[bytes]) -> _Object | None:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    if line.endswith((b" missing\n", b" ambiguous\n")):
        return None
    name, kind, size = line[:-1].decode("ascii").split(" ")
    content = stream.read(int(size) + 1)
    if len(content) != int(size) + 1:
        raise EOFError
    return _Object(name, kind, content[:-1])


def _read_transaction(stream: IO[bytes]) -> None:
    for step in ("start", "prepare", "commit"):
        if _read_line(stream) != f"{step}: ok":
            raise EOFError


def _until(stream: IO[bytes], mark: bytes) -> bytes:
    """Return all lines before one."""
    lines: list[bytes] = []
    while (line := stream.readline()) != mark:
        if not line:
            raise EOFError
        lines.append(line)
    return b"".join(lines)
