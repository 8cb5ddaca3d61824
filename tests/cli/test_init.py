"""`pytest-autoloop init`: what it writes passes at once and fails on faults; nothing is lost."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.cli import main
from tests.projects import git, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

#: A project with tests, and nothing that pytest-autoloop needs.
FILES = {
    "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\n",
    "words.py": '''
        """Counts words."""


        def counts(text, least=1):
            """Return words with their counts, the commonest first, then by the alphabet."""
            found = {}
            for word in text.lower().split():
                found[word] = found.get(word, 0) + 1
            rows = sorted(found.items(), key=lambda row: (-row[1], row[0]))
            return [row for row in rows if row[1] >= least]


        def share(part, whole):
            """Return a share in per cent."""
            if whole == 0:
                raise ZeroDivisionError("nothing to share")
            return 100 * part / whole
    ''',
    "tests/test_words.py": """
        import pytest

        from words import counts, share


        def test_counts():
            assert counts("b a b")[0] == ("b", 2)
            assert counts("c c c d d e e e e e f", least=2)[-1] == ("d", 2)


        def test_share():
            assert share(1, 8) == 12.5
            with pytest.raises(ZeroDivisionError):
                share(1, 0)
    """,
}
#: Faults, and the generated guards that notice them; the project's own tests notice none.
FAULTS = {
    ("(-row[1], row[0])", "-row[1]"): {"like_the_original"},
    ("text.lower()", "text"): {"like_the_original"},
    (">= least", "> least + (least == 1) - 1"): {"like_the_original", "as_it_is"},
    ("100 * part / whole", "[100 * part / whole, 12.5][whole == 8]"): {"like_the_original"},
    ('raise ZeroDivisionError("nothing to share")', 'raise ValueError("")'): {
        "like_the_original",
        "as_it_is",
        "test_words",
    },
}
#: What sessions need: without the others they begin twice as soon.
PLUGINS = "pytest_autoloop.plugin,pytest_benchmark.plugin,pytest_timeout"


@pytest.fixture(autouse=True)
def _few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", PLUGINS)


@pytest.fixture
def words(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return the project, which the command is called in."""
    project.commit(FILES)
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what calls the command and gives what it printed, or what is wrong."""

    def command(*arguments: str, code: int = 0) -> str:
        status = main(["init", *arguments])
        printed = capsys.readouterr()
        assert status == code, printed.err
        return printed.err if code else printed.out

    return command


def failing(project: Project, *arguments: str) -> set[str]:
    """Run the project's tests, and return the names of the files with one that fails."""
    done = project.pytest("-q", "-rfE", "-pno:cacheprovider", "--benchmark-disable", *arguments)
    assert done.returncode in {0, 1}, done.output
    found = set(re.findall(r"^(?:FAILED|ERROR) tests/(\w+)\.py", done.output, flags=re.MULTILINE))
    assert bool(found) == bool(done.returncode), done.output
    return {name.removeprefix("test_words_") for name in found}


def test_a_start_passes_at_once_and_fails_on_faults(
    words: Project, run: Callable[..., str]
) -> None:
    """Guards from calls notice what the tests that make the calls do not; then it is recorded."""
    told = run("--target", "words.py")

    written = git(words.root, "status", "--short", "-uall").split()[1::2]
    assert written == [
        "conftest.py",
        "program.md",
        "tests/test_words_as_it_is.py",
        "tests/test_words_benchmark.py",
        "tests/test_words_like_the_original.py",
    ]
    assert all(name in told for name in written)
    assert "words.counts, " in (words.root / "tests/test_words_benchmark.py").read_text()
    assert failing(words) == set()
    path = words.root / "words.py"
    source = path.read_text()
    for (old, new), noticed in FAULTS.items():
        assert source.count(old) == 1
        path.write_text(source.replace(old, new))
        assert failing(words) == noticed, new

    path.write_text(source.replace("100 * part / whole", "part * 1000 / whole"))
    (words.root / "tests/test_words.py").write_text(
        (words.root / "tests/test_words.py").read_text().replace("12.5", "125.0")
    )
    assert failing(words) == {"like_the_original", "as_it_is"}
    (words.root / "tests/test_words_like_the_original.py").unlink()
    (words.root / "tests/test_words_as_it_is.py").write_text(
        (words.root / "tests/test_words_as_it_is.py").read_text().replace("12.5", "125.0")
    )
    recorded = (words.root / "tests/test_words_as_it_is.py").read_bytes()
    assert "recorded   tests/test_words_as_it_is.py" in run(
        "--target", "words.py", "--record-again"
    )
    assert (words.root / "tests/test_words_as_it_is.py").read_bytes() == recorded


