"""Promote and roll back in processes that are killed at a step; a step is a write to git or MLflow, or its end.

Run as a program, it reads one order a line and answers with the exit status: a process that has imported everything and
opened nothing forks one for each order.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from sqlalchemy.orm import configure_mappers

from ratchet.flows.promote import Terms, promote
from ratchet.flows.rollback import rollback
from ratchet.io import mlflow_model
from ratchet.io.ledger_branch import RecordBranch
from ratchet.io.mlflow import Tracking
from ratchet.io.model_folder import LoadedModel
from ratchet.settings import load_settings

WRITES: tuple[tuple[type, str], ...] = (
    (Tracking, "attach"), (Tracking, "point"), (MlflowClient, "create_registered_model"),
    (MlflowClient, "create_model_version"), (RecordBranch, "put_blobs"),
)  # fmt: skip
NEEDED = (
    "mlflow.artifacts", "mlflow.sklearn", "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store", "mlflow.tracing.processor.otel", "alembic.command",
    "sqlalchemy.dialects.sqlite", "pyarrow.pandas_compat", "narwhals.stable.v2", "skops.io", "sklearn.ensemble",
)  # fmt: skip
"""What these commands import when they need it: no child has to do so."""


class Steps:
    """Counts steps, and does something at one of them."""

    def __init__(self, at: int, then: Callable[[], None]) -> None:
        self.left = at
        self.then = then

    def count(self) -> None:
        """One step more."""
        self.left -= 1
        if self.left == 0:
            self.then()

    def wrap(self, usual: Callable[..., Any]) -> Callable[..., Any]:
        """The same, with a step before it; and one after it, where that is not the same as before the next."""

        @functools.wraps(usual)
        def counted(*args: Any, **more: Any) -> Any:
            self.count()
            found = usual(*args, **more)
            if usual.__name__ in ("point", "put_blobs"):
                self.count()
            return found

        return counted


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _no_save(model: LoadedModel, target: Path) -> None:
    """MLflow's own files are not what is tested."""
    del model
    target.mkdir(parents=True)


def _obey(order: dict[str, Any]) -> None:
    mlflow_model.save = _no_save
    steps = Steps(order["step"], _kill)
    for owner, name in WRITES:
        setattr(owner, name, steps.wrap(getattr(owner, name)))
    variables = {"MLFLOW_TRACKING_URI": order["uri"], "RATCHET_ACTOR": "ada", "RATCHET_REMOTE": "origin"}
    settings = load_settings(Path(order["root"]), variables)
    if order["run"]:
        promote(settings, order["run"], Terms(clock=lambda: datetime(2026, 1, 2, tzinfo=UTC)))
    else:
        rollback(settings, reason="bad", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))


def _serve() -> None:
    warnings.simplefilter("ignore")
    for name in NEEDED:
        importlib.import_module(name)
    configure_mappers()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                _obey(json.loads(line))
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
