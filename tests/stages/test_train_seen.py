"""Training leaves a profile of its features beside the model."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ratchet.io import layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.tables import read_frame


def test_the_record_says_what_training_saw(trained: Path) -> None:
    """Of every feature of the model, over the training batches and not the judging one."""
    record = model_folder.read_record(trained / layout.MODEL)
    store = UnitStore(trained / layout.FEATURES)
    rows = pd.concat([read_frame(store.file(name, "features.parquet")) for name in record.trained_on])
    assert set(record.seen) == {feature.name for feature in record.features}
    assert (record.seen["x"].low, record.seen["x"].high) == (rows["x"].min(), rows["x"].max())
    assert record.seen["x"].missing == rows["x"].isna().mean()
    assert record.seen["kind"].categories == ("a", "b")
