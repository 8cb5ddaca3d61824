"""Each way to win without being better, in real sessions: none is kept, and none leaves a trace."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING

import pytest

from tests.cheats.candidates import HONEST, LOGIC, MEMORY, PROJECT, SEEN
from tests.projects import Session, git, new_project, snapshot

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {"SECRET_KEY": "do not tell", "OPENAI_API_KEY": "sk-not-a-key"}


def known_answers(source: str) -> str:
    """Fill in what a candidate could have learnt of the benchmarks."""
    generator = random.Random(3)
    numbers = [generator.randrange(-50, 50) for _ in range(40)]
    text = " ".join(["Alpha", "beta", "Gamma", "delta"] * 20)
    values = {
        "first": numbers[0],
        "second": numbers[1],
        "answer": sum(a * b < 0 for a in numbers for b in numbers),
        "length": len(text),
        "words": "['alpha'] * 20 + ['beta'] * 20 + ['delta'] * 20 + ['gamma'] * 20",
    }
    for name, value in values.items():
        source = source.replace("{" + name + "}", str(value))
    return source


def campaign(root: Path, candidates: list[str], *arguments: str, without: str = "") -> Session:
    """Run one session with all candidates; the user's files are as before."""
    root.mkdir(parents=True)
    project = new_project(root)
    project.commit(PROJECT)
    before = snapshot(root)
    ideas = project.ideas(*map(known_answers, candidates))
    environment = {**ENVIRONMENT, "PYTEST_AUTOLOOP_WITHOUT": without, "HOME": str(root.parent)}
    session = project.autoloop(
        len(candidates),
        *("--autoloop-proposer", ideas, "--autoloop-timeout=8", *arguments),
        "--autoloop-max-crashes=99",
        environment=environment,
        timeout=400,
    )
    after = snapshot(root)
    changed = {name for name in before if before[name] != after.get(name)}
    assert not {name for name in changed if not name.startswith(".git/")}, session.output
    settings = ("config", "hooks", "info", "HEAD")
    assert not {name for name in changed if name.split("/")[1] in settings}
    return session


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """One session with what can be read off the text."""
    root = tmp_path_factory.mktemp("screened") / "project"
    return campaign(root, [source for source, *_ in SEEN.values()])


@pytest.fixture(scope="module")
def unscreened(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Run the same without the screen: what is behind it has to hold."""
    root = tmp_path_factory.mktemp("unscreened") / "project"
    return campaign(root, [source for source, *_ in SEEN.values()], without="screen")


@pytest.fixture(scope="module")
def logical(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """One session with what only behaviour tells."""
    root = tmp_path_factory.mktemp("logical") / "project"
    return campaign(root, [source for source, *_ in LOGIC.values()])


@pytest.mark.parametrize("kind", SEEN)
def test_the_screen_refuses(kind: str, screened: Session) -> None:
    """With the line, and before anything is run."""
    row = screened.journal[1 + list(SEEN).index(kind)]
    assert (row["status"], row["reason"]) == ("discard", SEEN[kind][1]), screened.output
    assert "target.py:" in row["detail"]
    assert row["guard"] is None


@pytest.mark.parametrize("kind", SEEN)
def test_what_is_behind_the_screen_holds(kind: str, unscreened: Session) -> None:
    """The tripwire, the worker, the guards or the checks beside pytest stop the same candidate."""
    row = unscreened.journal[1 + list(SEEN).index(kind)]
    assert row["status"] in {"discard", "crash"}, unscreened.output
    assert row["reason"] in SEEN[kind][2].split(), row["detail"]
    assert row["assurance"] == "isolated"


@pytest.mark.parametrize("kind", LOGIC)
def test_behaviour_tells(kind: str, logical: Session) -> None:
    """What no text gives away differs on inputs that nobody has seen, or in what it returns."""
    row = logical.journal[1 + list(LOGIC).index(kind)]
    assert row["status"] == LOGIC[kind][1], logical.output
    assert row["reason"] in LOGIC[kind][2].split(), row["detail"]


def test_text_of_a_candidate_stays_text(logical: Session) -> None:
    """No row, no column and no terminal sequence comes from a candidate's message."""
    assert len(logical.results) == 1 + len(LOGIC)
    assert "\x1b" not in logical.output
    assert "\x1b" not in (logical.root / "results.tsv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """One session with what is fast on known inputs alone, and then an honest gain."""
    root = tmp_path_factory.mktemp("remembering") / "project"
    return campaign(root, [*(source for source, _ in MEMORY.values()), HONEST], "-v")


@pytest.mark.parametrize("kind", MEMORY)
def test_a_memory_is_no_gain(kind: str, remembering: Session) -> None:
    """Faster on inputs that were seen before, as fast as ever on others: not kept."""
    status, reason = remembering.decisions[list(MEMORY).index(kind)]
    assert status == "discard", remembering.output
    assert reason in MEMORY[kind][1].split(), remembering.output


def test_an_honest_gain_is_kept_and_its_diff_printed(remembering: Session) -> None:
    """It is verified on fresh inputs, and with -v everybody can read what will run."""
    assert remembering.decisions[-1] == ("keep", ""), remembering.output
    row = remembering.journal[-1]
    assert row["assurance"] == "isolated"
    assert row["verified"]["low"] > 0
    assert "+    return sorted(text.lower().split())" in remembering.stdout


HARM = {
    "writes in the user's checkout": "open({checkout!r} + '/test_target.py', 'a').write('#')",
    "reads a private file": "open({home!r} + '/.secret').read()",
    "makes a connection": "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
    "signals the session": "import os; os.kill(os.getppid(), 15)",
}


def test_containment_holds_in_the_process_of_the_tests(tmp_path: Path) -> None:
    """Without screen and worker, the kernel refuses: no file changes, nobody is reached."""
    (tmp_path / ".secret").write_text("private")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.0)
        values = {
            "checkout": str(tmp_path / "project"),
            "home": str(tmp_path),
            "port": server.getsockname()[1],
        }
        session = campaign(
            tmp_path / "project",
            [act.format(**values) + "\n" + HONEST for act in HARM.values()],
            without="screen,isolation,tripwire",
        )
        with pytest.raises(BlockingIOError):
            server.accept()
    decided = dict(zip(HARM, session.decisions, strict=True))
    assert decided == dict.fromkeys(HARM, ("crash", "collection")), session.output
    assert git(session.root, "status", "--porcelain", "--untracked-files=no") == ""
