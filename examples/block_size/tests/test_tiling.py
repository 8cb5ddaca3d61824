"""What must stay true of the tiling, however little it loads."""

from cache import SIZE, products, settings


def test_every_product_is_computed_once(target):
    block_size, order, _ = settings(target.read_text())
    visited = list(products(block_size, order))
    assert len(visited) == len(set(visited)) == SIZE**3


def test_padding_wastes_at_most_a_fifth(target):
    _, _, padding = settings(target.read_text())
    assert 0 <= padding <= SIZE / 5
