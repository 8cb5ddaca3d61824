"""From a model's reply to the target's new bytes."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.edits import (
    InvalidEditError,
    apply_reply,
    clean_text,
    decode,
    edit_format,
    fence_for,
    marker_width,
    parse_description,
    visible_reply,
)

LONG = "".join(f"line_{number} = {number}\n" for number in range(300)).encode()


def whole(content: str, fence: str = "```") -> str:
    """Return a reply that replaces the file."""
    return f"DESCRIPTION: rewrite it\n\n{fence}python\n{content}{fence}\n"


def block(search: str, replace: str, width: int = 7) -> str:
    """Return one SEARCH/REPLACE block."""
    return f"{'<' * width} SEARCH\n{search}{'=' * width}\n{replace}{'>' * width} REPLACE\n"


def applied(reply: str, source: bytes) -> bytes:
    """Return what a reply makes of a target, in the format that goes with its size."""
    return apply_reply(reply, source, edit_format(source))


def problem_of(reply: str, source: bytes) -> str:
    """Return why the reply cannot be applied."""
    with pytest.raises(InvalidEditError) as caught:
        applied(reply, source)
    return str(caught.value)


@pytest.mark.parametrize(("lines", "expected"), [(0, "whole"), (200, "whole"), (201, "blocks")])
def test_format_follows_the_number_of_lines(lines, expected):
    """A target of up to 200 lines is replaced whole, a longer one by blocks."""
    assert edit_format(b"x\n" * lines) == expected


# Whole file


def test_whole_file_is_the_fenced_block():
    """A short target becomes what stands in the fence, byte for byte."""
    assert applied(whole("x = 2\ny = 3\n"), b"x = 1\n") == b"x = 2\ny = 3\n"


@pytest.mark.parametrize("info", ["", "python", "py title=a.py", "markdown"])
def test_several_blocks_are_refused(info):
    """Which of several blocks is the file is not guessed at, and none is dropped in silence."""
    other = f"```{info}\nx = 1\n```\n"
    for reply in (other + whole("x = 2\n"), whole("x = 2\n") + other):
        assert "the reply has 2 fenced blocks" in problem_of(reply, b"x = 1\n")
    assert "the reply has 3 fenced blocks" in problem_of(whole("x = 2\n") + other * 2, b"x = 1\n")


@pytest.mark.parametrize("info", ["bash", "sh", " Console", "text", "diff", "json", "shell {x}"])
def test_commands_and_output_beside_the_file_are_not_the_file(info):
    """A model may show how to run the file: that is neither taken for it nor held against it."""
    aside = f"Run it:\n```{info}\npytest -q\n```\n"
    for reply in (aside + whole("x = 2\n"), whole("x = 2\n") + aside * 2):
        assert applied(reply, b"x = 1\n") == b"x = 2\n"
    assert "2 fenced blocks" in problem_of(aside * 2, b"x = 1\n")


@pytest.mark.parametrize(
    ("path", "source"), [("run.sh", b"ls\n"), ("data.json", b"{}\n"), ("run", b"#!/bin/bash\n")]
)
def test_file_of_commands_or_data_stands_alone(path, source):
    """Beside a target that is shell or data itself, no other block is passed over."""
    reply = whole("x = 2\n") + "```bash\nls -l\n```\n"
    with pytest.raises(InvalidEditError, match="2 fenced blocks"):
        apply_reply(reply, source, "whole", path=path)
    assert apply_reply(whole("ls -l\n"), source, "whole", path=path) == b"ls -l\n"


@pytest.mark.parametrize("blanks", [1, 2, 3])
def test_indentation_of_the_fence_is_not_the_files(blanks):
    """What a list's indentation puts before the fence is taken off each line that has it."""
    indented = "".join(
        " " * blanks + line for line in ("```py\n", "if x:\n", "    y = 1\n", "```\n")
    )
    assert applied(f"1. Change it:\n{indented}", b"x = 1\n") == b"if x:\n    y = 1\n"
    shallow = f"{' ' * blanks}```\nif x:\n y = 1\n```\n"
    assert applied(shallow, b"x = 1\n") == b"if x:\ny = 1\n"


