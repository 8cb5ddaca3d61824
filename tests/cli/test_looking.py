"""The commands that look at a campaign: history, best, show, diff and compare."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.audits import record_audit
from pytest_autoloop.cli import main, parser
from pytest_autoloop.cli.commands import choose
from pytest_autoloop.cli.history import lines_of
from pytest_autoloop.cli.style import Style, padded, width
from pytest_autoloop.model import Effect
from tests.cli.campaigns import Made

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

    Run = Callable[..., str]
    Document = Callable[..., Any]

HOSTILE = "\x1b[31mred\u202e <script>alert(1)</script>"


def test_history_has_a_line_for_each_in_columns(made: Made, run: Run) -> None:
    """Number, commit, status, score, effect and description; a value that is unknown is empty."""
    lines = run("history").splitlines()

    assert [line[:3] for line in lines] == ["000", "001", "002", "003", "004"]
    assert lines[1].split()[2:] == ["keep", "16", "letters", "-9.1%", "drop", "gamma"]
    assert "discard (guard)" in lines[2]
    assert lines[1].index("drop gamma") == lines[2].index("drop alpha")
    assert [line[:3] for line in run("history", "--status", "keep").splitlines()] == ["001", "003"]
    assert [line[:3] for line in run("history", "--last", "2").splitlines()] == ["003", "004"]
    assert run("history", "--status", "crash") == (
        "campaign nov20 has no experiment with the status crash\n"
    )


def test_a_narrow_terminal_is_for_what_was_tried(made: Made) -> None:
    """Below a hundred columns there is no room for the commit."""
    record = choose(made.project.root, "nov20")
    wide, narrow = (
        lines_of(record, list(record.experiments), Style(colored=False, columns=columns))
        for columns in (160, 60)
    )
    assert made.first[:10] in wide[0]
    assert made.first[:7] not in narrow[0]
    assert max(map(width, narrow)) <= 60
    assert "shorten beta" in narrow[3]


def test_a_campaign_below_is_found_where_no_other_is_meant(
    made: Made, run: Run, refused: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that was started above its project says `apply TAG`, which has to work there."""
    root, above = made.project.root, made.project.root.parent
    told = run("history")
    monkeypatch.chdir(above)
    assert run("history", "nov20") == run("history") == told
    assert "no campaign 'nope' in, above or below" in refused("history", "nope")

    other = above / "other" / ".pytest_autoloop" / "nov20"
    shutil.copytree(root / ".pytest_autoloop" / "nov20", other)
    said = refused("history")
    assert f"several below: change to one of the directories other, {root.name}" in said
    other.rename(other.with_name("nov19"))
    assert run("history", "nov20") == told
    monkeypatch.chdir(above / "other")
    assert "no campaign 'nov20' in" in refused("history", "nov20")


