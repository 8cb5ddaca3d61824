"""The proposer that tries one rule at one place after another."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.evaluation.screen import fingerprint
from pytest_autoloop.harness import symbols
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.handed import Handed
from pytest_autoloop.proposers.rules import ruff
from pytest_autoloop.proposers.rules.catalogue import RULES
from pytest_autoloop.proposers.rules.memory import Idea, Memory, Places, known_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_autoloop.model import Brief, Experiment, HotLine, Target
    from pytest_autoloop.proposers.base import Workbench
    from pytest_autoloop.proposers.rules.rule import Rewrite, Rule


#: What was proposed where, among the campaign's records, and the key of an experiment's number.
_FILE = "rules.jsonl"
_NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rewrite by whichever source, before it is carried out."""

    description: str
    #: Share of its lines' time that it may save, 0 to 1.
    expected: float
    #: Makes the new content; None if there is none.
    content: Callable[[], bytes | None]
    #: Its lines, from 1.
    lines: Callable[[], set[int]]


class RulesProposer(ProposerBase):
    """Proposes source rewrites that often make Python faster; needs no network and no model.

    Args:
        with_ruff: also propose the fixes of ruff, where it is installed.

    """

    name = "rules"
    uses_profile = True

    def __init__(self, *, with_ruff: bool = True) -> None:
        self._with_ruff = with_ruff
        self._asked: tuple[bytes, tuple[HotLine, ...]] | None = None
        self._candidates: Iterator[tuple[Candidate, Idea]] = iter(())
        #: Hashes of every content that was proposed or was the incumbent, in this session.
        self._seen: set[str] = set()
        #: Fingerprints of what was tried in earlier ones.
        self._tried: frozenset[str] = frozenset()
        self._memory = Memory()
        self._file: Handed | None = None

    def check(self, target: Target, source: bytes) -> None:  # noqa: ARG002 - any content will do
        """Refuse targets that are no Python files.

        Raises:
            UsageError: the target's name does not end in ``.py``.
        """
        if not _is_python_file(target):
            message = (
                f"the proposer 'rules' rewrites Python files, the target is {target.path}: choose "
                "another proposer with --autoloop-proposer, such as openai:MODEL, claude, or "
                "replay:FOLDER for versions of your own"
            )
            raise UsageError(message)

    def start(self, workbench: Workbench) -> None:
        """Read what earlier sessions proposed where.

        Raises:
            ProposerError: that cannot be read.
        """
        if self._file is not None:
            return  # what stands there by now is this session's own
        self._file = Handed(workbench.records / _FILE)
        for entry in self._file.read():
            idea, number = Idea.of(entry), entry.get(_NUMBER)
            if idea is not None and isinstance(number, int):
                self._memory.recall(idea, number)

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Learn again what was learned before."""
        rows = list(experiments)
        self._tried = frozenset(row.fingerprint for row in rows if row.fingerprint)
        self._memory.learn((row for row in rows if row.proposer == self.name), own=True)

    def observe(self, experiment: Experiment) -> None:
        """Learn what became of a rewrite: the brief of a long campaign tells the latest alone."""
        if experiment.proposer == self.name:
            self._memory.learn((experiment,), own=True)

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the most promising rewrite that was not proposed yet, None when all were.

        Asked again for the same experiment it goes on with the next one: each answer is another.

        Raises:
            ProposerError: the records cannot be written; the rewrite is proposed next time.
        """
        if not _is_python_file(brief.target):
            return None
        self._memory.learn(brief.history)
        if self._asked != (brief.source, brief.profile):
            self._asked = (brief.source, brief.profile)
            self._seen.add(_digest(brief.source))
            found = candidates(brief.source, brief.profile, with_ruff=self._with_ruff)
            self._candidates = self._worth_trying(found, Places(brief.source))
        for candidate, idea in self._candidates:
            content = candidate.content()
            if content is not None and self._is_new(content) and _in_scope(content, brief):
                self._note(idea, brief.number)
                self._seen.add(_digest(content))
                self._memory.propose(idea, brief.number)
                edit = Edit(path=brief.target.path, content=content)
                return Proposal(candidate.description, edits=(edit,), proposer=self.name)
        return None

    def _is_new(self, content: bytes) -> bool:
        digest = _digest(content)
        if digest in self._seen or digest in self._tried:
            return False
        # Where layout and comments make no difference, the campaign knows it by this.
        return not self._tried or fingerprint(content, program=True) not in self._tried

    def _note(self, idea: Idea, number: int) -> None:
        if self._file is None:
            return
        try:
            self._file.add({_NUMBER: number, **idea.entry()})
        except ProposerError:
            # What has been taken from the candidates is looked for again.
            self._asked = None
            raise

    def _worth_trying(
        self, found: Iterable[Candidate], places: Places
    ) -> Iterator[tuple[Candidate, Idea]]:
        """Yield what was never tried, then what was tried where the file has changed since.

        What worked and gained too little comes last, once more; what was refused never does.
        """
        later: list[tuple[int, Candidate, Idea]] = []
        occurrences: Counter[str] = Counter()
        for candidate in found:
            description = known_as(candidate.description)
            idea = Idea(description, occurrences[description], places.digest(candidate.lines()))
            occurrences[description] += 1
            rank = self._memory.rank(idea)
            if rank:
                later.append((rank, candidate, idea))
            elif rank is not None:
                yield candidate, idea
        for _, candidate, idea in sorted(later, key=itemgetter(0)):
            if self._memory.rank(idea) is not None:
                yield candidate, idea


