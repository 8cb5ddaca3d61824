"""Runs a query on tables that are filled anew: in SQLite or PostgreSQL."""

import importlib.util
import json
import sqlite3
import subprocess
import time
import uuid

#: Calls of a query, of which the fastest counts; and instructions of SQLite that are one step.
CALLS, STEP = 5, 100
#: What a query may do in SQLite: read, and compute.
ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


class SQLite:
    """A database in memory, made anew for each question."""

    def __init__(self, schema):
        self.schema = schema

    def filled(self, tables):
        """Return a connection to a database with some tables, in which one may only read."""
        connection = sqlite3.connect(":memory:")
        connection.executescript(self.schema)
        for name, rows in tables.items():
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        connection.commit()

        def authorize(action, *_):
            return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY

        connection.set_authorizer(authorize)
        return connection

    def rows(self, query, tables):
        """Return the names of the columns, and the rows in the query's order."""
        connection = self.filled(tables)
        try:
            cursor = connection.execute(query)
            return [tuple(column[0] for column in cursor.description), *cursor.fetchall()]
        finally:
            connection.close()

    def cost(self, query, tables):
        """Return the processor seconds of the fastest call, and the steps of one: without noise."""
        connection = self.filled(tables)
        steps = 0

        def count():
            nonlocal steps
            steps += 1

        try:
            connection.set_progress_handler(count, STEP)
            connection.execute(query).fetchall()
            connection.set_progress_handler(None, STEP)
            seconds = []
            for _ in range(CALLS):
                began = time.process_time()
                connection.execute(query).fetchall()
                seconds.append(time.process_time() - began)
        finally:
            connection.close()
        return min(seconds), steps


class PostgreSQL:
    """A schema of its own in a transaction that is never committed: nothing is left behind."""

    def __init__(self, schema, source):
        self.schema = schema
        self.source = source
        self.ask = with_psycopg if importlib.util.find_spec("psycopg") else with_psql

    def answered(self, commands, tables):
        """Return what some commands answer, one to a line, on filled tables."""
        name = f"autoloop_{uuid.uuid4().hex}"
        opening = f"CREATE SCHEMA {name}; SET LOCAL search_path TO {name};\n{self.schema}"
        return self.ask(self.source, opening, tables, commands)

    def rows(self, query, tables):
        """Return the names of the columns, and the rows as text in the query's order."""
        copy = f"COPY (\n{single(query)}\n) TO STDOUT CSV HEADER"
        return self.answered([copy], tables).splitlines()

    def cost(self, query, tables):
        """Return the seconds of the fastest call, and the pages of tables that it looked at."""
        explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)\n{single(query)}\n"
        text = self.answered([explain] * CALLS, tables)
        plans, decoder = [], json.JSONDecoder()
        while text.strip():
            plan, end = decoder.raw_decode(text.lstrip())
            plans.append(plan[0])
            text = text.lstrip()[end:]
        pages = plans[-1]["Plan"]["Shared Hit Blocks"] + plans[-1]["Plan"]["Shared Read Blocks"]
        return min(plan["Execution Time"] for plan in plans) / 1000, pages


#: What comes between the rows and the query, which can then change nothing.
FILLED = "ANALYZE; SET TRANSACTION READ ONLY;"


def with_psycopg(source, opening, tables, commands):
    """Ask through the driver."""
    import psycopg  # noqa: PLC0415 - only where it is installed

    answers = []
    with psycopg.connect(source) as connection, connection.cursor() as cursor:
        cursor.execute(opening)
        for table, rows in tables.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write("".join(f"{copied(row)}\n" for row in rows))
        cursor.execute(FILLED)
        for command in commands:
            if command.startswith("COPY"):
                with cursor.copy(command) as copy:
                    answers.append(b"".join(copy).decode())
            else:
                answers.append(json.dumps(cursor.execute(command).fetchone()[0]))
        connection.rollback()
    return "\n".join(answers)


def with_psql(source, opening, tables, commands):
    """Ask through PostgreSQL's own program."""
    script = ["BEGIN;", opening]
    for table, rows in tables.items():
        script += [f"COPY {table} FROM STDIN;", *map(copied, rows), "\\."]
    script += [FILLED, *(f"{command};" for command in commands), "ROLLBACK;"]
    done = subprocess.run(
        ["psql", source, "-XqAt", "-v", "ON_ERROR_STOP=1"],
        input="\n".join(script) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"PostgreSQL refuses the query: {done.stderr.strip()}")
    return done.stdout


def copied(row):
    """Return a row as PostgreSQL's COPY reads it."""
    escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
    return "\t".join("\\N" if value is None else str(value).translate(escapes) for value in row)


def single(query):
    """Return a query without the semicolon at its end; psql must not find a second command."""
    bare = query.strip().removesuffix(";")
    # A backslash begins a command of psql itself, which may start programs.
    if ";" in bare or "\\" in bare:
        raise ValueError("the query has ; or \\ within it: write one SELECT, without either")
    return bare
