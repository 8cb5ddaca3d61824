"""Writes prices.csv and later_prices.csv: a made-up price whose drift changes slowly.

The drift is a weak momentum in a lot of noise. That there is any, and the same in both
files, is an assumption, and the reason why something can be found here.
"""

import csv
import datetime
import math
import random
from pathlib import Path

HERE = Path(__file__).parent
FIRST_DAY = datetime.date(2100, 1, 4)
#: Trading days that are scored, and later ones that only a hidden guard sees.
SCORED, LATER = 1500, 1000


def main(seed=39):
    """Write both files; the second goes on where the first ends."""
    source = random.Random(seed)
    rows, price, drift, day = [], 100.0, 0.0, FIRST_DAY
    while len(rows) < SCORED + LATER:
        if day.weekday() < 5:
            drift = 0.975 * drift + source.gauss(0, 0.00033)
            price *= math.exp(0.0001 + drift + source.gauss(0, 0.01))
            rows.append((day.isoformat(), f"{price:.2f}"))
        day += datetime.timedelta(days=1)
    for name, part in (("prices.csv", rows[:SCORED]), ("later_prices.csv", rows[SCORED:])):
        with (HERE / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([("date", "close"), *part])


if __name__ == "__main__":
    main()
