"""Knobs in a file: where they are found, what is refused, and what writing leaves alone."""

from __future__ import annotations

import ast
import contextlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_autoloop.errors import UsageError
from pytest_autoloop.proposers.sweep import space
from pytest_autoloop.proposers.sweep.grammar import Choice, Range
from pytest_autoloop.proposers.sweep.knobs import Knob, example, find, write

PYTHON = b"""\
BLOCK = 64  # autoloop: int 1..512 log
RATE: float = -0.5  # noqa: X1  # autoloop: float -1..1  # half
# autoloop: choice sum|max
REDUCE = 'sum'
CAST = list  # autoloop: choice list|tuple|None


class Solver:
    fast = True  # autoloop: bool

    def run(
        self,
        width=0x10,  # autoloop: int 8..32 step 8
        *,
        # autoloop: choice "a"|"b"
        mode='a',
    ):
        self.depth = (
            3  # autoloop: int 1..9
        )
        return call(width, size=-2_0,  # autoloop: int -50..-10
                    other=1)


OPTIONS = {
    "alpha": 1e-3,  # autoloop: float 1e-5..1e-1 log
}
TEXT = '# autoloop: int 1..2'
"""

TABLE = [
    (
        "a.py",
        PYTHON,
        {
            "BLOCK": "64",
            "RATE": "-0.5",
            "REDUCE": "sum",
            "CAST": "list",
            "fast": "True",
            "width": "0x10",
            "mode": "'a'",
            "self.depth": "3",
            "size": "-2_0",
            "alpha": "1e-3",
        },
    ),
    (
        "a.yaml",
        (
            b"# it's here\ntrain:\n  - rate: 1e-3   # autoloop: float 1e-5..1e-1 log\n"
            b"    mode: fast  # autoloop: choice fast|slow\n    # autoloop: bool\n    warm: yes\n"
            b"    name: 'a # b'  # autoloop: choice 'a # b'|\"c\"\n"
        ),
        {"rate": "1e-3", "mode": "fast", "warm": "yes", "name": "'a # b'"},
    ),
    (
        "a.toml",
        (
            b'[tool]\nsize = 8# autoloop: int 0..64 step 8\nname = "a"  # autoloop: choice a|b\n'
            b'words = ["#x"]  # autoloop: choice ["#x"]|[]\n'
        ),
        {"size": "8", "name": "a", "words": '["#x"]'},
    ),
    (
        "a.json",
        (
            b'{\n  "size": 8, // autoloop: int 1..10\n  // autoloop: choice a|b\n  "mode": "a",\n'
            b"  rate: 0.5// autoloop: float 0..1\n}\n"
        ),
        {"size": "8", "mode": "a", "rate": "0.5"},
    ),
    (
        "a.ini",
        (
            b"[one]\nsize = 8 ; autoloop: int 1..10\n[two]\n# autoloop: int 1..10\nsize: 9\n"
            b"; autoloop: choice a b|c d\nwords here = a b\n"
        ),
        {"one.size": "8", "two.size": "9", "words here": "a b"},
    ),
    (
        "a.conf",
        (
            b"workers 8;  # autoloop: int 1..10\n# autoloop: bool\nwarm On\n"
            b"rate=0.5 # autoloop: float 0..1\nhost it's # autoloop: choice it's|that\n"
        ),
        {"workers": "8", "warm": "On", "rate": "0.5", "host": "it's"},
    ),
    ("Dockerfile.unknown", b"ENV=3  # autoloop: int 1..4\n", {"ENV": "3"}),
]


def present(source: bytes, knobs: tuple[Knob, ...]) -> dict[str, str]:
    """Return what stands in each knob."""
    return {knob.name: source[knob.start : knob.stop].decode() for knob in knobs}


def set_to(path: str, source: bytes, **texts: str) -> bytes:
    """Write texts into the knobs of these names."""
    knobs = {knob.name: knob for knob in find(path, source)}
    return write(source, [(knobs[name], text) for name, text in texts.items()])


