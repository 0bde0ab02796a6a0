"""MLflow's client as every command opens it: it gives up in time, and keeps silent where programs read."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

BEHAVIOUR = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""How it behaves, unless the environment says otherwise."""
NOISY = ("alembic", "mlflow.store.db.utils", "mlflow.store.model_registry.abstract_store")
"""Loggers: a line for each of sixty steps that make a new SQLite store, and one for each new version."""


def open_client(address: str) -> MlflowClient:
    """A client of the store at `address`, which becomes the one of this process."""
    for variable, value in BEHAVIOUR.items():
        os.environ.setdefault(variable, value)
    import mlflow

    _keep_silent()
    mlflow.set_tracking_uri(address)
    return mlflow.MlflowClient(tracking_uri=address, registry_uri=address)


def _keep_silent() -> None:
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
