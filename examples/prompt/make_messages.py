"""Writes `labelled.tsv` and `held_out.tsv`: messages to a shop, each with the label of its desk.

All of it is made up, with a fixed seed: `python make_messages.py` writes the same files again.

A message about two things belongs to the first of them in ORDER. Some wordings occur among the
messages that are held out alone. And as it happens where examples are collected within a few weeks,
there are products in `labelled.tsv` that only one desk heard of: that is chance, and in
`held_out.tsv` any product goes with any label.
"""

import random
from pathlib import Path

HERE = Path(__file__).parent
SEED = 7
LABELLED, HELD_OUT = 36, 12
ORDER = ("returns", "billing", "technical", "delivery", "account", "other")

PRODUCTS = ("lamp", "kettle", "speaker", "router", "scale", "radio", "heater", "camera")
#: What each desk heard of most in the weeks of `labelled.tsv`.
FASHION = dict(zip(ORDER, ("scale", "lamp", "router", "kettle", "camera", "radio"), strict=True))

#: Ways to say it, by label; the last two of each are said in `held_out.tsv` only.
SAID = {
    "returns": (
        "I want to send the {product} back",
        "how do I return the {product}",
        "please exchange the {product} for the larger one",
        "I would like a refund for the {product}",
        "the {product} is the wrong size and I want to swap it",
        "where do I find the label to return the {product}",
        "I sent the {product} back and still wait for the refund",
        "can I exchange the {product} without its box",
    ),
    "billing": (
        "I was charged twice for the {product}",
        "the invoice for the {product} shows the wrong amount",
        "my card was charged although I cancelled the {product}",
        "I need an invoice with our tax number for the {product}",
        "the voucher was not taken off the price of the {product}",
        "my payment for the {product} is still pending",
        "the bank says that the payment for the {product} failed",
        "there is a second charge for the {product} on my card",
    ),
    "technical": (
        "the {product} does not switch on",
        "the {product} shows an error after the update",
        "the app crashes when I connect the {product}",
        "the {product} loses its connection every hour",
        "the screen of the {product} stays black",
        "the update of the {product} never ends",
        "the {product} crashes as soon as I switch the light on",
        "the app shows a black screen for the {product}",
    ),
    "delivery": (
        "the {product} has not arrived",
        "the parcel with the {product} is a week late",
        "the tracking of the {product} has not moved for days",
        "the courier left the {product} with a neighbour",
        "please send the parcel with the {product} to my new street",
        "when will the {product} be shipped",
        "the tracking says that the {product} arrived and I have no parcel",
        "the courier came a day late and took the {product} away",
    ),
    "account": (
        "I cannot log in",
        "my password is refused",
        "please change the email address of my profile",
        "the login code never comes",
        "I want to delete my profile",
        "somebody else uses my login",
        "the login page refuses my new password",
        "how do I change the name in my profile",
    ),
    "other": (
        "are you open on public holidays",
        "do you have a shop in the old town",
        "are you hiring for the summer",
        "thank the whole team from me",
        "is the {product} made in Europe",
        "do you sell gift cards",
        "does the shop in the old town have parking",
        "thank you for the kind call",
    ),
}
OPENINGS = ("hello", "hi there", "good morning", "dear team", "excuse me", "")
ENDINGS = (
    "my order is {number}",
    "please answer soon",
    "I have asked before",
    "order {number}",
    "",
    "",
)


def message(label, draw, *, seen):
    """Return one message under a label."""
    ways = SAID[label][:-2] if seen else SAID[label]
    likely = seen and draw.random() < 0.6
    product = FASHION[label] if likely else draw.choice(PRODUCTS)
    parts = [draw.choice(OPENINGS), draw.choice(ways)]
    later = ORDER[ORDER.index(label) + 1 : -1]
    if later and label != "other" and draw.random() < 0.4:
        second = SAID[draw.choice(later)]
        parts.append(f"and {draw.choice(second[:-2] if seen else second)}")
        if draw.random() < 0.5:
            # What is said first is not always what it is about.
            parts[1], parts[2] = parts[2].removeprefix("and "), f"and {parts[1]}"
    parts.append(draw.choice(ENDINGS))
    text = ", ".join(part for part in parts if part)
    return text.format(product=product, number=draw.randrange(10_000, 99_999))


def cases(count, draw, *, seen, known=()):
    """Return so many different messages for each label, mixed."""
    found = set()
    for label in ORDER:
        texts = set()
        while len(texts) < count:
            text = message(label, draw, seen=seen)
            if (label, text) not in known:
                texts.add(text)
        found |= {(label, text) for text in texts}
    mixed = sorted(found)
    draw.shuffle(mixed)
    return mixed


def main():
    """Write both files."""
    draw = random.Random(SEED)
    labelled = cases(LABELLED, draw, seen=True)
    held_out = cases(HELD_OUT, draw, seen=False, known=frozenset(labelled))
    for name, pairs in (("labelled.tsv", labelled), ("held_out.tsv", held_out)):
        lines = "".join(f"{label}\t{text}\n" for label, text in pairs)
        (HERE / name).write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