def test_fence_of_tildes_is_a_fence():
    """Fences of tildes are understood as well."""
    assert applied(whole("x = 2\n", "~~~~"), b"x = 1\n") == b"x = 2\n"


def test_shorter_fence_inside_a_longer_one_is_content():
    """A file that holds fences itself survives in a longer fence."""
    content = '"""Use it:\n\n```python\nf()\n```\n"""\n'
    assert applied(whole(content, "````"), b"old\n") == content.encode()


@pytest.mark.parametrize("examples", [1, 2, 3])
def test_inner_fences_that_close_the_block_early_are_refused(examples):
    """A reply whose fence is ambiguous is refused, never cut where the inner fence ends."""
    content = "text\n" + "```python\nf()\n```\n" * examples
    assert "not closed" in problem_of(whole(content), b"old\n")


def test_fence_that_the_target_holds_cannot_enclose_it():
    """When the target holds fences, a fence of that length is not taken for the file."""
    assert "````" in problem_of(whole("text\n"), b"```\ncode\n```\n")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("I would hoist the loop.", "no fenced block"),
        ("```python\nx = 2\n", "not closed"),
        ("```python\n```\n", "empty"),
        ("```python\n\n  \n```\n", "empty"),
    ],
)
def test_reply_without_a_usable_block_says_what_is_missing(reply, words):
    """The problem names what is missing, so that the model can repair it."""
    assert words in problem_of(reply, b"x = 1\n")


def test_text_that_is_no_unicode_is_refused():
    """Half of a surrogate pair cannot be written to a file and is refused with a reason."""
    assert "\\ud800" in problem_of(whole("x = '\ud800'\n"), b"x = 1\n")


def test_blocks_are_understood_for_a_short_file_too():
    """A model that prefers blocks may use them for a short target."""
    assert applied(block("x = 1\n", "x = 2\n"), b"x = 1\ny = 1\n") == b"x = 2\ny = 1\n"


# Bytes


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("style", ["whole", "blocks"])
def test_byte_order_mark_and_newlines_are_preserved(mark, newline, final, style):
    """An edit changes the text it means, never the mark, the line ends or the final newline."""

    def file(*lines: str) -> bytes:
        return bytes(mark + (newline.join(lines) + (newline if final else "")).encode())

    reply = whole("é = 1\nb = 2\n") if style == "whole" else block("b = 1\n", "b = 2\n")
    assert applied(reply, file("é = 1", "b = 1")) == file("é = 1", "b = 2")


def test_reply_with_windows_line_ends_does_not_change_a_unix_file():
    """Line ends of the reply are the server's affair, not the file's."""
    reply = whole("x = 2\n").replace("\n", "\r\n")
    assert applied(reply, b"x = 1\n") == b"x = 2\n"


def test_unchanged_lines_of_a_mixed_file_keep_their_ends():
    """In a file of mixed line ends only the edited lines change."""
    source = b"a\r\nb\nc\r\nd\n\r\nlast"
    assert applied(whole("a\nb\nC\nd\n\nnew\nlast\n"), source) == (
        b"a\r\nb\nC\r\nd\n\r\nnew\r\nlast"
    )


def test_lone_carriage_returns_are_content():
    """A carriage return that ends no line stays where it is."""
    assert applied(block("b\n", "c\n"), b"a\rx\nb\n") == b"a\rx\nc\n"


def test_no_final_newline_ends_when_the_reply_adds_a_line():
    """A final newline appears when the edit deliberately adds one."""
    assert applied(whole("x = 2\n\n"), b"x = 1") == b"x = 2\n"


def test_new_content_of_an_empty_target_ends_with_a_newline():
    """An empty target can be filled."""
    assert applied(whole("x = 1\n"), b"") == b"x = 1\n"


