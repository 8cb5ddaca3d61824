"""Who proposes in a real session: a fixture, a team, stacked branches, a file that is edited."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.projects import COUNTED, git

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
