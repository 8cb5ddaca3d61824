"""The proposer that tries one rule at one place after another."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.rules import cache, comprehension, hoist, join, membership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.model import Brief
    from pytest_autoloop.proposers.rules.rule import Rewrite, Rule

#: By the gain to expect: a better order of growth first, a constant factor last.
RULES: tuple[Rule, ...] = (
    cache.RECURSIVE,
    membership.VARIABLES,
    hoist.RULE,
    cache.OTHER,
    join.RULE,
    comprehension.RULE,
    membership.LITERALS,
)


class RulesProposer(ProposerBase):
    """Proposes source rewrites that often make Python faster; needs no network and no model."""

    name = "rules"

    def __init__(self) -> None:
        self._source: bytes | None = None
        self._rewrites: Iterator[Rewrite] = iter(())
        #: Hashes of every content that was proposed or was the incumbent.
        self._seen: set[bytes] = set()
        self._tried: set[str] = set()

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the most promising rewrite that was not proposed yet, None when all were."""
        if not brief.target.path.endswith(".py"):
            return None
        self._tried.update(outcome.description for outcome in brief.history)
        if brief.source != self._source:
            self._source = brief.source
            self._seen.add(_digest(brief.source))
            self._rewrites = self._untried_first(brief.source)
        for rewrite in self._rewrites:
            self._tried.add(rewrite.description)
            content = _content(rewrite)
            if content is not None and (digest := _digest(content)) not in self._seen:
                self._seen.add(digest)
                edit = Edit(path=brief.target.path, content=content)
                return Proposal(rewrite.description, edits=(edit,), proposer=self.name)
        return None

    def _untried_first(self, source: bytes) -> Iterator[Rewrite]:
        """Yield what was proposed for an earlier source only after what never was."""
        again: list[Rewrite] = []
        for rewrite in rewrites(source):
            if rewrite.description in self._tried:
                again.append(rewrite)
            else:
                yield rewrite
        yield from again


def rewrites(source: bytes) -> Iterator[Rewrite]:
    """Yield the rewrites of a source for each rule and place, most promising first."""
    if module := _parsed(source):
        for rule in RULES:
            yield from _found(rule, module)


def _parsed(source: bytes) -> cst.Module | None:
    """Parse the source, None if it is no Python or would not come out as it went in."""
    # Python refuses what is nested too deep; libcst's parser would end the whole process.
    if not _is_python(source):
        return None
    try:
        module = cst.parse_module(source)
        is_kept = module.bytes == source
    except (cst.ParserSyntaxError, SyntaxError, RecursionError):
        return None
    return module if is_kept else None


def _found(rule: Rule, module: cst.Module) -> Iterator[Rewrite]:
    try:
        yield from rule.find(module)
    except RecursionError:
        # A very long expression is nested too deep to be walked: this rule has nothing to say.
        return


def _content(rewrite: Rewrite) -> bytes | None:
    """Carry out a rewrite, None if what comes out is not Python."""
    try:
        content = rewrite.build().bytes
    except (cst.CSTValidationError, RecursionError):
        return None
    return content if _is_python(content) else None


def _is_python(content: bytes) -> bool:
    with warnings.catch_warnings():
        # The target's own doubtful escapes are not news.
        warnings.simplefilter("ignore")
        try:
            compile(content, "<target>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
