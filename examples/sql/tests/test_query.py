"""What must stay true of the query, however fast it is."""

import pytest


def check(database, original, target, data):
    """Compare the query with the original on some rows of the tables."""
    expected = database.rows(original, data)
    found = database.rows(target.read_text(encoding="utf-8"), data)
    assert found[0] == expected[0], "other columns"
    if found != expected:
        missing = [row for row in expected if row not in found]
        added = [row for row in found if row not in expected]
        assert not missing, f"{len(missing)} rows are missing, such as {missing[0]}"
        assert not added, f"{len(added)} rows are new, such as {added[0]}"
        pytest.fail("the same rows in another order, or more than once")


@pytest.mark.parametrize("size", [0, 1, 2, 40])
def test_it_returns_the_same_rows(target, database, original, tables, size):
    check(database, original, target, tables(size, size))


def test_it_returns_the_same_rows_where_it_is_timed(target, database, original, timed_rows):
    # Or it would be fastest if it returned nothing for many rows.
    check(database, original, target, timed_rows)


def test_any_table_may_be_empty(target, database, original, tables):
    filled = tables(3, 30)
    for emptied in filled:
        check(database, original, target, {**filled, emptied: []})


@pytest.mark.autoloop_hidden
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_it_returns_the_same_rows_elsewhere(target, database, original, tables, seed):
    check(database, original, target, tables(seed, 60))


def test_it_is_one_plain_select(target, database, tables):
    # The database itself refuses what does more than read, and a second statement.
    query = target.read_text(encoding="utf-8")
    words = " ".join(line.partition("--")[0] for line in query.splitlines()).split()
    assert words[0].upper() in {"SELECT", "WITH"}
    assert database.rows(query, tables(0, 0))


def test_it_asks_neither_clock_nor_chance(target):
    query = target.read_text(encoding="utf-8").lower()
    assert not [word for word in ("random(", "now(", "'now'", "current_", "sleep") if word in query]


def test_it_holds_no_answers(target, original):
    # Rows that are written into the query are fast, and right for these data alone.
    assert len(target.read_text(encoding="utf-8")) <= 3 * len(original) + 500
