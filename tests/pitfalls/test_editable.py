"""An installation that points at the checkout must not have the checkout's code judged."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.surroundings import import_roots
from tests.pitfalls.bench import open_bench
from tests.projects import MODULE

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.projects import Project

#: A src layout, of which nothing can be imported unless it is installed.
INSTALLED = {
    "src/editable/__init__.py": "",
    "src/editable/core.py": "def double(n):\n    return n + n\n",
    "tests/test_core.py": """
        import subprocess
        import sys

        def test_core():
            from editable.core import double
            assert double(4) == 9

        def test_subprocess(request):
            program = "import editable.core; print(editable.core.double(4))"
            run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE)
            assert run.stdout == b"9\\n"
    """,
}
CANDIDATE = "def double(n):\n    return n + n + 1\n"

_FINDER = """
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

SOURCE = Path({source!r})

class Loader(importlib.machinery.SourceFileLoader):
    pass

class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        file = SOURCE.joinpath(*name.split("."))
        if file.is_dir():
            return importlib.util.spec_from_file_location(
                name, file / "__init__.py", submodule_search_locations=[str(file)]
            )
        if file.with_suffix(".py").is_file():
            path = str(file.with_suffix(".py"))
            loader = Loader(name, path) if {own_loader} else None
            return importlib.util.spec_from_file_location(name, path, loader=loader)
        return None

sys.meta_path.insert({position}, Finder)
"""


def install(site: Path, source: Path, how: str) -> None:
    """Make a directory of installed packages, whose `.pth` file brings the project in."""
    site.mkdir()
    packages = site / "packages"
    packages.mkdir()
    (site / "sitecustomize.py").write_text(f"import site\nsite.addsitedir({str(packages)!r})\n")
    if how == "pth":
        (packages / "editable.pth").write_text(f"{source}\n")
        return
    (packages / "editable.pth").write_text("import _editable_finder\n")
    position = "len(sys.meta_path)" if how == "appended" else "0"
    text = _FINDER.format(source=str(source), position=position, own_loader=how == "own-loader")
    (packages / "_editable_finder.py").write_text(textwrap.dedent(text))


@pytest.mark.parametrize("how", ["pth", "appended", "front", "own-loader", "symbolic-link"])
def test_candidate_runs(
    how: str,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    launcher: LauncherName,
) -> None:
    """Whatever an editable install does, guards see the candidate, not the checkout."""
    project.commit(INSTALLED)
    source = project.root / "src"
    if how == "symbolic-link":
        (tmp_path / "link").symlink_to(project.root)
        source = tmp_path / "link" / "src"
    install(tmp_path / "site", source, how)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    # A finder at the front wins over any path: what guards start by themselves is beyond reach.
    on_path = how in {"pth", "appended"}
    arguments = () if on_path else ("-k", "not subprocess")
    roots = (project.root / "src",) if on_path else ()
    target = "src/editable/core.py"
    with open_bench(project, target, *arguments, import_roots=roots, launcher=launcher) as bench:
        bench.place(CANDIDATE)
        run = bench.run()

    assert run.verdict is not None, run.output
    assert run.verdict.foreign == ""
    assert set(run.verdict.outcomes.values()) == {"passed"}, run.output
    assert len(run.verdict.outcomes) == (2 if on_path else 1)


@pytest.mark.parametrize("registered", [True, False])
def test_absolute_path_into_checkout_is_refused(project: Project, registered: bool) -> None:
    """Code that is loaded by a path into the checkout never is the candidate's: say so."""
    load = f"""
        import importlib.util
        import sys

        path = {str(project.root / "double.py")!r}
        spec = importlib.util.spec_from_file_location("double", path)
        module = importlib.util.module_from_spec(spec)
        if {registered}:
            sys.modules["double"] = module
        spec.loader.exec_module(module)
        double = module.double

        def test_double():
            assert double(4) == 8
    """
    project.commit({**MODULE, "test_double.py": load})

    session = project.autoloop(1, "--autoloop-proposer", project.ideas("x = 1\n"))

    assert session.returncode == 4, session.output
    assert f"the tests import {project.root / 'double.py'}" in session.output
    assert "an import path is fixed to this checkout" in session.output
    assert not (project.root / "results.tsv").exists()


def test_import_root_of_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's own directory is no import root: its modules would hide Python's own."""
    package = tmp_path / "rooted"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("rooted")
    monkeypatch.delitem(sys.modules, "rooted")
    monkeypatch.setitem(sys.modules, "rooted", module)

    assert import_roots(tmp_path, package / "__init__.py", []) == (tmp_path,)


def test_import_root_of_file_loaded_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name that a file was loaded under by its path says nothing of where imports begin."""
    file = tmp_path / "package" / "core.py"
    file.parent.mkdir()
    file.write_text("")
    spec = importlib.util.spec_from_file_location("another", file)
    assert spec is not None
    monkeypatch.setitem(sys.modules, "another", importlib.util.module_from_spec(spec))

    assert import_roots(tmp_path, file, []) == ()
