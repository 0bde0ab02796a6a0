"""A small room with every kind of column, a lookup of each kind, and champions that were trained with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ratchet.core.feature_table import TARGET, LabelledBatch
from ratchet.core.learning import fit
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Entry
from ratchet.core.model_record import ModelRecord, Recipe
from ratchet.core.params import parse_params
from ratchet.core.seen import seen_in
from ratchet.io import files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.champion import write_entry
from ratchet.io.raw_input import write_raw_input
from ratchet.io.tables import read_frame, write_table
from ratchet.io.validated import Validated
from ratchet.serving.predictor import Predictor
from ratchet.serving.serving_state import ServingState

SCHEMA = """
rows:
  key: [parcel]
  columns:
    parcel: {type: integer, description: its number}
    placed: {type: timestamp}
    kind: {type: string, values: [bike, car]}
    town: {type: string, nullable: true}
    weight: {type: number, unit: kg, min: 0, max: 50}
    items: {type: integer, min: 1, max: 9, nullable: true}
    gift: {type: boolean}
    speed: {type: number, max: 100, nullable: true, level: warn}
    minutes: {type: number, min: 0, known: after}
  relations:
    - {rule: weight >= items, description: each item weighs a kilogram}
    - {rule: minutes > speed, description: cannot be known beforehand}
  references:
    - {lookup: towns, columns: [town]}
lookups:
  sky:
    per_batch: true
    key: [hour]
    columns:
      hour: {type: integer, min: 0, max: 23}
      rain: {type: number, min: 0, max: 100, nullable: true}
  towns:
    key: [town]
    columns: {town: {type: string}, height: {type: number}}
"""
FEATURES = """
import pandas as pd


def build(rows, lookups):
    hours = rows["placed"].dt.hour
    rain = hours.map(lookups["sky"].set_index("hour")["rain"]).astype("float64")
    height = rows["town"].map(lookups["towns"].set_index("town")["height"]).astype("float64")
    plain = rows[["kind", "town", "weight", "gift"]].assign(items=rows["items"].astype("float64"))
    return plain.assign(hour=hours, rain=rain, height=height)


def label(rows):
    return rows["minutes"] > 30
"""
PARAMS = """
project: {name: parcels, room: parcels, task: binary, target: late}
split: {}
features: {}
model: {estimator: hist_gradient_boosting, params: {max_iter: 5, min_samples_leaf: 5}}
evaluate: {}
gate: {metric: log_loss}
"""
BATCH, COUNT = "2024-01", 200

Rows = list[dict[str, Any]]
MakeRaw = Callable[..., Path]
Serving = Callable[[ServingState], AbstractContextManager[str]]


def _rows() -> Rows:
    random = np.random.default_rng(5)
    return [
        {
            "parcel": number,
            "placed": datetime(2024, 1, 1) + timedelta(minutes=37 * number),
            "kind": str(random.choice(["bike", "car"])),
            "town": None if random.random() < 0.1 else str(random.choice(["low", "high", "lost"])),
            "weight": round(float(random.uniform(9, 50)), 1),
            "items": None if random.random() < 0.1 else int(random.integers(1, 10)),
            "gift": bool(random.random() < 0.5),
            "speed": float(random.integers(5, 30)),
            "minutes": float(random.uniform(31, 60)) if random.random() < 0.5 else 30.0,
        }
        for number in range(COUNT)
    ]


def _tables() -> dict[str, pa.Table]:
    rows = pa.Table.from_pylist(_rows())
    sky = pa.table({"hour": [*range(23)], "rain": [None if hour % 5 == 0 else hour / 3 for hour in range(23)]})
    return {
        "rows": rows.set_column(1, "placed", rows.column("placed").cast(pa.timestamp("us"))),
        "sky": sky,
        "towns": pa.table({"town": ["low", "high"], "height": [1.5, 300.25]}),
    }


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> UnitStore:
    """What the stage ingest writes: one batch, and the standing lookup."""
    store, tables = UnitStore(tmp_path_factory.mktemp("parcels") / layout.INGESTED), _tables()
    units = {BATCH: ["rows", "sky"], "lookups": ["towns"]}

    def make(unit: str, folder: Path) -> None:
        for name in units[unit]:
            write_table(folder / f"{name}.parquet", tables[name])

    store.update(dict.fromkeys(units, "key"), make)
    return store


@pytest.fixture(scope="session")
def batch(ingested: UnitStore) -> dict[str, pd.DataFrame]:
    """The tables of the batch and the standing lookup, as later stages read them."""
    tables = {name: read_frame(ingested.file(BATCH, f"{name}.parquet")) for name in ("rows", "sky")}
    return {**tables, "towns": read_frame(ingested.file("lookups", "towns.parquet"))}


@pytest.fixture(scope="session")
def features_of(batch: dict[str, pd.DataFrame]) -> Callable[[], pd.DataFrame]:
    """The features of the batch as featurize makes them, by the room's code in this process."""
    room: dict[str, Any] = {}
    exec(FEATURES, room)  # noqa: S102 - the room above
    known = [name for name in batch["rows"] if name != "minutes"]
    return lambda: pd.DataFrame(room["build"](batch["rows"][known], {"sky": batch["sky"], "towns": batch["towns"]}))


