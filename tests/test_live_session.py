"""What people see while a session runs: on a terminal, in a log, and in between."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.reporting import live
from pytest_autoloop.reporting.live import may_move
from tests.projects import COUNTED, clean_environment

pty = pytest.importorskip("pty", reason="there are no pseudo terminals")

if TYPE_CHECKING:
    from tests.projects import Project

_PLUGINS = ("pytest_autoloop.plugin", "pytest_benchmark.plugin", "pytest_timeout")


def on_a_terminal(project: Project, *arguments: str, **environment: str) -> str:
    """Run a campaign on a terminal of its own, and return every byte that reached it."""
    reader, writer = pty.openpty()
    plain = {k: v for k, v in clean_environment().items() if k not in {"CI", "BUILD_NUMBER"}}
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", *(f"-p{name}" for name in _PLUGINS), *arguments],
        cwd=project.root,
        env={
            **plain,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TERM": "xterm",
            "COLUMNS": "80",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    output = b""
    try:
        while chunk := os.read(reader, 65536):
            output += chunk
    except OSError:  # how Linux says that nobody writes there any more
        pass
    finally:
        os.close(reader)
    assert running.wait(60) == 0, output.decode()
    return output.decode()


#: Notes what the status is whenever an experiment is in the journal.
LOOK = """
def pytest_autoloop_experiment_finished(config):
    live = config.pluginmanager.get_plugin("autoloop-session")._live
    with open({log!r}, "a") as stream:
        stream.write(live.line() + chr(10))
"""


def test_a_terminal_has_one_line_that_moves(project: Project) -> None:
    """It says where the campaign is, stands below whole lines, and is gone at the end."""
    log = project.root.parent / "looks"
    conftest = str(COUNTED["conftest.py"]).replace("\n        ", "\n")
    project.commit({**COUNTED, "conftest.py": conftest + LOOK.format(log=str(log))})
    ideas = project.ideas("alpha beta\n", "beta\n", suffix=".txt")
    output = on_a_terminal(
        project, "--autoloop=2", f"--autoloop-proposer={ideas}", "--color=no", "-pterminalprogress"
    )
    drawn = re.findall(r"\r([^\r\n\x1b]+)\x1b\[K", output)
    assert any(line.startswith("baseline · 0:0") for line in drawn), output
    # Whatever was drawn was erased before a line was printed over it.
    final = [line for line in output.split("\r\n") if "autoloop::" in line]
    assert [line.rpartition("\x1b[K")[2].split()[:2] for line in final] == [
        ["autoloop::000", "BASELINE"],
        ["autoloop::001", "KEEP"],
        ["autoloop::002", "DISCARD"],
    ]
    assert "measuring the baseline" not in output
    after = output[output.index("- autoloop -") :]
    assert "\r" not in after.replace("\r\n", "")
    # Before the first experiment nothing is known; after the first its gain, and how long it took.
    looks = [re.sub(r" · \d+:\d\d", "", line) for line in log.read_text().splitlines()]
    assert looks == [
        "baseline",
        "1/2 · confirming pair 2 · nothing kept yet",
        "2/2 · guards · best 11, 1.55× · 1 kept · eta 5 s",
    ]
    # The tab's progress counts the experiments that are to come, which pytest does not know of.
    assert [int(share) for share in re.findall(r"9;4;1;([1-9]\d*)", output)] == [50, 100]


@pytest.mark.parametrize(
    ("environment", "moves"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "CI": "1"}, False)],
    ids=["xterm", "dumb", "CI"],
)
def test_a_line_moves_on_a_terminal_that_obeys(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    moves: bool,
) -> None:
    """Not in a log that is kept, though it may come from a terminal."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = pytester.parseconfigure()
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(config.get_terminal_writer(), "_file", terminal)
        assert may_move(config) == moves
        monkeypatch.setattr(config.option, "capture", "no")
        assert not may_move(config)
    os.close(reader)


def test_a_log_gets_a_line_for_each_phase(project: Project) -> None:
    """By default of the session; with -v of each experiment, between whole lines."""
    project.commit(COUNTED)
    ideas = project.ideas("alpha beta\n", suffix=".txt")
    session = project.autoloop(1, "-v", f"--autoloop-proposer={ideas}")
    assert session.returncode == 0, session.output
    told = [line for line in session.stdout.splitlines() if line.startswith("autoloop")]
    phases = [line.partition(": ")[2] for line in told if line.startswith("autoloop: ")]
    assert [line for line in phases if line[:3] in {"mea", "001", "aud", "bas"}] == [
        "measuring the baseline of words.txt",
        "baseline, guards",
        "baseline, checking isolation",
        "baseline, checking that tests notice",
        "baseline, measuring",
        "001: proposing",
        "001: guards",
        "001: measuring",
        "001: confirming",
        "auditing: the first commit against the best, on fresh pairs",
    ]
    # The node id and the status stand in one line, and only once.
    experiments = [line.split()[:2] for line in told if line.startswith("autoloop::")]
    assert experiments == [["autoloop::000", "BASELINE"], ["autoloop::001", "KEEP"]]
    assert "\x1b" not in session.stdout
    whole = session.stdout
    assert "\n\n" not in whole[whole.index("autoloop: target") : whole.index("autoloop: auditing")]


@pytest.mark.timeout(20)  # it reads until all is there
def test_a_silent_log_gets_a_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI systems end what prints nothing for long; what is printed is no more than the status."""
    monkeypatch.setattr(live, "_SILENCE", 0.01)
    config = pytester.parseconfigure()
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as log, os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(config.get_terminal_writer(), "_file", stream)
        watching = live.Live(config)
        watching.open()
        with watching.phase("auditing", 2):
            assert log.readline() == "autoloop: auditing pair 2 · 0:00\n"
        watching.close()
        assert vars(config.get_terminal_writer())["_file"] is stream