# SEARCH/REPLACE blocks


def test_blocks_replace_what_they_quote():
    """Every block replaces the lines it quotes, in whatever order the blocks come."""
    reply = (
        "DESCRIPTION: two changes\n```python\n"
        + block("line_200 = 200\n", "line_200 = 0\nmore = 1\n")
        + "```\nand\n"
        + block("line_1 = 1\nline_2 = 2\n", "")
    )
    expected = LONG.replace(b"line_200 = 200\n", b"line_200 = 0\nmore = 1\n")
    assert applied(reply, LONG) == expected.replace(b"line_1 = 1\nline_2 = 2\n", b"")


def test_block_that_changes_nothing_is_applied():
    """Whether an edit does anything is not judged here."""
    assert applied(block("line_5 = 5\n", "line_5 = 5\n"), LONG) == LONG


def test_missing_text_is_named_with_the_nearest():
    """A block that quotes wrongly is told its number and what the file really says."""
    reply = block("line_1 = 1\n", "") + block("line_70 = 70\nline_71 = 72\n", "")
    problem = problem_of(reply, LONG)
    assert problem.startswith("block 2: its SEARCH part is not in the file")
    assert problem.endswith("line_70 = 70\nline_71 = 71")


def test_text_unlike_anything_gets_no_quotation():
    """Where nothing in the file is alike, nothing is quoted."""
    problem = problem_of(block("@@@ §§§ ???\n", ""), LONG)
    assert "nearest" not in problem
    assert "Copy the lines" in problem


def test_ambiguous_block_is_told_where_it_occurs():
    """A block that occurs more than once is refused with the line numbers."""
    problem = problem_of(block("same\n", "other\n"), b"same\n" + LONG + b"same\n")
    assert "block 1: its SEARCH part occurs 2 times (at lines 1, 302)" in problem


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("DESCRIPTION: nothing to do", "no SEARCH/REPLACE block"),
        ("```python\nx = 1\n```\n", "no SEARCH/REPLACE block"),
        ("<<<<<<< SEARCH\nline_1 = 1\n=======\nline_1 = 2\n", "block 1 is not closed"),
        ("<<<<<<< SEARCH\nline_1 = 1\n>>>>>>> REPLACE\n", "block 1 has the line >>>>>>> REPLACE"),
        (block("line_1 = 1\n", "title\n=======\n"), "block 1 has the line ======="),
        (block("", "x = 1\n"), "block 1 has an empty SEARCH part"),
        (
            block("line_1 = 1\nline_2 = 2\n", "") + block("line_2 = 2\n", ""),
            "blocks 1 and 2 change the same lines",
        ),
    ],
)
def test_malformed_blocks_are_refused(reply, words):
    """A block that is not to the letter is refused with its number and the reason."""
    assert words in problem_of(reply, LONG)


def test_markers_grow_with_the_target():
    """A target that holds marker lines itself is edited with longer markers."""
    source = LONG + b"Title\n=======\ntext\n"
    assert marker_width(decode(source)) == 8
    expected = LONG + b"Title!\n=======\ntext\n"
    reply = block("Title\n=======\n", "Title!\n=======\n", width=8)
    assert applied(reply, source) == expected
    assert "<<<<<<<< SEARCH" in problem_of(block("Title\n", "Title!\n"), source)


def test_short_file_that_holds_markers_is_replaced_whole():
    """Marker lines that belong to a short target are content."""
    content = block("a\n", "b\n")
    assert applied(whole(content + "c\n"), content.encode()) == (content + "c\n").encode()


def test_problem_is_bounded():
    """However much goes wrong, the problem stays short enough to send back."""
    wrong = "".join(f"line_{number} = x{'y' * 500}\n" for number in range(300))
    assert len(problem_of(block(wrong, "") * 50, LONG)) < 40_000


