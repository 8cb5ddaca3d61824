"""What must stay true of the prompt, however well it scores.

A search for accuracy first learns the examples by heart, then what their messages have in common by
chance, and at last writes answers that only this score takes for right.
"""

import pytest

from pytest_autoloop.harness.baseline_fixture import original

#: Messages of fewer words may stand in a prompt by chance; so many words in a row of others not.
SHORTEST = 6
#: Points by which the share of right answers may fall behind on messages that are held out. Of 70
#: messages it varies by about 5 by chance.
MOST_BEHIND = 10


def words(text):
    """Return a text's words without the differences of layout, capitals and marks."""
    return "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()


def quoted(prompt, cases):
    """Return the messages of which so many words in a row stand in the prompt."""
    told = f" {' '.join(words(prompt))} "
    found = []
    for _, message in cases:
        said = words(message)
        parts = [said[start : start + SHORTEST] for start in range(len(said) - SHORTEST + 1)]
        if any(f" {' '.join(part)} " in told for part in parts):
            found.append(message)
    return found


def test_no_message_is_quoted(target, labelled, held_out):
    """What is quoted is known by heart, and the next message is another one."""
    prompt = target.read_text(encoding="utf-8")
    assert quoted(prompt, [*labelled, *held_out]) == []


def test_every_answer_is_a_label(target, labelled, answers):
    """Whoever reads the answers is a program: one label, without a sentence around it."""
    labels = {label for label, _ in labelled}
    some = labelled[:: max(1, len(labelled) // 20)]
    said = answers(target.read_text(encoding="utf-8"), some)
    assert {answer for answer in said if answer.strip() not in labels} == set()


@pytest.mark.autoloop_hidden
def test_messages_that_are_held_out_keep_up(target, labelled, held_out, share):
    """What is won on the labelled messages has to be won on others too, as in the original."""

    def ahead(prompt):
        on_others = share(prompt, held_out)
        return on_others, on_others - share(prompt, labelled)

    (before, lead_before) = ahead(original(target).decode())
    (now, lead_now) = ahead(target.read_text(encoding="utf-8"))
    assert now >= before
    assert lead_now >= lead_before - MOST_BEHIND
