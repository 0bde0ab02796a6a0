"""The same model, asked through MLflow's own scoring server and through this one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratchet.core.params import Task
from ratchet.io import model_folder

KINDS = {"number": "double", "category": "string"}
Rows = list[dict[str, Any]]

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns on import


@pytest.fixture
def ask_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, object], tuple[int, Any]]:
    """Status and JSON that `mlflow models serve` answers for a model folder and a body."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import load_model, scoring_server
    from mlflow.types import ColSpec, Schema, TensorSpec

    def ask(folder: Path, body: object) -> tuple[int, Any]:
        model = model_folder.read(folder)
        columns: list[ColSpec | TensorSpec] = [
            ColSpec(KINDS[f.kind], f.name, required=not f.nullable) for f in model.record.features
        ]
        mlflow.sklearn.save_model(
            model.pipeline,
            tmp_path / "model",
            pyfunc_predict_fn="predict" if model.record.task == "regression" else "predict_proba",
            signature=ModelSignature(inputs=Schema(columns)),
            pip_requirements=[],
            serialization_format="skops",
            skops_trusted_types=list(model_folder.TRUSTED),
        )
        served: Any = load_model(str(tmp_path / "model"))
        schema = served.metadata.get_input_schema()
        serve: Any = scoring_server  # partly untyped
        told = serve.invocations(json.dumps(body), "application/json", served, schema)
        return told.status, json.loads(told.response)

    return ask


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_invocations_answers_what_mlflow_answers(
    task: Task,
    store_model: Callable[[Task, int], Path],
    ask_mlflow: Callable[[Path, object], tuple[int, Any]],
    clients: dict[Task, httpx.Client],
    rows: Rows,
) -> None:
    """Status and JSON are those of `mlflow models serve` for the same model and body, to the last bit."""
    body = {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}}
    ours = clients[task].post("/invocations", json=body)
    assert (ours.status_code, ours.json()) == ask_mlflow(store_model(task, 1), body)
