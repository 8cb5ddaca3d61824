"""What must stay true of the stylesheet, however small it gets."""

import pytest
from meaning import meaning


@pytest.fixture(scope="module")
def meanings(target, before):
    """Return what the stylesheet means, and what it meant."""
    return meaning(target.read_bytes()), meaning(before)


def told(declarations):
    """Return declarations as they would stand in a file."""
    return sorted(
        " ".join((*one.context, one.selector, "{", f"{one.name}: {one.value}", "}"))
        for one in declarations
    )


def test_no_declaration_is_lost_or_changed(meanings):
    after, before = meanings
    assert told(before.declared - after.declared) == []


def test_no_declaration_is_added(meanings):
    after, before = meanings
    assert told(after.declared - before.declared) == []


def test_what_overrules_still_does(meanings):
    """Declarations of equal weight that may meet at one element stand in the same order."""
    after, before = meanings
    turned = [pair for pair in before.order - after.order if after.declared.issuperset(pair)]
    assert [" before ".join((*told(pair[:1]), *told(pair[1:]))) for pair in turned] == []


def test_licences_and_statements_stay(meanings):
    after, before = meanings
    assert after.statements == before.statements
