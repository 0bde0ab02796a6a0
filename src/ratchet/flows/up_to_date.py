"""Whether there is anything to run: what differs from the lock, and whether the last decision still stands."""

from __future__ import annotations

import json
from typing import Any

from ratchet.core.ledger_entries import Entry
from ratchet.core.params import Params
from ratchet.flows.champion import holds
from ratchet.io import dvc, layout, model_folder
from ratchet.settings import Settings


def nothing_to_judge(settings: Settings, params: Params, found: dvc.Status, serving: Entry | None) -> bool:
    """Whether all is up to date against the champion, or what is here is the champion and only lacks its copy."""
    if pending(found, but=layout.CHAMPION):
        return False
    if _is_here(settings, serving):
        return True
    whole = not pending(found) and holds(settings, settings.root / layout.CHAMPION, serving)
    return (whole or _was_judged_against(settings, serving)) and _settled(settings, params)


def _settled(settings: Settings, params: Params) -> bool:
    if not params.sealed:
        return True
    # Imported late: it brings numpy, which most runs do not need.
    from ratchet.flows.charge import settled

    return settled(settings, params)


def pending(found: dvc.Status, *, but: str = "") -> list[str]:
    """The stages that are out of date for another reason than `but`; data that is not yet cached is none."""
    return [name for name, changes in found.items() if not name.endswith(".dvc") and _reasons(changes) - {but}]


def _reasons(changes: list[Any]) -> set[str]:
    """The paths and parameters that changed, or DVC's words where it is something else."""
    named = (change.values() if isinstance(change, dict) else [[change]] for change in changes)
    return {str(name) for group in named for names in group for name in names}


def _is_here(settings: Settings, serving: Entry | None) -> bool:
    """Whether the model that the pipeline made is the one that serves."""
    record = model_folder.read_record(settings.root / layout.MODEL)
    return serving is not None and record.model_digest == serving.model_digest


def _was_judged_against(settings: Settings, serving: Entry | None) -> bool:
    """Whether the evaluation that is here, which may come from a clone, was made against what serves."""
    path = settings.root / layout.EVALUATION / "evaluation.json"
    judged = json.loads(path.read_bytes())["champion_entry"] if path.is_file() else None
    return serving is not None and judged == serving.hash
