"""What is answered for raw rows is what evaluation computes from the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ratchet.core import scoring
from ratchet.core.conform import conform
from ratchet.core.feature_table import TARGET, LabelledBatch, check_features, check_labels, model_inputs
from ratchet.core.learning import fit
from ratchet.core.model_record import ModelRecord, Recipe
from ratchet.core.seen import seen_in
from ratchet.io import layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.raw_input import read_room_schema, write_raw_input
from ratchet.io.room import read_params
from ratchet.io.tables import read_frame, write_frame, write_table
from ratchet.io.validated import Validated
from ratchet.serving.predictor import Predictor

ROOT = Path(__file__).parents[3]
MONTHS = ("2013-01", "2013-02")


def evaluated(predictor: Predictor, features: pd.DataFrame, folder: Path) -> scoring.Scores:
    """The scores that the stage evaluate computes: features through the file that featurize writes."""
    write_frame(folder / "features.parquet", check_features(features, features))
    table = model_inputs(read_frame(folder / "features.parquet"), predictor.record.features)
    return scoring.score(predictor._pipeline, predictor.record.task, table)


def chances(answer: httpx.Response) -> list[float]:
    """The probabilities in an answer of /predict/raw."""
    assert answer.status_code == 200, answer.text
    return [prediction["probability"] for prediction in answer.json()["predictions"]]


def test_raw_rows_score_as_evaluation_scores_them(
    raw_client: httpx.Client,
    raw_predictor: Predictor,
    raw_body: Callable[[int, int], dict[str, Any]],
    features_of: Callable[[], pd.DataFrame],
    tmp_path: Path,
) -> None:
    """To the last bit, and a row that comes alone scores as among the others."""
    wanted = evaluated(raw_predictor, features_of(), tmp_path)[:, 1].tolist()
    assert chances(raw_client.post("/predict/raw", json=raw_body(0, 50))) == wanted[:50]
    alone = [chances(raw_client.post("/predict/raw", json=raw_body(row, row + 1))) for row in range(20)]
    assert [chance for [chance] in alone] == wanted[:20]
    assert len(set(wanted)) > 5


@pytest.fixture(scope="module")
def flights(
    tmp_path_factory: pytest.TempPathFactory, seal_again: Callable[[Path], None]
) -> tuple[Predictor, UnitStore]:
    """A champion of the flights that was trained on a part of January, and two months as ingest writes them."""
    from flights.features import build, label
    from ratchet.flows.look import frames, standing_frames

    folder, params = tmp_path_factory.mktemp("flights"), read_params(ROOT)
    schema = read_room_schema(ROOT / "src" / "flights")
    units = {**dict(frames(ROOT, until=MONTHS[-1])), "lookups": standing_frames(ROOT)}
    tables = schema.batch_tables() | schema.standing_tables()
    store = UnitStore(folder / layout.INGESTED)

    def make(unit: str, into: Path) -> None:
        for name, frame in units[unit].items():
            raw = pa.Table.from_pandas(frame, preserve_index=False)
            write_table(into / f"{name}.parquet", conform(raw, tables[name], name=name)[0])

    store.update(dict.fromkeys(units, "key"), make)
    rows = read_frame(store.file(MONTHS[0], "rows.parquet")).head(5000)
    features = check_features(build(rows[schema.known_before()], _lookups(store, MONTHS[0])), rows)
    target = check_labels(label(rows), rows, "binary")
    batch = LabelledBatch(
        features=features[target.notna()], labels=pd.DataFrame({TARGET: target[target.notna()].astype(bool)})
    )
    fitted = fit([batch], params.model_copy(update={"model": params.model.model_copy(update={"params": {}})}))
    champion = folder / "champion"
    record = ModelRecord(
        task="binary", target="late", features=fitted.features, labels=fitted.labels, baseline=fitted.baseline,
        threshold=0.5, trained_on={MONTHS[0]: "1" * 64}, rows=fitted.rows, libraries={},
        model_digest=model_folder.write_model(champion / model_folder.MODEL, fitted.pipeline),
        recipe=Recipe(project=params.project, features=params.features, model=params.model),
        seen=seen_in([batch.features], fitted.features),
    )  # fmt: skip
    model_folder.write_record(champion, record)
    model_folder.copy_room(ROOT / "src" / "flights", champion)
    write_raw_input(champion, valid=Validated(folder), batch=MONTHS[0], room=ROOT / "src" / "flights", limit=1 << 20)
    seal_again(champion)
    return Predictor.load(champion), store


def _lookups(store: UnitStore, month: str) -> dict[str, pd.DataFrame]:
    standing = {name: read_frame(store.file("lookups", f"{name}.parquet")) for name in ("planes", "airlines")}
    return {**standing, "weather": read_frame(store.file(month, "weather.parquet"))}


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    times = frame.assign(time_hour=frame["time_hour"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    objects = times.astype(object).where(times.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in objects.to_dict("records")]


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops timezone")  # pyarrow, with pandas 3.1
def test_a_month_of_flights_sent_raw_scores_as_evaluated(flights: tuple[Predictor, UnitStore], tmp_path: Path) -> None:
    """Every flight of a month with its weather, and one flight of it alone."""
    from flights.features import build

    predictor, store = flights
    known = read_room_schema(ROOT / "src" / "flights").known_before()
    rows = read_frame(store.file(MONTHS[1], "rows.parquet"))[known]
    lookups = _lookups(store, MONTHS[1])
    wanted = evaluated(predictor, build(rows, lookups), tmp_path)
    raw, weather = _plain(rows), {"weather": _plain(lookups["weather"])}
    body = {"rows": raw, "lookups": weather}
    month, _ = predictor.score_raw(json.dumps(body).encode(), max_rows=len(rows))
    np.testing.assert_array_equal(month, wanted)
    alone = {"rows": raw[4321:4322], "lookups": weather}
    np.testing.assert_array_equal(predictor.score_raw(json.dumps(alone).encode(), max_rows=3000)[0], wanted[4321:4322])
    assert predictor.told_skew()["rows"] == len(rows) + 1
