"""The SQLite file behind the ledger's index: opening it, wherever that can be done, and its tables."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

LAYOUT = 3
"""Of the tables; a file of another one is built anew."""
PATIENCE_SECONDS = 30.0
TABLES = {
    "segment": "place INTEGER PRIMARY KEY, blob TEXT NOT NULL, last INTEGER NOT NULL, hash TEXT NOT NULL, "
    "seen BLOB NOT NULL, ends BLOB NOT NULL",
    "line": "sequence INTEGER PRIMARY KEY, kind TEXT, model TEXT, version INTEGER, time TEXT",
    "fact": "sequence INTEGER PRIMARY KEY, run_id TEXT, source TEXT, batches TEXT, champion INTEGER, digest TEXT, "
    "decision TEXT, everything INTEGER",
}
"""`segment`: each blob, its last entry, and of all its entries the hashes (32 bytes each) and where their lines end
(4 bytes each). `line`: what every entry has. `fact`: what few of them have."""


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
    if not path.is_file():
        return _prepared(":memory:")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as kept:
        return _prepared(":memory:", kept)


def _prepared(path: Path | str, kept: sqlite3.Connection | None = None) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        if kept is not None:
            kept.backup(database)
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
    """The tables of this layout. Of another one's entries it is remembered which were seen; all are read again."""
    if _layout(database) == LAYOUT:
        return  # another process was faster
    older = _columns(database, "line")
    if older:
        database.execute("ALTER TABLE line RENAME TO older")
    for name, columns in TABLES.items():
        database.execute(f"DROP TABLE IF EXISTS {name}")
        database.execute(f"CREATE TABLE {name} ({columns})")
    if "hash" in older:
        _remember(database)
    database.execute("DROP TABLE IF EXISTS older")
    database.execute(f"PRAGMA user_version = {LAYOUT}")


def _remember(database: sqlite3.Connection) -> None:
    """Take over what the layouts up to the second had of each entry, as of one segment that no blob is."""
    same = "sequence, kind, model, version, time"
    database.execute(f"INSERT INTO line SELECT {same} FROM older")  # noqa: S608  # our own names
    seen = database.execute("SELECT sequence, hash FROM older ORDER BY sequence").fetchall()
    if seen:
        hashes = bytes.fromhex("".join(row[1] for row in seen))
        database.execute("INSERT INTO segment VALUES (0, '', ?, ?, ?, '')", (*seen[-1], hashes))


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[0] for row in database.execute("SELECT name FROM pragma_table_info(?)", (table,))]


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
