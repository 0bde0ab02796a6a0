"""A version on trial, beside the champion in a server: `trial.json` says what for, `model/` is its sealed folder."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.trials import TrialPlan
from ratchet.errors import ServiceFailed
from ratchet.io import files

PLAN = "trial.json"
MODEL = "model"


def write_plan(folder: Path, plan: TrialPlan | None) -> None:
    """Write `trial.json`; `null` says that nothing is on trial."""
    files.write_json(folder / PLAN, plan.model_dump(mode="json") if plan else None)


def read_plan(folder: Path) -> TrialPlan | None:
    """What is on trial; None: nothing. Raises ServiceFailed if it was never pulled."""
    path = folder / PLAN
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ServiceFailed(f"{path} is not there", next_step="ratchet champion pull --trial --into FOLDER") from error
    return None if text.strip() == "null" else TrialPlan.model_validate_json(text)