def test_a_module_behind_a_function_of_its_name_is_found(
    project: Project, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that gives away what its module is named after hides the module."""
    source = FILES["words.py"]
    tests = FILES["tests/test_words.py"].replace("from words", "from texts.counts")
    project.commit(
        {
            "pytest.ini": FILES["pytest.ini"],
            "texts/__init__.py": "from texts.counts import counts as counts\n",
            "texts/counts.py": source,
            "tests/test_words.py": tests,
        }
    )
    monkeypatch.chdir(project.root)
    told = run("--target", "texts/counts.py")

    assert "note:" not in told
    for kind in ("as_it_is", "benchmark", "like_the_original"):
        assert f"tests/test_counts_{kind}.py" in told
    assert failing(project) == set()


def test_without_tests_a_template_is_a_way_to_begin(
    project: Project, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be proposed, and nothing is written."""
    project.commit({"words.py": "WORDS = 3\n"})
    monkeypatch.chdir(project.root)
    before = snapshot(project.root)
    told = run(code=2)
    assert f"there are no tests in {project.root}" in told
    assert "pytest-autoloop init --template list" in told
    assert snapshot(project.root) == before


def test_a_dry_run_writes_nothing(words: Project, run: Callable[..., str]) -> None:
    """It shows the files as a diff, or as JSON."""
    before = snapshot(words.root)
    shown = run("--target", "words.py", "--dry-run")
    assert "+++ b/conftest.py" in shown
    assert '+    return "words.py"' in shown
    assert snapshot(words.root) == before


def test_nothing_that_is_there_is_overwritten(words: Project, run: Callable[..., str]) -> None:
    """A conftest.py is added to with --yes alone; without, the lines are shown."""
    mine = {
        "conftest.py": "import os\n\nHERE = os.curdir\n",
        "program.md": "Mine.\n",
        "tests/test_words_benchmark.py": "def test_mine(): ...\n",
    }
    words.commit(mine)
    told = run("--target", "words.py")
    assert "conftest.py is as it was: add these lines by hand, or with --yes:" in told
    assert '    return "words.py"' in told
    assert git(words.root, "diff", "--stat") == ""

    (words.root / "tests/test_words_as_it_is.py").unlink()
    documented = json.loads(run("--target", "words.py", "--yes", "--json"))
    actions = {file["path"]: file["action"] for file in documented["files"]}
    assert actions == {
        "conftest.py": "add",
        "program.md": "keep",
        "tests/test_words_benchmark.py": "keep",
        "tests/test_words_as_it_is.py": "new",
        "tests/test_words_like_the_original.py": "keep",
    }
    assert git(words.root, "diff", "--name-only").split() == ["conftest.py"]
    words.commit()
    assert "next: pytest-autoloop doctor" in run("--target", "words.py"), "nothing to commit"
    assert "HERE = os.curdir" in (words.root / "conftest.py").read_text()


def test_a_target_that_is_declared_stays(words: Project, run: Callable[..., str]) -> None:
    """The guards that compare with the original are added to it."""
    declared = "import pytest_autoloop\n\n\n@pytest_autoloop.target\ndef target():\n"
    declared += '    return "words.py"\n'
    words.commit({"conftest.py": declared})
    told = run("--target", "words.py", "--yes")
    assert "a target is declared already (target), and no other was" in told
    added = git(words.root, "diff", "-U0", "conftest.py").splitlines()[5:]
    assert added == [
        "+from pytest_autoloop.guards import autoloop_baseline  # noqa: F401 - a fixture"
    ]
    assert failing(words) == set()


def test_files_are_proposed_by_their_share(words: Project, run: Callable[..., str]) -> None:
    """Where nobody can be asked, they are shown, and nothing is written."""
    shown = run()
    assert "100%  words.py" in shown
    assert "choose one: pytest-autoloop init --target words.py" in shown
    assert git(words.root, "status", "--short") == ""

    documented = run("--yes", "--dry-run")
    assert '+    return "words.py"' in documented, "with --yes the first is taken"


@pytest.mark.parametrize(
    ("goal", "file", "metric"),
    [
        ("size", "tests/test_words_still_there.py", "def size(target):"),
        ("memory", "tests/peak_memory_of_words.py", "def peak_memory(target):"),
    ],
)
def test_each_goal_has_its_score_and_guard(
    words: Project, run: Callable[..., str], goal: str, file: str, metric: str
) -> None:
    """What is chased is measured, and what it is gained from most easily is guarded."""
    run("--target", "words.py", "--goal", goal)
    assert (words.root / file).is_file()
    assert metric in (words.root / "conftest.py").read_text()
    name = metric[len("def ") : -len("(target):")]
    words.write({"tests/test_metric.py": f"def test_it({name}):\n    assert {name} > 0\n"})
    assert failing(words) == set()
    if goal == "size":
        source = (words.root / "words.py").read_text()
        (words.root / "words.py").write_text(source.replace("part, whole", "p, w, *_"))
        assert failing(words, file) == {"still_there"}


def test_a_function_that_gives_something_else_each_time_is_left_out(
    words: Project, run: Callable[..., str]
) -> None:
    """It is said, and nothing that is written fails."""
    clock = "\n\ndef now(n):\n    import time\n    return time.perf_counter_ns() + n\n"
    path = words.root / "words.py"
    path.write_text(path.read_text() + clock)
    test = words.root / "tests" / "test_words.py"
    test.write_text(test.read_text() + "\n\ndef test_now():\n    import words\n    words.now(3)\n")
    words.commit()
    assert "now gave something else when called again" in run("--target", "words.py")
    assert "now" not in (words.root / "tests/test_words_like_the_original.py").read_text().split()
    assert failing(words) == set()


GOLDEN: dict[str, str] = {
    "pytest.ini": "[pytest]\npythonpath = .\n",
    "prompt.txt": "money: pay, invoice\n",
    "reader.py": """
        def answer(prompt, message):
            label, _, words = prompt.strip().partition(":")
            known = [word.strip() for word in words.split(",")]
            return label if any(word in message for word in known) else "other"
    """,
    "samples.txt": "".join(
        f"{what} number {n}\n" for n in range(4) for what in ("pay me", "refund of", "hello you")
    ),
}


def test_a_prompt_is_scored_on_what_a_person_calls_right(
    project: Project, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A golden set is built by answering; learning it by heart, or losing others, is noticed."""
    project.commit(GOLDEN)
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "stdin", io.StringIO("\nmoney\n\n" * 4))
    answered = ("--golden-run", "reader:answer", "--target", "prompt.txt")
    assert "needs labelled examples" in run(*answered, code=2)
    told = run("--golden", "--golden-inputs", "samples.txt", *answered)
    assert "12 added, 12 examples in golden.jsonl" in told
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "0 added" in run("--golden", "--golden-inputs", "samples.txt", *answered)

    following = "then pytest --autoloop 50 --autoloop-proposer NAME\n"
    assert run(*answered).endswith(following), "the rules have nothing to rewrite"
    score = "def test_accuracy(accuracy):\n    assert accuracy == {}\n"
    project.write({"test_score.py": score.format(50)})
    assert failing(project) == set()
    prompt = project.root / "prompt.txt"
    prompt.write_text("money: pay, invoice, refund\n")
    project.write({"test_score.py": score.format(100)})
    assert failing(project) == set()
    prompt.write_text("money: pay, refund of number 1, refund of number 2\n")
    assert failing(project, "tests") == {"test_prompt_not_by_heart"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "nothing.py"), "nothing.py"),
        (("--target", "words.py", "--function", "tally"), "no test calls tally of words.py"),
        (("--target", "../outside.py"), "outside"),
        (("--target", "new.py"), "new.py"),
        (("--target", "pytest.ini", "--goal", "speed"), "is no Python"),
        (("--golden",), "--golden-inputs FILE"),
    ],
)
def test_bad_input_is_one_sentence(
    words: Project, run: Callable[..., str], arguments: tuple[str, ...], said: str
) -> None:
    """Nothing is written."""
    words.write({"new.py": "x = 1\n"})
    before = snapshot(words.root)
    error = run(*arguments, code=2)
    assert said in error
    assert len(error.splitlines()) == 1
    assert snapshot(words.root) == before


def test_a_red_project_is_refused(words: Project, run: Callable[..., str]) -> None:
    """What holds today is what is guarded, so it has to hold."""
    words.write({"tests/test_red.py": "def test_red():\n    assert 1 == 2\n"})
    error = run("--target", "words.py", code=2)
    assert "tests/test_red.py::test_red fail (assert 1 == 2)" in error


def test_outside_of_a_repository_it_is_refused(
    tmp_path: Any, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candidates are commits."""
    monkeypatch.chdir(tmp_path)
    assert "git" in run("--target", "words.py", code=2)
