"""What is known of a parcel, as numbers for a logistic regression."""

from datetime import datetime


def numbers(row):
    """Return what is a number already."""
    return [float(row["weight_kg"]), float(row["distance_km"]), float(row["price"])]


def who_brings_it(row):
    """Return what the carrier says."""
    return [float(len(row["carrier"]))]


def where_it_goes(row):
    """Return what the region says."""
    return [float(row["region"] == "coast")]


def moment(row):
    """Return what the time of the order says."""
    ordered = datetime.fromisoformat(row["ordered_at"])
    return [float(ordered.weekday() >= 4), float(ordered.hour >= 17)]


def columns(row):
    """Return all numbers of a row."""
    return [*numbers(row), *who_brings_it(row), *where_it_goes(row), *moment(row)]


def features(rows):
    """Return a list of numbers for each row, equally many for all."""
    return [columns(row) for row in rows]
