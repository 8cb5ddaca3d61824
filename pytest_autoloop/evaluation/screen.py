"""What can be refused without running anything."""

from __future__ import annotations

import ast
import hashlib
import warnings
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static.screen import findings
from pytest_autoloop.evaluation.static.screen import news as new_in
from pytest_autoloop.harness import symbols
from pytest_autoloop.model import Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_autoloop.model import Proposal


#: Findings of the static screen that a message names.
_LISTED = 5


@lru_cache(maxsize=64)
def fingerprint(content: bytes, *, program: bool) -> str:
    """Return what two candidates share when they are the same.

    Of a `program`, whose layout and comments make no difference, Python's syntax tree counts; of
    anything else, and of what is no Python, every byte.
    """
    told = content
    if program:
        with warnings.catch_warnings(), suppress(*symbols.NO_PYTHON):
            warnings.simplefilter("ignore")
            told = ast.dump(ast.parse(content)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()


def content_of(proposal: Proposal, target: str) -> bytes | Decision:
    """Return the target's new content, or why the proposal has none that may be used."""
    if proposal.invalid:
        return Decision("discard", "invalid-edit", proposal.invalid)
    outside = sorted({edit.path for edit in proposal.edits if edit.path != target})
    if outside:
        detail = f"only {target} may change, the proposal edits {', '.join(outside)}"
        return Decision("discard", "out-of-scope", detail)
    if not proposal.edits:
        return Decision("discard", "no-op", "the proposal changes nothing")
    return proposal.edits[-1].content


def refuse(
    content: bytes,
    target: str,
    incumbent: bytes,
    tried: Callable[[str], int | None],
    *,
    program: bool = True,
    symbol: str = "",
) -> Decision | None:
    """Say why content is not worth a process: the same as before, or no Python at all.

    `tried` returns the experiment of an earlier candidate with a fingerprint; what that is of a
    `program` says `fingerprint`. With a `symbol`, nothing outside of it may change:
    that comes first, since blank lines and comments elsewhere are such a change, too.
    """
    if content == incumbent:
        return Decision("discard", "no-op", "the candidate is identical to the incumbent")
    elsewhere = symbols.refuse(content, incumbent, symbol) if symbol else None
    if elsewhere is not None:
        return elsewhere
    same = fingerprint(content, program=program)
    if same == fingerprint(incumbent, program=program):
        detail = "the candidate is the incumbent in another layout or with other comments"
        return Decision("discard", "no-op", detail)
    number = tried(same)
    if number is not None:
        return Decision("discard", "duplicate", f"duplicate of {number:03}")
    fault = _fault(content, target) if target.endswith(".py") else ""
    return Decision("discard", "syntax", f"{target} does not compile: {fault}") if fault else None


def _fault(content: bytes, target: str) -> str:
    """Say why Python cannot compile a module; empty when it can."""
    with warnings.catch_warnings():
        # A candidate's warnings are for its child session to show.
        warnings.simplefilter("ignore")
        try:
            compile(content, target, "exec", dont_inherit=True)
        except symbols.NO_PYTHON as error:
            return str(error) or type(error).__name__
    return ""


def inspect(
    content: bytes, target: str, original: bytes, allow_imports: Collection[str]
) -> Decision | None:
    """Say what a candidate does that no optimisation needs and the first commit does not do."""
    if not target.endswith(".py"):
        return None
    hard = findings(content, original, allow=allow_imports).hard
    if not hard:
        return None
    told = "; ".join(f"{target}:{finding.line} {finding.what}" for finding in hard[:_LISTED])
    more = f" … and {len(hard) - _LISTED} more" if len(hard) > _LISTED else ""
    return Decision("discard", "screen", f"{told}{more}")


def news(content: bytes, target: str, incumbent: bytes) -> tuple[str, ...]:
    """Return what is new in a candidate that its reader should know: a line each."""
    return new_in(content, incumbent) if target.endswith(".py") else ()
