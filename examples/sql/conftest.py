"""Makes a query faster, and has it return the same rows.

Adapt: `schema.sql` (the tables), `rows.py` (what is in them), SEED and SIZE below. Copy your query
to `tests/original.sql` before you begin: candidates are compared with it. Its ORDER BY should leave
no ties, or two right answers may differ in their order.

The query runs in SQLite; with a scratch database to try things in, in PostgreSQL (psycopg or psql):

    AUTOLOOP_SQL_DSN=postgresql://me@127.0.0.1/scratch pytest --autoloop 20 -o autoloop_network=true
"""

import os
from pathlib import Path

import pytest
from database import PostgreSQL, SQLite

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: The rows on which a query is timed: how many, and which.
SIZE, SEED = 200, 1


def text_of(name, what):
    """Return the text of a file of the project."""
    path = HERE / name
    if not path.is_file():
        raise pytest.UsageError(f"{path} is missing: put {what} there")
    return path.read_text(encoding="utf-8")


@autoloop.target
def target():
    """Make the query faster. It must return the same rows in the same order from any data.

    It is one SELECT that SQLite and PostgreSQL understand. NULLs, ties, rows without a partner and
    empty tables occur. Indexes stay as they are.
    """
    return "query.sql"


@pytest.fixture(scope="session")
def database():
    """Return where queries run."""
    schema = text_of("schema.sql", "the CREATE TABLE statements of your tables")
    source = os.environ.get("AUTOLOOP_SQL_DSN", "")
    return PostgreSQL(schema, source) if source else SQLite(schema)


@pytest.fixture(scope="session")
def original():
    """Return the query as it was."""
    return text_of("tests/original.sql", "a copy of the query as it is now")


@pytest.fixture(scope="session")
def tables():
    """Return what makes up the rows of each table: a function of a seed and a size."""
    try:
        import rows  # noqa: PLC0415 - a file of yours, which may be missing
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"{HERE / 'rows.py'} is missing: write `tables(seed, size)` there, which returns the "
            "rows of each table as lists of tuples, by the table's name; a size of 0 means none"
        ) from error
    return rows.tables


@pytest.fixture(scope="session")
def timed_rows(tables):
    """Return the rows of each table on which the query is timed."""
    return tables(SEED, SIZE)


@pytest.fixture(scope="session")
def cost(target, database, timed_rows):
    """Return the seconds that the query takes, and its work."""
    return database.cost(target.read_text(encoding="utf-8"), timed_rows)


@autoloop.metric(direction="lower", unit="s")
def query_time(cost):
    """Time of the fastest call: of the processor in SQLite, PostgreSQL's own Execution Time."""
    return cost[0]


@autoloop.metric(direction="lower")
def work(cost):
    """What the query looks at, without noise: SQLite's steps, or PostgreSQL's pages."""
    return cost[1]
