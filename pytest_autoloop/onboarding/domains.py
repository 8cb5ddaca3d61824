"""Templates for a domain each: conftest, standing orders and guards of an example to start from.

A template is a folder `conftest_templates/NAME/`. Its files end in `.template`; each is written to
the same path below a project, without that ending. `$target` in them is the target's path, and
`$module` the dotted name by which tests import it. `about.json` says what else the project needs:
`summary`, `target` (the default), `needs`, `packages`, and `ini` for lines of pytest's ini file, as
TOML has them.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path, PurePosixPath
from string import Template
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.onboarding.files import Planned, into_conftest, planned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.abc import Traversable

_FOLDER = "conftest_templates"
_ABOUT = "about.json"
_ENDING = ".template"
_CONFTEST = "conftest.py"
#: Files that pytest may be configured in, in its order, and the heading of its part in each; one
#: whose name says that it is pytest's own counts without a heading.
_INI_FILES = (
    ("pytest.toml", "pytest"),
    (".pytest.toml", "pytest"),
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool.pytest"),
    ("pyproject.toml", "tool.pytest.ini_options"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
#: What would end a string, a line or a code span in the files that a path is written into.
_UNWRITABLE = re.compile(r"[\"\\`\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Domain:
    """A template: what it is for, and what a project needs besides its files."""

    name: str
    summary: str
    #: Path of the target where a user names none.
    target: str
    #: A line for each file that has to be there: its path (or several, with commas), a colon, and
    #: what belongs into it.
    needs: tuple[str, ...] = ()
    #: Lines of pytest's ini file, as TOML has them.
    ini: tuple[str, ...] = ()
    #: Packages to install, as pip writes them.
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a template's files use, and whether the project has it."""

    what: str
    present: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """All that a template's files use."""

    files: tuple[Need, ...]
    packages: tuple[Need, ...]


def domains() -> tuple[Domain, ...]:
    """Return all templates, by their names."""
    folders = (one for one in _root().iterdir() if one.is_dir() and (one / _ABOUT).is_file())
    return tuple(_read(one) for one in sorted(folders, key=lambda one: one.name))