@pytest.mark.parametrize(("path", "source", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_marked_values_are_found(path, source, expected):
    """Each comment marks the value of its assignment, in every kind of file."""
    assert present(source, find(path, source)) == expected


@pytest.mark.parametrize(("path", "source", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_present_values_change_no_byte(path, source, expected):
    """A file with its own values written into it is the same file."""
    knobs = find(path, source)
    assert write(source, [(knob, knob.text) for knob in knobs]) == source
    assert write(source, [(k, space.text_of(k.spec, k.value)) for k in knobs]) == source


def test_each_kind_has_its_spec():
    """Ranges, steps, logs, choices and switches are read as they are written."""
    specs = {knob.name: knob.spec for knob in find("a.py", PYTHON)}
    assert specs["BLOCK"] == Range("int", 1, 512, log=True)
    assert specs["width"] == Range("int", 8, 32, 8)
    assert specs["RATE"] == Range("float", -1.0, 1.0)
    assert specs["REDUCE"] == Choice(("sum", "max"))
    assert specs["fast"] == Choice(("False", "True"))


def test_only_the_value_is_replaced():
    """Everything around a value stays, also in lines with tricks."""
    changed = set_to("a.py", PYTHON, RATE="0.25", mode='"b"', size="-11", CAST="None")
    before, after = PYTHON.decode().splitlines(), changed.decode().splitlines()
    assert [line for line in after if line not in before] == [
        "RATE: float = 0.25  # noqa: X1  # autoloop: float -1..1  # half",
        "CAST = None  # autoloop: choice list|tuple|None",
        '        mode="b",',
        "        return call(width, size=-11,  # autoloop: int -50..-10",
    ]
    assert len(before) == len(after)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("path", ["a.py", "a.yaml", "a.toml", "a.ini", "a.conf"])
def test_marks_and_line_ends_stay(path, newline, mark):
    """Byte order marks, line ends and a missing last one are as they were."""
    equals = b": " if path == "a.yaml" else b" = "
    lines = ["x{}'ä € 𝄞'", "# autoloop: int 1..9", "é{}5  # ü"]
    source = mark + newline.join(lines[i].encode().replace(b"{}", equals) for i in range(3))
    (knob,) = find(path, source)
    assert knob.name == "é"
    assert write(source, [(knob, "7")]) == source.replace(b"5  #", b"7  #")


def test_other_encodings_stay():
    """A Python file in Latin-1, and bytes that are no UTF-8 elsewhere, survive."""
    python = "# coding: latin-1\nä = 'é'; b = 'é'  # autoloop: choice 'é'|'ü'\n".encode("latin-1")
    with pytest.raises(UsageError, match="may mean each of ä, b"):
        find("a.py", python)
    python = python.replace(b"; b =", b" #").replace(b" # '\xe9'", b"")
    assert set_to("a.py", python, ä="'ü'") == python.replace(b"= '\xe9'", b"= '\xfc'")
    toml = b'a = "\xff"\nb = 1 # \xfe autoloop\nc = 2 # autoloop: int 1..3\n'
    assert set_to("a.toml", toml, c="3") == toml.replace(b"c = 2", b"c = 3")


def test_choices_take_the_quotes_of_the_file():
    """Bare words replace what the quotes hold, quoted ones the whole string."""
    bare = b'mode = "fast"  # autoloop: choice fast|slow\n'
    assert set_to("a.py", bare, mode="slow") == bare.replace(b'"fast"', b'"slow"')
    quoted = b'mode = \'fast\'  # autoloop: choice "fast"|"slow"|None\n'
    assert set_to("a.py", quoted, mode="None") == quoted.replace(b"'fast'", b"None")
    raw = b"mode = r'a'  # autoloop: choice a|b\n"
    assert set_to("a.py", raw, mode="b") == raw.replace(b"r'a'", b"r'b'")


def test_knobs_of_the_same_name_are_told_apart():
    """What surrounds them qualifies their names; a number does where that is the same."""
    source = b"""\
class A:
    size = 1  # autoloop: int 1..3
class B:
    size = 2  # autoloop: int 1..3
    size = 3  # autoloop: int 1..3
    other = 1  # autoloop: int 1..3
x = f(
    size=1,  # autoloop: int 1..3
)
"""
    names = [knob.name for knob in find("a.py", source)]
    assert names == ["A.size", "B.size", "B.size#2", "other", "x.f.size"]
    nested = b"a:\n  n: 1 # autoloop: int 1..3\nb:\n  n: 1 # autoloop: int 1..3\n"
    assert [knob.name for knob in find("a.yaml", nested)] == ["a.n", "b.n"]


BAD = [
    ("a.py", "x = 1  # autoloop: integer 1..3", "unknown kind 'integer'"),
    ("a.py", "x = 1  # autoloop:", "names no kind: write int 1..64"),
    ("a.py", "x = 1  # autoloop: int", "no range A..B: write for example int"),
    ("a.py", "x = 1  # autoloop: int 1-3", "no range A..B"),
    ("a.py", "x = 1  # autoloop: int 3..1", "3 is not below 1"),
    ("a.py", "x = 1  # autoloop: int 1..1", "1 is not below 1"),
    ("a.py", "x = 1  # autoloop: int 0.5..3", "bound '0.5', which is no whole number"),
    ("a.py", "x = 1  # autoloop: float a..3", "bound 'a', which is no number"),
    ("a.py", "x = 1  # autoloop: float 1..inf", "bound 'inf', which is no number"),
    ("a.py", "x = 1  # autoloop: float 1..1e999", "bound '1e999', which is no number"),
    ("a.py", "x = 1  # autoloop: int 1..99999999999999999", "whole numbers up to"),
    ("a.py", "x = 1  # autoloop: int 0..3 log", "log with the bound 0"),
    ("a.py", "x = 1  # autoloop: int 1..9 log step 2", "both step and log"),
    ("a.py", "x = 1  # autoloop: int 1..9 step", "no value after 'step'"),
    ("a.py", "x = 1  # autoloop: int 1..9 step 0", "the step 0: write one above 0"),
    ("a.py", "x = 1  # autoloop: int 1..9 step 9", "wider than its range"),
    ("a.py", "x = 1  # autoloop: float 0..1e300 step 1e-5", "too small for its range"),
    ("a.py", "x = 1  # autoloop: float -1e308..1e308", "which is too wide"),
    ("a.py", "x = 1048577  # autoloop: int 1..1048576", "1048577 is not within 1..1048576"),
    ("a.conf", f"x {'9' * 5000}  # autoloop: int 1..3", "is no whole number"),
    ("a.py", "x = 1  # autoloop: int 1..9 by 2", "has 'by' after its range"),
    ("a.py", "x = 1  # autoloop: int 1..9 log log", "has 'log' after its range"),
    ("a.py", "x = 1  # autoloop: choice a", "at least two values"),
    ("a.py", "x = 1  # autoloop: choice 1||2", "at least two values"),
    ("a.py", "x = 1  # autoloop: choice 1|2|1", "the choice '1' twice"),
    ("a.py", "x = 1  # autoloop: bool yes", "write bool alone"),
    ("a.py", "x = 'a'  # autoloop: int 1..3", "is no whole number"),
    ("a.py", "x = 1.5  # autoloop: int 1..3", "is no whole number"),
    ("a.py", "x = y  # autoloop: float 1..3", "whose value 'y' is no number"),
    ("a.py", "x = True  # autoloop: int 0..3", "is no whole number"),
    ("a.py", "x = 9  # autoloop: int 1..3", "9 is not within 1..3: change the value or the range"),
    ("a.py", "x = 4  # autoloop: int 1..9 step 2", "on no step of 2 from 1: write 5"),
    ("a.py", "x = .25  # autoloop: float 0..1 step .1", "on no step of 0.1 from 0: write 0.2"),
    ("a.py", "x = 1  # autoloop: bool", "is neither: write False or True"),
    ("a.py", "x = 3  # autoloop: choice 1|2", "3 is none of 1 | 2"),
    ("a.py", "x = 'c'  # autoloop: choice a|b", "'c' is none of a | b"),
    ("a.py", "x = 'a'  # autoloop: choice a|it's", "write all choices in quotes"),
    ("a.py", "x = 1  # autoloop: choice 1|2 +", "the choice 2 + of the knob x cannot stand"),
    ("a.py", "f(x=1,  # autoloop: choice 1|2, 3\n)", "the choice 2, 3 of the knob x cannot"),
    ("a.py", "# autoloop: int 1..3\n\nx = 1", "belongs to no assignment: write it at the end"),
    ("a.py", "import x  # autoloop: int 1..3", "belongs to no assignment"),
    ("a.py", "# autoloop: int 1..3", "belongs to no assignment"),
    ("a.py", "f(a=1, b=2)  # autoloop: int 1..3", "may mean each of a, b"),
    ("a.py", "# autoloop: int 1..3\nx = 1  # autoloop: int 1..3", "second one for x"),
    ("a.py", "x = (  # autoloop: int 1..3", "which Python cannot read"),
    ("a.py", "# coding: nonsense\nx = 1", "which Python cannot read"),
    ("a.yaml", "x: 1k  # autoloop: int 1..3", "whose value '1k' is no whole number"),
    ("a.yaml", "x: 010  # autoloop: int 1..30", "whose value '010' is no whole number"),
    ("a.yaml", "x: maybe  # autoloop: bool", "is neither: write false or true"),
    ("a.yaml", "- 3  # autoloop: int 1..3", "belongs to no assignment"),
    ("a.toml", 'x = "1"  # autoloop: int 1..3', "is no whole number"),
    ("a.toml", "x = yes  # autoloop: bool", "is neither: write false or true"),
    ("a.json", '{"a": 1} // autoloop: int 1..3', "is no whole number"),
    ("a.ini", "[x]  ; autoloop: int 1..3", "belongs to no assignment"),
    ("a.conf", "x =  # autoloop: int 1..3", "is no whole number"),
    ("a.conf", "x a  # autoloop: choice b|c", "a is none of b | c"),
]


@pytest.mark.parametrize(("path", "text", "message"), BAD, ids=[row[1][:60] for row in BAD])
def test_malformed_comments_are_refused(path, text, message):
    """The message names the file and the line, and says what to write."""
    with pytest.raises(UsageError) as refused:
        find(path, text.encode())
    told = str(refused.value)
    assert message in told
    assert path in told
    assert "\n" not in told
    if "cannot read" not in told:
        line = 1 + text[: text.rindex("autoloop:")].count("\n")
        assert told.startswith((f"{path}:{line}: ", f"{path}:1: ", f"{path}:2: "))


def test_comments_in_strings_are_no_comments():
    """Text that looks like a knob comment marks nothing."""
    assert find("a.py", b'x = """\ny = 1  # autoloop: nonsense\n"""\n') == ()
    assert find("a.yaml", b'x: "see # autoloop: nonsense"\n') == ()
    assert find("a.yaml", b"x: see#autoloop: nonsense\n") == ()
    assert find("a.yaml", b"# about autoloop: see the manual\nx: 1\n") == ()


@pytest.mark.parametrize("path", ["a.py", "a.yaml", "a.toml", "a.json", "a.ini", "a.conf", "a.txt"])
def test_example_of_each_kind_is_valid(path):
    """What a message tells people to write can be read."""
    (knob,) = find(path, example(path).encode())
    assert (knob.name, knob.text) == ("block_size", "64")


def test_plain_constants_are_found_on_request():
    """Numbers of upper-case names in Python, and of keys elsewhere."""
    source = b"""\
SIZE = 8
OFFSET: int = -8
RATE = 0.5
LOSS = -0.5
NONE = 0
NIL = 0.0
HUGE = 10**30
BIG = 9999999999999999999
MARKED = 3  # autoloop: int 1..5
small = 3
FLAG = True
def f(K=3):
    INNER = 3
"""
    assert [knob.name for knob in find("a.py", source)] == ["MARKED"]
    specs = {knob.name: knob.spec for knob in find("a.py", source, constants=True)}
    assert specs == {
        "SIZE": Range("int", 2, 32),
        "OFFSET": Range("int", 2, 32, mirrored=True),
        "RATE": Range("float", 0.125, 2.0, log=True),
        "LOSS": Range("float", 0.125, 2.0, log=True, mirrored=True),
        "NONE": Range("int", -1, 1),
        "NIL": Range("float", -1.0, 1.0),
        "MARKED": Range("int", 1, 5),
    }
    config = b"a: 5\nb: x\nc: 1.5 # kept\nd: 007\ne: 2020-01-01\n"
    assert [knob.name for knob in find("a.yaml", config, constants=True)] == ["a", "c"]
    assert set_constants(config, a=20, c=6.0) == config.replace(b"5\nb", b"20\nb").replace(
        b"1.5", b"6.0"
    )


def set_constants(source: bytes, **values: float) -> bytes:
    """Write values into the plain constants of a YAML file."""
    knobs = {knob.name: knob for knob in find("a.yaml", source, constants=True)}
    pairs = [(knobs[n], space.text_of(knobs[n].spec, value)) for n, value in values.items()]
    return write(source, pairs)


NUMBERS = st.floats(1e-12, 1e12)
TEMPLATES = {
    "a.py": "x = {}  # autoloop: {}\ny = f(\n    k={},  # autoloop: {}\n)\n",
    "a.yaml": "x: {}  # autoloop: {}\ny:\n  - k: {} # autoloop: {}\n",
    "a.toml": "x = {}  # autoloop: {}\r\n[y]\r\nk={}# autoloop: {}\r\n",
    "a.json": '{{\n"x": {},  // autoloop: {}\n"k": {}// autoloop: {}\n}}\n',
    "a.ini": "[a]\nx = {}  ; autoloop: {}\nk: {}  # autoloop: {}",
    "a.conf": "x {};  # autoloop: {}\nk = {} # autoloop: {}\n",
}


@given(st.sampled_from(sorted(TEMPLATES)), NUMBERS, NUMBERS, st.integers(-99, 99), st.data())
def test_what_is_written_is_read_back(path, one, other, whole, data):
    """Any value of a space survives a round trip, and the way back restores the file."""
    low, high = sorted((one, other))
    if low == high:
        high = 2 * low
    drawn = data.draw(st.floats(low, high))
    log = " log" if data.draw(st.booleans()) else ""
    source = TEMPLATES[path].format(low, f"float {low}..{high}{log}", whole, "int -99..99").encode()
    knobs = {knob.name: knob for knob in find(path, source)}
    texts = {"x": space.text_of(knobs["x"].spec, drawn), "k": str(data.draw(st.integers(-99, 99)))}
    content = write(source, [(knobs[name], text) for name, text in texts.items()])
    again = {knob.name: knob for knob in find(path, content)}
    assert {name: knob.text for name, knob in again.items()} == texts
    if texts["x"] != knobs["x"].text:
        assert float(texts["x"]) == again["x"].value
    restored = write(content, [(again[name], knobs[name].text) for name in texts])
    assert {knob.name: knob.text for knob in find(path, restored)} == {
        name: knob.text for name, knob in knobs.items()
    }
    assert len(restored.splitlines()) == len(source.splitlines())


@given(st.floats(1e-300, 1e300), st.booleans())
def test_numbers_are_numbers_in_every_language(value, negative):
    """What is written is a float to Python, JSON and YAML 1.1."""
    spec = Range("float", value / 2, value, log=True, mirrored=negative)
    text = space.text_of(spec, value)
    assert ast.literal_eval(text) == json.loads(text) == yaml.safe_load(text)
    assert isinstance(yaml.safe_load(text), float)


PIECES = ["x", " = ", ": ", "1", ".5", "'", '"', "\\", "#", ";", "//", " autoloop: ", "int 1..2"]
PIECES += ["choice a|b", "bool", "true", "\n", "\r\n", "  ", "[", "{", ",", "é", "-", "\x00"]


@given(
    st.sampled_from([*sorted(TEMPLATES), "a.txt"]),
    st.lists(st.sampled_from(PIECES)),
    st.binary(max_size=8),
)
def test_any_file_is_read_or_refused(path, pieces, tail):
    """Whatever stands in a file is found, refused with a message, or left alone."""
    source = "".join(pieces).encode() + tail
    with contextlib.suppress(UsageError):
        knobs = find(path, source, constants=True)
        assert write(source, [(k, space.text_of(k.spec, k.value)) for k in knobs]) == source


# Comments in other forms ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", b"X = 8  # AUTOLOOP: int 1..64\n"),
        ("a.py", b"# Autoloop : int 1..64\nX = 8\n"),
        ("a.toml", b"X = 8 # AutoLoop: int 1..64\n"),
        ("a.json", b'{\n  "X": 8, /* autoloop: int 1..64 */\n  "b": 3\n}\n'),
        ("a.json5", b"{\n  X: 8 /* AUTOLOOP: int 1..64 */, // first\n}\n"),
        ("a.json5", b'{ "X": 8 /* autoloop: int 1..64 */ }\n'),
        ("a.jsonc", b'{\n  /* autoloop: int 1..64 */\n  "X": 8\n}\n'),
    ],
)
def test_a_knob_comment_may_be_loud_or_a_block(path: str, source: bytes) -> None:
    """In any case, and between the two ends of a comment where the language has those."""
    (knob,) = find(path, source)
    assert (knob.name, knob.value) == ("X", 8)
    assert write(source, [(knob, "9")]) == source.replace(b"8", b"9")


@pytest.mark.parametrize(
    ("path", "source", "says"),
    [
        ("a.py", b"X = 8  # size, autoloop: int 1..64\n", "'# size, autoloop: int 1..64' is not"),
        ("a.cpp", b"const int X = 8; // autoloop: int 1..64\n", "is not understood: begin it"),
        ("a.py", b"X = 8  # size; see autoloop: 1..64\n", "is not understood"),
        ("a.cfg", b"[a]\nX = 8  // autoloop: integer\n", "is not understood"),
        ("a.yaml", b"X: 8#autoloop: int 1..64\n", "is on X, whose value"),
        ("a.toml", b"X = 8\n// Autoloop: int 1..64\n", r"a\.toml:2: .* as in block_size = 64  #"),
        ("a.json", b"{\n/*\n * autoloop: int 1..64\n */\n}", "a.json:3: .* is not understood"),
        ("a.json", b'{\n/* autoloop: int 1..64 */ "X": 8\n}', "belongs to no assignment"),
        ("a.json", b"{\n/** autoloop: int 1..64 */\n}", "is not understood"),
        ("a.json", b'{ "X": 8 /* autoloop: int 1..64\n */ }', ""),
        ("a.html", b"<!-- autoloop: bool -->\n", "is not understood"),
        ("a.conf", b"x 8; ; autoloop: int 1..64\n", "is not understood"),
    ],
)
def test_no_knob_comment_is_ignored(path: str, source: bytes, says: str) -> None:
    """One in a form that is not understood is told, with one that is."""
    if not says:
        assert len(find(path, source)) == 1
        return
    with pytest.raises(UsageError, match=says):
        find(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", b'X = "# autoloop: int 1..64"  # for pytest-autoloop: see http://autoloop:80\n'),
        ("a.json", b'{ "X": "/* autoloop: bool */" }\n'),
        ("a.txt", b"Say what autoloop: means.\n"),
    ],
)
def test_what_is_no_knob_comment_is_left_alone(path: str, source: bytes) -> None:
    """Strings, prose and other names."""
    assert find(path, source) == ()
