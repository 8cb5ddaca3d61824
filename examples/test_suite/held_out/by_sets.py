"""Page ranges, written in another way: pages are tried one by one."""

import itertools
import re

PART = re.compile(r"\s*(?:(\d+)|(\d*)\s*-\s*(\d*))\s*")


def parse(text, last):
    """Return the pages that a text names."""
    if last <= 0:
        raise ValueError("nothing to print")
    everything = range(1, 1 + last)
    if text.strip() == "":
        return [*everything]
    wanted = []
    for part in text.split(","):
        match = PART.fullmatch(part)
        if match is None:
            raise ValueError(f"cannot read {part}")
        alone, low, high = match.groups()
        ends = [int(alone)] * 2 if alone else [int(low or 1), int(high or last)]
        if not all(end in everything for end in ends):
            raise ValueError(f"out of range: {part}")
        wanted.append((min(ends), max(ends)))
    return [page for page in everything if any(low <= page <= high for low, high in wanted)]


def shown(pages):
    """Return pages as the shortest text that names them."""
    words = []
    numbered = enumerate(sorted(set(pages)))
    for _, group in itertools.groupby(numbered, key=lambda pair: pair[1] - pair[0]):
        row = [str(page) for _, page in group]
        words += row if len(row) < 3 else [row[0] + "-" + row[-1]]
    return ", ".join(words)
