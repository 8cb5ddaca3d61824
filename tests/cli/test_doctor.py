"""`pytest-autoloop doctor`: runs the harness for real, and says whether it is fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.cli import main
from tests.projects import MODULE, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from tests.projects import Project

    Examined: TypeAlias = tuple[int, dict[str, Any], str]
    Examine: TypeAlias = Callable[..., Examined]

#: A function that no test calls, beside one that is tested.
WEAK = {
    **MODULE,
    "double.py": """
        def double(n):
            return n + n


        def half(n):
            if n < 10:
                return 0
            return n // 2
    """,
}


@pytest.fixture(autouse=True)
def _few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = "pytest_autoloop.plugin,pytest_benchmark.plugin,pytest_timeout"
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", plugins)


@pytest.fixture
def examine(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Examine:
    """Return what calls the command; it gives the exit code, the JSON and what is wrong."""

    def command(*arguments: str, directory: Path = project.root) -> Examined:
        monkeypatch.chdir(directory)
        code = main(["doctor", "--json", *arguments])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else {}, printed.err

    return command


def test_faults_that_survive_make_it_unfit(project: Project, examine: Examine) -> None:
    """Each is shown with its line; the function that nothing calls is named; nothing is written."""
    project.commit(WEAK)
    before = snapshot(project.root)

    unboxed = ("--", "--autoloop-sandbox=off")
    code, told, _ = examine("--mutants=6", "-n", "10", *unboxed)

    assert code == 1
    assert not told["healthy"]
    assert (told["guards"], told["benchmarks"]) == (1, 0)
    (target,) = told["targets"]
    mutants = target["mutants"]
    assert mutants["run"] == 6 == mutants["killed"] + mutants["survived"]
    assert {one["function"] for one in mutants["survivors"]} == {"half"}
    assert mutants["uncalled_functions"] == ["half"]
    first = mutants["survivors"][0]
    assert f"@@ -{first['line'] - 1}," in first["diff"]
    assert target["noise"] is None
    (campaign,) = told["campaigns"]
    assert (campaign["experiments"], campaign["tokens"]) == (10, 0)
    assert campaign["longest"] > campaign["shortest"] > 0
    errors = [one for one in told["problems"] if one["severity"] == "error"]
    assert ["small faults" in one["what"] for one in errors] == [True]
    assert all(one["fix"] for one in told["problems"])
    assert any("candidates run as you" in one["what"] for one in told["problems"])
    # git stamps its own index when it is asked what has changed.
    assert {**snapshot(project.root), ".git/index": b""} == {**before, ".git/index": b""}


def test_a_sound_harness_is_healthy(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, with the figures in words."""
    project.commit({**MODULE, "program.md": "Make it shorter.\n"})
    monkeypatch.chdir(project.root)

    assert main(["doctor", "--mutants=4"]) == 0

    told = capsys.readouterr().out
    assert "target       double.py (" in told
    assert "100% of the faults noticed" in told
    assert "no model is asked" in told
    assert told.endswith("healthy: start it with pytest --autoloop N\n")


def test_the_next_step_is_one_that_begins(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the rules have nothing to rewrite, another proposer is asked for."""
    conftest = """
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            "Make it shorter."
            return "words.txt"

        @autoloop.metric(direction="lower")
        def size(target):
            return float(len(target.read_text()) or 99)
        """
    project.commit({"words.txt": "a b\n", "conftest.py": conftest})
    monkeypatch.chdir(project.root)
    assert main(["doctor", "--mutants=0"]) == 0
    told = capsys.readouterr().out
    assert "the proposer cannot begin: the proposer 'rules' rewrites Python files" in told
    assert told.endswith("start it with pytest --autoloop N --autoloop-proposer NAME\n")


def test_a_red_baseline_is_the_problem(project: Project, examine: Examine) -> None:
    """With what the guard says, and what to do."""
    project.commit({**MODULE, "test_red.py": "def test_red():\n    assert 1 == 2\n"})
    code, told, _ = examine("--", "test_red.py")
    assert code == 1
    assert told["targets"] == []
    (problem,) = told["problems"]
    assert problem["what"].startswith("1 guard fails on the untouched double.py")


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({"test_a.py": "def test_a(): ...\n"}, 1, "@autoloop.metric"),
        ({**MODULE, "test_b.py": "import no_such_module\n"}, 1, "during collection"),
        ({**MODULE, "pytest.ini": "[pytest]\nautoloop_sandbox = maybe\n"}, 2, "maybe"),
        ({**MODULE, "conftest.py": "import no_such_module\n"}, 2, "no_such_module"),
    ],
    ids=["no score", "a broken test", "a broken setting", "a broken conftest"],
)
def test_what_keeps_a_campaign_from_starting_is_told(
    project: Project,
    examine: Examine,
    files: dict[str, str],
    code: int,
    said: str,
) -> None:
    """1 where the harness has to change, 2 where it could not be looked at."""
    project.commit(files)
    found, told, error = examine()
    assert found == code
    assert said in (told["problems"][0]["what"] if code == 1 else error)


def test_a_proposer_that_cannot_begin_is_a_problem(
    project: Project, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harness is looked at all the same, and its own problem is told as well."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    ini = "[pytest]\nautoloop_proposers = openai:gpt-5\n"
    project.commit({**MODULE, "pytest.ini": ini})
    (project.root / "double.py").write_text("def double(n):\n    return 2 * n\n")
    code, told, _ = examine("--mutants=0")
    assert code == 1
    assert told["guards"] == 1
    harness, proposer = told["problems"]
    assert "uncommitted changes in double.py" in harness["what"]
    assert "openai:gpt-5 needs a key" in proposer["what"]


def test_outside_of_a_repository_it_cannot_be_said(
    tmp_path_factory: pytest.TempPathFactory, examine: Examine
) -> None:
    """One sentence, and 1: the project has to become one."""
    directory = tmp_path_factory.mktemp("plain")
    (directory / "test_a.py").write_text("def test_a(): ...\n")
    code, told, _ = examine(directory=directory)
    assert code == 1
    assert "git" in told["problems"][0]["what"]
