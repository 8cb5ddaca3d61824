"""Writes almanac.txt, tasks.tsv and held_out.tsv: `python make_tasks.py`. All of it is made up."""

import random
from pathlib import Path

HERE = Path(__file__).parent
SYLLABLES = ("or", "len", "tav", "ik", "sum", "ber", "dal", "vi", "no", "kel", "ar", "min")
GOODS = (
    *("glass", "rope", "paper", "bells", "nails", "soap", "boats", "cheese", "tiles", "clocks"),
    *("yarn", "barrels", "lamps", "ink", "salt", "brooms", "kettles", "flutes", "sails", "wax"),
    *("hats", "knives", "bricks", "candles"),
)


def towns(random):
    """Return towns, each with its river, the year it was founded, its people and its goods."""
    names = set()
    while len(names) < len(GOODS):
        names.add("".join(random.sample(SYLLABLES, 2)).capitalize())
    ordered = sorted(names)
    random.shuffle(ordered)
    rivers = [f"{name[:-1]}a" for name in ordered[::3] for _ in range(3)]
    return [
        (name, river, random.randrange(1100, 1900), random.randrange(900, 60000), goods)
        for name, river, goods in zip(ordered, rivers, GOODS, strict=True)
    ]


def tasks(random, places, count):
    """Return pairs of question and answer, all kinds equally often."""
    makers = (_sold, _seats, _grinding, _fact, _river, _hop, _older, _more)
    made = {}
    while len(made) < count:
        question, answer = makers[len(made) % len(makers)](random, places)
        made.setdefault(question, answer)
    return list(made.items())


def _sold(random, _):
    boxes, each, sold = random.randrange(6, 30), random.randrange(4, 12), random.randrange(5, 20)
    question = f"A shop has {boxes} boxes with {each} lamps each and sells {sold} of them."
    return f"{question} How many are left?", boxes * each - sold


def _seats(random, _):
    cars, each = random.randrange(5, 12), random.randrange(40, 60)
    broken, taken = random.randrange(8, 30), random.randrange(60, 150)
    question = f"A train has {cars} cars of {each} seats; {broken} are broken, {taken} taken."
    return f"{question} How many are free?", cars * each - broken - taken


def _grinding(random, _):
    sacks, days = random.randrange(120, 980), random.randrange(101, 360)
    return (
        f"A mill grinds {sacks} sacks a day. How many sacks does it grind in {days} days?",
        sacks * days,
    )


def _fact(random, places):
    name, _, _, people, _ = random.choice(places)
    return f"How many people live in {name}?", people


def _river(random, places):
    name, river, _, _, _ = random.choice(places)
    return f"Which river flows through {name}?", river


def _hop(random, places):
    _, _, founded, _, goods = random.choice(places)
    return f"In which year was the town that makes {goods} founded?", founded


def _older(random, places):
    (one, _, first, _, _), (other, _, second, _, _) = random.sample(places, 2)
    first, second, one, other = (
        (first, second, one, other) if first < second else (second, first, other, one)
    )
    return f"By how many years is {one} older than {other}?", second - first


def _more(random, places):
    one, other = sorted(random.sample(places, 2), key=lambda place: -place[3])
    return (
        f"How many more people live in the town that makes {one[4]} than in {other[0]}?",
        one[3] - other[3],
    )


def _written(name, pairs):
    lines = "".join(f"{question}\t{answer}\n" for question, answer in pairs)
    (HERE / name).write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    draw = random.Random(20)
    places = towns(draw)
    lines = [
        f"{name}: on the river {river}, founded in {founded}, {people} people, makes {goods}\n"
        for name, river, founded, people, goods in places
    ]
    (HERE / "almanac.txt").write_text("".join(lines), encoding="utf-8")
    pairs = tasks(draw, places, 160)
    # Every kind in both halves, and no question twice.
    _written("tasks.tsv", pairs[:112])
    _written("held_out.tsv", pairs[112:])
