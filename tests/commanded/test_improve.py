"""Files that other loops are configured by, as people write them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.commanded import improve
from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.commanded.improve import ImproveFile

WHOLE = r"""
    # autoimprove: make-it-faster

    ## Change
    scope: src/handler.go
    exclude: eval/

    ## Check
    test: go test ./...                    # must pass: hard gate
    test-files: test/                      # immutable during loop
    run: go test -bench=. -benchmem        # produces the score
    score: ns/op:\s+([\d.]+)               # how to extract the number
    goal: lower                            # or higher
    guard: allocs/op: ([\d.]+) < 500       # must not regress
    keep_if_equal: true
    timeout: 3m

    ## Stop
    budget: 4h       # wall-clock time
    rounds: 100      # max experiments
    target: 500
    stale: 15

    ## Instructions

    Reduce allocations. Don't change the public API.

    ### Check
    is a word like any other down here: yes
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with a few files."""
    for name in ("src/handler.go", "src/lexer.go", "src/eval/score.go", "train.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n", encoding="utf-8")
    return tmp_path


def found_in(root: Path, text: str, name: str = improve.IMPROVE) -> ImproveFile:
    """Read a file that is one of this form."""
    (root / name).write_text(textwrap.dedent(text), encoding="utf-8")
    found = improve.find(root, None)
    assert found is not None
    return found


def values(found: ImproveFile) -> dict[str, list[str]]:
    """Return what was read, by ini key without what they all begin with."""
    return {
        key.removeprefix("autoloop_"): [one.text for one in written]
        for key, written in found.values.items()
    }


def test_a_whole_file_is_read(root: Path) -> None:
    """Every field has an option that does the same; comments and other headings are text."""
    found = found_in(root, WHOLE)
    assert values(found) == {
        "target": ["src/handler.go"],
        "guard_command": ["go test ./..."],
        "command": ["go test -bench=. -benchmem"],
        "score": [r"ns/op:\s+([\d.]+)", r"allocs/op: ([\d.]+) < 500"],
        "direction": ["lower"],
        "simplify": ["true"],
        "timeout": ["3m"],
        "max_time": ["4h"],
        "until": ["score<=500"],
        "patience": ["15"],
        "program": ["improve.md"],
    }
    assert found.rounds is not None
    assert found.rounds.text == "100"
    assert found.unknown == []
    assert found.instructions.startswith("Reduce allocations")
    assert "is a word like any other down here" in found.instructions
    assert found.values["autoloop_command"][0].place == "improve.md:11 (run)"
    assert "guard command go test ./..." in found.told()[0]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("run: python train.py\nscore: SCORE: {value}", [r"SCORE:\ ([-+.\deE]+)"]),
        ("run: bench\nscore: .results.mean_time", ["json:results.mean_time"]),
        ("run: bench\nscore: jq '.results[0].mean'", ["json:results[0].mean"]),
        ('run: bench\nscore: "SCORE: ([\\\\d.]+)"', [r"SCORE: ([\d.]+)"]),
        ("run: bench\nmetric: `time: (\\d+)`", [r"time: (\d+)"]),
    ],
)
def test_a_score_is_written_in_three_ways(root: Path, check: str, expected: list[str]) -> None:
    """As a regular expression, with a place for the value, or as jq's path."""
    assert values(found_in(root, f"## Check\n{check}\n"))["score"] == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("run: make && ./bench", ["sh -c 'make && ./bench'"]),
        ("run: echo SCORE: $(wc -c a)", ["sh -c 'echo SCORE: $(wc -c a)'"]),
        ("run: make bench", ["make bench"]),
        ("run:\n```bash\nmake\n# comment\n./bench\n```", ["sh -e -c 'make\n# comment\n./bench'"]),
        ("- **Run:** `make bench`", ["make bench"]),
        ("goal: lower\n\n```sh\nmake bench\n```", ["make bench"]),
        ("```\nrun: make bench\ngoal: lower\n```", ["make bench"]),
    ],
)
def test_a_command_was_written_for_a_shell(root: Path, check: str, expected: list[str]) -> None:
    """It gets one where it needs one; code fences hold commands, or fields."""
    assert values(found_in(root, f"## Check\n{check}\n"))["command"] == expected


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("budget: 90 minutes", {"max_time": ["90m"]}),
        ("budget: $5", {"max_cost": ["5"]}),
        ("cost: 2.50", {"max_cost": ["2.50"]}),
        ("- stop after: 2 hours", {"max_time": ["2h"]}),
        ("- 3 consecutive failures", {"patience": ["3"]}),
        ("stop after: 3 failures in a row", {"patience": ["3"]}),
        ("target: 0.95", {"until": ["score<=0.95"]}),
        ("target: accuracy >= 0.95", {"until": ["accuracy >= 0.95"]}),
        ("crashes: 4", {"max_crashes": ["4"]}),
    ],
)
def test_limits_are_read_by_what_they_say(
    root: Path, stop: str, expected: dict[str, list[str]]
) -> None:
    """A name says little where the value has a unit."""
    read = values(found_in(root, f"## Check\nrun: bench\n## Stop\n{stop}\n"))
    assert {key: value for key, value in read.items() if key != "command"} == expected


@pytest.mark.parametrize(
    "stop", ["rounds: 7", "stop after: 7", "max iterations: 7", "7 rounds", "* After 7 experiments"]
)
def test_rounds_have_many_names(root: Path, stop: str) -> None:
    """With the number alone, or what is counted behind it."""
    found = found_in(root, f"# Check\nrun: bench\n# Stop\n{stop}\n")
    assert found.rounds is not None
    assert (found.rounds.text, found.unknown) == ("7", [])


