"""Files that are about to be written into a project: never over one that is there."""

from __future__ import annotations

import ast
import difflib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Json

#: `new` did not exist, `add` goes into a file that does, `replace` was recorded before, `keep`
#: stays as it is.
Action: TypeAlias = Literal["new", "add", "replace", "keep"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One file, and what it is for."""

    path: Path
    action: Action
    #: The whole content that the file is to have.
    content: str
    what: str
    #: The lines that are added, where the file is there already.
    added: str = ""

    def diff(self, root: Path) -> str:
        """Return the change as a unified diff."""
        name = shown(self.path, root)
        before = "" if self.action == "new" else self.path.read_text(encoding="utf-8")
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            self.content.splitlines(keepends=True),
            "/dev/null" if self.action == "new" else f"a/{name}",
            f"b/{name}",
        )
        return "".join(lines)

    def write(self) -> None:
        """Write it.

        Raises:
            UsageError: it cannot be written, or has come to be meanwhile.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("x" if self.action == "new" else "w", encoding="utf-8") as stream:
                stream.write(self.content)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror or error}") from error

    def document(self, root: Path) -> dict[str, Json]:
        """Return it as plain data."""
        name = shown(self.path, root)
        return {"path": name, "action": self.action, "what": self.what, "added": self.added}


def planned(path: Path, content: str, what: str) -> Planned:
    """Return a file to be written, or the one that is there and stays."""
    if path.exists():
        return Planned(path, "keep", path.read_text(encoding="utf-8"), what)
    return Planned(path, "new", content, what)


def into_conftest(path: Path, lines: str, what: str) -> Planned:
    """Return a conftest.py with lines in it: imports at its head, the rest at its end.

    Raises:
        UsageError: the file that is there is no Python.
    """
    if not path.exists():
        return Planned(path, "new", f'"""{what}"""\n\n{lines}', what)
    before = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(before)
    except SyntaxError as error:
        raise UsageError(f"{path} is not Python ({error}): correct it first") from error
    imports, rest = _split(lines)
    present = before.splitlines()
    new = [line for line in imports if line not in present]
    place = _after_imports(tree)
    content = "\n".join([*present[:place], *new, *present[place:]]).strip("\n")
    # Two empty lines between definitions, as everybody writes it.
    parts = [part for part in (content, rest.strip("\n")) if part]
    added = "\n\n\n".join(part for part in ("\n".join(new), rest.strip("\n")) if part)
    return Planned(path, "add", "\n\n\n".join(parts) + "\n", what, added)


def _split(lines: str) -> tuple[list[str], str]:
    """Split a template into its imports and what follows them."""
    tree = ast.parse(lines)
    last = max((node.end_lineno or 0 for node in tree.body if _imports(node)), default=0)
    all_lines = lines.splitlines()
    return [line for line in all_lines[:last] if line.strip()], "\n".join(all_lines[last:])


def _after_imports(tree: ast.Module) -> int:
    """Return the number of lines up to the last import at the head, or to the docstring."""
    last = 0
    for place, node in enumerate(tree.body):
        docstring = place == 0 and isinstance(node, ast.Expr)
        if docstring or _imports(node):
            last = node.end_lineno or 0
        elif not docstring:
            break
    return last


def _imports(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def formatted(content: str, path: Path) -> str:
    """Return a source as the project's own ruff writes it; as it is where there is none."""
    ruff = shutil.which("ruff", path=os.pathsep.join(_places()))
    if ruff is None or path.suffix != ".py":
        return content
    command = [ruff, "format", "--quiet", f"--stdin-filename={path}", "-"]
    directory = next(one for one in path.parents if one.is_dir())
    done = subprocess.run(
        command, input=content, cwd=directory, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 and done.stdout else content


def _places() -> list[str]:
    """Return where the project's tools are: beside its interpreter, which need not be on PATH."""
    return [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]


def shown(path: Path, root: Path) -> str:
    """Return a path as somebody in the root directory writes it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def remove(files: Sequence[Planned]) -> None:
    """Take back new files."""
    for one in files:
        if one.action == "new":
            one.path.unlink(missing_ok=True)
