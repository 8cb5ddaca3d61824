"""Designs of an agent: which are kept, what each guard refuses, and what the agent cannot reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chat_server import ChatServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

READS_ANSWERS = """
def solve(task, model, tools):
    model(task)
    for line in open("tasks.tsv"):
        question, answer = line.split("\\t")
        if question == task:
            return answer.strip()
"""
PARSES_BY_ITSELF = """
import re

def solve(task, model, tools):
    model(task)
    return eval("*".join(re.findall("[0-9]+", task)) or "0")
"""


def test_designs_are_kept_and_answers_by_heart_are_not(
    example: Callable[[str], Project],
) -> None:
    """Steps, tools and votes solve more tasks; a debate asks too often, flattery does nothing."""
    project = example("agent_design")
    session = project.autoloop(6)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    found = {row["description"]: row for row in rows}
    kept = [row["description"] for row in rows if row["status"] == "keep"]
    assert kept == ["ask for steps", "offer tools", "vote until two agree"]
    assert found["know the answers"]["reason"] == "guard"
    assert found["flatter the model"]["reason"] == "no-gain"
    assert found["let three debate"]["reason"] == "constraint"
    assert "calls_per_task" in found["let three debate"]["detail"]
    best = found["vote until two agree"]["metrics"]
    assert best["accuracy"] > 3 * baseline["metrics"]["accuracy"]
    assert best["calls_per_task"] <= 8


def refused(project: Project, agent: str) -> str:
    """Return what a plain run says of another agent."""
    (project.root / "agent.py").write_text(agent, encoding="utf-8")
    session = project.pytest("-q", "--no-header", "-rf")
    assert session.returncode == 1, session.output
    return session.stdout


def test_guards_pass_on_the_example_and_refuse_each_cheat(
    example: Callable[[str], Project],
) -> None:
    """Answers by heart fail twice; files are out of reach; code that solves by itself is told."""
    project = example("agent_design")
    assert project.pytest("-q").returncode == 0
    by_heart = refused(project, (project.root / "ideas/02_know_the_answers.py").read_text())
    assert "test_the_answers_come_from_the_model" in by_heart
    assert "test_tasks_that_were_never_scored_are_solved_as_well" in by_heart
    assert "an agent may not use open" in refused(project, READS_ANSWERS)
    assert "test_the_answers_come_from_the_model" in refused(project, PARSES_BY_ITSELF)
    idle = "def solve(task, model, tools):\n    return '0'\n"
    assert "test_the_model_is_asked_for_every_task" in refused(project, idle)
    endless = "def solve(task, model, tools):\n    while True:\n        model(task)\n"
    assert "asked the model 40 times" in refused(project, endless)


def test_a_chat_model_takes_the_place_of_the_stand_in(
    example: Callable[[str], Project],
) -> None:
    """One variable of the environment names it; each task's prompt reaches it."""
    project = example("agent_design")
    task = (project.root / "tasks.tsv").read_text(encoding="utf-8").splitlines()[0]
    (project.root / "tasks.tsv").write_text(f"{task}\n", encoding="utf-8")
    question, answer = task.split("\t")
    code = f"""
        from conftest import ask
        assert ask("Question: {question}", 0) == "It is {answer}"
    """
    (project.root / "test_ask.py").write_text(
        "def test_ask():\n" + "\n".join(f"    {line.strip()}" for line in code.strip().splitlines())
    )
    with ChatServer([f"It is {answer}"]) as server:
        session = project.pytest(
            "test_ask.py",
            environment={"AGENT_MODEL": f"{server.base_url}#small", "PYTHONPATH": "."},
        )
    assert session.returncode == 0, session.output
    assert server.requests[0].messages[-1]["content"] == f"Question: {question}"


def test_a_missing_file_is_named(example: Callable[[str], Project]) -> None:
    """Who starts from the template is told what is missing, and what belongs in it."""
    project = example("agent_design")
    (project.root / "tasks.tsv").unlink()
    session = project.pytest("-q", "--no-header")
    assert "tasks.tsv is missing: write a question, a tab and the answer" in session.stdout
