"""The `pytest-autoloop` command: what it tells of a campaign."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.cli import main
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.model import Experiment
from tests.projects import COUNTED, git

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.projects import Project


def recorded(project: Project, tag: str, *kept: str) -> str:
    """Record a campaign that kept some versions, without running it; return its first commit."""
    repository = Repository.open(project.root)
    first = tip = repository.head()
    journal = Journal.create(project.root, tag)
    journal.write_header({"target": "words.txt", "targets": ["words.txt"]})
    journal.append(experiment(0, first))
    for number, content in enumerate(kept, 1):
        tip = repository.commit_file(tip, "words.txt", content.encode(), f"idea {number}")
        repository.set_ref(f"refs/autoloop/{tag}/{number:03}", tip)
        journal.append(experiment(number, tip))
    repository.set_ref(f"refs/heads/autoexp/{tag}", tip)
    return first


def experiment(number: int, commit: str) -> Experiment:
    """Return the baseline, or a keep."""
    return Experiment(
        number=number,
        status="keep" if number else "baseline",
        reason="",
        description=f"idea {number}",
        proposer="",
        commit=commit,
        parent="",
        timestamp="2026-11-20T08:00:00+00:00",
        seconds=1.0,
        metrics={"letters": 17.0 - number},
    )


def test_history_best_and_their_json(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both find the newest campaign from any directory of the project."""
    project.commit({**COUNTED, "below/note.txt": "here\n"})
    first = recorded(project, "one", "alpha b\n")
    journal = Journal(project.root, "one")
    discard = replace(experiment(2, first), status="discard", reason="guard")
    journal.append(replace(discard, metrics={"letters": None}))
    monkeypatch.chdir(project.root / "below")

    assert main(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["000", "001", "002"]
    assert "keep" in lines[1]
    assert "letters=16" in lines[1]
    assert "discard (guard)" in lines[2]

    assert main(["best"]) == 0
    told = capsys.readouterr().out
    assert "campaign one, experiment 001: idea 1" in told
    assert "take it: pytest-autoloop apply one (or git merge autoexp/one)" in told

    assert main(["history", "one", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["status"] for row in rows] == ["baseline", "keep", "discard"]
    assert main(["best", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == {"letters": 16.0}

    assert main(["apply"]) == 0
    assert "applied: main is at" in capsys.readouterr().out
    assert (project.root / "words.txt").read_text(encoding="utf-8") == "alpha b\n"


def test_nothing_kept_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A campaign without a keep has no best version to take."""
    project.commit(COUNTED)
    recorded(project, "one")
    monkeypatch.chdir(project.root)

    assert main(["best"]) == 0
    assert capsys.readouterr().out == "campaign one: nothing was kept\n"

    assert main(["history", "two"]) == 2
    assert "no campaign 'two'" in capsys.readouterr().err

    assert main(["apply"]) == 2
    assert "nothing was kept on autoexp/one" in capsys.readouterr().err


def test_apply_makes_one_commit_of_the_user_s(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--squash`, and with JSON for programs; a second time there is nothing to do."""
    git(project.root, "config", "user.name", "Maintainer")
    git(project.root, "config", "user.email", "maintainer@example.invalid")
    project.commit(COUNTED)
    first = recorded(project, "one", "alpha beta\n", "alpha b\n")
    monkeypatch.chdir(project.root)

    assert main(["apply", "one", "--squash", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["tag"], told["how"], told["files"]) == ("one", "squash", ["words.txt"])
    assert told["before"] == first
    log = git(project.root, "log", "--format=%an %s", f"{first}..HEAD")
    assert log == "Maintainer Improve words.txt (autoexp/one)\n"
    assert main(["apply", "one"]) == 0
    assert "has everything of autoexp/one already" in capsys.readouterr().out


def test_apply_refuses_in_one_sentence(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, and the file that is in the way is as it was."""
    project.commit(COUNTED)
    recorded(project, "one", "alpha beta\n")
    project.write({"words.txt": "alpha mine\n"})
    monkeypatch.chdir(project.root)

    assert main(["apply"]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pytest-autoloop: words.txt in your checkout has changes")
    assert (project.root / "words.txt").read_text(encoding="utf-8") == "alpha mine\n"


def test_apply_takes_the_smaller_set_that_was_proposed(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--minimal`; without a proposal it says what makes one."""
    project.commit(COUNTED)
    first = recorded(project, "one", "alpha beta\n", "alpha b\n")
    monkeypatch.chdir(project.root)
    assert main(["apply", "--minimal"]) == 2
    assert "--autoloop-tag one --autoloop-ablate looks for one" in capsys.readouterr().err

    repository = Repository.open(project.root)
    smaller = repository.commit_file(first, "words.txt", b"alpha b gamma\n", "idea 2")
    repository.set_ref("refs/heads/autoexp/one-minimal", smaller)
    assert main(["apply", "--minimal"]) == 0
    assert "fast-forward of autoexp/one-minimal" in capsys.readouterr().out
    assert (project.root / "words.txt").read_bytes() == b"alpha b gamma\n"

    # Once all of it is merged, a merge of less would change nothing.
    git(project.root, "reset", "--hard", "-q", "autoexp/one")
    assert main(["apply", "--minimal"]) == 2
    advice = "git restore --source autoexp/one-minimal :/words.txt"
    assert advice in capsys.readouterr().err
    git(project.root, *advice.split()[1:])
    assert (project.root / "words.txt").read_bytes() == b"alpha b gamma\n"


def test_best_is_the_last_keep_of_all_targets(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The baseline of a target that came later is no better than what was kept before it."""
    project.commit(COUNTED)
    recorded(project, "one", "alpha beta\n")
    journal = Journal(project.root, "one")
    journal.write_header({"targets": ["words.txt", "conftest.py::letters"]})
    best = git(project.root, "rev-parse", "autoexp/one").strip()
    journal.append(replace(experiment(2, best), status="baseline"))
    monkeypatch.chdir(project.root)

    assert main(["best"]) == 0

    told = capsys.readouterr().out
    assert "experiment 001: idea 1" in told
    assert "-- :/words.txt :/conftest.py" in told


def test_without_a_campaign_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit 2."""
    monkeypatch.chdir(tmp_path)
    assert main(["history"]) == 2
    assert "start one with pytest --autoloop N" in capsys.readouterr().err


def test_a_corrupt_journal_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and the line are in the message, and nothing is written."""
    directory = project.root / ".pytest_autoloop" / "one"
    directory.mkdir(parents=True)
    (directory / "experiments.jsonl").write_text('{"broken": \n{}\n', encoding="utf-8")
    monkeypatch.chdir(project.root)

    assert main(["history"]) == 2
    error = capsys.readouterr().err
    assert "experiments.jsonl" in error
    assert "line 1" in error


def test_a_baseline_of_a_new_harness_begins_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was kept before was judged otherwise, and is on the branch no more."""
    project.commit(COUNTED)
    recorded(project, "one", "alpha beta\n")
    journal = Journal(project.root, "one")
    project.commit({"new.txt": "part of the harness\n"})
    head = git(project.root, "rev-parse", "HEAD").strip()
    journal.append(replace(experiment(2, head), status="baseline"))
    monkeypatch.chdir(project.root)

    assert main(["best"]) == 0
    assert capsys.readouterr().out == "campaign one: nothing was kept\n"
    assert main(["apply"]) == 2
    assert "nothing was kept on autoexp/one" in capsys.readouterr().err


def test_export_writes_a_protocol_that_names_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any agent can follow it with the one command it names; a file is never overwritten."""
    monkeypatch.chdir(tmp_path)
    assert main(["export"]) == 0
    program = tmp_path / "program.md"
    assert "the `target` fixture in conftest.py" in program.read_text(encoding="utf-8")

    journal = Journal.create(tmp_path, "nov20")
    journal.write_header({"target": "src/parser.py"})
    journal.path.touch()
    assert main(["export"]) == 2
    assert f"{program} exists and is not overwritten" in capsys.readouterr().err
    assert main(["export", "--force"]) == 0
    text = program.read_text(encoding="utf-8")
    assert "Edit `src/parser.py`, and no other file." in text
    assert 'pytest --autoloop-try "what you changed' in text
    capsys.readouterr()
    assert main(["export", "--output", "-"]) == 0
    assert capsys.readouterr().out == text
    assert main(["export", "--output", "missing/a.md"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["export", "--output", "-", "--json"]) == 2
    assert "both want standard output" in capsys.readouterr().err
    assert main(["export", "nov20"]) == 2
    assert "leave out nov20, or add --archive" in capsys.readouterr().err
    assert main(["export", "--output", "b.md", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "b.md")}


def test_export_writes_a_campaign_to_one_file(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named after it; a file that exists is replaced only when told."""
    project.commit(COUNTED)
    recorded(project, "one", "alpha beta\n")
    monkeypatch.chdir(project.root)
    assert main(["export", "--archive"]) == 0
    assert "one.autoloop.tar.gz" in capsys.readouterr().out
    assert main(["export", "--archive", "one"]) == 2
    assert "exists and is not overwritten" in capsys.readouterr().err
    assert main(["export", "--archive", "one", "--force", "--json"]) == 0
    file = project.root / "one.autoloop.tar.gz"
    assert json.loads(capsys.readouterr().out) == {"tag": "one", "file": str(file)}
