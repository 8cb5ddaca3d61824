"""Commands as items and fixtures of a pytest session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.settings import INSIDE

if TYPE_CHECKING:
    from collections.abc import Generator

#: A test that asks for what the commands give, as the loop's own items do.
ASKS = """
    def test_score(score):
        assert score == 12.5

    def test_lines(lines, target):
        assert (lines, target.name) == (1.0, "words.txt")
        with open("runs.txt") as stream:
            assert len(stream.read()) == 1
"""


class Inside:
    """Makes a session one of those that the loop starts, as far as commands go."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Say so before plugins are configured."""
        setattr(config.option, INSIDE, True)
        return (yield)


@pytest.fixture
def words(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with a target."""
    pytester.makefile(".txt", words="one\ntwo\n")
    return pytester


def inside(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run what a child would."""
    plain = ("-p", "no:cacheprovider", "-p", "no:xdist", "--autoloop-target=words.txt")
    return pytester.runpytest_inprocess(*plain, *arguments, plugins=[Inside()])


def test_the_command_runs_once_for_all_of_its_scores(words: pytest.Pytester) -> None:
    """Each is a fixture, and so is the target."""
    words.makepyfile(ASKS)
    result = inside(
        words,
        "--autoloop-command=sh -c 'printf x >>runs.txt; wc -l <words.txt; echo time: 12.5'",
        r"--autoloop-score=time: ([\d.]+)",
        r"--autoloop-score=^\s*(?P<lines>\d+)$",
    )
    result.assert_outcomes(passed=3)


def test_a_bound_behind_a_pattern_is_all_that_holds_a_score(words: pytest.Pytester) -> None:
    """Within it a score may get worse; one without a bound keeps what any metric may lose."""
    words.makepyfile("""
        from pytest_autoloop.harness.specifications import specification_of

        def test_bounds(request):
            commands = request.config.pluginmanager.get_plugin("autoloop-commands")
            found = [
                specification_of(getattr(commands, name)._get_wrapped_function()).metric
                for name in ("score", "words")
            ]
            assert [(one.max_regression, one.bounded) for one in found] == [
                (0.05, False), (1e9, True)
            ]
    """)
    scores = ("--autoloop-score=lines: (.*)", "--autoloop-score=words: (?P<words>.*) <= 50")
    command = "--autoloop-command=printf 'lines: 1\nwords: 2\n'"
    inside(words, command, *scores).assert_outcomes(passed=2)


def test_a_guard_fails_with_its_exit_code(words: pytest.Pytester) -> None:
    """What the command said last is the report; its name is the command."""
    result = inside(
        words,
        "--autoloop-guard-command=grep -c two {target}",
        "--autoloop-guard-command=sh -c 'echo 3 words are wrong; exit 4'",
        "-rf",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*`sh -c 'echo 3 words are wrong; exit 4'` ended with exit code 4:",
            "3 words are wrong",
            "FAILED commands::sh -c 'echo 3 words are wrong; exit 4'*",
        ]
    )


@pytest.mark.parametrize("program", ["no-such-program", "./no/such/program"])
def test_a_program_that_is_not_there_is_named(words: pytest.Pytester, program: str) -> None:
    """As a guard, and before anything is measured."""
    result = inside(
        words, f"--autoloop-command={program} --fast", f"--autoloop-guard-command={program}"
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [f"*`{program}` cannot be started: '{program}' was not found: install it*"]
    )
    result.stdout.fnmatch_lines([f"*`{program} --fast` cannot be started: *install it*"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo built", "does not end with a number: its last line is 'built'"),
        ("sh -c 'echo one; exit 3'", "ended with exit code 3:"),
        ("sh -c 'exec sleep 100'", "was killed after 0.5 s, its limit (--autoloop-timeout)"),
    ],
)
def test_a_score_that_is_not_there_is_explained(
    words: pytest.Pytester, command: str, said: str
) -> None:
    """In the message alone: the way there through this package tells nobody anything."""
    words.makepyfile("def test_score(score): pass")
    result = inside(words, f"--autoloop-command={command}", "--autoloop-timeout=0.5s")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*{said}*"])
    assert "harness.py" not in result.stdout.str()


def test_commands_are_listed_as_tests_are(words: pytest.Pytester) -> None:
    """Beside tests, each on one line; the command that gives the score as well."""
    words.makepyfile("def test_other(): pass")
    result = words.runpytest_inprocess(
        "--autoloop=1",
        "--co",
        "-q",
        "--autoloop-command=make bench",
        "--autoloop-guard-command=make test",
        "--autoloop-guard-command=sh -c 'make &&\nmake check'",
        "--autoloop-target=words.txt",
    )
    result.stdout.fnmatch_lines(
        [
            "test_commands_are_listed_as_tests_are.py::test_other",
            "commands::make test",
            "commands::sh -c 'make && make check'",
            "commands::score: make bench",
        ]
    )
    assert "no tests collected" not in result.stdout.str()


def test_a_plain_run_knows_nothing_of_them(words: pytest.Pytester) -> None:
    """Whatever the ini file says."""
    words.makeini("[pytest]\nautoloop_command = make bench\nautoloop_guard_command = false\n")
    words.makepyfile("def test_other(): pass")
    words.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--autoloop-score=(x)",), "no command that prints it: add --autoloop-command CMD"),
        (("--autoloop-command=true",), "no target: name the file that may change"),
        (("--autoloop-command=a | b",), "sh -c 'a | b'"),
        (("--autoloop-command=a", "--autoloop-score=(x) < 3"), "nothing is left to improve"),
        (("--autoloop-command=a", "--autoloop-target=b.txt"), "b.txt does not exist"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(
    words: pytest.Pytester, arguments: tuple[str, ...], said: str
) -> None:
    """Before anything is run or written."""
    words.run("git", "init", "-q")
    result = words.runpytest_inprocess("--autoloop=1", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stdout.str() + result.stderr.str()
    assert not (words.path / ".pytest_autoloop").exists()


def test_a_target_is_declared_once(words: pytest.Pytester) -> None:
    """By an option, or by a fixture."""
    words.makeconftest(
        """
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            return "words.txt"
        """
    )
    result = words.runpytest_inprocess(
        "--autoloop=1", "--autoloop-command=true", "--autoloop-target=words.txt"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*--autoloop-target=words.txt and the fixture at *conftest.py:*leave out one of them"]
    )
