"""A campaign with a chat model: the real client against a real server on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chat_server import ChatServer, Reply
from tests.projects import MODULE, snapshot

if TYPE_CHECKING:
    from tests.projects import Project

KEY = "sk-loopback-0123456789"


def reply(source: str, description: str) -> str:
    """Answer with a whole file, as a model would."""
    return f"DESCRIPTION: {description}\n\n```python\n{source}```\n"


def test_a_model_improves_a_file(project: Project) -> None:
    """Replies become candidates; the next request tells the model what became of the last one."""
    project.commit({**MODULE, "program.md": "Spaces are cheap to remove.\n"})
    shorter = reply("def double(n):\n    return 2*n\n", "multiply")
    wrong = reply("def double(n):\n    return n\n", "return the argument")
    with ChatServer([wrong, shorter]) as server:
        session = project.autoloop(
            2,
            "--autoloop-proposer=openai:small-model",
            environment={"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY},
        )

    assert session.returncode == 0, session.output
    assert session.decisions == [("discard", "guard"), ("keep", "")]
    first, second = (str(request.body) for request in server.requests)
    assert "Make it shorter." in first
    assert "Spaces are cheap to remove." in first
    assert "return the argument" in second
    assert "test_double.py::test_double" in second
    assert session.journal[2]["description"] == "multiply"
    assert session.journal[2]["proposer"] == "openai:small-model"
    assert session.journal[2]["tokens_used"] > 0


def test_the_key_reaches_no_child_and_no_record(project: Project) -> None:
    """A guard does not find the key in its environment, nor does anything that is written."""
    guard = """
        import os

        def test_no_key():
            assert "OPENAI_API_KEY" not in os.environ
    """
    project.commit({**MODULE, "test_key.py": guard})
    with ChatServer([reply("def double(n):\n    return 2*n\n", "multiply")]) as server:
        session = project.autoloop(
            1,
            "--autoloop-proposer=openai:small-model",
            environment={"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY},
        )

    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", "")]
    assert KEY not in session.output
    assert not [name for name, content in snapshot(project.root).items() if KEY.encode() in content]


def test_three_failures_to_propose_end_the_campaign(project: Project) -> None:
    """A rejected key is an error of the session, exit 1, never a scored experiment."""
    project.commit(MODULE)
    rejected: Reply = {"status": 401, "error": {"message": f"Incorrect API key provided: {KEY}"}}
    with ChatServer([rejected] * 9) as server:
        session = project.autoloop(
            9,
            "--autoloop-proposer=openai:small-model",
            environment={"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY},
        )

    assert session.returncode == 1
    assert session.decisions == []
    assert "3 errors in a row" in session.stdout
    assert "OPENAI_API_KEY" in session.stdout
    assert KEY not in session.output
