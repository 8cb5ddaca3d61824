"""What every command does with what is wrong: one sentence, exit 2, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import COUNTED, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.campaigns import Made
    from tests.projects import Project

    Refused = Callable[..., str]

COMMANDS = (
    *(("history",), ("best",), ("show", "1"), ("diff", "1"), ("compare", "nov20", "nov21")),
    *(("apply",), ("rollback",), ("finalize",), ("verify",), ("resume",), ("export", "--archive")),
)
NAMES = [" ".join(command) for command in COMMANDS]
#: Keys of each document that programs may rely on.
KEYS = {
    ("history",): {"number", "commit", "parent", "status", "reason", "description", "metrics"},
    ("best",): {"number", "commit", "metrics", "tag", "kept", "branch", "first", "gains", "take"},
    ("show", "1"): {"tag", "number", "guard", "pairs", "stages", "diff", "target", "timestamp"},
    ("diff", "1"): {"tag", "old", "new", "diff"},
    ("compare", "nov20", "other"): {"campaigns", "differ"},
    ("rollback", "1"): {"tag", "number", "commit", "files", "already", "changed_since", "undo"},
    ("clean", "nov20", "--dry-run"): {"campaigns", "dry_run", "removed"},
}


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_without_a_campaign(
    project: Project,
    command: tuple[str, ...],
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says how to start one."""
    project.commit(COUNTED)
    monkeypatch.chdir(project.root)
    before = snapshot(project.root)
    assert "start one with pytest --autoloop N" in refused(*command)
    assert snapshot(project.root) == before


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_with_a_corrupt_journal(made: Made, command: tuple[str, ...], refused: Refused) -> None:
    """It names the file and the line."""
    lines = made.journal.path.read_bytes().splitlines(keepends=True)
    made.journal.path.write_bytes(b"".join([lines[0], b'{"number": 1}\n', *lines[2:]]))
    before = snapshot(made.project.root)
    said = refused(*command)
    assert "experiments.jsonl, line 2 is damaged" in said or "no campaign 'nov21'" in said
    assert snapshot(made.project.root) == before


@pytest.mark.parametrize("command", COMMANDS[1:], ids=NAMES[1:])
def test_with_a_tag_that_is_none(made: Made, command: tuple[str, ...], refused: Refused) -> None:
    """It says what there is."""
    named = ("--tag", "nov22") if command[0] in {"show", "diff", "rollback"} else ("nov22",)
    before = snapshot(made.project.root)
    said = refused(*command, *named)
    assert "did you mean nov20? There are: nov20" in said
    assert snapshot(made.project.root) == before


@pytest.mark.parametrize("command", [("finalize",), ("verify",), ("export", "--archive")])
def test_with_nothing_kept(
    project: Project,
    command: tuple[str, ...],
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is nothing to measure, to review or to take along."""
    from tests.cli.campaigns import Made

    project.commit(COUNTED)
    Made(project, "nov20")
    monkeypatch.chdir(project.root)
    said = refused(*command)
    assert "nothing was kept" in said or "made no commit" in said


def test_documents_keep_their_keys(made: Made, document: Callable[..., object]) -> None:
    """More may come; none of these goes."""
    from tests.cli.campaigns import Made as Campaign

    Campaign(made.project, "other")
    for command, keys in KEYS.items():
        words = command if command[0] == "compare" else (*command,)
        if command[0] in {"show", "diff", "rollback"}:
            words = (*command, "--tag", "nov20")
        elif command in {("history",), ("best",)}:
            words = (*command, "nov20")
        found = document(*words)
        found = found[0] if isinstance(found, list) else found
        assert isinstance(found, dict)
        assert keys <= found.keys(), command
