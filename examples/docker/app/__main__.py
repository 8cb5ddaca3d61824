"""Print the mean rate of each town."""

import csv
import statistics
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "rates.csv"


def main():
    """Read the table and print a line for each town."""
    towns = {}
    with DATA.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            towns.setdefault(row["town"], []).append(float(row["rate"]))
    for town, rates in sorted(towns.items()):
        print(f"{town} {statistics.fmean(rates):.2f}")  # noqa: T201 - it is a program


if __name__ == "__main__":
    main()