@pytest.fixture(scope="session")
def make_raw(ingested: UnitStore, batch: dict[str, pd.DataFrame], features_of: Callable[[], pd.DataFrame]) -> MakeRaw:
    """Writes a champion's folder, sealed, whose room has other code or another limit for its lookups if told so."""
    import yaml

    params = parse_params(yaml.safe_load(PARAMS))
    features = features_of()
    labels = pd.DataFrame({TARGET: batch["rows"]["minutes"] > 30})
    fitted = fit([LabelledBatch(features=features, labels=labels)], params)

    def make(folder: Path, *, code: str = FEATURES, limit: int = 1 << 20, version: int = 1) -> Path:
        room = folder.with_name(f"{folder.name}-room") / "parcels"
        for name, text in (("schema.yaml", SCHEMA), ("features.py", code), ("__init__.py", "")):
            files.write_text(room / name, text)
        digest = model_folder.write_model(folder / model_folder.MODEL, fitted.pipeline)
        record = ModelRecord(
            task="binary", target="late", features=fitted.features, labels=fitted.labels, baseline=fitted.baseline,
            threshold=0.5, trained_on={BATCH: "1" * 64}, rows=fitted.rows, model_digest=digest, libraries={},
            recipe=Recipe(project=params.project, features=params.features, model=params.model),
            seen=seen_in([features], fitted.features),
        )  # fmt: skip
        model_folder.write_record(folder, record)
        model_folder.copy_room(room, folder)
        write_raw_input(folder, valid=Validated(ingested.folder.parents[1]), batch=BATCH, room=room, limit=limit)
        crown(folder, version)
        return folder

    return make


def crown(folder: Path, version: int = 1) -> None:
    """Seal the folder, and write the ledger entry that names the seal."""
    (folder / model_folder.CHAMPION).unlink(missing_ok=True)
    seal = model_folder.write_seal(folder)
    record = model_folder.read_record(folder)
    entries: list[Entry] = []
    for number in range(1, version + 1):
        change = Change(
            kind="promotion", model="parcels", version=number, replaces=number - 1 or None, run_id="r", fingerprint="f",
            model_digest=record.model_digest, seal=seal, decision_digest="d", commit="c",
            trained_on=record.trained_on, metrics={}, actor="ada", time="2024-02-01T00:00:00+00:00", reason="",
        )  # fmt: skip
        entries.append(append(entries, change))
    write_entry(folder, entries[-1])


@pytest.fixture(scope="session")
def seal_again() -> Callable[[Path], None]:
    """Seals a folder that was changed, as if it had been recorded like that."""
    return crown


@pytest.fixture(scope="session")
def raw_predictor(make_raw: MakeRaw, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A champion that takes raw rows, ready to answer."""
    loaded = Predictor.load(make_raw(tmp_path_factory.mktemp("raw") / "champion"))
    loaded.check()
    return loaded


@pytest.fixture(scope="session")
def raw_client(raw_predictor: Predictor, serving: Serving) -> Iterator[httpx.Client]:
    """A client of a server for that champion."""
    with serving(ServingState(raw_predictor)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def raw_body(batch: dict[str, pd.DataFrame]) -> Callable[[int, int], dict[str, Any]]:
    """The body of a request for rows of the batch, with the whole lookup."""

    def plain(table: pd.DataFrame) -> Rows:
        texts = table.assign(**{name: table[name].map(pd.Timestamp.isoformat) for name in table if name == "placed"})
        objects = texts.astype(object).where(texts.notna(), None)
        return [{str(name): value for name, value in row.items()} for row in objects.to_dict("records")]

    rows, sky = plain(batch["rows"].drop(columns="minutes")), plain(batch["sky"])
    for row in rows:
        row["items"] = None if row["items"] is None else int(row["items"])
    return lambda first, last: {"rows": rows[first:last], "lookups": {"sky": sky}}
