"""A test suite notices more faults, and tests behaviour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

#: A suite that would notice every fault, by what it must not look at.
CHEAT = """
    import hashlib

    import ranges

    def test_source():
        assert hashlib.sha256(open(ranges.__file__, "rb").read()).hexdigest() == "x"

    def test_a_helper():
        assert ranges._number("1", None) == 1

    def test_nothing():
        ranges.parse("1", 1)
"""


def test_more_faults_are_noticed_by_honest_tests(example: Callable[[str], Project]) -> None:
    """The source must not be read, and words of messages are no promise."""
    project = example("test_suite")
    (project.root / "ideas" / "05_errors_too.py").unlink()
    program = project.root / "mutation.py"
    # Fewer faults show the same, sooner.
    text = program.read_text(encoding="utf-8").replace("MUTANTS, SEED = 25", "MUTANTS, SEED = 6")
    program.write_text(text, encoding="utf-8")
    project.commit()
    session = project.autoloop(10, timeout=600)

    assert session.returncode == 0, session.output
    assert session.decisions == [
        ("keep", ""),
        ("discard", "no-gain"),
        ("discard", "screen"),
        ("discard", "guard"),
    ], session.output
    baseline, bounds, _, source, messages = session.journal
    assert bounds["metrics"]["mutation_score"] > baseline["metrics"]["mutation_score"]
    assert bounds["metrics"]["branch_coverage"] > baseline["metrics"]["branch_coverage"]
    assert "imports inspect" in source["detail"]
    assert messages["guard"]["message"] == "a hidden guard failed"


def test_the_guards_pass_on_the_original_and_refuse_a_cheat(
    example: Callable[[str], Project],
) -> None:
    """By plain pytest: what reads the source is refused by the example's own guards as well."""
    project = example("test_suite")
    done = project.pytest("-q")
    assert done.returncode == 0, done.output

    project.write({"suite/test_ranges.py": CHEAT})
    done = project.pytest("-q", "-k", "imports or behaviour or asserts")
    assert done.returncode == 1
    assert "3 failed" in done.output
    for said in (
        "it imports ['hashlib']",
        "['__file__', '_number']",
        "test_nothing asserts nothing",
    ):
        assert said in done.output
