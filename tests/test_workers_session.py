"""Several proposals at once: numbered as they arrive, merged where the best has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projects import git, snapshot

if TYPE_CHECKING:
    from tests.projects import Project

WORDS = "".join(f"{word * 3}\n" for word in "abcdefghijkl")
#: All three are asked for at the start; they answer in the order 2, 1, 3, whoever is faster.
CONFTEST = '''
    import threading

    import pytest_autoloop as autoloop

    ARRIVED = {number: threading.Event() for number in (1, 2, 3)}
    ASKED = threading.Barrier(3)
    BEFORE = {1: 2, 3: 1}


    def without(brief, word, change=""):
        text = brief.source.decode().replace(word, change)
        return autoloop.Proposal(word.strip(), (autoloop.Edit("words.txt", text.encode()),))


    class Three:
        parallel = True

        def propose(self, brief):
            if brief.number > 3:
                return None
            ASKED.wait(30)
            if brief.number in BEFORE:
                ARRIVED[BEFORE[brief.number]].wait(30)
            change = {1: ("kkk\\n", ""), 2: ("bbb\\n", ""), 3: ("bbb\\n", "x\\n")}
            return without(brief, *change[brief.number])


    @autoloop.proposer
    def three():
        return Three()


    def pytest_autoloop_check(config, proposal):
        # Called when an answer has its number.
        text = proposal.edits[0].content.decode()
        number = 1 if "kkk" not in text else 3 if "x\\n" in text else 2
        ARRIVED[number].set()


    @autoloop.target
    def target():
        """Make it shorter."""
        return "words.txt"


    @autoloop.metric
    def letters(target):
        return len(target.read_text())
'''
GUARD = """
    def test_it_begins_with_a(target):
        assert target.read_text().startswith("aaa")
"""


def test_answers_are_judged_in_the_order_in_which_they_came(project: Project) -> None:
    """One that was made for an older best is merged onto the new one, or a conflict."""
    project.commit({"words.txt": WORDS, "conftest.py": CONFTEST, "test_words.py": GUARD})
    before = snapshot(project.root)
    session = project.autoloop(
        5, "--autoloop-workers=3", "--autoloop-proposer=fixture", "--autoloop-tag=t"
    )
    assert session.returncode == 0, session.output
    rows = session.journal
    assert [(row["number"], row["description"]) for row in rows[1:]] == [
        (1, "bbb"),
        (2, "kkk"),
        (3, "bbb"),
    ]
    assert session.decisions == [("keep", ""), ("keep", ""), ("discard", "conflict")]
    assert rows[2]["parent"] == rows[1]["commit"]
    best = git(project.root, "show", "autoexp/t:words.txt")
    assert best == WORDS.replace("bbb\n", "").replace("kkk\n", "")
    assert git(project.root, "rev-parse", "autoexp/t~2") == git(project.root, "rev-parse", "HEAD")
    assert "conflicts with what was kept since" in rows[3]["detail"]
    assert git(project.root, "worktree", "list").count("\n") == 1
    assert snapshot(project.root)["words.txt"] == before["words.txt"]
