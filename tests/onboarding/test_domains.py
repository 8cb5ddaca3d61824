"""Templates of domains: what is written, what is kept, and what is said to be missing."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.cli import main
from pytest_autoloop.onboarding import domains
from tests.projects import git, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.projects import Project

TARGET = "src/pkg/index.py"
ARGUMENTS = ("--template", "memory", "--target", TARGET)
WRITTEN = ["conftest.py", "measure.py", "program.md", "tests/test_like_the_original.py"]


@pytest.fixture
def mine(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project with a module and no tests, which the command is called in."""
    project.commit({TARGET: "class Index: ...\n"})
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def init(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what calls the command and gives what it printed, or what is wrong."""

    def command(*arguments: str, code: int = 0) -> str:
        status = main(["init", *arguments])
        printed = capsys.readouterr()
        assert status == code, printed.err
        return printed.err if code else printed.out

    return command


def test_files_are_written_and_the_rest_is_named(mine: Project, init: Callable[..., str]) -> None:
    """Nothing is run: a project without tests is enough."""
    told = init(*ARGUMENTS)
    assert git(mine.root, "status", "--short", "-uall").split()[1::2] == WRITTEN
    conftest = (mine.root / "conftest.py").read_text(encoding="utf-8")
    assert f'return "{TARGET}"' in conftest
    assert 'MODULE = "pkg.index"' in conftest
    assert "[ ] workload.py: prepare()" in told
    assert (
        '[ ] in pyproject.toml, below [tool.pytest.ini_options]: autoloop_objective = "gated"'
    ) in told
    assert told.splitlines()[-1].startswith("next: add what is missing, read and commit it")


def test_what_is_there_is_ticked(mine: Project, init: Callable[..., str]) -> None:
    """Files, packages and ini keys: nobody is asked for what they have."""
    mine.commit(
        {
            "workload.py": "",
            "tests/test_index.py": "",
            "pyproject.toml": '[tool.pytest.ini_options]\nautoloop_objective = "gated"\n',
        }
    )
    told = json.loads(init(*ARGUMENTS, "--json"))
    assert [need["present"] for need in told["needs_files"]] == [True, True, True]
    assert told["next"] == "read and commit it, then pytest-autoloop doctor"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pytest.ini", "", "in pytest.ini, below [pytest]: autoloop_env = A B"),
        ("tox.ini", "[pytest]\n", "in tox.ini, below [pytest]: autoloop_env = A B"),
        ("setup.cfg", "[tool:pytest]\n", "in setup.cfg, below [tool:pytest]: autoloop_env = A B"),
        (
            "pyproject.toml",
            "[tool.pytest]\n",
            'in pyproject.toml, below [tool.pytest]: autoloop_env = ["A", "B"]',
        ),
        (
            "tox.ini",
            "[tox]\n",
            'in pyproject.toml, below [tool.pytest.ini_options]: autoloop_env = ["A", "B"]',
        ),
    ],
)
def test_lines_of_the_ini_file_are_written_as_that_file_has_them(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    """In an ini file, quotes and brackets would be part of the value."""
    about = domains.Domain("memory", "x", TARGET, ini=('autoloop_env = ["A", "B"]',))
    (tmp_path / name).write_text(text, encoding="utf-8")
    (need,) = domains.needs_of(about, TARGET, tmp_path).files
    assert need == domains.Need(said, present=False)
    (tmp_path / name).write_text(f"{text}autoloop_env = X\n", encoding="utf-8")
    assert domains.needs_of(about, TARGET, tmp_path).files[0].present == (name in said)


def test_packages_that_are_missing_are_a_line_for_pip(
    mine: Project, init: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are installed are ticked and not in it."""
    about = domains.Domain("memory", "x", TARGET, packages=("pytest>=8", "no-such-package[a]>1"))
    monkeypatch.setattr(domains, "domain", lambda _: about)
    told = init(*ARGUMENTS)
    assert "[x] pytest>=8" in told
    assert "[ ] no-such-package[a]>1" in told
    assert "pip install 'no-such-package[a]>1'\n" in told


def test_nothing_that_exists_is_overwritten(mine: Project, init: Callable[..., str]) -> None:
    """A second call keeps all; a file of the user's own is named as kept."""
    mine.commit({"program.md": "my orders\n"})
    told = init(*ARGUMENTS)
    assert "kept yours program.md" in told
    assert (mine.root / "program.md").read_text(encoding="utf-8") == "my orders\n"
    before = snapshot(mine.root)
    assert init(*ARGUMENTS).count("kept yours") == len(WRITTEN)
    assert snapshot(mine.root) == before


def test_lines_are_added_to_a_conftest_when_agreed(
    mine: Project, init: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --yes, or an answer, it stays and the lines are shown."""
    own = '"""Mine."""\n\nimport os\n\nHERE = os.curdir\n'
    mine.commit({"conftest.py": own})
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    told = init(*ARGUMENTS)
    assert "conftest.py is as it was: add these lines by hand, or with --yes:" in told
    assert "@autoloop.target" in told
    assert (mine.root / "conftest.py").read_text(encoding="utf-8") == own

    init(*ARGUMENTS, "--yes")
    joined = (mine.root / "conftest.py").read_text(encoding="utf-8")
    compile(joined, "conftest.py", "exec")
    assert joined.startswith('"""Mine."""\n\nimport os\nimport json\n')
    assert joined.count("import os\n") == 1
    assert joined.index("HERE = os.curdir") < joined.index("@autoloop.target")
    assert "Tells pytest-autoloop" not in joined


def test_a_conftest_with_a_target_stays(mine: Project, init: Callable[..., str]) -> None:
    """Two targets are not what anybody meant, so its lines are only shown."""
    own = "import pytest_autoloop\n\n\n@pytest_autoloop.target()\ndef mine():\n    return 'a.py'\n"
    mine.commit({"conftest.py": own})
    told = init(*ARGUMENTS, "--yes")
    assert "note: conftest.py declares a target already" in told
    assert "\ndef peak_memory" in told
    assert "\ndef peak_memory" in init(*ARGUMENTS, "--dry-run")
    assert (mine.root / "conftest.py").read_text(encoding="utf-8") == own


def test_a_dry_run_shows_and_writes_nothing(mine: Project, init: Callable[..., str]) -> None:
    """As a diff, or as JSON."""
    before = snapshot(mine.root)
    assert "+++ b/measure.py" in init(*ARGUMENTS, "--dry-run")
    told = json.loads(init(*ARGUMENTS, "--dry-run", "--json"))
    assert [one["path"] for one in told["files"]] == WRITTEN
    assert snapshot(mine.root) == before


def test_all_templates_are_listed(mine: Project, init: Callable[..., str]) -> None:
    """With their summaries; the list needs neither a target nor a repository."""
    told = init("--template", "list")
    assert [line.split()[0] for line in told.split("\n\n")[0].splitlines()] == [
        one.name for one in domains.domains()
    ]
    assert "memory " in told
    assert {"name", "summary", "target"} == set(
        json.loads(init("--template", "list", "--json"))["templates"][0]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--template", "memori"], "did you mean memory?"),
        (["--template", "xyz"], "choose of agent_design, cache,"),
        (["--template", "../memory"], "no such template"),
        (["--template", "memory"], "the template's own target index.py: there is no such file in"),
        (["--template", "memory", "--target", "no.py"], "--target no.py: there is no such file"),
        (["--template", "memory", "--target", "src"], "is a directory"),
        (["--template", "memory", "--target", "new.py"], "is not tracked by git"),
        (["--template", "memory", "--target", f"{TARGET}::Other"], "Other"),
        (["--template", "memory", "--target", 'a"b.py'], "rename the file"),
        ([*ARGUMENTS, "--goal", "speed"], "--template and --goal are two ways to begin"),
        ([*ARGUMENTS, "--golden"], "--template and --golden are two ways to begin"),
        ([*ARGUMENTS, "--", "-x"], "'-x' follows --"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    mine: Project, init: Callable[..., str], arguments: list[str], said: str
) -> None:
    """And nothing is written."""
    mine.commit({'a"b.py': "", "conftest.py": "import os\n"})
    mine.write({"new.py": ""})
    before = snapshot(mine.root)
    (line,) = init(*arguments, code=2).splitlines()
    assert said in line
    # Git itself may refresh its index.
    after = snapshot(mine.root)
    assert {k: v for k, v in after.items() if ".git" not in k} == {
        k: v for k, v in before.items() if ".git" not in k
    }


def test_a_part_of_a_file_may_be_the_target(mine: Project, init: Callable[..., str]) -> None:
    """As everywhere else: PATH::NAME."""
    init("--template", "memory", "--target", f"{TARGET}::Index")
    conftest = (mine.root / "conftest.py").read_text(encoding="utf-8")
    assert f'return "{TARGET}::Index"' in conftest
    assert 'MODULE = "pkg.index"' in conftest


@pytest.mark.parametrize(
    ("target", "module"),
    [
        ("a.py", "a"),
        ("src/pkg/a.py", "pkg.a"),
        ("lib/a.py::f", "lib.a"),
        ("src/pkg/__init__.py", "pkg"),
        ("src.py", "src"),
        ("prompts/sort.txt", "sort"),
    ],
)
def test_a_module_is_named_as_tests_import_it(target: str, module: str) -> None:
    """A src directory is no part of the name."""
    assert domains.module_of(target) == module


def test_a_failure_half_way_takes_new_files_back(mine: Project, init: Callable[..., str]) -> None:
    """All or nothing: a directory that cannot be made leaves no conftest.py behind."""
    mine.commit({"tests": "a file, so that no directory can be made\n"})
    found: Any = init(*ARGUMENTS, code=2)
    assert "cannot be written" in found
    assert git(mine.root, "status", "--short", "-uall") == ""
