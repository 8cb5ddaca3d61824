"""What must stay true of the prompt, however well it scores."""

from reader import answer, rules


def test_it_has_the_four_boxes(target):
    assert sorted(rules(target.read_text())) == ["billing", "delivery", "other", "technical"]


def test_every_message_gets_an_answer(target, labelled_messages):
    prompt = target.read_text()
    assert all(answer(prompt, message) for _, message in labelled_messages)


def test_it_stays_short(target):
    assert len(target.read_text().split()) <= 60


def test_it_does_not_quote_the_messages(target, labelled_messages):
    prompt = target.read_text().lower()
    assert not any(message.lower() in prompt for _, message in labelled_messages)
