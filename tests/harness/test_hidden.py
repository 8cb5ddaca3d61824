"""`@pytest.mark.autoloop_hidden`: a proposer learns that a guard failed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.harness.hidden import MARKER, REDACTED, hidden_nodes, redact, register
from pytest_autoloop.model import GuardReport

if TYPE_CHECKING:
    from pytest_autoloop.model import Status

SECRET = "tests/test_secret.py::test_large"

MARKED = """
import pytest

def test_open():
    pass

@pytest.mark.autoloop_hidden
@pytest.mark.parametrize("size", [1, 2])
def test_one(size):
    pass

@pytest.mark.autoloop_hidden
class TestAll:
    def test_inner(self):
        pass

@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.autoloop_hidden), 2])
def test_partly(size):
    pass
"""


class Registers:
    """A plugin that makes the marker known and notes what is hidden."""

    hidden: frozenset[str] = frozenset()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Do what the package does in every session."""
        register(config)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Ask for the hidden guards where the package does."""
        self.hidden = hidden_nodes(session.items)


@pytest.mark.parametrize("options", [(), ("--strict-markers", "-W", "error")], ids=["", "strict"])
def test_the_marker_is_known(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """A marked test runs as any other, with strict markers too, and `--markers` explains it."""
    pytester.makepyfile(MARKED)
    pytester.inline_run(*options, plugins=[Registers()]).assertoutcome(passed=6)
    result = pytester.runpytest("--markers", plugins=[Registers()])
    result.stdout.fnmatch_lines([f"@pytest.mark.{MARKER}: a guard that no proposer is shown*"])


def test_hidden_are_marked_functions_classes_and_parameters(pytester: pytest.Pytester) -> None:
    """The mark is found wherever pytest lets it stand, and on nothing else."""
    pytester.makepyfile(test_it=MARKED)
    plugin = Registers()
    pytester.inline_run("--collect-only", plugins=[plugin])
    assert plugin.hidden == {
        "test_it.py::test_one[1]",
        "test_it.py::test_one[2]",
        "test_it.py::TestAll::test_inner",
        "test_it.py::test_partly[1]",
    }


def test_a_module_is_hidden_whole(pytester: pytest.Pytester) -> None:
    """`pytestmark` hides every test of a file."""
    pytester.makepyfile(
        test_all="""
        import pytest

        pytestmark = pytest.mark.autoloop_hidden

        def test_a(): pass
        def test_b(): pass
        """
    )
    plugin = Registers()
    pytester.inline_run("--collect-only", plugins=[plugin])
    assert plugin.hidden == {"test_all.py::test_a", "test_all.py::test_b"}


@pytest.mark.parametrize("status", ["discard", "crash", "timeout"])
def test_a_hidden_failure_tells_only_its_status(status: Status) -> None:
    """Status, reason and seconds stay; nothing of the node id or of the message does."""
    report = GuardReport(False, status, "guard", SECRET, "assert parse('x' * 99) == []", 1.5)
    told = redact(report, frozenset({SECRET}))
    assert told == GuardReport(False, status, "guard", "", REDACTED, 1.5)
    assert not any(part in str(told) for part in ("secret", "large", "parse", "99"))


def test_an_open_failure_is_told_in_full() -> None:
    """What is not hidden helps the proposer."""
    report = GuardReport(False, "discard", "guard", "test_a.py::test_b", "assert 1 == 2")
    assert redact(report, frozenset({SECRET})) is report


def test_a_pass_is_left_alone() -> None:
    """There is nothing to hide in it."""
    report = GuardReport(True, test=SECRET)
    assert redact(report, frozenset({SECRET})) is report


def test_words_of_another_that_name_a_hidden_guard_are_withheld() -> None:
    """A timeout of the whole session, for example, says which test was running."""
    report = GuardReport(False, "timeout", "guards", "", f"30 s over, in {SECRET}")
    assert redact(report, frozenset({SECRET})).message == REDACTED


def test_an_id_over_several_lines_is_recognised() -> None:
    """A report puts ids made from parameters on one line."""
    report = GuardReport(False, "discard", "guard", "t.py::t[a b]", "assert 0")
    assert redact(report, frozenset({"t.py::t[a\n b]"})).test == ""


def test_a_hidden_file_that_cannot_be_collected_is_withheld() -> None:
    """The error names the file and shows lines of it."""
    report = GuardReport(False, "crash", "collection", "tests/test_secret.py", "from parser import")
    assert redact(report, frozenset({SECRET})) == GuardReport(
        False, "crash", "collection", "", REDACTED
    )
