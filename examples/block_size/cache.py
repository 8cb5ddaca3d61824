"""Counts what a small cache must load while two matrices are multiplied: no clock, no noise."""

import configparser
import itertools

#: Rows and columns of each matrix.
SIZE = 24
#: Numbers in a cache line, sets of lines, and lines that a set holds.
LINE, SETS, WAYS = 4, 8, 4


def settings(text):
    """Return block size, loop order and padding of rows from the text of an INI file."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    tiling = parser["tiling"]
    return tiling.getint("block_size"), tiling["order"], tiling.getint("padding")


def products(block_size, order):
    """Return the index triples of a blocked multiplication, in the order of its loops."""
    starts = range(0, SIZE, block_size)
    for corner in itertools.product(starts, repeat=3):
        ranges = (range(start, min(start + block_size, SIZE)) for start in corner)
        for indices in itertools.product(*ranges):
            found = dict(zip(order, indices, strict=True))
            yield found["i"], found["j"], found["k"]


def lines_loaded(text):
    """Return how many cache lines are loaded with the settings in a text."""
    block_size, order, padding = settings(text)
    width = SIZE + padding
    sets = [[] for _ in range(SETS)]
    loaded = 0
    for i, j, k in products(block_size, order):
        for matrix, row, column in ((0, i, k), (1, k, j), (2, i, j)):
            line = ((matrix * SIZE + row) * width + column) // LINE
            ways = sets[line % SETS]
            if line in ways:
                ways.remove(line)
            else:
                loaded += 1
                del ways[: len(ways) - WAYS + 1]
            ways.append(line)
    return loaded