@pytest.mark.parametrize(
    "stray",
    [
        "<<<<<< SEARCH",
        " <<<<<<< SEARCH",
        "<<<<<<<SEARCH",
        "<<<<<<<< SEARCH",
        "<<<<<<< search",
        ">>>>>>> REPLACE",
        "<<<<<<< SEARCH (second change)",
    ],
)
def test_block_that_was_meant_is_not_lost(stray):
    """A marker that is almost one refuses the reply: its block must not be left out silently."""
    second = block("line_9 = 9\n", "").partition("\n")[2]
    problem = problem_of(block("line_5 = 5\n", "") + f"{stray}\n{second}", LONG)
    assert repr(stray.strip()) in problem


NEAR_MISSES = [
    "<<<< SEARCH\nline_9 = 9\n====\nline_9 = 0\n>>>> REPLACE\n",
    "<<<<<<< ORIGINAL\nline_9 = 9\n=======\nline_9 = 0\n>>>>>>> UPDATED\n",
    "<<<<<<< HEAD\nline_9 = 9\n=======\nline_9 = 0\n>>>>>>> new\n",
    "  <<<<<<<< old\nline_9 = 9\n",
    "<<<<<<< SEA",
    "<<<<<<<",
]


@pytest.mark.parametrize("near_miss", NEAR_MISSES)
def test_block_in_other_words_is_not_lost(near_miss):
    """What begins like a marker outside of a block or file refuses the reply, before or after."""
    good = block("line_5 = 5\n", "")
    for reply in (f"{good}{near_miss}", f"{near_miss.rstrip()}\n{good}"):
        assert "looks like a damaged marker" in problem_of(reply, LONG)
    assert "looks like a damaged marker" in problem_of(whole("x = 2\n") + near_miss, b"x = 1\n")


@pytest.mark.parametrize("near_miss", NEAR_MISSES[:2])
def test_block_in_other_words_is_no_content(near_miss):
    """Blocks that are almost some are neither written as a file nor into one."""
    assert "looks like a damaged marker" in problem_of(whole(near_miss), b"x = 1\n")
    swallowed = block("line_5 = 5\n", near_miss.replace("\n=======\n", "\n=====\n"))
    assert "looks like a damaged marker" in problem_of(swallowed, LONG)


def test_what_the_target_holds_or_prose_underlines_is_no_damage():
    """A line of the target itself may be quoted, and prose may have headings."""
    prose = "Plan\n=====\n>>> f()\n<<<< here\n"
    reply = prose + block("line_5 = 5\n", "") + prose
    assert (
        applied(reply, LONG + b"<<<< here\n") == LONG.replace(b"line_5 = 5\n", b"") + b"<<<< here\n"
    )
    assert applied(whole("<<<< SEARCH\ny\n"), b"<<<< SEARCH\n") == b"<<<< SEARCH\ny\n"


@pytest.mark.parametrize(
    "fenced", ["```python\nline_9 = 0\n```\n", "```\nx\n", "~~~diff\n-x\n~~~\n"]
)
def test_code_beside_blocks_is_not_lost(fenced):
    """Code in a fence of its own may have been meant as a change: the model is asked."""
    good = block("line_5 = 5\n", "")
    assert "holds no SEARCH/REPLACE block" in problem_of(f"```python\n{good}```\n{fenced}", LONG)


def test_commands_beside_blocks_are_let_be():
    """How to run the tests is no change, and neither is an empty fence."""
    reply = block("line_5 = 5\n", "") + "```bash\npytest -q\n```\n```\n\n```\n"
    assert applied(reply, LONG) == LONG.replace(b"line_5 = 5\n", b"")


def test_format_is_what_was_asked_for():
    """A whole file is no answer to the question for blocks, and counts when it was asked for."""
    assert apply_reply(whole("x = 2\n"), LONG, "whole") == b"x = 2\n"
    with pytest.raises(InvalidEditError, match="no SEARCH/REPLACE block"):
        apply_reply(whole("x = 2\n"), b"x = 1\n", "blocks")
    assert apply_reply(block("x = 1\n", "x = 2\n"), b"x = 1\n", "blocks") == b"x = 2\n"


