"""Two targets in one campaign, one of them a function, and a function that nothing calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projects import git
from tests.refusals import refused

if TYPE_CHECKING:
    from tests.projects import Project

SOURCE = "import os\n\n\ndef double(n):\n    return n + n + 0\n\n\ndef unused():\n    return 1\n"
BETTER = SOURCE.replace("n + n + 0", "2 * n")
WORDS = "alpha beta gamma\n"
FILES = {
    "a.py": SOURCE,
    "words.txt": WORDS,
    "conftest.py": '''
        import pytest_autoloop as autoloop

        @autoloop.target(stage=2, metrics=["letters"])
        def words():
            """Shorter words."""
            return "words.txt"

        @autoloop.target(metrics=["size"], share=0.5)
        def code():
            """Shorter code."""
            return "a.py::double"

        @autoloop.metric
        def letters(words, code):
            return len(words.read_text()) + len(code.read_text())

        @autoloop.metric
        def size(code):
            return len(code.read_text())
    ''',
    "test_a.py": """
        from a import double

        def test_double(words):
            assert double(4) == 8 and words.read_text().startswith("alpha")
    """,
}


def test_a_later_target_is_improved_on_top_of_an_earlier_one(project: Project) -> None:
    """Each has its share, its metric and its baseline, which holds what was kept before."""
    project.commit(FILES)
    ideas = project.ideas(BETTER, BETTER.replace("import os", "import re"))

    session = project.autoloop(
        3,
        f"--autoloop-proposer={ideas}",
        "--autoloop-sandbox=off",
        # A proxy would make every run slower, and nothing here is about one.
        environment={"PYTEST_AUTOLOOP_WITHOUT": "isolation"},
    )

    rows = [(row["target"], row["status"], row["reason"]) for row in session.journal]
    assert rows == [
        ("a.py::double", "baseline", ""),
        ("a.py::double", "keep", ""),
        ("a.py::double", "discard", "out-of-scope"),
        ("words.txt", "baseline", ""),
        ("words.txt", "discard", "guard"),
    ], session.output
    assert session.journal[2]["detail"] == (
        "only double may change (lines 4 to 5): line 1 was 'import os\\n', now 'import re\\n'"
    )
    assert session.journal[3]["metrics"] == {"letters": len(WORDS) + len(BETTER)}
    assert session.journal[3]["commit"] == session.journal[1]["commit"]
    tag = next((project.root / ".pytest_autoloop").glob("*/experiments.jsonl")).parent.name
    assert git(project.root, "show", f"autoexp/{tag}:a.py") == BETTER


def test_a_function_that_nothing_calls_is_refused(project: Project) -> None:
    """The rest of its file is in use, so only what may change is made unusable."""
    conftest = FILES["conftest.py"].replace("a.py::double", "a.py::unused")
    project.commit({**FILES, "conftest.py": conftest.replace("len(code.read_text())", "3")})

    refused(
        project,
        "--autoloop-sandbox=off",
        says=("the harness does not exercise a.py::unused: with the symbol made unusable",),
    )


def test_what_was_kept_for_one_target_cannot_answer_for_another(project: Project) -> None:
    """It is part of the harness then, so the guards have to pass with the file as it was, too."""
    # Shorter, and equal to whatever it is compared with.
    agrees = "class Agrees(int):\n    __eq__ = lambda *_: True\n\ndouble = Agrees\n"
    offers = {"a.py": agrees, "words.txt": "beta\n"}
    project.commit(
        {
            **FILES,
            "a.py": f"{SOURCE}\n# {'.' * len(agrees)}\n",
            "conftest.py": FILES["conftest.py"].replace("::double", "")
            + f"""
        def pytest_autoloop_propose(config, brief):
            edit = autoloop.Edit(brief.target.path, {offers!r}[brief.target.path].encode())
            return autoloop.Proposal("idea", (edit,))
    """,
            "test_a.py": """
                from a import double

                def test_double(words):
                    assert double(3) == 6
                    assert double(5) == len(words.read_text().split()[0]) * 2
            """,
        }
    )

    session = project.autoloop(
        2, "--autoloop-sandbox=off", environment={"PYTEST_AUTOLOOP_WITHOUT": "isolation"}
    )

    assert session.decisions == [("keep", ""), ("baseline", ""), ("discard", "entangled")]
    assert session.journal[-1]["detail"] == (
        "it fails with a.py as the campaign found it: test_a.py::test_double"
    ), session.output