def test_a_target_is_reached_from_its_side(root: Path) -> None:
    """Upwards where higher is better, by the name that the pattern gives."""
    text = "## Check\nrun: b\nscore: (?P<f1>[\\d.]+)\ngoal: higher\n## Stop\ntarget: 0.9\n"
    assert values(found_in(root, text))["until"] == ["f1>=0.9"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("files: src/handler.go, src/lexer.go", ["src/handler.go", "src/lexer.go"]),
        ("scope: src/**/*.go\nexclude: src/eval/", ["src/handler.go", "src/lexer.go"]),
        ("files:\n- train.py\n- `src/lexer.go`", ["train.py", "src/lexer.go"]),
        ("- train.py", ["train.py"]),
        ("- `train.py` — the model\n- src/lexer.go: tokens", ["train.py", "src/lexer.go"]),
        ("file: train.py::fit", ["train.py::fit"]),
    ],
)
def test_what_may_change_is_files(root: Path, change: str, expected: list[str]) -> None:
    """One or several, in a list, or by a glob."""
    assert values(found_in(root, f"## Change\n{change}\n## Check\nrun: b\n"))["target"] == expected


def test_headings_are_read_at_any_level_and_in_any_case(root: Path) -> None:
    """What stands behind the word explains it."""
    text = "# CHANGE: what may\nfile: train.py\n### Check - how\nrun: b\n## Stop (when)\nstale: 2\n"
    assert values(found_in(root, text)) == {
        "target": ["train.py"],
        "command": ["b"],
        "patience": ["2"],
    }


def test_what_is_not_understood_is_told(root: Path) -> None:
    """With file, line and what is known; a section for agents is none of ours."""
    text = """\
        ## Change
        file: train.py
        ## Check
        run: bench
        colour: red
        tiemout: 3m
        Be careful with this one.
        ## Agent
        model: sonnet
        ## Instructions
        """
    found = found_in(root, text)
    assert len(found.unknown) == 4
    assert found.unknown[0].startswith(
        "improve.md:5: 'colour' is no field of Check; its fields are run, test"
    )
    assert found.unknown[1].endswith("'tiemout' is no field of Check; did you mean timeout?")
    assert "improve.md:7: 'Be careful with this one.' is not read" in found.unknown[2]
    assert "improve.md:8: the section Agent is not read" in found.unknown[3]
    assert [line.partition(":")[2] for line in found.told()[1:]] == [
        f" not read: {line}" for line in found.unknown
    ]
    assert "autoloop_program" not in found.values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## Change\nscope: the template engine\n", "improve.md:2 (scope): 'the template engine'"),
        ("## Change\nfile: src\n", "improve.md:2 (file): 'src' is a directory"),
        ("## Check\nrun: b\ngoal: 5\n", "improve.md:3 (goal): '5' is no direction"),
        ("## Check\nrun: b\n## Stop\nrounds: many\n", "improve.md:4 (rounds): 'many' is no number"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(root: Path, text: str, said: str) -> None:
    """Before anything runs."""
    with pytest.raises(UsageError) as raised:
        found_in(root, text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "# Orders\n\nBe brief.\n",
        "## Instructions\nBe brief.\n## Stop\nWhen it is done: enough.\n",
        "## Check\n\nLook at each diff.\n",
        "```\n## Check\nrun: bench\n```\n",
    ],
)
def test_standing_orders_stay_what_they_are(root: Path, text: str) -> None:
    """A heading alone is no configuration; neither is an example of one."""
    (root / "program.md").write_text(text, encoding="utf-8")
    assert improve.find(root, None) is None
    assert improve.orders(text) == text


def test_a_proposer_is_told_the_instructions_alone(root: Path) -> None:
    """The rest is for the loop."""
    assert improve.orders(textwrap.dedent(WHOLE)) == found_in(root, WHOLE).instructions


def test_the_file_that_is_named_wins(root: Path) -> None:
    """Then improve.md, then a program.md of the same form."""
    found_in(root, "## Check\nrun: one\n", name="program.md")
    found_in(root, "## Check\nrun: two\n")
    (root / "other.md").write_text("## Check\nrun: three\n", encoding="utf-8")
    (root / "plain.md").write_text("Be brief.\n", encoding="utf-8")

    def command(chosen: str | None) -> list[str]:
        found = improve.find(root, chosen)
        return [] if found is None else values(found)["command"]

    assert command(None) == ["two"]
    assert command("program.md") == ["one"]
    assert command("other.md") == ["three"]
    assert command("plain.md") == []


def test_only_the_text_may_differ() -> None:
    """Two versions that configure the same are told from two that do not."""
    before = "## Check\nrun: one\n## Instructions\nTry this.\n"
    assert improve.same_configuration(before, before.replace("this", "that"))
    assert not improve.same_configuration(before, before.replace("one", "two"))


def test_a_byte_order_mark_is_no_text(root: Path) -> None:
    """Editors of another system begin files with it."""
    assert values(found_in(root, "\ufeff## Check\nrun: bench\n"))["command"] == ["bench"]


def test_a_file_that_is_no_text_is_refused(root: Path) -> None:
    """With what to do."""
    (root / "improve.md").write_bytes(b"## Check\nrun: \xff\n")
    with pytest.raises(UsageError, match="save it as that"):
        improve.find(root, None)
