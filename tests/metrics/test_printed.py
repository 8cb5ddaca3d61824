"""Numbers that commands print, or write into files."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.metrics import (
    MeasurementError,
    accuracy,
    json_from_output,
    regex_from_output,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="written for POSIX")

DOCUMENT = {"results": [{"mean": 1.5}, {"mean": -2}], "a.b": {"[c]": 3}, "name": "x", "on": True}


def printing(text: str) -> list[str]:
    """Return a command that prints a text."""
    return ["printf", "%s", text]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("93.5", "%", 93.5),
        ("93.5%\n\n  \n", "%", 93.5),
        ("epoch 1\n 100 % \n", "%", 100),
        ("0.25\n", "", 0.25),
        ("-1e3", "points", -1000),
    ],
)
def test_the_last_line_is_the_accuracy(text: str, unit: str, value: float) -> None:
    """Lines before it and empty ones after it do not matter."""
    measurement = accuracy(printing(text), unit=unit)
    assert measurement() == value
    assert (measurement.direction, measurement.unit) == ("higher", unit)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("", "%", "printed nothing in its last line: let it print the number alone"),
        ("93.5\ndone", "%", "printed 'done' in its last line"),
        ("accuracy: 93.5", "%", "printed 'accuracy: 93.5' in its last line"),
        ("93.5%", "", "printed '93.5%' in its last line"),
        ("101", "%", "printed 101, which is not between 0 and 100%"),
        ("nan", "%", "printed nan, which is not between"),
        ("93.5", "", "printed 93.5, which is not between 0 and 1; name another unit"),
        ("inf", "points", "is not a finite number"),
    ],
)
def test_another_last_line_is_no_accuracy(text: str, unit: str, message: str) -> None:
    """A number is not guessed from words, nor a share from a percentage."""
    with pytest.raises(MeasurementError, match=message):
        accuracy(printing(text), unit=unit)()


@pytest.mark.parametrize(
    ("pattern", "which", "value"),
    [
        (r"\d+", "last", 4),
        (r"\d+", "first", 7),
        (r"\d+", "min", 2),
        (r"\d+", "max", 7),
        (r"\d+", "median", 3.5),
        (r"\d+", "mean", 4),
        (r"\d+", "sum", 16),
        (r"^b (\d)$", "last", 2),
        (r"(\w) (?P<value>\d)", "last", 4),
    ],
)
def test_a_pattern_finds_a_number(pattern: str, which: Any, value: float) -> None:
    """The named group, the first group or all of it; of each line, if the pattern says so."""
    command = printing("a 7\nb 2\nc 3\nd 4")
    measurement = regex_from_output(command, pattern, direction="higher", unit="h", which=which)
    assert measurement() == value
    assert (measurement.direction, measurement.unit) == ("higher", "h")


def test_a_pattern_that_finds_no_number_is_an_error() -> None:
    """Nothing found, or something else; the error shows where it looked."""
    with pytest.raises(MeasurementError, match=r"'x\+' matches nothing in the output of `printf"):
        regex_from_output(printing("a 7"), "x+", direction="lower")()
    with pytest.raises(MeasurementError, match="'a' is not a finite number"):
        regex_from_output(printing("a 7"), r"\w", which="first", direction="lower")()
    with pytest.raises(MeasurementError, match="None is not a finite number"):
        regex_from_output(printing("a 7"), r"a( 8)?", direction="lower")()


def test_either_stream_is_read() -> None:
    """Many tools print their figures to standard error."""
    command = "echo 1; echo 2 >&2"
    found = [
        regex_from_output(command, r"\d", direction="lower", stream=stream, shell=True)()
        for stream in ("stdout", "stderr")
    ]
    assert found == [1, 2]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("results[0].mean", 1.5),
        ("results[-1].mean", -2),
        ('["a.b"]["[c]"]', 3),
        ("""['results'][0]["mean"]""", 1.5),
    ],
)
def test_a_path_leads_to_a_number(path: str, value: float) -> None:
    """Names and places in lists, in the whole output or in its last line."""
    text = json.dumps(DOCUMENT)
    whole = json_from_output(printing(json.dumps(DOCUMENT, indent=1)), path, direction="lower")
    last = json_from_output(printing(f"working ...\n{text}\n"), path, direction="lower", unit="s")
    assert whole() == last() == value
    assert (last.direction, last.unit) == ("lower", "s")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("results[2].mean", r"there is no 'results\[2\].mean' in .*: 2 is looked for in \[{"),
        ("results.mean", "'mean' is looked for in"),
        ("name[0]", "'name\\[0\\]' in .* is the text 'x', not a number"),
        ("name", "is the text 'x', not a number"),
        ("on", "True is not a finite number"),
        ("results", "is not a finite number"),
        ("gone", "'gone' is looked for in {"),
    ],
)
def test_a_path_that_leads_to_no_number_is_an_error(path: str, message: str) -> None:
    """It says how far it came."""
    with pytest.raises(MeasurementError, match=message):
        json_from_output(printing(json.dumps(DOCUMENT)), path, direction="lower")()


@pytest.mark.parametrize("text", ["", "no json", '{"mean": 1', "[" * 100_000])
def test_what_is_no_json_is_an_error(text: str) -> None:
    """It says what stands there instead."""
    with pytest.raises(MeasurementError, match="is no JSON, and neither is its last line"):
        json_from_output(printing(text), "mean", direction="lower")()


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    """Python reads them from JSON; they are no score."""
    with pytest.raises(MeasurementError, match="is not a finite number"):
        json_from_output(printing(f'{{"mean": {text}}}'), "mean", direction="lower")()


def test_a_file_that_the_command_writes_is_read(tmp_path: Path) -> None:
    """By both; and again, when it is written again."""
    command = "echo '{\"mean\": 3}' > found.json"
    by_path = json_from_output(command, "mean", direction="lower", file="found.json", shell=True)
    by_pattern = regex_from_output(command, r"\d", direction="lower", file="found.json", shell=True)
    assert by_path(None, tmp_path) == by_pattern(None, tmp_path) == 3
    os.utime(tmp_path / "found.json", ns=(0, 0))
    assert by_path(None, tmp_path) == 3


def test_a_file_of_another_run_is_refused(tmp_path: Path) -> None:
    """What lies there, or was never there, says nothing about this run."""
    (tmp_path / "found.json").write_text('{"mean": 3}', encoding="utf-8")
    for name in ("found.json", "gone.json"):
        measurement = json_from_output("true", "mean", direction="lower", file=name)
        with pytest.raises(MeasurementError, match=f"`true` did not write .*{name}: name the file"):
            measurement(None, tmp_path)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("ln -s /dev/zero found.json", "found.json is no file"),
        ("mkfifo found.json", "found.json is no file"),
        ("head -c 17000000 /dev/zero >found.json", "found.json is larger than 16 MiB"),
    ],
)
def test_what_a_command_puts_in_the_place_of_its_file_is_read_within_limits(
    tmp_path: Path, command: str, message: str
) -> None:
    """A device has no end, and nobody writes into a pipe."""
    measurement = json_from_output(
        command, "mean", direction="lower", file="found.json", shell=True
    )
    with pytest.raises(MeasurementError, match=message):
        measurement(None, tmp_path)


@pytest.mark.parametrize("path", ["", ".", "a..b", "a[b]", "a[0", "a.", 3])
def test_a_path_that_is_none_is_refused(path: Any) -> None:
    """Where it is written."""
    with pytest.raises(ValueError, match=r"write it as in 'results\[0\].mean'"):
        json_from_output("true", path, direction="lower")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "("}, "is no regular expression: missing"),
        ({"direction": "up"}, "direction='up': write 'lower' or 'higher'"),
        ({"which": "best"}, "which='best': write one of first, last, min"),
        ({"stream": "out"}, "stream='out': write 'stdout' or 'stderr'"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    """Where they are written."""
    given: dict[str, Any] = {"pattern": "x", "direction": "lower", **options}
    with pytest.raises(ValueError, match=message):
        regex_from_output("true", **given)
