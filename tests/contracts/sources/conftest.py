"""Sales, a project that pulls them from wherever they are published, and what a source by itself offers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq
import pytest
import yaml

from ratchet.core.deliveries import without_late
from ratchet.core.params import parse_params
from ratchet.core.schema import parse_schema
from ratchet.core.sources.taken import Taken
from ratchet.flows import pull as pulling
from ratchet.flows.pull import Ask
from ratchet.io.sources.batch import Left, Wanted
from ratchet.io.sources.opening import Opening, open_source
from ratchet.settings import load_settings

NOW = datetime(2024, 6, 1, tzinfo=UTC)
SCHEMA = {
    "rows": {
        "key": ["id"],
        "time": "sold",
        "period": {"every": "month"},
        "columns": {
            "id": {"type": "integer", "description": "number of the sale"},
            "sold": {"type": "timestamp", "description": "when"},
            "came": {"type": "timestamp", "description": "when the row was written"},
            "shop": {"type": "string", "description": "where"},
            "price": {"type": "number", "min": 0, "level": "refuse", "description": "how much"},
        },
    }
}
PARAMS = {
    "project": {"name": "sales", "room": "shop", "task": "regression", "target": "price"},
    "split": {}, "features": {}, "model": {"estimator": "constant"}, "evaluate": {},
    "gate": {"metric": "squared_error"},
}  # fmt: skip
SHORT: dict[str, Any] = {
    "rows": {
        "key": ["id"],
        "time": "sold",
        "period": {"every": "month"},
        "columns": {"id": {"type": "integer"}, "sold": {"type": "timestamp"}},
    }
}

Row = dict[str, Any]
Sales = Callable[..., list[Row]]


def sales(month: int, *, numbers: Sequence[int] = range(60), late: bool = False) -> list[Row]:
    """Two sales a day; those that come late were written in May."""
    first, rows = datetime(2024, month, 1), list[Row]()
    for number in numbers:
        sold = first + timedelta(hours=12 * number + 6)
        came = datetime(2024, 5, 1 + month) if late else sold + timedelta(hours=1)
        price = 10 + (number * 37 + month * 11) % 50 / 4
        row = {"id": 100 * number + month + 50 * late, "sold": sold, "came": came, "shop": "abc"[number % 3]}
        rows.append({**row, "price": price})
    return [row for row in rows if row["sold"].month == month]


@pytest.fixture(name="sales", scope="session")
def _sales() -> Sales:
    """Makes the sales of a month."""
    return sales


class Store(Protocol):
    """Where sales are published: see contract/conftest.py."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that reach it."""
        ...

    def declared(self) -> dict[str, Any]:
        """`data.rows` of params.yaml."""
        ...


class Project:
    """A project whose rows come from a store."""

    def __init__(self, root: Path, store: Store, patch: pytest.MonkeyPatch) -> None:
        self.root, self.store, self.patch = root, store, patch
        self.options: dict[str, Any] = {"watermark": "clock", "first": "2024-01"}

    def pull(self, *, now: datetime = NOW, **options: Any) -> list[str]:
        """Pull as things stand at `now`."""
        for name, value in self.store.environment.items():
            self.patch.setenv(name, value)
        data = {"rows": self.store.declared(), **self.options}
        (self.root / "params.yaml").write_text(yaml.safe_dump({**PARAMS, "data": data}), encoding="utf-8")
        return pulling.pull(load_settings(self.root), Ask(now=now, **options))

    def ids(self, batch: str) -> list[int]:
        """The sales in a batch."""
        found: list[int] = pq.read_table(self.root / "data" / "raw" / batch / "rows.parquet")["id"].to_pylist()
        return found

    def bytes(self) -> dict[str, str]:
        """The digest of every file of the data."""
        files = [path for path in (self.root / "data").rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


Build = Callable[[Path, Store], Project]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Makes a project in a folder; DVC, which has tests of its own, does not take part."""
    monkeypatch.setattr(pulling, "track", lambda *_: None)
    monkeypatch.syspath_prepend(str(tmp_path / "place" / "site"))

    def make(root: Path, store: Store) -> Project:
        room = root / "src" / "shop"
        room.mkdir(parents=True, exist_ok=True)
        (room / "__init__.py").touch()
        (room / "schema.yaml").write_text(yaml.safe_dump(SCHEMA, sort_keys=False), encoding="utf-8")
        (root / "data" / "raw").mkdir(parents=True)
        return Project(root, store, monkeypatch)

    return make


Offers = Callable[..., dict[str, list[int]]]


@pytest.fixture
def offers(tmp_path: Path) -> Offers:
    """What a source that is declared like this offers: the numbers of the sales by batch; `out.parquet` is the last.

    `columns` are types of more columns than the number and the time.
    """

    def offered(
        rows: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
        **data: Any,
    ) -> dict[str, list[int]]:
        more = {name: {"type": kind, "nullable": True} for name, kind in (columns or {}).items()}
        schema = {"rows": {**SHORT["rows"], "columns": {**SHORT["rows"]["columns"], **more}}}
        params = parse_params({**PARAMS, "data": {"rows": dict(rows), "watermark": "clock", **data}})
        opening = Opening(
            root=tmp_path, params=params, schema=parse_schema(schema), now=NOW, environment=environment or {}
        )
        taken = Taken(kind=params.data.rows.kind, records={}, period_of=without_late, first=params.data.first)
        found = {}
        for batch in open_source(opening).collect(Wanted(taken=taken, now=NOW), Left()):
            suffix, write = batch.writers["rows"]
            write(tmp_path / f"out{suffix}")
            found[batch.name] = pq.read_table(tmp_path / f"out{suffix}")["id"].to_pylist()
        return found

    return offered
