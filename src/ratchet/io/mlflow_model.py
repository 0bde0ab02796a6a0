"""A model as MLflow loads and serves it, with the room's code and what raw rows need, sealed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.model_record import ModelRecord
from ratchet.core.tracked_run import TRAINING, RunFacts
from ratchet.io import model_folder
from ratchet.io.code import library_versions
from ratchet.io.golden import write_golden
from ratchet.io.model_folder import LoadedModel

if TYPE_CHECKING:
    import pandas as pd


def write_sealed(target: Path, facts: RunFacts) -> str:
    """Write the model of a run into the new folder `target`; returns its seal."""
    model = model_folder.read(facts.model)
    save(model, target)
    model_folder.copy(facts.model, target)
    write_golden(target, model)
    model_folder.copy_room(facts.room, target)
    _write_raw_input(target, facts)
    return model_folder.write_seal(target)


def save(model: LoadedModel, target: Path) -> None:
    """MLflow's own files around the model: MLmodel, signature, an example, pinned requirements."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    example = _example(model.record)
    predict = "predict" if model.record.task == "regression" else "predict_proba"
    mlflow.sklearn.save_model(
        model.pipeline,
        str(target),
        serialization_format="skops",
        skops_trusted_types=list(model_folder.TRUSTED),
        signature=infer_signature(example, getattr(model.pipeline, predict)(example)),
        input_example=example,
        pip_requirements=[f"{name}=={version}" for name, version in library_versions().items()],
        pyfunc_predict_fn=predict,
    )


def _example(record: ModelRecord) -> pd.DataFrame:
    from ratchet.core.scoring import frame

    return frame(record.features, {feature.name: [feature.example] for feature in record.features})


def _write_raw_input(target: Path, facts: RunFacts) -> None:
    if facts.project is None:
        return
    # Imported late: they bring Arrow, and most commands that know this file record nothing.
    from ratchet.io.raw_input import write_raw_input
    from ratchet.io.validated import Validated

    write_raw_input(
        target,
        valid=Validated(facts.project),
        batch=max(facts.inputs[TRAINING]),
        room=facts.room,
        limit=facts.lookup_bytes,
    )
