"""Campaigns whose candidates are judged by workers in other processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.projects import _PLUGINS, COUNTED, clean_environment, git, snapshot

if TYPE_CHECKING:
    from tests.projects import Project, Session

LOCAL = "--autoloop-executor=local:2"
WORDS = "".join(f"{letter * 9}\n" for letter in "abcdefgh")
GUARD = """
    def test_it_begins_with_a(target):
        assert target.read_text().startswith("aaa")
"""
#: Where the sandbox is off: what ends the worker that judges, as a lack of memory would.
POISON = """
    import os
    import signal

    def test_it_is_no_poison(target):
        if "poison" not in target.read_text():
            return
        process = os.getppid()
        while process > 1:
            with open(f"/proc/{process}/cmdline") as stream:
                if "spawn_main" in stream.read():
                    os.kill(process, signal.SIGKILL)
                    return
            with open(f"/proc/{process}/status") as stream:
                process = int(stream.read().partition("PPid:")[2].split()[0])
"""
#: A candidate that waits for a sign.
GATE = """
    import os
    import time
    from pathlib import Path

    def test_it_waits_for_a_sign(target):
        place = Path(os.environ["GATE"])
        if "wait" not in target.read_text() or not place.is_dir():
            return
        (place / "reached").touch()
        while not (place / "open").exists():
            time.sleep(0.01)
"""


def without(*lines: int, more: str = "") -> str:
    """Return the words but for some lines."""
    kept = [line for number, line in enumerate(WORDS.splitlines()) if number not in lines]
    return "\n".join([*kept, more]).rstrip("\n") + "\n"


def essence(session: Session) -> list[tuple[object, ...]]:
    """Return what has to be the same wherever candidates were judged.

    One that has lost was measured before its turn, perhaps without what was kept since.
    """
    return [
        (row["number"], row["status"], row["reason"], row["status"] == "keep" and row["metrics"])
        for row in session.journal
    ]


def leftovers(place: Path) -> list[str]:
    """Return what lies in the directory for temporary files."""
    return sorted(path.name for path in place.iterdir())


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Make a directory for temporary files that nobody else uses."""
    place = tmp_path / "temporary"
    place.mkdir()
    return place


