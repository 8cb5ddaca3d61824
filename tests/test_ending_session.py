"""The end of a campaign: what is simpler, what is needed, and taking the result on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.projects import git

if TYPE_CHECKING:
    from tests.projects import Project

RULES = "one and two\nkeep: this line\nthree four five\nkeep: that line\nsix seven eight nine\n"
#: Only the first line counts, so whatever happens to the others is as good.
FILES = {
    "rules.txt": RULES,
    "conftest.py": '''
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            """Make the first line shorter."""
            return "rules.txt"

        @autoloop.metric
        def first(target):
            return len(target.read_text().splitlines()[0])
    ''',
    "test_rules.py": """
        def test_both_lines_are_kept(target):
            assert target.read_text().count("keep: ") == 2
    """,
}
SHORT = RULES.replace("one and two", "one two")
SIMPLER = SHORT.replace("three four five\n", "")
SHORTEST = SIMPLER.replace("one two", "two")


def test_what_is_simpler_is_kept_and_all_of_it_applied(project: Project) -> None:
    """What is as good and shorter is kept; at the end each change is dropped to see, then taken."""
    project.commit(FILES)
    ideas = project.ideas(SHORT, SIMPLER, SHORTEST, suffix=".txt")
    session = project.autoloop(
        3,
        *("--autoloop-proposer", ideas, "--autoloop-tag=t"),
        *("--autoloop-simplify", "--autoloop-ablate", "--autoloop-apply"),
    )
    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("keep", "simpler"), ("keep", "")]
    told = session.stdout
    assert "cannot be dropped alone" in told
    assert "002" in told
    assert "it makes the target shorter" in told
    assert "no kept change can be dropped, of 3 kept changes" in told
    assert "applied: main is at" in told
    assert (project.root / "rules.txt").read_text(encoding="utf-8") == SHORTEST
    assert git(project.root, "status", "--porcelain") == "?? results.tsv\n"


def test_without_the_option_nothing_simpler_is_kept(project: Project) -> None:
    """A tie is a tie, and nobody's checkout is touched."""
    project.commit(FILES)
    session = project.autoloop(
        1, "--autoloop-proposer", project.ideas(RULES.replace("six ", ""), suffix=".txt")
    )
    assert session.decisions == [("discard", "no-gain")]
    assert "go on: pytest --autoloop 2 " in session.stdout
    assert (project.root / "rules.txt").read_text(encoding="utf-8") == RULES
