"""One logged prediction, by its id."""

from __future__ import annotations

from ratchet.io.prediction_log import LogReader, Prediction, log_folder
from ratchet.io.room import read_params
from ratchet.settings import Settings


def find_prediction(settings: Settings, prediction_id: str) -> Prediction | None:
    """The request that an id, or the id of one of its rows, belongs to; None if the log has none. Reads one file."""
    log = read_params(settings.root).serve.log
    return LogReader(log_folder(settings, log)).find(prediction_id) if log else None