def processes(place: Path) -> list[str]:
    """Return the commands of the processes whose directory for temporary files is that one."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if path.name.isdigit() and f"TMPDIR={place}".encode() in (
                (path / "environ").read_bytes().split(b"\0")
            ):
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def test_two_processes_decide_as_one_does(project: Project, temporary: Path) -> None:
    """The same keeps, in the same order; journal, table and branch are as ever."""
    project.commit({**COUNTED, "words.txt": WORDS, "test_words.py": GUARD})
    ideas = project.ideas(
        *(without(3), without(0), without(7), WORDS.replace("ff\n", "ffff\n"), without(3, 7)),
        suffix=".txt",
    )
    arguments = ("--autoloop-proposer", ideas)
    before = snapshot(project.root)
    # As many proposals at a time, for those are made from the same version.
    here = project.autoloop(5, *arguments, "--autoloop-tag=here", "--autoloop-workers=3")
    assert here.returncode == 0, here.output
    expected, table = essence(here), here.results
    assert not any(row["host"] for row in here.journal)
    there = project.autoloop(
        5, *arguments, "--autoloop-tag=there", LOCAL, environment={"TMPDIR": str(temporary)}
    )
    assert there.returncode == 0, there.output
    assert essence(there) == expected
    # The third was judged against the first version, has won, and was judged again on top.
    assert [status for _, status, *_ in expected[1:4]] == ["keep", "discard", "keep"]
    assert git(project.root, "show", "autoexp/there:words.txt") == without(3, 7)
    assert "on 2 local processes" in there.stdout
    assert all(row["host"] for row in there.journal if row["pairs"])
    assert there.results[0].keys() == table[0].keys()
    same = ("status", "description")
    assert [[row[key] for key in same] for row in there.results] == [
        [row[key] for key in same] for row in table
    ]
    assert leftovers(temporary) == []
    assert processes(temporary) == []
    after = snapshot(project.root)
    own = (".git/", ".pytest_autoloop/", ".pytest_cache/", "__pycache__/", "results.tsv")
    assert {k: v for k, v in before.items() if not k.startswith(own)} == {
        k: v for k, v in after.items() if not k.startswith(own)
    }


def test_a_candidate_that_ends_its_workers_is_quarantined(
    project: Project, temporary: Path
) -> None:
    """The others are judged as if it had not been there."""
    files = {**COUNTED, "words.txt": WORDS, "test_words.py": GUARD, "test_poison.py": POISON}
    project.commit(files)
    ideas = project.ideas(without(1), without(2, more="poison"), without(7), suffix=".txt")
    session = project.autoloop(
        *(3, LOCAL, "--autoloop-sandbox=off", "--autoloop-tag=t", "--autoloop-proposer", ideas),
        environment={"TMPDIR": str(temporary)},
    )
    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("crash", "quarantined"), ("keep", "")]
    assert "a worker ended" in session.stdout
    assert "2 workers ended while they had it" in session.journal[2]["detail"]
    assert leftovers(temporary) == []


def started(
    project: Project, gate: Path, temporary: Path, *arguments: str
) -> subprocess.Popen[str]:
    """Start a campaign, and wait until a candidate that waits is being guarded."""
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "GATE": str(gate)}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *(f"-p{name}" for name in _PLUGINS), *arguments],
        cwd=project.root,
        env={**clean_environment(), **environment, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    limit = time.monotonic() + 90
    while not (gate / "reached").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < limit, "the guard has not been reached"
        time.sleep(0.01)
    return process


def test_ctrl_c_ends_everything_and_a_campaign_goes_on(
    project: Project, tmp_path: Path, temporary: Path
) -> None:
    """What was answered is judged by the next session; no process, no directory is left."""
    gate = tmp_path / "gate"
    gate.mkdir()
    ini = f"[pytest]\nautoloop_env = GATE\nautoloop_writable = {gate}\n"
    files = {**COUNTED, "words.txt": WORDS, "test_words.py": GUARD, "test_gate.py": GATE}
    project.commit({**files, "pytest.ini": ini})
    ideas = project.ideas(without(1, more="wait"), without(3), without(5), suffix=".txt")
    arguments = ("--autoloop=3", LOCAL, "--autoloop-tag=t", "--autoloop-proposer", ideas)
    session = started(project, gate, temporary, *arguments)
    session.send_signal(signal.SIGINT)
    output, _ = session.communicate(timeout=90)
    assert session.returncode == 2, output
    assert "Traceback" not in output
    assert "go on: pytest --autoloop 3" in output
    assert leftovers(temporary) == []
    assert processes(temporary) == []
    (gate / "open").touch()
    environment = {"GATE": str(gate), "TMPDIR": str(temporary)}
    last = project.pytest(*arguments, environment=environment)
    assert last.returncode == 0, last.output
    assert [row["number"] for row in last.journal] == [0, 1, 2, 3]
    assert [status for status, _ in last.decisions] == ["keep"] * 3
    assert git(project.root, "worktree", "list").count("\n") == 1
    assert leftovers(temporary) == []


def workers_of(process: int) -> list[int]:
    """Return the worker processes of a session, as they were started."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if path.name.isdigit():
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == process and b"spawn_main" in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
    return found


def test_a_killed_worker_costs_nothing_but_time(
    project: Project, tmp_path: Path, temporary: Path
) -> None:
    """Its candidate is judged by another one; what the dead one left is removed."""
    gate = tmp_path / "gate"
    gate.mkdir()
    ini = f"[pytest]\nautoloop_env = GATE\nautoloop_writable = {gate}\n"
    files = {**COUNTED, "words.txt": WORDS, "test_words.py": GUARD, "test_gate.py": GATE}
    project.commit({**files, "pytest.ini": ini})
    ideas = project.ideas(without(1, more="wait"), suffix=".txt")
    arguments = ("--autoloop=1", "--autoloop-executor=local:1", "--autoloop-proposer", ideas)
    session = started(project, gate, temporary, *arguments, "--autoloop-tag=t")
    (worker,) = workers_of(session.pid)
    os.kill(worker, signal.SIGKILL)
    (gate / "open").touch()
    output, _ = session.communicate(timeout=90)
    assert session.returncode == 0, output
    assert "a worker ended" in output
    assert "001 KEEP" in output
    assert leftovers(temporary) == []
    assert processes(temporary) == []


def test_several_targets_are_improved_by_the_same_worker(project: Project, temporary: Path) -> None:
    """One after the other, each from what was kept for those before it."""
    conftest = '''
        import pytest_autoloop as autoloop

        @autoloop.target
        def first():
            """Make it shorter."""
            return "words.txt"

        @autoloop.target
        def second():
            """Make it shorter, too."""
            return "more.txt"

        @autoloop.metric
        def letters(first, second):
            return len(first.read_text()) + len(second.read_text())

        class Shorter:
            def propose(self, brief):
                name = brief.target.path
                text = brief.source[:-1]
                return autoloop.Proposal(f"shorten {name}", (autoloop.Edit(name, text),))

        @autoloop.proposer
        def shorter():
            return Shorter()
    '''
    guard = "def test_both(first, second):\n    assert first.exists() and second.exists()\n"
    files = {"words.txt": "abcdef", "more.txt": "ghijkl", "conftest.py": conftest}
    project.commit({**files, "test_words.py": guard})
    environment = {"TMPDIR": str(temporary)}
    both = project.autoloop(
        2, "--autoloop-executor=local:1", "--autoloop-tag=t", environment=environment
    )
    assert both.returncode == 0, both.output
    kept = [(row["target"], row["status"]) for row in both.journal if row["status"] != "baseline"]
    assert kept == [("words.txt", "keep"), ("more.txt", "keep")]
    assert git(project.root, "show", "autoexp/t:words.txt") == "abcde"
    assert git(project.root, "show", "autoexp/t:more.txt") == "ghijk"
    assert leftovers(temporary) == []


