"""Makes up `corpus.tsv` and `held_out.tsv`: log lines, and what is to be found in them.

    python make_corpus.py

The held-out lines have other values in sentences of their own.
"""

import random
from pathlib import Path

HERE = Path(__file__).parent
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SENTENCES = (
    ("{date} 10:22:0{n} INFO order {id} paid: {amount}", "{date}T07:3{n}:11Z took {duration}"),
    ("refund of {amount} for {id}, requested {date}", "UTF-8 feed read in {duration}"),
    ("GET /orders/{id} HTTP/1.{n} 200 {duration}", "customer 8{n}213 has {amount} to pay"),
    ("release 2.1{n}.4 of {date}, {n} warnings", "retry {n} of {id} after {duration}"),
    ("invoice due {date}: {amount} (was {amount})", "no rows for key 44{n}0-{n}1"),
    ("moved {id} to queue eu-west-{n} in {duration}", "listening on 10.0.{n}.17:8080"),
)
HELD_OUT = (
    ("{date} | {duration} | {id} | {amount}", "ticket closed on {date} by agent 30{n}"),
    ("charge {amount} failed for {id}", "python 3.1{n}.2, SHA-256, {n} cores, up {duration}"),
    ("shipment {id} left on {date}", "batch of 1{n} took {duration}; cost {amount}"),
)


def date(chance):
    """Return a day in one of four forms."""
    year, month, day = chance.randint(2019, 2026), chance.randint(1, 12), chance.randint(1, 28)
    name = MONTHS[month - 1]
    forms = (f"{year}-{month:02}-{day:02}", f"{day:02}.{month:02}.{year}")
    return chance.choice((*forms, forms[0], f"{day} {name} {year}", f"{name} {day}, {year}"))


def amount(chance):
    """Return a sum of money in one of five forms."""
    whole, cents = chance.choice((7, 42, 318, 999, 1250, 20400)), chance.randint(0, 99)
    forms = (f"{whole}.{cents:02} EUR", f"${whole:,}.{cents:02}", f"{whole},{cents:02} €")
    return chance.choice((*forms, f"{whole:,}.{cents:02} EUR", f"USD {whole}"))


def identifier(chance):
    """Return the number of an order, an invoice or a parcel."""
    number = chance.randint(1000, 99999)
    return chance.choice((f"ORD-{number}", f"INV/{number % 100}/{number}", f"pkg_{number:06x}"))


def duration(chance):
    """Return a time span in one of four forms."""
    number = chance.randint(1, 59)
    return chance.choice((f"{number}ms", f"{number}.{number % 10} s", f"{number}m{number}s", "2h"))


KINDS = {"date": date, "amount": amount, "id": identifier, "duration": duration}


def line(chance, sentence):
    """Fill in a sentence; return it and its labels, separated by tabs."""
    columns = [sentence.replace("{n}", str(chance.randint(1, 9)))]
    for kind, make in KINDS.items():
        while "{" + kind + "}" in columns[0]:
            value = make(chance)
            columns[0] = columns[0].replace("{" + kind + "}", value, 1)
            columns.append(f"{kind}={value}")
    return "\t".join(columns)


def main():
    """Write both files; the same seed gives the same lines."""
    for name, sentences, times in (("corpus", SENTENCES, 15), ("held_out", HELD_OUT, 15)):
        chance = random.Random(name)
        lines = [line(chance, one) for _ in range(times) for pair in sentences for one in pair]
        (HERE / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