def test_colours_are_for_terminals(made: Made, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--color` decides; else NO_COLOR has none and FORCE_COLOR has them anywhere."""
    assert "\x1b[" not in run("history")
    assert "\x1b[32mkeep" in run("history", "--color", "yes")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32mkeep" in run("history")
    assert "\x1b[32m+alpha beta" in run("diff", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("history")
    assert "\x1b[" in run("history", "--color", "yes")
    assert "\x1b[" not in run("show", "1", "--color", "no")


def test_a_line_ends_where_the_terminal_does() -> None:
    """Counted in columns, of which a wide character takes two; something is always left."""
    style = Style(colored=False, columns=30)
    assert style.fitted("short", 10) == "short"
    assert style.fitted("a" * 40, 5) == "a" * 24 + "…"
    assert width(style.fitted("漢" * 40, 5)) <= 25
    assert len(style.fitted("a" * 40, 29)) == 20
    assert padded("漢", 4) == "漢  "


def test_best_tells_the_gain_over_the_baseline(made: Made, run: Run, document: Document) -> None:
    """What the keeps claimed together, and what an audit of this very best found, if any."""
    told = run("best")
    assert "campaign nov20, experiment 003: shorten beta, 1.1× [1.09×, 1.11×]" in told
    assert "letters 17 letters → 14 letters · gain over the baseline: claimed 1.21×" in told
    assert "not audited" in told
    assert document("best")["gains"]["words.txt"]["audited"] is None

    record_audit(made.journal, "words.txt", made.tip, Effect(0.18, 0.17, 0.19))
    assert "audited gain over the baseline 1.2× [1.19×, 1.21×], claimed 1.21×" in run("best")
    found = document("best")
    assert found["gains"]["words.txt"]["audited"]["low"] == pytest.approx(1.185, abs=1e-3)
    assert (found["number"], found["tag"], found["kept"]) == (3, "nov20", True)
    made.keep("alpha\n")
    assert "not audited" in run("best")


def test_show_tells_why_one_was_refused(made: Made, run: Run, document: Document) -> None:
    """The guard that failed and what it said, then the diff."""
    told = run("show", "2")
    assert "nov20/002  discard (guard)  drop alpha" in told
    assert "guard failed: test_words.py::test_it\n  the output\n  assert 1 == 2" in told
    assert "\n-alpha beta\n+beta\n" in told
    refused = run("show", "4")
    assert "none: it was refused before" in refused
    assert "no block fits" in refused
    assert "shorten beta" in run("show", "best")
    found = document("show", "002")
    assert (found["guard"]["test"], found["target"]) == ("test_words.py::test_it", "")
    assert {"diff", "stages", "pairs", "effect", "commit", "timestamp"} <= found.keys()


def test_diff_is_of_one_or_between_two(made: Made, run: Run, document: Document) -> None:
    """One against its parent, or two versions in the order in which they are named."""
    assert "\n-alpha beta gamma\n+alpha beta\n" in run("diff", "1")
    assert "\n-alpha beta gamma\n+alpha b\n" in run("diff", "first", "best")
    assert "\n-alpha b\n+alpha beta gamma\n" in run("diff", "3", "0")
    assert run("diff", "3", "best") == "campaign nov20: 003 and 003 do not differ\n"
    assert document("diff", "1")["new"] == document("show", "1")["commit"]


def test_compare_puts_campaigns_side_by_side(
    made: Made, project: Project, run: Run, document: Document
) -> None:
    """Each in a column of its own, with a note where they cannot be compared."""
    project.commit({"note.txt": "here\n"})
    Made(project, "nov21").keep("alpha\n")

    lines = run("compare", "nov20", "nov21").splitlines()

    assert lines[0].split() == ["nov20", "nov21"]
    table = {line[:11].strip(): line[11:].split() for line in lines}
    assert table["experiments"] == ["4", "1"]
    assert table["gain"] == ["1.21×", "claimed", "1.1×", "claimed"]
    assert lines[-1] == "note: they do not have the same first commit"
    found = document("compare", "nov20", "nov21")
    assert found["differ"] == ["first commit"]
    assert found["campaigns"][0]["reasons"] == {"guard": 1, "invalid-edit": 1}
    assert found["campaigns"][1]["cost_usd"] is None


def test_what_candidates_say_is_shown_as_it_is_written(made: Made, run: Run) -> None:
    """A terminal obeys nothing of it, and nothing reverses the order of what is read."""
    made.discard("alpha \x1b]0;title\x07\n", HOSTILE, detail=HOSTILE, flags=(HOSTILE,))

    printed = run("history") + run("show", "5") + run("diff", "5")

    assert not {"\x1b", "\u202e", "\x07"} & set(printed)
    assert "\\x1b[31mred\\u202e" in printed


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("history", "nov2"), "no campaign 'nov2' in "),
        (("history", "nov2"), "did you mean nov20?"),
        (("show", "7"), "campaign nov20 has no experiment 7: its numbers go from 0 to 4"),
        (("show", "-7x"), "the following arguments are required"),
        (("show", "²"), "'²' is no version of campaign nov20"),
        (("show", "1", "--tag", "x"), "no campaign 'x'"),
        (("diff", "4"), "experiment 004 of campaign nov20 never became a version (invalid-edit)"),
        (("diff", "1", "99"), "has no experiment 99"),
        (("rollback", "4"), "never became a version"),
        (("compare", "nov20", "nov19"), "no campaign 'nov19'"),
        (("history", "--last", "x"), "--last: 'x' is no whole number from 0 on; see pytest-auto"),
        (("nothing",), "invalid choice: 'nothing'"),
        (("history", "--last", "0"), "--last 0 lists nothing"),
        (("verify", "--only", "2"), "--only 2: campaign nov20 did not keep that; it kept 1, 3"),
        (("history", "--", "-x"), "'-x' follows --"),
    ],
)
def test_a_wrong_name_is_one_sentence(
    made: Made, command: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, and what to do instead."""
    try:
        code = main(list(command))
    except SystemExit as error:  # of argparse
        code = int(str(error.code))
    printed = capsys.readouterr()
    assert code == 2
    assert said in printed.err
    assert printed.err.startswith("pytest-autoloop: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_one_campaign_is_nothing_to_compare(made: Made, refused: Run) -> None:
    """It says what is missing."""
    assert "name a second campaign" in refused("compare", "nov20")


def test_a_record_without_a_baseline_is_refused(made: Made, refused: Run) -> None:
    """Nothing can be compared with what is not there."""
    lines = made.journal.path.read_bytes().splitlines(keepends=True)
    made.journal.path.write_bytes(b"".join(lines[1:]))
    for command in (("best",), ("rollback",), ("diff", "first")):
        assert "holds no baseline" in refused(*command)


def test_a_campaign_that_has_only_begun_is_not_the_newest(
    made: Made, project: Project, run: Run, refused: Run
) -> None:
    """Its baseline is being measured: what is there to look at is the one before."""
    from pytest_autoloop.history.journal import Journal

    begun = Journal.create(project.root, "nov21")
    begun.write_header({"target": "words.txt"})
    assert run("history").startswith("000")
    assert "holds no experiment yet" in refused("history", "nov21")


def test_every_command_helps_with_an_example() -> None:
    """Also those that take no campaign."""
    (actions,) = (a for a in parser()._actions if hasattr(a, "choices") and a.choices)
    commands: Any = actions.choices
    assert {"history", "best", "show", "diff", "compare", "rollback", "resume"} <= set(commands)
    assert {"finalize", "verify", "export", "clean", "apply"} <= set(commands)
    for name in set(commands) - {"init", "doctor", "plot", "report"}:
        told = commands[name].format_help()
        assert f"example:\n  pytest-autoloop {name}" in told
        assert "--json" in told
