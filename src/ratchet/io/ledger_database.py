"""The SQLite file behind the ledger's index: opening it, wherever that can be done, and its tables."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

LAYOUT = 2
"""Of the tables; a file of another one is built anew."""
PATIENCE_SECONDS = 30.0
TABLES = {
    "segment": "place INTEGER PRIMARY KEY, blob TEXT NOT NULL, last INTEGER NOT NULL, hash TEXT NOT NULL",
    "line": "sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL, kind TEXT, model TEXT, version INTEGER, run_id TEXT, "
    "time TEXT, everything INTEGER, source TEXT, batches TEXT, place INTEGER NOT NULL, start INTEGER NOT NULL, "
    "size INTEGER NOT NULL",
}


def connected(path: Path | None) -> sqlite3.Connection:
    """The database in this file with its tables; in memory where there is no path, or it cannot be written."""
    if path is None:
        return _prepared(":memory:")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _prepared(path) if os.access(path.parent, os.W_OK) else _copied(path)
    except (sqlite3.OperationalError, OSError):
        return _prepared(":memory:")
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        return _prepared(path)


def _copied(path: Path) -> sqlite3.Connection:
    """In memory, with what the file holds: it cannot be written, and what it remembers still counts."""
    database = _prepared(":memory:")
    if path.is_file():
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as kept:
            kept.backup(database)
    return database


def _prepared(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        # A file that a crash of the machine broke is built anew, so nothing has to wait for the disk.
        database.execute("PRAGMA synchronous = OFF")
        if _layout(database) != LAYOUT:
            with transaction(database):
                _make_tables(database)
        database.execute("SELECT count(*) FROM segment")
    except BaseException:
        database.close()
        raise
    return database


def _layout(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(database: sqlite3.Connection) -> None:
    if _layout(database) == LAYOUT:
        return  # another process was faster
    for name, columns in TABLES.items():
        database.execute(f"DROP TABLE IF EXISTS {name}")
        database.execute(f"CREATE TABLE {name} ({columns})")
    database.execute(f"PRAGMA user_version = {LAYOUT}")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and one process at a time."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
