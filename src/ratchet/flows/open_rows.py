"""Which rows people may look at: the one place that decides it for analyses."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.model_record import Recipe
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.flows.counterfactual import HeldOut, held_out
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.features import lineage

AGAIN = "ratchet run makes the model again"


def open_rows(root: Path) -> HeldOut:
    """The rows that anything may be shown of, with the model that the last run made, which has not learned from them.

    Raises ServiceFailed if nothing was run, or if params.yaml or the features have changed since; DataRefused if the
    model was trained on one of these batches.
    """
    rows = held_out(root)
    record, params = rows.own.record, rows.params
    if record.recipe != Recipe(project=params.project, features=params.features, model=params.model):
        raise ServiceFailed(f"{layout.MODEL} was made by another recipe than params.yaml has now", next_step=AGAIN)
    store = UnitStore(root / layout.FEATURES)
    if set(record.trained_on) - set(store.names()) or lineage(store, record.trained_on) != record.trained_on:
        raise ServiceFailed(
            f"{layout.MODEL} was trained on other features than {layout.FEATURES} holds", next_step=AGAIN
        )
    try:
        rows.looked.require_unseen(record)
    except DataRefused as refused:
        raise DataRefused(f"nothing can be shown of the model: {refused.message}", next_step=AGAIN) from refused
    return rows
