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


def block(search: str, replace: str, description: str) -> str:
    """Answer with a SEARCH/REPLACE block, as a model would."""
    return (
        f"DESCRIPTION: {description}\n\n"
        f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"
    )


def test_blocks_apply_to_the_letter_or_not_at_all(project: Project) -> None:
    """One repair, then invalid-edit; a cut reply is an error; another file, twice, out of scope.

    Every token is paid for, in the row that follows where a reply came to nothing.
    """
    project.commit(MODULE)
    good = block("    return n + n", "    return 2*n", "multiply")
    bad = block("    return n - n", "    return 2*n", "multiply what is not there")
    cut: Reply = {"text": good, "finish_reason": "length"}
    elsewhere = good.replace("<<<<<<<", "test_double.py\n<<<<<<<")
    replies: list[Reply | str] = [cut, bad, bad, elsewhere, elsewhere, bad, good]
    with ChatServer(replies) as server:
        session = project.autoloop(
            4,
            *(f"--autoloop-proposer={server.base_url}#small", "--autoloop-edit-format=blocks"),
        )

    assert session.returncode == 1, session.output
    assert session.decisions == [
        ("discard", "invalid-edit"),
        ("discard", "out-of-scope"),
        ("keep", ""),
    ]
    assert "The nearest text in the file is:\n    return n + n" in str(
        server.requests[2].messages[-1]["content"]
    )
    assert "SEARCH" in server.requests[0].messages[0]["content"]
    assert [row["tokens_used"] for row in session.journal[1:]] == [330, 220, 220]
    assert [row["cost_usd"] for row in session.journal[1:]] == [None] * 3
    assert "spent: 770 tokens · price unknown" in session.stdout
    assert "output limit" in session.stdout
    assert session.journal[3]["diff"].count("\n+") == 2


def test_a_strong_model_is_asked_now_and_then(project: Project) -> None:
    """Most proposals come from the cheap model; each row names the one that made it."""
    project.commit(MODULE)
    sources = [f"def double(n):\n    return {body}\n" for body in ("n", "4", "8", "0")]
    with ChatServer([reply(source, "shorten") for source in sources]) as server:
        session = project.autoloop(
            4,
            f"--autoloop-model-explore={server.base_url}#cheap",
            f"--autoloop-model-validate={server.base_url}#strong",
            "--autoloop-model-every=2",
        )

    models = [request.body["model"] for request in server.requests]
    assert models == ["cheap", "strong", "cheap", "strong"]
    rows = session.journal[1:]
    assert [row["proposer"].partition("#")[2] for row in rows] == models
