"""Makes up `documents.jsonl`, and the questions in `questions.tsv` and `held_out.tsv`.

    python make_documents.py

A help desk for things at home: a page for each thing and trouble. Pages mention other things, and
people ask in other words than the pages use, with endings and slips of their own.
"""

import json
import random
import re
from pathlib import Path

HERE = Path(__file__).parent
THINGS = {
    "kettle": "boils water", "toaster": "browns bread", "vacuum cleaner": "picks up dust",
    "washing machine": "washes clothes", "dishwasher": "washes plates", "oven": "bakes and roasts",
    "freezer": "keeps food frozen", "heater": "warms a room", "mixer": "kneads dough",
    "coffee maker": "brews coffee", "iron": "presses shirts", "printer": "prints pages",
    "router": "connects computers", "lamp": "lights a desk", "thermostat": "holds a temperature",
    "doorbell": "rings at the door",
}  # fmt: skip
#: Title of a page, what it says, and how people ask; T is the thing.
TROUBLES = (
    (
        "Cleaning the T",
        "Wipe the housing with a damp cloth. Never immerse it in water.",
        ("how should I clean my T", "washing dirt off the T", "is soap fine for Ts", "cleaning T"),
    ),
    (
        "T does not start",
        "Check the plug and the fuse. Hold the power button for five seconds.",
        (
            "my T will not start",
            "T is dead when I press the power button",
            "nothing starts on the T",
            "T start",
        ),
    ),
    (
        "Strange noises from the T",
        "A rattling sound means a loose screw, a hum is normal.",
        (
            "why does the T rattle",
            "T makes a strange noise",
            "loud humming noises from my T",
            "strange noises T",
        ),
    ),
    (
        "Guarantee of the T",
        "The guarantee lasts three years. Keep the receipt of the shop.",
        (
            "how long is my T guaranteed",
            "do I need receipts for the T",
            "guarantees on a T",
            "guarantee T",
        ),
    ),
    (
        "Replacing the filter of the T",
        "A blocked filter is changed every six months.",
        (
            "when must I replace filters in the T",
            "T filter is blocked",
            "changing a T filter",
            "replacing filter T",
        ),
    ),
    (
        "T gets too hot",
        "Overheating switches it off. Let it cool and free the air vents.",
        ("the T is overheated", "why is my T so hot", "vents of the T are hot", "T hot"),
    ),
    (
        "Recycling an old T",
        "Take it to a collecting point; it must not go into household waste.",
        (
            "where can I recycle my T",
            "throw away an old T",
            "recycled parts from Ts",
            "recycling T",
        ),
    ),
    (
        "Error codes of the T",
        "E1 means a sensor fault, E2 a closed valve. Note the code.",
        (
            "T shows an error code",
            "what is E2 on the T",
            "which sensors fail with E1 in a T",
            "error codes T",
        ),
    ),
    (
        "Smell from the T",
        "A burnt smell on the first day is harmless: it is the coating.",
        (
            "my T smells burnt",
            "bad smells from the T",
            "is the smell of a new T harmless",
            "smell T",
        ),
    ),
    (
        "Spare parts for the T",
        "Cables, lids and knobs are sold as spares by the serial number.",
        (
            "order a spare knob for my T",
            "where is a T lid sold",
            "new cables for the T",
            "spare parts T",
        ),
    ),
    (
        "Setting the clock of the T",
        "Press both arrows, then set hours and minutes.",
        (
            "how do I set the T clock",
            "wrong hour on the T",
            "T clocks after summer time",
            "clock T",
        ),
    ),
    (
        "Energy that the T needs",
        "The label tells its class; standby takes half a watt.",
        (
            "how much energy does a T need",
            "standby watts of my T",
            "energy label on Ts",
            "energy T",
        ),
    ),
)


def filled(text, thing):
    """Return a text with a thing where it says T."""
    return re.sub(r"\bT(?=s?\b)", thing, text)


def documents(chance):
    """Return the pages, each as (name, title, body)."""
    found = []
    for thing, purpose in THINGS.items():
        for number, (title, text, _) in enumerate(TROUBLES):
            others = chance.sample([other for other in THINGS if other != thing], 3)
            body = (
                f"Whoever owns the {others[0]} or the {others[1]} knows this. {text} "
                f"As it {purpose}, do not compare it with the {others[2]}: the {others[2]} differs."
            )
            name = f"{thing.replace(' ', '-')}-{number:02}"
            found.append((name, filled(title, thing), body))
    return found


def slip(chance, text):
    """Return a text in which a letter of a long word is doubled, left out or swapped."""
    words = text.split()
    place = max(range(len(words)), key=lambda index: (len(words[index]), chance.random()))
    word = words[place]
    if len(word) < 6:
        return text
    at = chance.randrange(2, len(word) - 2)
    forms = (word[:at] + word[at - 1 :], word[:at] + word[at + 1 :])
    words[place] = chance.choice((*forms, word[:at] + word[at + 1] + word[at] + word[at + 2 :]))
    return " ".join(words)


def questions(chance):
    """Return pairs of a question and the page that answers it, asked in one of four ways."""
    found = []
    for thing in THINGS:
        for number in chance.sample(range(len(TROUBLES)), 5):
            text = filled(TROUBLES[number][2][chance.randrange(4)], thing)
            asked = slip(chance, text) if chance.random() < 0.3 else text
            found.append((asked + "?", f"{thing.replace(' ', '-')}-{number:02}"))
    return found


def main():
    """Write the three files; the same seed gives the same texts."""
    pages = [
        json.dumps(dict(zip(("name", "title", "body"), page, strict=True)))
        for page in documents(random.Random(1))
    ]
    (HERE / "documents.jsonl").write_text("\n".join(pages) + "\n", encoding="utf-8")
    asked = questions(random.Random(2))
    others = [pair for pair in questions(random.Random(3)) if pair not in asked]
    for file, pairs in (("questions", asked), ("held_out", others)):
        lines = "".join(f"{question}\t{name}\n" for question, name in pairs)
        (HERE / f"{file}.tsv").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
