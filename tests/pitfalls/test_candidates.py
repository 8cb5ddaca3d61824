"""Candidates that end the run, bend its result or leave something behind; guards that write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE, Project, git, new_project

if TYPE_CHECKING:
    from tests.projects import Session

GUARD = "test_double.py::test_double"

#: The guard writes two files, one of them tracked, and insists on a tree without that. A third
#: one it puts back, unless it does not come to it.
WRITING = {
    **MODULE,
    "log.txt": "empty\n",
    "restored.txt": "",
    "conftest.py": MODULE["conftest.py"].replace(
        "return len(target.read_bytes())",
        "return 1 if (target.parent / 'left.txt').exists() else len(target.read_bytes())",
    ),
    "test_double.py": """
        from pathlib import Path

        def test_double():
            assert not Path("left.txt").exists()
            assert Path("log.txt").read_text() == "empty\\n"
            Path("left.txt").write_text("left")
            Path("log.txt").write_text("written")

            from double import double
            Path("restored.txt").write_text("for now")
            try:
                assert double(4) == 8
            finally:
                Path("restored.txt").write_text("")
    """,
}

CANDIDATES = {
    "exit at import": "import os\nos._exit(0)\n",
    "exit in a call": "import os\ndef double(n): os._exit(0)\n",
    "skip the guard": "import pytest\ndef double(n): pytest.skip('no')\n",
    "end the session": "import pytest\ndef double(n): pytest.exit('done', returncode=0)\n",
    "rewrite the guard": (
        "with open('test_double.py', 'w') as f: f.write('def test_double(): pass')\n"
        "def double(n): return 8\n"
    ),
    "nothing wrong": "def double(n):\n    return n + n  # it is only longer\n",
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """One campaign with every candidate."""
    root = tmp_path_factory.mktemp("candidates") / "project"
    root.mkdir()
    project = new_project(root)
    project.commit(WRITING)
    ideas = project.ideas(*CANDIDATES.values())
    arguments = ("--autoloop-proposer", ideas, "--autoloop-tag", "one")
    # What the screen and the worker would stop first has layers behind them.
    without = {"PYTEST_AUTOLOOP_WITHOUT": "screen,isolation"}
    return project.autoloop(len(CANDIDATES), *arguments, environment=without)


@pytest.mark.parametrize(
    ("candidate", "decision"),
    [
        ("exit at import", ("crash", "no-verdict")),
        ("exit in a call", ("crash", "no-verdict")),
        ("skip the guard", ("discard", "guard")),
        ("end the session", ("discard", "tampered")),
        ("rewrite the guard", ("discard", "tampered")),
    ],
)
def test_candidate_is_not_kept(candidate: str, decision: tuple[str, str], session: Session) -> None:
    """An exit status of 0 or a missing result is no success."""
    number = list(CANDIDATES).index(candidate)

    assert session.decisions[number] == decision, session.output


def test_crash_names_the_guard(session: Session) -> None:
    """What a process was doing when it vanished can be told, since it left a note."""
    number = list(CANDIDATES).index("exit in a call") + 1

    assert GUARD in session.journal[number]["detail"]


def test_guards_that_write_meet_a_clean_tree(session: Session) -> None:
    """What guards leave is gone before the next run, be it guards or a measurement."""
    number = list(CANDIDATES).index("nothing wrong")

    assert session.returncode == 0, session.output
    # With the file that guards leave, the metric would have been better.
    assert session.decisions[number] == ("discard", "no-gain")
    assert git(session.root, "status", "--porcelain") == "?? results.tsv\n"
    head, branch = git(session.root, "rev-parse", "HEAD", "autoexp/one").split()
    assert head == branch


def test_target_rewritten_while_measured(project: Project) -> None:
    """A file that passed the guards and then replaces itself has not been measured."""
    importing = MODULE["conftest.py"].replace("return len", "import double; return len")
    project.commit({**MODULE, "conftest.py": importing})
    with open_bench(project) as bench:
        rewriting = "with open(__file__, 'w') as file: file.write('')\n"
        bench.place(f"{rewriting}def double(n): return n + n\n")
        run = bench.run("measure", metrics=["size"])

    assert run.verdict is not None
    assert run.verdict.metrics == {"size": 0.0}
    assert run.rewritten