def domain(name: str) -> Domain:
    """Return a template.

    Raises:
        UsageError: there is none of this name; the message names those there are.
    """
    known = {one.name: one for one in domains()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"choose of {', '.join(known)};"
        raise UsageError(
            f"--template {name}: there is no such template; {meant} --template list says what "
            "each is for"
        )
    return known[name]


def filled(name: str, target: str) -> dict[str, str]:
    """Return the files of a template, filled in, by their paths below a project.

    `target` is a path relative to the project, or `PATH::NAME` for one function or class of it.

    Raises:
        UsageError: the target's path has a character that cannot be written into the files.
    """
    if found := _UNWRITABLE.search(target):
        raise UsageError(
            f"--target {target!r} has the character {found[0]!r}, which would not stand in the "
            "files to be written: rename the file"
        )
    values = {"target": target, "module": module_of(target)}
    return {
        path: Template(source.read_text(encoding="utf-8")).substitute(values)
        for path, source in _templates(_root() / name)
    }


def module_of(target: str) -> str:
    """Return the dotted name by which tests import a target; its stem where it is no Python."""
    path = PurePosixPath(target.partition("::")[0])
    parts = path.with_suffix("").parts
    if path.suffix != ".py":
        return parts[-1]
    parts = parts[1:] if parts[0] == "src" and len(parts) > 1 else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def plan(name: str, target: str, root: Path) -> list[Planned]:
    """Return the files of a template, none of which replaces one that is there.

    What a template's conftest.py has is added to one that exists, unless that declares a target:
    then it stays, and the lines are in `added` for somebody to take what fits.

    Raises:
        UsageError: a path cannot be written into the files, or the project's conftest.py is no
            Python.
    """
    found: list[Planned] = []
    for path, content in filled(name, target).items():
        place = root / path
        what = _purpose(path)
        if path == _CONFTEST and place.is_file():
            found.append(_beside(place, content, what))
        else:
            found.append(planned(place, content, what))
    return found


def needs_of(about: Domain, target: str, root: Path) -> Needs:
    """Return what a template's files use, and tell what of it is there."""
    written = [Template(line).safe_substitute(target=target) for line in about.needs]
    files_of_it = (Need(line, _is_there(line, root)) for line in written)
    return Needs(
        files=(*files_of_it, *(_configured(line, root) for line in about.ini)),
        packages=tuple(Need(one, _installed(one)) for one in about.packages),
    )


def _root() -> Traversable:
    return files("pytest_autoloop").joinpath(_FOLDER)


def _read(folder: Traversable) -> Domain:
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    return Domain(
        name=folder.name,
        summary=about["summary"],
        target=about["target"],
        needs=tuple(about["needs"]),
        ini=tuple(about.get("ini", ())),
        packages=tuple(about["packages"]),
    )


def _templates(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield the files of a template in the order of their names, by their paths in a project."""
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _templates(one, f"{prefix}{one.name}/")
        elif one.name.endswith(_ENDING):
            yield f"{prefix}{one.name.removesuffix(_ENDING)}", one


def _purpose(path: str) -> str:
    if path == _CONFTEST:
        return "what may change, and the score"
    if path == "program.md":
        return "standing orders for who proposes"
    return "guards" if PurePosixPath(path).name.startswith("test_") else "used by the score"


def _beside(path: Path, content: str, what: str) -> Planned:
    """Return a template's conftest.py beside the project's own."""
    before = path.read_text(encoding="utf-8")
    if before == content:
        return Planned(path, "keep", before, what)
    added = replace(into_conftest(path, _without_docstring(content), what), what=what)
    if _declares_a_target(before):
        return replace(added, action="keep", content=before)
    return added


def _without_docstring(content: str) -> str:
    """Return a source without its docstring, and with each import on one line."""
    lines = content.splitlines()
    body = ast.parse(content).body
    if ast.get_docstring(ast.parse(content)) is not None:
        lines[: body[0].end_lineno] = []
        gone = body.pop(0).end_lineno or 0
    else:
        gone = 0
    imports = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
    # From the last one on, so that the numbers of the lines before it stay right.
    for one in reversed(imports):
        first, last = one.lineno - 1 - gone, (one.end_lineno or one.lineno) - gone
        if last - first > 1:
            lines[first:last] = [ast.unparse(one)]
    return "\n".join(lines).strip("\n") + "\n"


def _declares_a_target(source: str) -> bool:
    """Tell whether a function in a source is decorated as a target."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for one in node.decorator_list:
                decorator = ast.unparse(one.func if isinstance(one, ast.Call) else one)
                if re.fullmatch(r"(\w+\.)*target", decorator):
                    return True
    return False


def _installed(requirement: str) -> bool:
    name = re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _is_there(line: str, root: Path) -> bool:
    name, _, _ = line.partition(":")
    return all((root / one.strip()).exists() for one in name.split(","))


def _configured(line: str, root: Path) -> Need:
    """Return a line of pytest's ini file as the project's file of that name would have it."""
    key, _, value = (part.strip() for part in line.partition("="))
    name, heading, text = _ini_file(root)
    if not name.endswith(".toml"):
        # Quotes and brackets would be part of the value there.
        try:
            read = ast.literal_eval(value)
        except ValueError:
            read = value
        value = " ".join(read) if isinstance(read, list) else str(read)
    present = re.search(rf"^\s*{re.escape(key)}\s*=", text, re.MULTILINE) is not None
    return Need(f"in {name}, below [{heading}]: {key} = {value}", present)


def _ini_file(root: Path) -> tuple[str, str, str]:
    """Return name, heading and text of the file that configures pytest, or would be made for it."""
    for name, heading in _INI_FILES:
        place = root / name
        if place.is_file():
            text = place.read_text(encoding="utf-8", errors="replace")
            own = name.lstrip(".").startswith("pytest.")
            if own or re.search(rf"^\[{re.escape(heading)}\]", text, re.MULTILINE):
                return name, heading, text
    return "pyproject.toml", "tool.pytest.ini_options", ""
