"""Who proposes in a real session: a fixture, a team, stacked branches, a file that is edited."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.projects import COUNTED, git, snapshot

if TYPE_CHECKING:
    from tests.projects import Project

OWN = """
        @autoloop.proposer
        def mine(tmp_path_factory):
            folder = tmp_path_factory.mktemp("mine")
            ideas = iter(["alpha beta", "alpha beta", "alpha bet", "alpha bet", "alpha be", "beta"])

            def propose(brief):
                with open({log!r}, "a") as stream:
                    print(brief.number, folder.is_dir(), brief.remark, file=stream)
                text = next(ideas, None)
                if text is None:
                    return None
                edit = autoloop.Edit(brief.target.path, text.encode() + b"\\n")
                return autoloop.Proposal(text, (edit,), usage=autoloop.Usage(10, 2, 0.25))

            yield propose
            with open({log!r}, "a") as stream:
                print("closed", file=stream)
"""


def test_a_fixture_proposes(project: Project) -> None:
    """It stays set up until the end, is asked again for what tells nothing new, and is paid."""
    log = project.root.parent / "log"
    conftest = str(COUNTED["conftest.py"]) + OWN.format(log=str(log))
    project.commit({**COUNTED, "conftest.py": conftest})
    session = project.autoloop(9, "--autoloop-json")

    assert session.returncode == 0, session.output
    told = json.loads(session.stdout)
    assert session.decisions == [
        ("keep", ""),
        ("keep", ""),
        ("keep", ""),
        ("discard", "guard"),
    ]
    rows = session.journal[1:]
    assert [row["description"] for row in rows] == ["alpha beta", "alpha bet", "alpha be", "beta"]
    assert {row["proposer"] for row in rows} == {"mine"}
    assert [row["cost_usd"] for row in rows] == [0.25, 0.5, 0.5, 0.25]
    assert [row["cost_usd"] for row in session.results[1:]] == [
        "0.250000",
        "0.750000",
        "1.250000",
        "1.500000",
    ]
    assert (told["tokens_used"], told["cost_usd"]) == (72, 1.5)
    assert [e["status"] for e in told["experiments"]] == ["baseline", *["keep"] * 3, "discard"]
    assert log.read_text().splitlines() == [
        "1 True ",
        "2 True ",
        "2 True alpha beta: the candidate is identical to the incumbent",
        "3 True ",
        "3 True alpha bet: the candidate is identical to the incumbent",
        "4 True ",
        "5 True ",
        "closed",
    ]


def test_a_team_replays_branches_and_files(project: Project) -> None:
    """Each row names its proposer; stacked changes of branches add up, and each has its row."""
    lines = [f"line {n} alpha\n" for n in range(9)]
    target = "".join(["alpha\n", *lines])
    project.commit({**COUNTED, "words.txt": target})
    for name, number in (("one", 1), ("two", 7)):
        git(project.root, "switch", "-q", "-c", f"idea/{name}", "main")
        shorter = [*lines[:number], *lines[number + 1 :]]
        project.commit({"words.txt": "".join(["alpha\n", *shorter])})
    git(project.root, "switch", "-q", "main")
    ideas = project.ideas(target, suffix=".txt")
    session = project.autoloop(
        4,
        *("--autoloop-proposer", "replay:git:main..idea/*", "--autoloop-proposer", ideas),
        "--autoloop-stack",
    )

    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("discard", "no-op"), ("keep", "")]
    best = git(project.root, "show", f"{session.journal[-1]['commit']}:words.txt")
    assert best == "".join(["alpha\n", lines[0], *lines[2:7], lines[8]])
    assert "no further idea after 3 experiments" in session.stdout


AGENT = """\
#!{python}
import json, os, pathlib, sys
assert "Make it shorter." in sys.stdin.read()
target = pathlib.Path("words.txt")
target.write_text(target.read_text().rstrip()[:-1] + "\\n")
pathlib.Path("test_words.py").write_text("")
usage = {{"prompt_tokens": 7, "completion_tokens": 3, "cost_usd": 0.125}}
pathlib.Path(os.environ["AUTOLOOP_USAGE_FILE"]).write_text(json.dumps(usage))
print("thinking\\nDESCRIPTION: drop a letter")
"""


def test_an_agent_edits_the_target_alone(project: Project) -> None:
    """Its edit of the target is judged, its edit of a test is put back and told; it is paid."""
    agent = project.root.parent / "my-agent"
    agent.write_text(AGENT.format(python=sys.executable), encoding="utf-8")
    agent.chmod(0o755)
    project.commit(COUNTED)
    before = snapshot(project.root)
    session = project.autoloop(2, f"--autoloop-proposer=command:{agent}")

    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("keep", "")]
    for row in session.journal[1:]:
        assert (row["proposer"], row["description"]) == ("command:my-agent", "drop a letter")
        assert row["flags"] == ["reverted changes in test_words.py"]
        assert (row["tokens_used"], row["cost_usd"]) == (10, 0.125)
    assert "spent: 20 tokens · $0.2500" in session.stdout
    after = snapshot(project.root)
    changed = {name for name in before if before[name] != after.get(name)}
    assert {name for name in changed if not name.startswith(".git/")} == set()
    assert git(project.root, "worktree", "list").count("\n") == 1


def test_an_agent_that_fails_three_times_ends_the_campaign(project: Project) -> None:
    """An exit status is an error of the session, exit 1, and nothing is scored."""
    project.commit(COUNTED)
    session = project.autoloop(9, "--autoloop-proposer=command:false")

    assert session.returncode == 1
    assert session.decisions == []
    assert "command:false ended with exit code 1" in session.stdout
    assert "ended early after 3 errors in a row" in session.stdout
