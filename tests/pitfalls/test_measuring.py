"""What a candidate can leave behind, or do to others, while it is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projects import MODULE

if TYPE_CHECKING:
    from tests.projects import Project

#: Without the layers that would stop such a candidate first.
OPEN = ("--autoloop-sandbox=off",)
BARE = {"PYTEST_AUTOLOOP_WITHOUT": "screen,isolation"}
#: Plays its trick only where a metric calls it.
TRICK = """\
import os, pathlib, tempfile
HERE = pathlib.Path(__file__).resolve().parent
FOUND = False


def double(n):
    global FOUND
    if n == 0:
        {trick}
    return 2 * n
"""
SIZE = """
    import pytest_autoloop as autoloop

    @autoloop.target
    def target():
        return "double.py"

    @autoloop.metric
    def cost(target):
        import double, pathlib
        note = pathlib.Path(__file__).with_name("cost.txt").read_text()
        return float(note) + double.double(0)
"""


#: What a candidate does while it is measured, and the reason of its discard.
TRICKS = {
    '(HERE / "cost.txt").write_text("1")': "tampered",
    # Both sides are measured in one worktree; what is written in another is nobody's.
    '(HERE.parent / "incumbent" / "cost.txt").write_text("9")': "no-gain",
    '(HERE.parent / "incumbent" / "double.py").write_text("slow = 1")': "no-gain",
    'pathlib.Path(__file__).write_text("fast = 1")': "tampered",
}


def test_a_file_that_is_changed_while_measuring_is_tampering(project: Project) -> None:
    """Neither an easier harness for itself nor a harder one for the incumbent is a gain."""
    project.commit(
        {**MODULE, "conftest.py": SIZE, "cost.txt": "5", "test_other.py": "def test_it(): pass"}
    )

    ideas = project.ideas(*(TRICK.format(trick=trick) for trick in TRICKS))
    session = project.autoloop(len(TRICKS), "--autoloop-proposer", ideas, *OPEN, environment=BARE)

    expected = [("discard", reason) for reason in TRICKS.values()]
    assert session.decisions == expected, session.output


def test_a_cache_on_disk_does_not_reach_the_next_run(project: Project) -> None:
    """Each run has a temporary directory of its own, gone with it."""
    counting = SIZE.replace(
        "return float(note) + double.double(0)",
        """return 5 + double.double(0) - 4 * double.FOUND""",
    )
    # The guards fill the cache, the metric would find it.
    cached = """import pathlib, tempfile
cache = pathlib.Path(tempfile.gettempdir(), "answers-of-a-candidate.json")
FOUND = cache.exists()
cache.write_text("{}")


def double(n):
    return 2 * n
"""
    start = "FOUND = False\n\n\ndef double(n):\n    return n + n\n"
    project.commit({**MODULE, "double.py": start, "conftest.py": counting, "cost.txt": "5"})

    ideas = project.ideas(cached)
    session = project.autoloop(1, "--autoloop-proposer", ideas, *OPEN, environment=BARE)

    assert session.decisions == [("discard", "no-gain")], session.output


def test_a_candidate_that_ends_its_parent_is_a_crash(project: Project) -> None:
    """The campaign goes on, and the next candidate is judged on its merits."""
    project.commit(MODULE)
    killer = "import os\nos.kill(os.getppid(), 9)\n\n\ndef double(n):\n    return 2 * n\n"
    ideas = project.ideas(killer, "double = lambda n: 2 * n\n")

    arguments = ("--autoloop-proposer", ideas, "--autoloop-launcher=forkserver", *OPEN)
    session = project.autoloop(2, *arguments, environment=BARE)

    assert session.decisions == [("crash", "no-verdict"), ("keep", "")], session.output
