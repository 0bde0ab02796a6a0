"""Places where sales are published, one for each kind of source."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

COLUMNS = ("id", "sold", "came", "shop", "price")
SOURCE = """
import json
from pathlib import Path

import pandas as pd


def collect(since, until):
    for path in sorted(Path(__file__).with_name("deliveries").glob("*.json")):
        if (since is None or path.stem > since) and (until is None or path.stem <= until):
            rows = pd.DataFrame(json.loads(path.read_text()))
            yield path.stem, {"rows": rows.assign(sold=pd.to_datetime(rows.sold), came=pd.to_datetime(rows.came))}
"""

Row = dict[str, Any]


def as_csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


class Store(ABC):
    """A place where sales are published, month by month, and how `params.yaml` declares it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment: dict[str, str] = {}

    @abstractmethod
    def declared(self) -> dict[str, Any]:
        """`data.rows` of params.yaml."""

    @abstractmethod
    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:
        """Put a delivery there; a later one of the same month has another name."""


class Folder(Store):
    """Files in a folder, cut by time."""

    def declared(self) -> dict[str, Any]:
        return {"kind": "files", "path": "exports/*.csv"}

    def place(self, month: str, name: str) -> str:
        return f"{month}-{name}.csv"

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:
        path = self.root / "exports" / self.place(month, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_csv(rows))


class NamedFolder(Folder):
    """A folder of files for each month."""

    def declared(self) -> dict[str, Any]:
        return {"kind": "files", "path": "exports/{batch}/*.csv"}

    def place(self, month: str, name: str) -> str:
        return f"{month}/{name}.csv"


class S3(Folder):
    """Files in a bucket."""

    def __init__(self, root: Path, request: pytest.FixtureRequest) -> None:
        super().__init__(root)
        self.store = request.getfixturevalue("object_store")
        self.environment = self.store.environment
        self.bucket = f"shop/{hashlib.sha256(str(root).encode()).hexdigest()[:20]}"

    def declared(self) -> dict[str, Any]:
        return {"kind": "files", "path": f"s3://{self.bucket}/exports/*.csv"}

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:
        self.store.put(f"{self.bucket}/exports/{self.place(month, name)}", as_csv(rows))


class Web(Folder):
    """A list of URLs, behind a token."""

    def __init__(self, root: Path, request: pytest.FixtureRequest) -> None:
        super().__init__(root)
        self.web = request.getfixturevalue("web")
        self.environment = {"SHOP_TOKEN": f"Bearer {self.web.token}"}

    def declared(self) -> dict[str, Any]:
        urls = sorted(f"{self.web.url}/private/{path.name}" for path in (self.web.folder / "private").iterdir())
        return {"kind": "files", "path": urls, "header_env": {"Authorization": "SHOP_TOKEN"}}

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:
        path = self.web.folder / "private" / self.place(month, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(as_csv(rows))


class NamedWeb(Web):
    """A URL for each month."""

    def declared(self) -> dict[str, Any]:
        path = f"{self.web.url}/private/{{batch}}.csv"
        return {"kind": "files", "path": path, "header_env": {"Authorization": "SHOP_TOKEN"}}

    def place(self, month: str, name: str) -> str:  # noqa: ARG002 - one file is one month
        return f"{month}.csv"


class Package(Folder):
    """Parquet files of an installed package."""

    def declared(self) -> dict[str, Any]:
        return {"kind": "package", "distribution": "shop-data", "path": "shop_data/*.parquet"}

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:
        site = self.root / "site"
        (site / "shop_data").mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(list(rows)), site / "shop_data" / f"{month}-{name}.parquet")
        facts = site / "shop_data-1.0.dist-info"
        facts.mkdir(exist_ok=True)
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-data\nVersion: 1.0\n", encoding="utf-8")
        listed = [f"{path.relative_to(site)},," for path in (site / "shop_data").iterdir()]
        (facts / "RECORD").write_text("\n".join(listed) + "\n", encoding="utf-8")


class Sqlite(Store):
    """A query on a file."""

    @property
    def file(self) -> Path:
        return self.root / "shop.db"

    def declared(self) -> dict[str, Any]:
        query = "SELECT id, sold, came, shop, price FROM sales WHERE shop != 'a:b'"
        return {"kind": "sql", "url_env": "SHOP_DB", "query": query, "arrived": "came"}

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:  # noqa: ARG002 - rows say it
        self.environment = {"SHOP_DB": f"sqlite:///{self.file}"}
        with sqlite3.connect(self.file) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS sales (id INT, sold TEXT, came TEXT, shop TEXT, price REAL)")
            values = [
                tuple(str(value) if isinstance(value, datetime) else value for value in row.values()) for row in rows
            ]
            connection.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?)", values)
        connection.close()


class Postgresql(Sqlite):
    """A query on a server."""

    def __init__(self, root: Path, request: pytest.FixtureRequest) -> None:
        super().__init__(root)
        self.database = request.getfixturevalue("database")
        self.environment = {"SHOP_DB": self.database.url}
        kinds = "id bigint, sold timestamptz, came timestamptz, shop text, price numeric"
        self.database.execute(f"CREATE TABLE sales ({kinds})")

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:  # noqa: ARG002 - rows say it
        values = ", ".join(
            f"({row['id']}, '{row['sold']}+00', '{row['came']}+00', '{row['shop']}', {row['price']})" for row in rows
        )
        self.database.execute(f"INSERT INTO sales VALUES {values}")  # noqa: S608 - values of this file


class Function(Store):
    """The room's own function."""

    def declared(self) -> dict[str, Any]:
        return {"kind": "callable", "collect": "source:collect"}

    def publish(self, month: str, rows: Sequence[Row], *, name: str = "a") -> None:  # noqa: ARG002 - rows say it
        room = self.root / "src" / "shop"
        (room / "deliveries").mkdir(exist_ok=True)
        (room / "source.py").write_text(SOURCE, encoding="utf-8")
        (room / "deliveries" / f"{month}.json").write_text(json.dumps(list(rows), default=str), encoding="utf-8")


SERVERS = ("s3", "postgresql")
"""Kinds whose server takes seconds to start."""
SERVED: Mapping[str, Callable[[Path, pytest.FixtureRequest], Store]] = {
    "s3": S3, "web": Web, "web-named": NamedWeb, "postgresql": Postgresql,
}  # fmt: skip
LOCAL: Mapping[str, Callable[[Path], Store]] = {
    "folder": Folder, "folder-named": NamedFolder, "package": Package, "sqlite": Sqlite, "callable": Function,
}  # fmt: skip


@pytest.fixture(
    params=[*LOCAL, *(pytest.param(kind, marks=pytest.mark.slow if kind in SERVERS else ()) for kind in SERVED)]
)
def project(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    build: Callable[[Path, Store], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:
    """A project and its store, for each kind of source."""
    root, kind = tmp_path / "place", request.param
    store = SERVED[kind](root, request) if kind in SERVED else LOCAL[kind](root)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield build(root, store)
    for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        del sys.modules[name]
