"""Run the pipeline: fetch the champion, reproduce what changed, and say what the gate said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.decision import Decision
from ratchet.core.ledger import Entry, champion, withdrawn
from ratchet.core.params import Params
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.flows.champion import download, holds, ledger
from ratchet.io import computed, dvc, files, layout, model_folder
from ratchet.io.batches import RawBatches
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.io.ingested import Repo


@dataclass(frozen=True)
class Outcome:
    """What a run did: the stages that ran (none: nothing had changed), the decision, and what serves now.

    `stages` are those that were computed, for `seconds`, and those that were `restored` from the run cache.
    `withdrawn` is the rollback that took this very model out of service, if one did: it is not promoted again.
    """

    stages: tuple[str, ...]
    decision: Decision
    serving: Entry | None
    withdrawn: Entry | None
    seconds: Mapping[str, float] = field(default_factory=dict)
    restored: tuple[str, ...] = ()


def run(settings: Settings) -> Outcome:
    """Bring the pipeline up to date against the champion that serves.

    Nothing is judged again if nothing changed, or if what is here is the champion itself.
    Raises DataRefused, StageFailed, ServiceFailed.
    """
    params = read_params(settings.root)
    entries = ledger(settings, params).read()
    serving = champion(entries)
    folder = settings.root / layout.CHAMPION
    for place in ("data", *layout.WRITTEN_INTO):
        files.sweep(settings.root / place, deep=False)
    if names := computed.distrust(settings.root):
        say(f"not believed, as it is not what was computed: {layout.LOCK} on {', '.join(names)}")
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        found = dvc.status(repo)
        dvc.require_untouched_data(found)
        _require_data(RawBatches(settings.root))
        if dvc.stale_outputs(found) and repo.config["core"].get("remote"):
            found = _fetched(repo, found)
        if _nothing_to_judge(settings, found, serving):
            return _outcome(settings, entries, ())
        _check_names(params)
        if not holds(folder, serving):
            download(settings, params, serving, folder)
        stages, seconds = _reproduce(settings.root, repo)
    restored = tuple(name for name in stages if name not in seconds)
    return replace(_outcome(settings, entries, stages), seconds=seconds, restored=restored)


def _fetched(repo: Repo, found: dvc.Status) -> dvc.Status:
    """The status after what the lock names was fetched: a pull of commits alone leaves older outputs here.

    A remote that does not answer changes nothing: then it is made.
    """
    try:
        dvc.pull(repo)
    except ServiceFailed as error:
        say(f"outputs of dvc.lock are not here and cannot be fetched: {error.message}; they are made again")
        return found
    return dvc.status(repo)


def _reproduce(root: Path, repo: Repo) -> tuple[tuple[str, ...], dict[str, float]]:
    """Run what is out of date and remember how long it took, also where a stage ends early.

    Returns the stages that ran or were restored, and the seconds of those that ran.
    """
    # Imported late: a run that finds nothing changed measures nothing.
    from ratchet.io import timings

    earlier = timings.run_of_lock(root)
    goes_on = earlier if earlier and not earlier.whole else None
    stages: tuple[str, ...] | None = None
    with timings.stopwatch(root) as watch:
        try:
            stages = tuple(dvc.reproduce(repo))
        finally:
            computed.remember(root)
            seconds = watch.seconds()
            timings.write_last_run(
                root,
                seconds=seconds,
                restored=[name for name in stages or () if name not in seconds],
                whole=stages is not None,
                goes_on=goes_on,
            )
    return stages, seconds


def _outcome(settings: Settings, entries: tuple[Entry, ...], stages: tuple[str, ...]) -> Outcome:
    model = model_folder.read_record(settings.root / layout.MODEL)
    undone = withdrawn(entries).get(model.model_digest)
    return Outcome(stages, read_decision(settings), champion(entries), undone)


def read_decision(settings: Settings) -> Decision:
    """The decision of the last run. Raises ServiceFailed if there is none."""
    path = settings.root / layout.DECISION
    try:
        return Decision.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ServiceFailed(f"{path} cannot be read", next_step="ratchet run") from error


def _check_names(params: Params) -> None:
    # Imported late: most runs find nothing changed and need none of it.
    from ratchet.core.names import check_names

    check_names(params)


def _require_data(raw: RawBatches) -> None:
    """Raises unless the data that is here is the data that git knows."""
    if absent := raw.absent():
        names = ", ".join(str(path.relative_to(raw.root)) for path in absent)
        raise ServiceFailed(f"{names}: tracked, but not here", next_step="ratchet data fetch")
    if untracked := raw.untracked():
        names = ", ".join(str(path.relative_to(raw.root)) for path in untracked)
        raise DataRefused(
            f"{names}: here, but without a .dvc file, so git does not know it",
            next_step="ratchet data pull tracks it; if it was left by another branch, remove it",
        )


def _nothing_to_judge(settings: Settings, found: dvc.Status, serving: Entry | None) -> bool:
    """Whether all is up to date against the champion, or what is here is the champion and only lacks its copy."""
    if not pending(found) and holds(settings.root / layout.CHAMPION, serving):
        return True
    return not pending(found, but=layout.CHAMPION) and (
        _is_here(settings, serving) or _was_judged_against(settings, serving)
    )


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
