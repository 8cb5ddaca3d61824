"""Tests that must fail, among the user's own, and one that must pass.

Whatever lets a failing test pass lets a canary pass too. Its name is made of the user's own words,
its form is drawn anew in each session, and it runs through the machinery of every other test; but
nobody hears of it, and it asks for no fixture, not even for one that all tests get.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.evaluation.compatible.finding import Finding

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

#: Bodies, with the name of the exception that must come out of each; none for what must pass.
_FORMS: tuple[tuple[str, str], ...] = (
    ("left, right = {a}, {b}\nassert left == right", "AssertionError"),
    ("values = [{a}, {b}, {c}]\nassert sorted(values) == values[:2]", "AssertionError"),
    ("found = {{'{w}': {a}}}\nassert found['{w}'] > {a} + {b}", "AssertionError"),
    ("assert {a}.5 == pytest.approx({a}.5 + {b})", "AssertionError"),
    ("assert [{a}.25, {b}.5] == pytest.approx([{a}.25, {b}.75])", "AssertionError"),
    ("raise ValueError({a})", "ValueError"),
    ("{{'{w}': {a}}}['{w}{b}']", "KeyError"),
    ("int('{w}')", "ValueError"),
    ("with pytest.raises(ValueError):\n    int('{a}')", "Failed"),
    ("with pytest.raises(KeyError):\n    {{'{w}': {b}}}['{w}']", "Failed"),
    ("pytest.fail('{w}')", "Failed"),
)
_PASSING = (
    "with pytest.raises(ValueError):\n    int('{w}')\nassert {a} + {b} == {b} + {a}",
    "assert {a}.1 + {b}.2 == pytest.approx({a} + {b} + 0.3)\nassert '{w}' in ['{w}', '{a}']",
)
_USUAL = ("values", "order", "empty", "first", "result", "twice", "keeps", "parses", "returns")


@dataclass(slots=True)
class Canary:
    """One test that is not the user's, and what became of it."""

    item: pytest.Function
    #: Name of the exception that must come out of it; empty when it must pass.
    raises: str
    #: What the call raised, how it was reported, and whether it was called at all.
    raised: str = ""
    outcome: str = ""
    called: bool = False

    def finding(self) -> Finding | None:
        """Return what is wrong with how it went."""
        if not self.outcome:
            # Its module could not be set up; the tests beside it tell.
            return None
        if not self.called:
            return Finding("canary:not-run", "a check was reported and did not run")
        if not self.raises:
            passed = self.outcome == "passed"
            what = "a check that must pass did not pass"
            return None if passed else Finding("canary:failed", what)
        if self.outcome != "failed":
            return Finding("canary:passed", "a check that must fail did not fail")
        if self.raised != self.raises:
            what = f"a check that must end with {self.raises} ended with {self.raised or 'nothing'}"
            return Finding(f"canary:{self.raises}", what)
        return None


class Drawer:
    """Draws canaries that look like the tests of a session."""

    def __init__(self, random: random.Random, items: Sequence[pytest.Item]) -> None:
        self._random = random
        names = {getattr(item, "originalname", item.name) for item in items}
        words = {word for name in names for word in re.findall(r"[a-z]{3,}", name)}
        self._words = sorted(words - {"test", "tests"}) or list(_USUAL)
        self._taken = names

    def forms(self, failing: int) -> list[tuple[str, str]]:
        """Draw so many bodies that must fail, and one that must pass, in any order."""
        drawn = self._random.sample(_FORMS, failing)
        drawn.insert(self._random.randint(0, failing), (self._random.choice(_PASSING), ""))
        return drawn

    def canary(self, beside: pytest.Item, body: str, raises: str) -> Canary:
        """Make a canary that stands beside an item."""
        parent = _parent(beside)
        name = self.name()
        draw = self._random.randint
        small = draw(2, 99)
        filled = body.format(
            a=small, b=small + draw(1, 99), c=1, w=self._random.choice(self._words) + "z"
        )
        ran: list[bool] = []
        function = _compiled(name, filled, beside, draw(1, 200), ran)
        item: pytest.Function = pytest.Function.from_parent(
            parent, name=name, callobj=function, fixtureinfo=fixtures_of((), {})
        )
        canary = Canary(item, raises)
        item.stash[_RAN] = ran
        return canary

    def name(self) -> str:
        """Draw a test's name that the session does not have."""
        while True:
            count = self._random.randint(2, 3)
            name = "_".join(["test", *(self._random.choice(self._words) for _ in range(count))])
            if name not in self._taken:
                self._taken.add(name)
                return name
            self._words = [*self._words, self._random.choice(_USUAL)]


_RAN = pytest.StashKey[list[bool]]()


def run(canary: Canary, nextitem: pytest.Item | None) -> None:
    """Run a canary as pytest runs a test, without telling anybody."""
    from _pytest.runner import runtestprotocol  # noqa: PLC0415 - what runs every other test

    for report in runtestprotocol(canary.item, log=False, nextitem=nextitem):
        if report.when == "call":
            canary.outcome = report.outcome
    canary.called = bool(canary.item.stash.get(_RAN, [True]))


def places(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the items that a canary may precede, the first of all among them.

    Between two tests of one class there is no place: the class stays set up, and is no parent of
    the canary, whose failure must not count against the steps of a class.
    """
    found = list(items[:1])
    for before, item in pairwise(items):
        kept = set(before.listchain()) & set(item.listchain())
        if kept <= set(_parent(item).listchain()):
            found.append(item)
    return found


def fits(item: pytest.Item) -> bool:
    """Tell whether a canary beside an item finds set up only what belongs to it as well."""
    setup = getattr(item.session, "_setupstate", None)
    return setup is not None and set(setup.stack) <= set(_parent(item).listchain())


def _parent(item: pytest.Item) -> pytest.Collector:
    return item.getparent(pytest.Module) or item.session


def fixtures_of(names: tuple[str, ...], definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what pytest knows of a test's fixtures, for a test that has these alone."""
    from _pytest.fixtures import FuncFixtureInfo  # noqa: PLC0415 - there is no public way

    return FuncFixtureInfo(
        argnames=names,
        initialnames=names,
        names_closure=list(names),
        name2fixturedefs=dict(definitions),
    )


def _compiled(
    name: str, body: str, beside: pytest.Item, line: int, ran: list[bool]
) -> Callable[..., object]:
    """Compile a body as pytest compiles a test module, its assertions rewritten."""
    from _pytest.assertion.rewrite import rewrite_asserts  # noqa: PLC0415 - no public way

    source = f"def {name}():\n    ran.append(True)\n" + "".join(
        f"    {text}\n" for text in body.splitlines()
    )
    # A file that is not there: pytest would parse the whole of one that is, to show the failure.
    file = str(beside.path.with_name(f"{name}.py"))
    tree = ast.increment_lineno(ast.parse(source), line)
    if beside.config.getoption("assertmode", "rewrite") == "rewrite":
        rewrite_asserts(tree, source.encode(), file, beside.config)
    space: dict[str, Any] = {"__name__": name, "pytest": pytest, "ran": ran}
    exec(compile(tree, file, "exec", dont_inherit=True), space)  # noqa: S102 - made here
    function: Callable[..., object] = space[name]
    return function
