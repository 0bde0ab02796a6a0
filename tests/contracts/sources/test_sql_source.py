"""A query on a real database: what is taken of it, what is refused, and no password anywhere."""

from __future__ import annotations

import gc
import sqlite3
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ratchet.errors import DataRefused, RatchetError, ServiceFailed

HIDDEN = "hush/hush"
"""A credential that no message and no traceback may have."""

Offers = Callable[..., dict[str, list[int]]]


@pytest.fixture
def shop(tmp_path: Path) -> dict[str, str]:
    """A database with the sales, and the variable that names it."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE sales (id, sold)")
        connection.executemany("INSERT INTO sales VALUES (?, ?)", [(1, "2024-01-03T10:00:00"), (2, "2024-02-01")])
    connection.close()
    return {"SHOP": f"sqlite:///{tmp_path / 'shop.db'}"}


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        ("SELECT id FROM sales", DataRefused, "the query has no column sold, which is its time; it has id"),
        ("SELECT * FROM sails", ServiceFailed, "no such table: sails"),
        ("SELECT id, 20240103 AS sold FROM sales", DataRefused, "no value of sold can be read as a time"),
        ("SELECT CASE id WHEN 1 THEN 1 ELSE 'two' END AS id, sold FROM sales", DataRefused, "column id has values of"),
    ],
)
def test_a_query_that_cannot_be_taken_is_refused(
    offers: Offers, shop: dict[str, str], query: str, error: type[RatchetError], said: str
) -> None:
    """The database's own words, or the column and what is wrong with it."""
    with pytest.raises(error, match=said):
        offers({"kind": "sql", "url_env": "SHOP", "query": query}, shop)


def test_a_query_may_end_in_a_comment(offers: Offers, shop: dict[str, str]) -> None:
    """It is a person's text: what is put around it does not become part of the comment."""
    query = "SELECT * FROM sales; -- '100 %: all'"
    assert offers({"kind": "sql", "url_env": "SHOP", "query": query.replace(";", "")}, shop)["2024-01"] == [1]


