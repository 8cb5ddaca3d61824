"""Writes training.txt, validation.txt and held_out.txt: small tales from a grammar, made up."""

import random
from pathlib import Path

HERE = Path(__file__).parent
WHO = {
    "she": ("anna", "the miller's daughter", "the queen", "the old woman", "berta", "the grey cat"),
    "he": ("tom", "the miller", "the king", "the young smith", "konrad", "the ferryman"),
    "it": ("the fox", "the raven", "the little horse", "the wolf", "the hedgehog", "the owl"),
}
WHERE = (
    "to the mill", "into the forest", "over the bridge", "down to the river", "up the hill",
    "through the village", "behind the castle", "along the dusty road", "across the frozen lake",
)  # fmt: skip
THING = (
    "a silver key", "an old lantern", "a loaf of bread", "a letter without a name", "three nuts",
    "a golden ring", "a broken wheel", "an apple", "a wooden flute", "a map of the valley",
)  # fmt: skip
WHEN = (
    "one morning", "when night came", "in the middle of winter", "after the rain", "at last",
    "on the third day", "before anybody woke", "as the bells rang", "many years ago",
)  # fmt: skip
FOUND = ("found", "lost", "carried", "hid", "was given", "looked for", "asked for")
WENT = ("went", "ran", "walked", "crept", "rode", "came", "hurried", "was sent")
FELT = ("glad", "tired", "afraid", "hungry", "proud", "alone", "curious", "angry")
SAID = ("said", "answered", "whispered", "cried", "thought", "sang")
SPEECH = (
    "nobody has seen {thing} here", "you must go {where}", "i was never so {felt}",
    "who has taken {thing}", "give me {thing} and i will go {where}", "do not go {where}",
    "{other} is not what you think", "tomorrow we shall be {felt}",
)  # fmt: skip


def sentence(source, name, pronoun, other):
    """Return a sentence about somebody who has been named before."""
    pick = source.choice
    who = pick((pronoun, pronoun, name))
    words = {"thing": pick(THING), "where": pick(WHERE), "felt": pick(FELT), "other": other}
    return pick(
        (
            f"{who} {pick(WENT)} {pick(WHERE)}.",
            f"{pick(WHEN)} {who} {pick(FOUND)} {pick(THING)}.",
            f"{who} was {pick(FELT)}, and {pick(WENT)} {pick(WHERE)} with {other}.",
            f"{who} {pick(FOUND)} {pick(THING)}, but {other} {pick(FOUND)} {pick(THING)}.",
            f"'{pick(SPEECH).format(**words)},' {pick(SAID)} {who}.",
            f"there {who} met {other}, who was {pick(FELT)} and {pick(FELT)}.",
        )
    )


def tale(source):
    """Return a tale of a few sentences, in one line."""
    pronoun = source.choice(sorted(WHO))
    name = source.choice(WHO[pronoun])
    other = source.choice([one for names in WHO.values() for one in names if one != name])
    opening = f"{source.choice(WHEN)} {name} {source.choice(WENT)} {source.choice(WHERE)}."
    rest = [sentence(source, name, pronoun, other) for _ in range(source.randint(3, 8))]
    return " ".join([opening, *rest]) + "\n"


def main():
    """Write the three texts, of tales that differ."""
    source = random.Random(11)
    for name, length in (("training", 80_000), ("validation", 12_000), ("held_out", 12_000)):
        text = ""
        while len(text) < length:
            text += tale(source)
        (HERE / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