def test_what_was_changed_by_hand_is_judged_by_a_worker(project: Project, temporary: Path) -> None:
    """It leaves neither a process nor a directory."""
    project.commit(COUNTED)
    environment = {"TMPDIR": str(temporary)}
    local = "--autoloop-executor=local:1"
    project.write({"words.txt": "alpha\n"})
    tried = project.pytest("--autoloop-try=by hand", local, environment=environment)
    assert tried.returncode == 0, tried.output
    assert tried.decisions == [("keep", "")]
    assert leftovers(temporary) == []
    assert processes(temporary) == []


def test_benchmarks_are_timed_by_workers(project: Project) -> None:
    """A hundredfold gain is seen on whichever host; what is wrong is not kept."""
    slow = "def total(numbers):\n    return sum(n for n in numbers for _ in range(100)) // 100\n"
    conftest = '''
        import pytest_autoloop as autoloop

        @autoloop.target
        def target():
            """Make it faster."""
            return "total.py"
    '''
    tests = """
        from total import total

        def test_total():
            assert total([1, 2, 3]) == 6

        def test_speed(benchmark):
            assert benchmark(total, list(range(300))) == 44850
    """
    project.commit({"total.py": slow, "conftest.py": conftest, "test_total.py": tests})
    ideas = project.ideas(
        "def total(numbers):\n    return sum(numbers)\n", "def total(numbers):\n    return 6\n"
    )
    session = project.autoloop(2, LOCAL, "--autoloop-proposer", ideas, "--autoloop-tag=t")
    assert session.returncode == 0, session.output
    assert session.decisions[0][0] == "keep", session.output
    assert session.decisions[1][0] != "keep"


def hooked(made: str) -> dict[str, str]:
    """Return a project whose conftest.py makes an executor."""
    hook = f"""
from concurrent.futures import ThreadPoolExecutor

def pytest_autoloop_make_executor(config):
    return {made}
"""
    return {**COUNTED, "conftest.py": textwrap.dedent(COUNTED["conftest.py"]) + hook}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("local:0", "names no executor: write local:4"),
        ("nothing_like_it:make", "name a function that returns a concurrent.futures.Executor"),
        ("os:sep", "is no function"),
        ("os:getcwd", "returned str, which has no submit()"),
    ],
)
def test_an_executor_that_cannot_be_had_is_a_usage_error(
    project: Project, temporary: Path, spec: str, told: str
) -> None:
    """The sentence names the next step; nothing is written, started or held."""
    project.commit(COUNTED)
    before, ideas = snapshot(project.root), project.ideas("alpha\n", suffix=".txt")
    session = project.autoloop(
        *(1, f"--autoloop-executor={spec}", "--autoloop-tag=t", "--autoloop-proposer", ideas),
        "-pno:cacheprovider",
        environment={"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert session.returncode == 4, session.output
    assert told in session.output
    assert "Traceback" not in session.output
    assert snapshot(project.root) == before
    assert leftovers(temporary) == []


def test_a_hook_makes_the_executor_of_a_mere_baseline(project: Project, temporary: Path) -> None:
    """Also one of threads, whose tasks are answered in the campaign's own process."""
    project.commit(hooked("ThreadPoolExecutor(1)"))
    environment = {"TMPDIR": str(temporary)}
    session = project.autoloop(0, "--autoloop-tag=t", environment=environment)
    assert session.returncode == 0, session.output
    assert [row["status"] for row in session.journal] == ["baseline"]
    assert "the executor of a hook" in session.stdout
    assert leftovers(temporary) == []


def test_a_hook_that_returns_no_executor_is_a_usage_error(project: Project) -> None:
    """It is named."""
    project.commit(hooked("4"))
    ideas = project.ideas("alpha\n", suffix=".txt")
    session = project.autoloop(1, "--autoloop-tag=t", "--autoloop-proposer", ideas)
    assert session.returncode == 4, session.output
    assert "pytest_autoloop_make_executor returned int" in session.output