def test_a_query_that_is_left_half_way_is_left_quietly(
    offers: Offers, shop: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The cursor is closed before its connection: no library logs a traceback of its own."""
    with pytest.raises(DataRefused):
        offers({"kind": "sql", "url_env": "SHOP", "query": "SELECT id, 20240103 AS sold FROM sales"}, shop)
    gc.collect()
    assert caplog.records == []


def test_a_file_that_is_not_there_is_not_made(offers: Offers, tmp_path: Path) -> None:
    """SQLite would make an empty database where the path has a typing error."""
    with pytest.raises(ServiceFailed, match=r"no file .*shpo\.db"):
        offers({"kind": "sql", "url_env": "SHOP", "query": "SELECT 1"}, {"SHOP": f"sqlite:///{tmp_path}/shpo.db"})
    assert not (tmp_path / "shpo.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://ana:a@{HIDDEN}@127.0.0.1:9/shop", "has a password that is not quoted"),
        (f"postgresql://ana:a/{HIDDEN}@b@127.0.0.1:9/shop", "has a password that is not quoted"),
        (f"postgresql://ana:{HIDDEN.replace('/', '%2F')}@127.0.0.1:port/shop", "does not hold a URL"),
    ],
)
def test_a_url_that_is_written_wrongly_is_said_without_it(offers: Offers, url: str, says: str) -> None:
    """A password with a slash or an @ that is not quoted reads like a host: no part of it is shown."""
    _fails_quietly(lambda: offers({"kind": "sql", "url_env": "SHOP", "query": "SELECT 1"}, {"SHOP": url}), says=says)


def test_a_variable_that_is_no_url_is_said_without_its_value(offers: Offers) -> None:
    """What it looks like is shown instead; nor is the password shown of a database that nobody reaches."""
    declared = {"kind": "sql", "url_env": "SHOP", "query": "SELECT 1 AS id, 2 AS sold"}
    _fails_quietly(lambda: offers(declared, {"SHOP": f"{HIDDEN} {HIDDEN}"}), says="does not hold a URL")
    nowhere = f"postgresql://ana:{HIDDEN.replace('/', '%2F')}@127.0.0.1:9/shop"
    _fails_quietly(lambda: offers(declared, {"SHOP": nowhere}), says="did not answer")


@pytest.mark.slow
def test_a_wrong_password_of_a_database_is_said_without_it(offers: Offers, database: Any) -> None:
    """The right one and the wrong one are both absent from the message and from the traceback."""
    wrong = {"SHOP": database.url.replace("s3cr3t%2Fp%40ss", HIDDEN.replace("/", "%2F"))}
    declared = {"kind": "sql", "url_env": "SHOP", "query": "SELECT 1 AS id, now() AS sold"}
    _fails_quietly(lambda: offers(declared, wrong), says="password authentication failed")


@pytest.mark.slow
def test_values_of_a_database_keep_their_meaning(offers: Offers, database: Any, tmp_path: Path) -> None:
    """Exact numbers are exact where the declared type can be, days are times, identifiers are text."""
    query = """SELECT 1 AS id, timestamp '2024-01-03 10:00' AS sold, 9007199254740993::numeric AS whole,
        12345678901234567890::numeric AS digits, 2.5::numeric AS price, date '2024-01-03' AS day,
        '6c84fb90-12c4-11e1-840d-7b25c5ee775a'::uuid AS shop, true AS open"""
    types = {"whole": "integer", "digits": "string", "price": "number", "day": "timestamp", "shop": "string"}
    offers({"kind": "sql", "url_env": "SHOP", "query": query}, {"SHOP": database.url}, {**types, "open": "boolean"})
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {
            "id": 1,
            "sold": datetime(2024, 1, 3, 10),
            "whole": 9007199254740993,
            "digits": "12345678901234567890",
            "price": 2.5,
            "day": datetime(2024, 1, 3),
            "shop": "6c84fb90-12c4-11e1-840d-7b25c5ee775a",
            "open": True,
        }
    ]


@pytest.mark.slow
@pytest.mark.parametrize("value", ["array[1, 2]", "'{}'::jsonb", "interval '1 hour'"])
def test_a_value_that_no_table_holds_is_refused(offers: Offers, database: Any, value: str) -> None:
    """The column and the type are named; nothing is made of it that nobody asked for."""
    query = f"SELECT 1 AS id, timestamp '2024-01-03' AS sold, {value} AS odd"
    with pytest.raises(DataRefused, match=r"column odd has values of type (list|dict|timedelta), for which") as refused:
        offers({"kind": "sql", "url_env": "SHOP", "query": query}, {"SHOP": database.url}, {"odd": "string"})
    assert "CAST" in refused.value.next_step


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
def test_a_connection_that_is_cut_off_is_said(offers: Offers, database: Any) -> None:
    """The database's own words; what came before is not taken for all there is."""
    query = """SELECT id, timestamp '2024-01-01' + id * interval '1 second' AS sold,
        CASE WHEN id = 30000 THEN pg_terminate_backend(pg_backend_pid()) END AS odd FROM generate_series(1, 60000) id"""
    with pytest.raises(ServiceFailed, match="terminating connection"):
        offers({"kind": "sql", "url_env": "SHOP", "query": query}, {"SHOP": database.url}, {"odd": "boolean"})
    gc.collect()  # SQLAlchemy lets go of the cursor without closing it, which the driver says when it is collected


@pytest.mark.slow
def test_a_long_result_is_streamed(offers: Offers, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's cursor hands out chunks: no more rows are in this process than the chunk holds."""
    from ratchet.io.sources import sql, sql_column

    sizes: list[int] = []
    column = sql_column.column_of

    def counted(name: str, values: list[Any], kind: Any) -> Any:
        sizes.append(len(values))
        return column(name, values, kind)

    monkeypatch.setattr(sql, "column_of", counted)
    query = "SELECT id, timestamp '2024-01-01' + id * interval '1 second' AS sold FROM generate_series(1, 50000) AS id"
    assert len(offers({"kind": "sql", "url_env": "SHOP", "query": query}, {"SHOP": database.url})["2024-01"]) == 50_000
    assert max(sizes) <= sql.CHUNK_ROWS < 50_000


def _fails_quietly(ask: Callable[[], object], *, says: str) -> None:
    """The error says what is wrong, and no part of it, nor of what caused it, has HIDDEN."""
    with pytest.raises(RatchetError, match=says) as failed:
        ask()
    shown = "".join(traceback.format_exception(failed.value))
    assert HIDDEN not in shown
    assert HIDDEN.replace("/", "%2F") not in shown
    assert failed.value.next_step
