"""What can be refused without running anything."""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING

from pytest_autoloop.model import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.model import Proposal


def fingerprint(content: bytes) -> str:
    """Return what two candidates share when they are the same file."""
    return hashlib.sha256(content).hexdigest()


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
    content: bytes, target: str, incumbent: bytes, tried: Mapping[str, int]
) -> Decision | None:
    """Say why content is not worth a process: the same as before, or no Python at all.

    `tried` maps the fingerprint of every earlier candidate to the number of its experiment.
    """
    if content == incumbent:
        return Decision("discard", "no-op", "the candidate is identical to the incumbent")
    number = tried.get(fingerprint(content))
    if number is not None:
        return Decision("discard", "duplicate", f"the same file as experiment {number:03}")
    if target.endswith(".py"):
        try:
            ast.parse(content)
        except (SyntaxError, ValueError) as error:
            return Decision("discard", "syntax", f"{target} does not parse: {error}")
    return None
