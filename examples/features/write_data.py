"""Writes labelled.csv and held_out.csv: parcels of a made-up shop, late or in time."""

import csv
import datetime
import math
import random
from pathlib import Path

HERE = Path(__file__).parent
CARRIERS = {"amber": 0.0, "birch": 0.9, "cedar": -0.8, "dune": 0.5, "ember": -0.4, "fjord": 1.1}
REGIONS = ("coast", "hills", "plain")
#: Carriers that are slow in one region alone.
SLOW = {("amber", "hills"), ("cedar", "coast"), ("ember", "plain")}


def parcel(source):
    """Return a parcel's columns, without its id."""
    minutes = source.randrange(365 * 24 * 60)
    ordered = datetime.datetime(2023, 1, 1) + datetime.timedelta(minutes=minutes)
    row = {
        "ordered_at": ordered.isoformat(timespec="minutes"),
        "carrier": source.choice(sorted(CARRIERS)),
        "region": source.choice(REGIONS),
        "weight_kg": f"{source.lognormvariate(0.6, 0.7):.2f}",
        "distance_km": f"{source.uniform(5, 600):.0f}",
        "price": f"{source.lognormvariate(3.3, 0.6):.2f}",
    }
    effort = float(row["weight_kg"]) * float(row["distance_km"]) / 500
    score = -2.4 + 2.0 * (effort > 1) + CARRIERS[row["carrier"]]
    score += 1.3 * ((row["carrier"], row["region"]) in SLOW)
    score += 0.9 * (ordered.weekday() >= 4) + 0.8 * (ordered.hour >= 17)
    row["label"] = int(source.random() < 1 / (1 + math.exp(-score)))
    return row


def write(name, rows):
    """Write rows with a label and an id each."""
    with (HERE / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["label", "id", *list(rows[0])[:-1]], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"id": f"P{number:05}", **row} for number, row in enumerate(rows, 20_000))


def main():
    """Write both files; what was late is listed first in one, as complaints are in an export."""
    source = random.Random(7)
    rows = [parcel(source) for _ in range(2200)]
    write("labelled.csv", sorted(rows[:1500], key=lambda row: -row["label"] + source.gauss(0, 0.5)))
    write("held_out.csv", rows[1500:])


if __name__ == "__main__":
    main()