# Code that is left out


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code unchanged ...",
        "    # ... existing code ...",
        "# … (remaining methods as before)",
        "... # ... rest of the function",
        "// ... other functions ...",
        "/* ... same as before ... */",
        "<!-- ... rest of file ... -->",
        "# The rest of the file remains the same",
        "# Existing imports...",
        "# Rest of the code here",
    ],
)
def test_comment_that_stands_for_code_is_refused(line):
    """A model that elides code is asked for all of it, in either format."""
    source = b"x = 1\ny = 2\n"
    for reply in (whole(f"x = 2\n{line}\n"), block("y = 2\n", f"{line}\n")):
        problem = problem_of(reply, source)
        assert repr(line.strip()) in problem
        assert "complete" in problem


@pytest.mark.parametrize(
    "line",
    [
        "...",
        "# ...",
        "    ...  # to be done by subclasses",
        "# reuse existing buffers...",
        "# the implementation is unchanged since 1.0",
        "# remaining items are the same length",
        "print('# ... rest of the code unchanged ...')",
        "# previous calls are cached here",
        "# " + "." * 100_000 + "existing",
    ],
)
def test_comment_that_stands_for_itself_is_content(line):
    """In doubt a line is what it says."""
    assert applied(whole(f"x = 2\n{line}\n"), b"x = 1\n") == f"x = 2\n{line}\n".encode()


def test_comment_that_the_target_holds_is_content():
    """What stands in the file already leaves nothing out."""
    source = b"x = 1\n# ... existing code ...\n"
    reply = whole("x = 2\n    # ... existing code ...\n")
    assert applied(reply, source) == b"x = 2\n    # ... existing code ...\n"


# Descriptions and text of others


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("DESCRIPTION: hoist the regex\n```\nx\n```", "hoist the regex"),
        ("Sure!\n**Description:** use a `set`\n```\nx\n```", "use a `set`"),
        ("## description: cache it\n", "cache it"),
        ("```\nDESCRIPTION: of the code\n```\nDESCRIPTION: mine", "mine"),
        ("Hoist the regex.\n\n```\nx\n```", "Hoist the regex."),
        ("```\nDESCRIPTION: of the code\n```", ""),
        ("<<<<<<< SEARCH\nDESCRIPTION: x\n=======\n>>>>>>> REPLACE", ""),
        ("DESCRIPTION: red\x1b[31m\x07 and \u202eback\u2028 line", "red and back line"),
    ],
)
def test_description_is_one_clean_line(reply, expected):
    """The description is found outside the code and cannot play tricks on a terminal."""
    assert parse_description(reply) == expected


def test_description_is_at_most_200_characters():
    """A description that rambles is cut."""
    description = parse_description("DESCRIPTION: " + "word " * 100)
    assert len(description) <= 200
    assert description.endswith("…")


def test_clean_text_may_keep_lines():
    """Output of several lines stays readable once it is harmless."""
    text = clean_text("a\tb\r\n\x1b]0;title\x07c\x00\rd", 100, keep_lines=True)
    assert text == "a       b\nc\nd"


@pytest.mark.parametrize(
    ("text", "fence"), [("x", "```"), ("``", "```"), ("```", "````"), ("a ````` b", "``````")]
)
def test_fence_is_longer_than_any_run_of_backticks(text, fence):
    """No text can close the fence that encloses it."""
    assert fence_for(text) == fence


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("<think>```\nno\n```</think>answer", "answer"),
        ("answer <think>x</think>", "answer <think>x</think>"),
        ("<think>never closed", "<think>never closed"),
    ],
)
def test_reasoning_in_front_of_a_reply_is_not_read(reply, expected):
    """What a model thought aloud first is not taken for its answer."""
    assert visible_reply(reply) == expected
