"""Dividing what was kept into parts that have nothing to do with each other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_autoloop.ablation import Kept
from pytest_autoloop.hunks import independent, joined, patched

if TYPE_CHECKING:
    from pytest_autoloop.hunks import Group

#: Twenty lines, a letter each.
BASE = [f"{letter}\n" for letter in "abcdefghijklmnopqrst"]


def kept(*versions: list[str]) -> list[Kept]:
    """Return keeps that lead from the first of some versions to the last."""
    contents = ["".join(lines).encode() for lines in versions]
    pairs = itertools.pairwise(contents)
    return [
        Kept(number, "", f"idea {number}", "", before, after)
        for number, (before, after) in enumerate(pairs, 1)
    ]


def edited(lines: list[str], **changes: str) -> list[str]:
    """Return lines of which some were replaced: an empty text removes one."""
    found = [changes.get(line.strip(), line) for line in lines]
    return [line for line in found if line]


def divided(*versions: list[str], path: str = "a.txt") -> list[Group]:
    """Divide keeps, and see that all parts together are the last version."""
    changes = kept(*versions)
    groups = independent(changes, path)
    base = changes[0].before
    assert patched(base, joined(groups)) == changes[-1].after
    return groups


def test_changes_far_from_each_other_are_independent() -> None:
    """Each part applies to the first version without the other."""
    one = edited(BASE, c="C\n")
    two = edited(one, r="R\n", s="")
    first, second = divided(BASE, one, two)
    assert (first.numbers, second.numbers) == ((1,), (2,))
    base = "".join(BASE).encode()
    assert patched(base, first) == "".join(one).encode()
    assert patched(base, second) == "".join(edited(BASE, r="R\n", s="")).encode()


def test_what_one_experiment_changed_belongs_together() -> None:
    """Also when the places are far from each other."""
    (group,) = divided(BASE, edited(BASE, c="C\n", r="R\n"))
    assert group.numbers == (1,)
    assert len(group.hunks) == 2


def test_what_builds_on_another_belongs_to_it() -> None:
    """The second rewrote in one place what the first had written in two."""
    one = edited(BASE, c="C\n", r="R\n")
    two = edited(one, C="CC\n", k="K\n")
    three = edited(two, g="")
    groups = divided(BASE, one, two, three)
    assert sorted(group.numbers for group in groups) == [(1, 2), (3,)]
    # Of a line that it added, nothing is left but what rewrote it.
    added = [*BASE[:3], "new\n", *edited(BASE[3:], r="R\n")]
    (group,) = divided(BASE, added, edited(added, new="newer\n"))
    assert group.numbers == (1, 2)


def test_what_git_could_not_merge_apart_stays_together() -> None:
    """With two lines between them; with three they part."""
    near, far = edited(BASE, c="C\n"), edited(BASE, c="C\n")
    assert len(divided(BASE, near, edited(near, f="F\n"))) == 1
    assert len(divided(BASE, far, edited(far, g="G\n"))) == 2


def test_what_was_taken_back_is_no_change() -> None:
    """A line that is written again as it was is in no part."""
    one = edited(BASE, c="C\n", m="M\n")
    (group,) = divided(BASE, one, edited(one, C="c\n"))
    assert [hunk.lines for hunk in group.hunks] == [(b"M\n",)]
    assert divided(BASE, one, BASE) == []
    assert independent([], "a.txt") == []


def test_whoever_uses_a_new_name_needs_who_made_it() -> None:
    """Of a Python module or class; a local name says nothing."""
    base = [*(f"x{n} = {n}\n" for n in range(8)), "def f(a):\n", "    return a\n"]
    one = ["import math\n", *base]
    two = edited(one, **{"return a": "    return math.sqrt(a)\n"})
    (group,) = divided(base, one, two, path="a.py")
    assert group.numbers == (1, 2)
    assert len(divided(base, one, two, path="a.txt")) == 2
    local = edited(base, **{"x0 = 0": "x0 = [i for i in ()]\n"})
    also = edited(local, **{"return a": "    return [i for i in a]\n"})
    assert len(divided(base, local, also, path="a.py")) == 2
    assert len(divided(base, edited(base, **{"x0 = 0": "x0 = (\n"}), path="a.py")) == 1


@pytest.mark.parametrize("ending", ["", "\r\n", "\r"])
def test_every_byte_is_kept(ending: str) -> None:
    """Line ends of any kind, and a last line without one."""
    base = f"a{ending}b\nc"
    (group,) = divided([base], [f"a{ending}b\nd"])
    assert patched(base.encode(), group) == f"a{ending}b\nd".encode()


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=12), min_size=2, max_size=5))
def test_all_parts_together_are_the_last_version(versions: list[list[str]]) -> None:
    """Whatever was written; and no line of the first version is in two parts."""
    groups = divided(*([f"{line}\n" for line in lines] for lines in versions))
    replaced = [n for group in groups for h in group.hunks for n in range(h.start, h.end)]
    assert len(replaced) == len(set(replaced))
