"""Makes up the rows of the tables in `schema.sql`, the same for the same seed."""

import random

COUNTRIES = {"CL": "Chile", "GH": "Ghana", "JP": "Japan", "NO": "Norway"}


def tables(seed, size):
    """Return the rows of each table, with NULLs, ties and names that a query may trip over.

    `size` is the number of customers; the other tables follow from it.
    """
    chance = random.Random(seed)

    def unless(share, value):
        return None if chance.random() < share else value

    customers = [
        (
            number,
            f"O'Customer {number % 7} %_",
            chance.choice([*COUNTRIES, "??", None]),
            unless(0.1, f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 5):02}"),
        )
        for number in range(1, size + 1)
    ]
    orders = [
        (
            number,
            # Some buy much, many nothing, and some are not customers any more.
            unless(0.1, 1 + int(chance.random() ** 2 * size * 1.2)),
            f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            unless(0.2, 100 * chance.randint(-5, 20)),
        )
        for number in range(1, 5 * size + 1)
    ]
    blocked = [(chance.randint(1, size), unless(0.5, "fraud")) for _ in range(size // 8)]
    if size:
        blocked.append((None, "nobody knows who"))
    return {
        "countries": list(COUNTRIES.items()) if size else [],
        "customers": customers,
        "orders": orders,
        "blocked": blocked,
    }
