"""Campaigns that go on: with the same command, a changed harness, or another campaign's best."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.projects import COUNTED, clean_environment, git, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

IDEAS = ("alpha beta\n", "beta\n", "alpha b\n", "alpha beta gamma delta\n", "alpha\n")
#: A guard that says when it runs on a certain candidate, and waits to be let go on.
GATE = """
    import os
    import time
    from pathlib import Path

    def test_it_waits_for_a_sign(target):
        place = Path(os.environ["GATE"])
        if target.read_text() != "alpha beta\\n" or not place.is_dir():
            return
        (place / "reached").touch()
        while not (place / "open").exists():
            time.sleep(0.01)
"""


def test_the_same_command_goes_on_where_it_stopped(project: Project) -> None:
    """Numbers, incumbent, budget and queue go on; a limit is one of the whole campaign."""
    project.commit(COUNTED)
    ideas = ("--autoloop-proposer", project.ideas(*IDEAS, suffix=".txt"))
    first = project.autoloop(2, *ideas, "--autoloop-tag=t")
    assert first.decisions == [("keep", ""), ("discard", "guard")]
    before = first.results

    again = project.autoloop(2, *ideas, "--autoloop-tag=t")
    assert (again.returncode, len(again.journal)) == (0, 3), again.output
    assert "2 of 2 experiments are done" in again.stdout
    assert again.results == before

    second = project.autoloop(
        9, *ideas, "--autoloop-tag=t", "--autoloop-until=letters<=8", "--autoloop-max-cost=1"
    )
    assert second.returncode == 0, second.output
    assert [row["number"] for row in second.journal] == [0, 1, 2, 3]
    assert second.decisions[2:] == [("keep", "")]
    assert second.journal[3]["parent"] == second.journal[1]["commit"]
    assert second.results[:3] == before
    assert "letters is 8, the goal was letters<=8" in second.stdout

    last = project.pytest("--autoloop=inf", *ideas, "--autoloop-tag=t")
    assert last.decisions[3:] == [("discard", "no-gain"), ("keep", "")]
    assert "no further idea after 2 experiments" in last.stdout
    elapsed = [row["elapsed"] for row in last.journal]
    assert elapsed == sorted(elapsed)
    assert not any((project.root / ".pytest_autoloop" / "t" / "answers").iterdir())


def test_a_stop_file_ends_a_campaign_that_runs(project: Project) -> None:
    """It is looked for before each proposal, and stays where it is."""
    hook = """
        def pytest_autoloop_experiment_finished(config, experiment):
            if experiment.number == 1:
                (config.rootpath / ".pytest_autoloop/t/STOP").touch()
    """
    project.commit({**COUNTED, "plugin_stop.py": hook})
    ideas = ("--autoloop-proposer", project.ideas(*IDEAS, suffix=".txt"))
    command = ("--autoloop-tag=t", "-pplugin_stop", *ideas)
    stopped = project.pytest("--autoloop=inf", *command, environment={"PYTHONPATH": "."})
    assert (stopped.returncode, len(stopped.journal)) == (0, 2), stopped.output
    assert "STOP exists: remove it to go on" in stopped.stdout


def test_a_changed_harness_is_refused_until_it_is_accepted(project: Project) -> None:
    """What was kept is then judged by the new harness like any other candidate."""
    project.commit(COUNTED)
    ideas = ("--autoloop-proposer", project.ideas(*IDEAS, suffix=".txt"), "--autoloop-tag=t")
    first = project.autoloop(1, *ideas)
    assert first.decisions == [("keep", "")]
    stricter = """
        def test_it_begins_with_alpha(target):
            assert target.read_text().startswith("alpha")

        def test_it_ends(target):
            assert target.read_text().endswith("\\n")
    """
    project.commit({"test_words.py": stricter})
    before = snapshot(project.root)
    refused = project.autoloop(5, *ideas, "-pno:cacheprovider")
    assert refused.returncode == 4, refused.output
    assert "the harness of the campaign t has changed: test_words.py" in refused.stderr
    after = snapshot(project.root)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert not {name for name in changed if "__pycache__" not in name}

    accepted = project.autoloop(3, *ideas, "--autoloop-rebaseline")
    assert accepted.returncode == 0, accepted.output
    rows = accepted.journal
    statuses = [(row["number"], row["status"]) for row in rows]
    assert statuses == [(0, "baseline"), (1, "keep"), (2, "baseline"), (3, "keep"), (4, "discard")]
    head = git(project.root, "rev-parse", "HEAD").strip()
    assert (rows[2]["commit"], rows[3]["parent"]) == (head, head)
    assert rows[3]["description"] == "begin with what was kept before"
    assert git(project.root, "show", "autoexp/t:words.txt") == "alpha beta\n"
    git(project.root, "merge", "--ff-only", "-q", "autoexp/t")

    on = project.autoloop(4, *ideas)
    assert [row["number"] for row in on.journal] == [0, 1, 2, 3, 4, 5], on.output


def test_other_guards_are_another_harness(project: Project) -> None:
    """Also when only the command line selects them; what is missing is named."""
    more = "def test_more(target):\n    assert target.exists()\n"
    project.commit({**COUNTED, "test_more.py": more})
    ideas = ("--autoloop-proposer", project.ideas(*IDEAS, suffix=".txt"), "--autoloop-tag=t")
    project.autoloop(1, *ideas)
    refused = project.autoloop(3, *ideas, "test_words.py")
    assert refused.returncode == 4, refused.output
    assert "test_more.py::test_more" in refused.stderr
    assert "--autoloop-rebaseline" in refused.stderr


def test_a_campaign_begins_with_the_best_of_another(project: Project) -> None:
    """It is the first candidate, judged like any other; a commit serves as well."""
    project.commit(COUNTED)
    ideas = project.ideas(*IDEAS, suffix=".txt")
    project.autoloop(1, "--autoloop-proposer", ideas, "--autoloop-tag=old")
    warm = project.autoloop(
        1, "--autoloop-proposer", ideas, "--autoloop-tag=new", "--autoloop-from=old"
    )
    assert warm.returncode == 0, warm.output
    assert warm.decisions == [("keep", "")]
    assert warm.journal[1]["description"] == "begin with the best of old"
    unknown = project.autoloop(1, "--autoloop-proposer", ideas, "--autoloop-from=none")
    assert unknown.returncode == 4
    assert "--autoloop-from=none is neither a campaign (new, old) nor a commit" in unknown.stderr


def started(project: Project, gate: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a campaign, and wait until its first candidate is being guarded."""
    plugins = ("pytest_autoloop.plugin", "pytest_benchmark.plugin", "pytest_timeout")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *(f"-p{name}" for name in plugins), *arguments],
        cwd=project.root,
        env={**clean_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "GATE": str(gate)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    limit = time.monotonic() + 60
    while not (gate / "reached").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < limit, "the guard has not been reached"
        time.sleep(0.01)
    return process


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and wait until it has been taken note of."""
    os.kill(process.pid, signal.SIGINT)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "interrupted: " in line:
            return
    raise AssertionError("".join(lines))


def test_ctrl_c_ends_after_the_experiment_and_once_more_at_once(
    project: Project, tmp_path: Path
) -> None:
    """Either way the same command goes on, and nothing is judged twice or lost."""
    gate = tmp_path / "gate"
    gate.mkdir()
    ini = f"[pytest]\nautoloop_env = GATE\nautoloop_writable = {gate}\n"
    project.commit({**COUNTED, "test_gate.py": GATE, "pytest.ini": ini})
    ideas = ("--autoloop-proposer", project.ideas(*IDEAS, suffix=".txt"), "--autoloop-tag=t")
    journal = project.root / ".pytest_autoloop/t/experiments.jsonl"

    twice = started(project, gate, "--autoloop=3", *ideas)
    interrupt(twice)
    os.kill(twice.pid, signal.SIGINT)
    output, _ = twice.communicate(timeout=60)
    assert twice.returncode == 2, output
    assert len(journal.read_text(encoding="utf-8").splitlines()) == 1
    assert [file.name for file in (journal.parent / "answers").iterdir()] == ["001.json"]

    (gate / "reached").unlink()
    once = started(project, gate, "--autoloop=3", *ideas)
    interrupt(once)
    (gate / "open").touch()
    output, _ = once.communicate(timeout=60)
    assert once.returncode == 2, output
    assert "can go on" in output
    last = project.autoloop(3, *ideas, environment={"GATE": str(gate)})
    assert last.returncode == 0, last.output
    assert [row["number"] for row in last.journal] == [0, 1, 2, 3]
    assert last.decisions == [("keep", ""), ("discard", "guard"), ("keep", "")]
    assert git(project.root, "worktree", "list").count("\n") == 1
