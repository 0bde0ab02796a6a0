"""Golden requests of a model folder, `golden.json`: written when a run is recorded, answered again before it serves."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.golden import Golden, answered, difference, golden_columns
from ratchet.errors import ServiceFailed
from ratchet.io import files
from ratchet.io.model_folder import OTHER_LIBRARIES, LoadedModel

GOLDEN = "golden.json"


def write_golden(folder: Path, model: LoadedModel) -> None:
    """Let the model answer its golden requests, and keep both."""
    columns = golden_columns(model.record)
    scores = answered(model.pipeline, model.record, columns)
    files.write_json(folder / GOLDEN, Golden(columns=columns, scores=scores.tolist()).model_dump())


def require_golden(folder: Path, model: LoadedModel) -> int:
    """Ask the loaded model its golden requests again; returns how many there are, 0 for a folder of before.

    Raises ServiceFailed if it answers otherwise than when it was recorded, or not at all: today's environment is
    another one.
    """
    path = folder / GOLDEN
    if not path.is_file():
        return 0
    golden, cause = Golden.model_validate_json(path.read_bytes()), None
    try:
        why = difference(golden.scores, answered(model.pipeline, model.record, golden.columns))
    except Exception as error:
        # As when it is loaded: other libraries may fail in any way.
        why, cause = f"it does not answer: {type(error).__name__}: {error}", error
    if why:
        raise ServiceFailed(
            f"the model {model.record.model_digest[:12]} cannot serve here: {why}", next_step=OTHER_LIBRARIES
        ) from cause
    return len(golden.scores)