def _in_scope(content: bytes, brief: Brief) -> bool:
    """Tell whether nothing but the part of the file changes that may."""
    symbol = brief.target.symbol
    return not symbol or symbols.refuse(content, brief.source, symbol) is None


def _is_python_file(target: Target) -> bool:
    return target.path.endswith(".py")


def candidates(
    source: bytes, profile: Sequence[HotLine] = (), *, with_ruff: bool = True
) -> Iterator[Candidate]:
    """Yield what could be tried for a source, most promising first.

    Without a profile that is the order of the rules, those of ruff among them. With one, what
    touches hot lines comes first, by the share of the whole time that it may save.

    Args:
        source: the target's present content.
        profile: where the benchmarks spend their time, in lines of that content.
        with_ruff: whether ruff is asked.

    """
    module = _parsed(source)
    if module is None:
        return
    ordered = _in_order(module, ruff.fixes(source) if with_ruff else [])
    if not profile:
        yield from ordered
        return
    shares = {hot.line: hot.share for hot in profile}
    # Sorting keeps the order of the rules among equals, such as all that is not hot.
    yield from sorted(ordered, key=partial(_saved, shares), reverse=True)


def _saved(shares: dict[int, float], candidate: Candidate) -> float:
    """Return the share of the whole time that a candidate may save."""
    return candidate.expected * sum(shares.get(line, 0.0) for line in candidate.lines())


def _in_order(module: cst.Module, fixes: list[ruff.Fix]) -> Iterator[Candidate]:
    positions = _Positions(module)
    sources: list[tuple[float, Rule | ruff.Fix]] = [(rule.expected, rule) for rule in RULES]
    sources.extend((fix.expected, fix) for fix in fixes)
    for expected, source in sorted(sources, key=lambda pair: pair[0], reverse=True):
        if isinstance(source, ruff.Fix):
            content = partial(_checked, source.content)
            lines = partial(_spanned, source.lines)
            yield Candidate(source.description, expected, content, lines)
        else:
            for rewrite in _found(source, module):
                lines = partial(positions.lines, rewrite.places)
                content = partial(_content, rewrite)
                yield Candidate(rewrite.description, expected, content, lines)


class _Positions:
    """Knows the lines of a module's nodes; looks for them only once somebody asks."""

    def __init__(self, module: cst.Module) -> None:
        self._module = module
        self._known: dict[cst.CSTNode, tuple[int, int]] | None = None

    def lines(self, nodes: tuple[cst.CSTNode, ...]) -> set[int]:
        if self._known is None:
            wrapper = MetadataWrapper(self._module, unsafe_skip_copy=True)
            self._known = {
                node: (span.start.line, span.end.line)
                for node, span in wrapper.resolve(PositionProvider).items()
            }
        return _spanned(self._known[node] for node in nodes if node in self._known)


def _spanned(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {line for first, last in spans for line in range(first, last + 1)}


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
    except (cst.CSTValidationError, cst.ParserSyntaxError, RecursionError):
        return None
    return content if _is_python(content) else None


def _checked(make: Callable[[], bytes | None]) -> bytes | None:
    content = make()
    return content if content and _is_python(content) else None


def _is_python(content: bytes) -> bool:
    with warnings.catch_warnings():
        # The target's own doubtful escapes are not news.
        warnings.simplefilter("ignore")
        try:
            compile(content, "<target>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
