"""Which rewrites there are, and in which order they are proposed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.model import Brief, HotLine, Outcome, Target
from pytest_autoloop.proposers.rules import RulesProposer
from pytest_autoloop.proposers.rules.catalogue import RULES
from tests.proposers import test_rules_expressions as expressions
from tests.proposers import test_rules_statements as whole_statements
from tests.proposers.test_rules_support import executed

if TYPE_CHECKING:
    from pytest_autoloop.model import Proposal, Status

SOURCE = b"""\
def total(xs):
    result = 0
    for x in xs:
        result += x
    return result


def distance(x, y):
    return (x ** 2 + y ** 2) ** 0.5


def longest(words):
    return sorted(words, key=lambda word: len(word))
"""
#: Have test files of their own.
TESTED_ALONE = {
    "cache",
    "cache-recursive",
    "comprehension",
    "hoist",
    "join",
    "set-literal",
    "set-variable",
}


def brief(
    source: bytes = SOURCE,
    profile: tuple[HotLine, ...] = (),
    path: str = "src/a.py",
    remark: str = "",
    history: tuple[Outcome, ...] = (),
) -> Brief:
    """Ask for a proposal on a source."""
    target = Target(path, "faster")
    number = len(history) + 1
    return Brief(
        number, target, source, readings=(), profile=profile, remark=remark, history=history
    )


def proposed(*profile: HotLine) -> list[str]:
    """List what is proposed for the sample, in order, without what ruff says."""
    proposer = RulesProposer(with_ruff=False)
    found = iter(lambda: proposer.propose(brief(profile=profile)), None)
    return [proposal.description for proposal in found if proposal is not None]


def test_rules_are_ordered_by_the_gain_to_expect():
    """Names are unique, and what promises more comes first."""
    assert len(RULES) >= 60
    assert len({rule.name for rule in RULES}) == len(RULES)
    shares = [rule.expected for rule in RULES]
    assert shares == sorted(shares, reverse=True)
    assert all(0 < share < 1 for share in shares)


def test_every_rule_is_tested_both_ways():
    """Each rule has an example of what it makes, and of what it leaves alone."""
    applied = {case[0] for case in expressions.CASES}
    applied |= {str(case.values[0]) for case in whole_statements.CASES}
    refused = {case[0] for case in [*expressions.LEFT_ALONE, *whole_statements.LEFT_ALONE]}
    names = {rule.name for rule in RULES} - TESTED_ALONE
    assert applied == names
    assert refused == names - {"slots"}


def test_without_a_profile_the_order_is_that_of_the_rules():
    """What promises most is proposed first, wherever it is."""
    order = proposed()
    # A cache may spare everything, whatever it is the cache of.
    assert order[0] == "cache total with functools.cache"
    # Then total's loop, the key, the squares and the root, as they promise.
    uncached = [description for description in order if not description.startswith("cache")]
    assert [words.split(" instead")[0] for words in uncached] == [
        "compute result with sum in total",
        "use len",
        "use x * x",
        "use math.sqrt(x ** 2 + y ** 2)",
    ]


def test_hot_lines_come_first():
    """With a profile, what touches the lines that take the time comes before all else."""
    order = proposed(HotLine(9, 0.9), HotLine(4, 0.05))
    assert [words.split(" instead")[0] for words in order[:3]] == [
        "cache distance with functools.cache",
        "use x * x",
        "use math.sqrt(x ** 2 + y ** 2)",
    ]
    assert order.index("compute result with sum in total") == 4
    assert sorted(order) == sorted(proposed())


def test_cold_rewrites_keep_the_order_of_the_rules():
    """What no sample fell into is proposed too, as without a profile."""
    hot = "use len instead of lambda word: len(word) in longest"
    order = proposed(HotLine(13, 1.0))
    assert order.index(hot) < 2
    assert [words for words in order if "longest" not in words] == [
        words for words in proposed() if "longest" not in words
    ]


def test_new_profile_of_the_same_source_repeats_nothing():
    """When the profile arrives late, what was proposed before it is not proposed again."""
    proposer = RulesProposer(with_ruff=False)
    first = proposer.propose(brief())
    rest = list(iter(lambda: proposer.propose(brief(profile=(HotLine(9, 1.0),))), None))
    assert first is not None
    assert len(rest) == len(proposed()) - 1
    assert rest[0] is not None
    assert "distance" in rest[0].description
    assert RulesProposer.uses_profile


def test_asked_again_it_answers_with_the_next_rewrite():
    """An answer that does not count is followed by another one."""
    proposer = RulesProposer(with_ruff=False)
    first = proposer.propose(brief())
    second = proposer.propose(brief(remark="this was tried before"))
    assert first is not None
    assert second is not None
    assert first.edits != second.edits


def test_only_python_files_are_accepted():
    """A target that is no Python file is refused, with what to do."""
    proposer = RulesProposer()
    with pytest.raises(UsageError) as caught:
        proposer.check(Target("prompt.txt", ""), b"Hello.")
    assert str(caught.value) == (
        "the proposer 'rules' rewrites Python files, the target is prompt.txt: choose another "
        "proposer with --autoloop-proposer, such as openai:MODEL, claude, or replay:FOLDER for "
        "versions of your own"
    )
    proposer.check(Target("src/a.py", ""), b"")


def test_a_campaign_that_keeps_what_it_can_ends():
    """Keeping each proposal that behaves the same, the sources run out of ideas, and get better."""
    source, tries = SOURCE, 0
    proposer = RulesProposer(with_ruff=False)
    while (proposal := proposer.propose(brief(source))) is not None:
        tries += 1
        functions = executed(proposal.edits[0].content.decode())
        try:
            behaves = (
                functions["total"]([1, 2]) == 3
                and functions["distance"](3, 4) == 5
                and functions["longest"](["cc", "a"]) == ["a", "cc"]
            )
        except TypeError:
            # A list cannot be the key of a cache.
            behaves = False
        if behaves:
            source = proposal.edits[0].content
    assert proposer.propose(brief(source)) is None
    assert tries < 30
    text = source.decode()
    assert "result = sum(xs)" in text
    assert "math.sqrt((x * x) + (y * y))" in text
    assert "key=len" in text


@dataclass
class Campaign:
    """Asks for one proposal after the other, and tells what became of each."""

    source: bytes = SOURCE
    history: tuple[Outcome, ...] = ()
    proposer: RulesProposer = field(default_factory=lambda: RulesProposer(with_ruff=False))

    def judged(self, status: Status, reason: str = "") -> list[str]:
        """Judge all that is proposed in one way; return the descriptions."""
        found = []
        while (proposal := self.next()) is not None:
            found.append(proposal.description)
            self.tell(status, reason, proposal)
        return found

    def next(self) -> Proposal | None:
        """Ask for a proposal."""
        return self.proposer.propose(brief(self.source, history=self.history))

    def tell(self, status: Status, reason: str, proposal: Proposal) -> None:
        """Add an experiment to the history."""
        # A campaign writes descriptions as one line, of 200 characters at most.
        description = " ".join(proposal.description.split())[:200]
        outcome = Outcome(len(self.history) + 1, status, reason, description)
        self.history += (outcome,)


#: What a keep may have done to the sample: to the last function alone.
CHANGED = SOURCE.replace(b"def longest(words):", b"def longest(words, /):")
REFUSALS: list[tuple[Status, str]] = [
    ("discard", "guard"),
    ("discard", "screen"),
    ("discard", "differential"),
    ("crash", "collection"),
    ("timeout", "guard"),
]


@pytest.mark.parametrize(("status", "reason"), REFUSALS)
@pytest.mark.parametrize("resumed", [False, True])
def test_what_was_refused_is_not_tried_again(status: Status, reason: str, resumed: bool) -> None:
    """Unless its function has changed since; a resumed campaign takes the present one for it."""
    campaign = Campaign()
    first = campaign.judged(status, reason)
    assert len(first) > 5
    if resumed:
        campaign.proposer = RulesProposer(with_ruff=False)
        assert campaign.next() is None
    campaign.source = b"import os\n\n\n" + CHANGED
    assert campaign.judged(status, reason) == [words for words in first if "longest" in words]
    campaign.source = b"import sys\n\n\n" + CHANGED
    assert campaign.judged(status, reason) == []


def test_what_gained_nothing_is_tried_once_more() -> None:
    """After a keep, behind all that is new, and after the next one no more."""
    campaign = Campaign()
    first = campaign.judged("discard", "no-gain")
    more = b"\n\ndef mean(xs):\n    return sum([x ** 2 for x in xs]) / len(xs)\n"
    campaign.source = SOURCE + more
    second = campaign.judged("discard", "no-gain")
    new = [words for words in second if words not in first]
    assert new
    assert second == [*new, *first]
    campaign.source = b"import os\n\n\n" + campaign.source
    assert campaign.judged("discard", "no-gain") == new
    campaign.source = b"import sys\n\n\n" + campaign.source
    assert campaign.judged("discard", "no-gain") == []


def test_the_number_of_proposals_is_bounded() -> None:
    """Keeps elsewhere in the file bring back nothing that a guard refused."""
    campaign = Campaign()
    ideas = len(campaign.judged("discard", "guard"))
    for keep in range(5):
        campaign.source = b"import os\n" * (keep + 1) + SOURCE
        campaign.judged("discard", "guard")
    assert len(campaign.history) == ideas


def test_same_words_at_two_places_are_two_ideas() -> None:
    """One that was refused says nothing of the other."""
    square = b"def square(x):\n    return x ** 2\n\n\n"
    campaign = Campaign(square + square.replace(b"return", b"y =") + SOURCE)
    first = campaign.judged("discard", "guard")
    twice = {words for words in first if first.count(words) == 2}
    assert any("square" in words for words in twice)


def test_what_has_changed_comes_before_what_gained_nothing() -> None:
    """A place that is another one now is worth more than one that is as it was."""
    campaign = Campaign()
    first = campaign.judged("discard", "no-gain")
    campaign.source = CHANGED
    assert campaign.judged("discard", "no-gain") == sorted(
        first, key=lambda words: "longest" not in words
    )
