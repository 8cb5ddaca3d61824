"""Names that computing needs not: of attributes, and with two underscores on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import policy
from pytest_autoloop.evaluation.static.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator


def attribute_fact(name: str, line: int) -> Iterator[Fact]:
    """Judge the name of an attribute, however it is written."""
    special = name.startswith("__") and name.endswith("__")
    if (special and name not in policy.READABLE) or name in policy.INTROSPECTION:
        what = f"uses the attribute {name}, which {policy.INSIDE}"
        yield Fact(("attribute", name), line, what)
    elif name in policy.EFFECTS:
        what = f"uses the attribute {name}, which acts on files or processes"
        yield Fact(("attribute", name), line, what)


def special_name(name: str, line: int, *, bound: bool) -> Iterator[Fact]:
    """Judge a name with two underscores on both sides."""
    if not (name.startswith("__") and name.endswith("__") and len(name) > len("____")):
        return
    known = policy.DEFINABLE if bound else policy.DEFINABLE | policy.READABLE_NAMES
    if name not in known:
        what = f"defines {name}" if bound else f"uses {name}"
        yield Fact(("name", name), line, f"{what}, which {policy.INSIDE}")
