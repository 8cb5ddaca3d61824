"""A campaign does not start without one file that it can change and git can keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED, MODULE
from tests.refusals import refused

if TYPE_CHECKING:
    from tests.projects import Project

CONFTEST = COUNTED["conftest.py"]
SECOND_TARGET = """
    import pytest_autoloop as autoloop

    @autoloop.target
    def {name}():
        return "words.txt"
"""


def returning(expression: str) -> dict[str, str]:
    """Return the sample project with another target."""
    return {**COUNTED, "conftest.py": CONFTEST.replace('return "words.txt"', expression)}


def test_no_target_says_how_one_is_declared(project: Project) -> None:
    """Without a target fixture the message names the file, the decorator and what to return."""
    project.commit(
        {
            **COUNTED,
            "conftest.py": """
                import pytest_autoloop as autoloop

                @autoloop.metric
                def letters():
                    return 1
            """,
            "test_words.py": "def test_nothing():\n    pass\n",
        }
    )

    refused(project, says=("no target: decorate a fixture in conftest.py with @autoloop.target",))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../other.txt", ("other.txt is outside the repository", "only a file that git tracks")),
        (".git/config", (".git/config is outside the repository", "only a file that git tracks")),
        ("nothing.txt", ("the target nothing.txt does not exist below", "correct the path")),
        ("built.txt", ("the target built.txt is ignored by git", "git add -f")),
        ("sub", ("the target sub is a directory", "name one file in it")),
        ("new.txt", ("the target new.txt is not tracked by git", "git add and commit it")),
        ("link.txt", ("the target link.txt is a symbolic link", "name the file it points to")),
        ("test_words.py", ("test_words.py is a conftest.py or a test module", "its own judge")),
    ],
)
def test_a_file_that_cannot_be_improved_is_named(
    project: Project, path: str, says: tuple[str, ...]
) -> None:
    """The message names the file, what is wrong with it, and what to do instead."""
    project.write({".gitignore": "built.txt\n", "sub/a.txt": "a\n"})
    (project.root / "link.txt").symlink_to("words.txt")
    project.commit(returning(f'return "{path}"'))
    project.write({"built.txt": "built\n", "new.txt": "new\n", "../other.txt": "other\n"})

    refused(project, says=says)


@pytest.mark.parametrize("value", ["3", "None", "['words.txt']"])
def test_a_target_that_returns_no_path_is_shown(project: Project, value: str) -> None:
    """The message names the fixture, its file and the value that is not a path."""
    project.commit(returning(f"return {value}"))

    refused(
        project,
        says=(f"conftest.py:3 returned {value}: return the path", "the target fixture 'target'"),
    )


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("return {}['data']", "KeyError: 'data'"),
        ("raise RuntimeError", "RuntimeError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import pytest; pytest.skip('no data')", "Skipped: no data"),
    ],
)
def test_a_target_that_raises_is_quoted(project: Project, statement: str, told: str) -> None:
    """Whatever the fixture raises is told with its kind, without the stack of this package."""
    project.commit(returning(statement))

    refused(project, says=(f"conftest.py:3) gave no path: {told}. Correct it", "'target'"))


def test_a_target_that_requests_an_unknown_fixture_says_which(project: Project) -> None:
    """The missing fixture's name is told."""
    project.commit(
        {**COUNTED, "conftest.py": CONFTEST.replace("def target():", "def target(folder):")}
    )

    refused(project, says=("gave no path: there is no fixture 'folder'", "conftest.py:3"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("other", ("two targets are words.txt (", "conftest.py:3", "test_more.py:3", "keep one")),
        ("target", ("two fixtures are named 'target'", "conftest.py:3", "test_more.py:3")),
    ],
)
def test_two_targets_are_both_located(project: Project, name: str, says: tuple[str, ...]) -> None:
    """A campaign improves one file, so the message tells where each target is declared."""
    project.commit({**COUNTED, "test_more.py": SECOND_TARGET.format(name=name)})

    refused(project, says=says)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def target", "async def target", "target: a target cannot be asynchronous; run the"),
        ('return "words.txt"', 'yield "words.txt"', "a target returns a path, it does not yield"),
    ],
    ids=["async", "generator"],
)
def test_a_target_has_to_be_a_plain_function(
    project: Project, old: str, new: str, says: str
) -> None:
    """The message points at the line of the conftest file and at no line of this package."""
    project.commit({**COUNTED, "conftest.py": CONFTEST.replace(old, new)})

    session = refused(project, says=(says, "conftest.py:3"))

    assert "decorators.py" not in session.output


def test_a_harness_that_ignores_a_python_target_is_refused(project: Project) -> None:
    """When guards and metric stay as they are without the target, the message names the file."""
    project.commit(
        {
            **MODULE,
            "conftest.py": MODULE["conftest.py"].replace("len(target.read_bytes())", "3"),
            "test_double.py": "def test_nothing():\n    pass\n",
        }
    )

    refused(
        project,
        says=(
            "the harness does not exercise double.py",
            "the only guard still passed and every metric kept its value",
            "Make a test or a metric use this file",
        ),
    )


def test_a_harness_that_ignores_a_text_target_is_refused(project: Project) -> None:
    """A metric that never reads its text file is noticed, although nothing imports a text."""
    project.commit(
        {
            **COUNTED,
            "conftest.py": CONFTEST.replace("len(target.read_text())", "3"),
            "test_words.py": "def test_a():\n    pass\n\ndef test_b():\n    pass\n",
        }
    )

    refused(
        project,
        says=("the harness does not exercise words.txt", "all 2 guards still passed and every"),
    )
