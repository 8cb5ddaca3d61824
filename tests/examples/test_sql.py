"""A query that gets faster and returns the same rows, in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import runpy
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.projects import Project

#: Whoever runs a server of PostgreSQL: it refuses to run as root.
SERVANTS = ("postgres", "nobody")


def by_its_work(project: Project) -> Project:
    """Let the metric without noise decide: each candidate is then measured once."""
    conftest = project.root / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    assert text.count("@autoloop.target\n") == 1
    text = text.replace("@autoloop.target\n", '@autoloop.target(metrics=["work"])\n')
    project.commit({"conftest.py": text})
    return project


def test_a_join_is_kept_and_one_that_loses_rows_is_refused(
    example: Callable[[str], Project],
) -> None:
    """An inner join is wrong, an outer one much faster; NOT EXISTS brings nothing."""
    session = by_its_work(example("sql")).autoloop(6)

    assert session.returncode == 0, session.output
    baseline, inner, outer, not_exists, limit, window, ranked = session.journal
    assert (outer["status"], ranked["status"]) == ("keep", "keep")
    assert outer["metrics"]["work"] < baseline["metrics"]["work"] / 5
    assert ranked["metrics"]["work"] < outer["metrics"]["work"] / 2
    assert (not_exists["status"], not_exists["reason"]) == ("discard", "no-gain")
    for wrong in (inner, limit, window):
        assert (wrong["status"], wrong["reason"]) == ("discard", "guard")


#: A test that asks for the metrics, as a session with `--autoloop` does.
NUMBERS = {
    "tests/test_numbers.py": """
        def test_numbers(query_time, work):
            assert 0 < query_time < 60
            assert work > 100
    """
}


@pytest.mark.parametrize(
    ("idea", "guard", "message"),
    [
        ("04_the_first_page", "where_it_is_timed", "rows are missing"),
        ("05_rank_in_a_window", "returns_the_same_rows[40]", "rows are missing"),
        ("07_drop_the_order", "returns_the_same_rows[40]", "in another order"),
    ],
)
def test_guards_see_what_a_search_for_time_breaks(
    example: Callable[[str], Project], idea: str, guard: str, message: str
) -> None:
    """Rows left out, places among too few, another order: each fails in plain pytest."""
    project = example("sql")
    shutil.copy(project.root / "ideas" / f"{idea}.sql", project.root / "query.sql")
    session = project.pytest("-q", "-k", "same_rows")
    assert session.returncode == 1
    assert f"FAILED tests/test_query.py::test_it_{guard}" in session.output.replace(
        "test_it_returns_the_same_rows_where", "test_it_where"
    )
    assert message in session.output


def database_of(project: Project) -> Any:
    """Return an SQLite database of the example."""
    module = runpy.run_path(str(project.root / "database.py"))
    return module["SQLite"]((project.root / "schema.sql").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TEMP TABLE fast AS SELECT 1",
        "PRAGMA cache_size = 100000",
        "ATTACH ':memory:' AS other",
        "SELECT 1; DELETE FROM orders",
        "WITH gone AS (SELECT 1) DELETE FROM orders",
    ],
)
def test_only_a_select_is_let_in(example: Callable[[str], Project], query: str) -> None:
    """SQLite itself refuses all else, before any row is compared."""
    database = database_of(example("sql"))
    # Two statements are a Warning in Python 3.10, and no error of the database.
    with pytest.raises((sqlite3.Error, sqlite3.Warning)):
        database.rows(query, {})


def test_guards_hold_for_the_query_as_it_is(example: Callable[[str], Project]) -> None:
    """Every guard and every idea that the example calls right passes."""
    project = example("sql")
    project.write(NUMBERS)
    session = project.pytest("-q")
    assert session.returncode == 0, session.output
    right = project.root / "ideas" / "06_rank_before_anybody_is_left_out.sql"
    shutil.copy(right, project.root / "query.sql")
    session = project.pytest("-q")
    assert session.returncode == 0, session.output


def test_a_missing_file_says_what_belongs_there(example: Callable[[str], Project]) -> None:
    """Who starts from the template is told what to write."""
    project = example("sql")
    (project.root / "rows.py").unlink()
    session = project.pytest("-q")
    assert "rows.py is missing: write `tables(seed, size)` there" in session.output


@pytest.fixture
def server() -> Iterator[str]:
    """Start a PostgreSQL server of our own; return how to reach it, and end it."""
    programs = _programs()
    if programs is None or not shutil.which("psql"):
        pytest.skip("PostgreSQL is not installed: initdb, pg_ctl and psql are needed")
    # Its socket's path must be short, and readable for whoever runs it.
    home = Path(tempfile.mkdtemp(prefix="sql-"))
    servant = _servant(home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        # A server that was started keeps the output open: nothing may wait for its end.
        subprocess.run(
            [programs / program, "-D", home / "data", *arguments],
            user=servant,
            group=servant,
            extra_groups=None if servant is None else [],
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    try:
        run("initdb", "-A", "trust", "-U", "me", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {home}"
        run("pg_ctl", "-w", "-l", str(home / "log"), "-o", options, "start")
        try:
            yield f"postgresql://me@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


def _programs() -> Path | None:
    """Return where the server's programs are; Debian keeps them out of PATH."""
    places = [Path(found).parent for found in [shutil.which("pg_ctl")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").is_file()), None)


def _servant(home: Path) -> int | None:
    """Hand a directory to a user who may run a server; None where we may ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd

    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    servant = next((users[name] for name in SERVANTS if name in users), None)
    if servant is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user to run it")
    os.chown(home, servant, -1)
    return servant


def test_postgresql_judges_the_query_as_well(
    example: Callable[[str], Project], server: str
) -> None:
    """With a DSN rows and times come from PostgreSQL, and nothing stays there."""
    project = example("sql")
    project.write(NUMBERS)
    environment = {"AUTOLOOP_SQL_DSN": server}
    right = project.root / "ideas" / "02_left_join_the_sums.sql"
    shutil.copy(right, project.root / "query.sql")
    session = project.pytest("-q", environment=environment)
    assert session.returncode == 0, session.output

    project.write({"query.sql": "SELECT 1 \\! true"})
    session = project.pytest("-q", "-k", "one_plain_select", environment=environment)
    assert "write one SELECT" in session.output
    left = ["psql", server, "-XAt", "-c", "SELECT nspname FROM pg_namespace"]
    found = subprocess.run(left, capture_output=True, text=True, check=True).stdout
    assert "public" in found
    assert "autoloop" not in found
