"""What `parse` promises, and how long it takes on what users have."""

import random

import pytest
from records import parse


def export(records, seed=7):
    """Return a text as a shop exports it: some fields quoted, some with delimiters in them."""
    chance = random.Random(seed)
    lines = ["number,name,street,city,note"]
    for number in range(records):
        name = chance.choice(["Abel", "Berg", "Cole", "Dahl"]) + str(chance.randrange(1000))
        street = f"{chance.choice(['Mill', 'High', 'Park'])} Street {chance.randrange(200)}"
        city = chance.choice(
            ["Oslo", "Turin", "Lima", "Perth", '"Paris, Texas"', '"Newton ""Abbot"""']
        )
        note = chance.choice(["", "", "call first", "leave it at the door", '"two\nlines"'])
        lines.append(f"{number},{name},{street},{city},{note}")
    return "\n".join(lines) + "\n"


def test_the_header_names_the_fields():
    assert parse("a,b\n1,2\n3,4\n") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_a_quoted_field_has_anything_in_it():
    assert parse('a,b\n"x, y","1\n2"\n') == [{"a": "x, y", "b": "1\n2"}]
    assert parse('a\n"say ""hi"""\n') == [{"a": 'say "hi"'}]
    assert parse('a,b\n"",\n') == [{"a": "", "b": ""}]


def test_a_quote_within_a_plain_field_is_a_character():
    assert parse('a\n5" pipe\n') == [{"a": '5" pipe'}]


def test_lines_end_in_either_way_and_may_be_empty():
    assert parse("a,b\r\n1,2\r\n\r\n3,4") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert parse("") == parse("\n\n") == []


def test_another_delimiter():
    assert parse("a;b\n1,5;2\n", ";") == [{"a": "1,5", "b": "2"}]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", None])
def test_a_delimiter_is_one_character(delimiter):
    with pytest.raises(ValueError, match="one character"):
        parse("a", delimiter)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b\n1,2\n3\n", "record 2: 1 fields, the header has 2"),
        ('a\n1\n"2\n', "record 2: a quote is not closed"),
        ('a\n"1"2\n', "record 1: '2' follows a closing quote"),
    ],
)
def test_what_is_wrong_is_told_with_the_record(text, problem):
    with pytest.raises(ValueError, match=problem):
        parse(text)


def test_each_call_gives_records_of_its_own():
    first = parse("a\n1\n")
    first[0]["a"] = "changed"
    assert parse("a\n1\n") == [{"a": "1"}]


def test_speed(benchmark):
    assert len(benchmark(parse, export(60))) == 60
