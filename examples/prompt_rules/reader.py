"""A reader that does exactly what the prompt says: it stands in for a model, and costs nothing."""

import re


def rules(prompt):
    """Return the prompt's boxes in order, each with its words; `*` takes everything."""
    found = {}
    for line in prompt.splitlines():
        label, colon, words = line.partition(":")
        if colon and re.fullmatch(r"[a-z]+", label):
            found[label] = [word.strip().lower() for word in words.split(",") if word.strip()]
    return found


def answer(prompt, message):
    """Return the box that the prompt sends a message to, None when it names none."""
    text = message.lower()
    for label, words in rules(prompt).items():
        if any(word == "*" or re.search(rf"\b{re.escape(word)}", text) for word in words):
            return label
    return None
