"""Run the pipeline: fetch the champion, reproduce what changed, and say what the gate said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.decision import Decision
from ratchet.core.ledger import champion, withdrawn
from ratchet.core.ledger_entries import Entry, Line
from ratchet.core.params import Params
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.flows.champion import download, holds
from ratchet.flows.erased import require_none_erased
from ratchet.flows.ledger import ledger
from ratchet.flows.up_to_date import nothing_to_judge
from ratchet.io import computed, dvc, files, layout, model_folder, sealed
from ratchet.io.batches import RawBatches
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.core.judged import Evaluation
    from ratchet.io.ingested import Repo

EVALUATE = "evaluate"
"""The last stage before the gate."""


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


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a run without a decision did, as in `Outcome`, and what was measured on the rows to look at."""

    evaluation: Evaluation
    seconds: Mapping[str, float] = field(default_factory=dict)
    restored: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """The project as it is before anything runs."""

    params: Params
    entries: tuple[Line, ...]
    repo: Repo
    found: dvc.Status

    @property
    def serving(self) -> Entry | None:
        return champion(self.entries, self.params.project.name)


def run(settings: Settings) -> Outcome:
    """Bring the pipeline up to date against the champion that serves.

    Where the policy seals the rows that judge, the look that the gate takes is paid for before it, and closed with the
    answer after it. Nothing is judged again if nothing changed, or if what is here is the champion itself.
    Raises DataRefused, StageFailed, ServiceFailed, TamperedFile.
    """
    with _ready(settings) as ready:
        if nothing_to_judge(settings, ready.params, ready.found, ready.serving):
            return _outcome(settings, ready, ())
        _prepare(settings, ready)
        stages, seconds = _reproduce(settings.root, partial(_judge, settings, ready))
    outcome = _outcome(settings, ready, stages)
    if ready.params.sealed:
        from ratchet.flows.charge import answer_look

        answer_look(settings, ready.params, outcome.decision)
    restored = tuple(name for name in stages if name not in seconds)
    return replace(outcome, seconds=seconds, restored=restored)


def run_open(settings: Settings) -> Looked:
    """Bring the pipeline up to date as far as the evaluation: the gate is not asked, and no look is paid for.

    Raises what `run` does.
    """
    with _ready(settings) as ready:
        _prepare(settings, ready)
        stages, seconds = _reproduce(settings.root, partial(_measure, settings, ready), whole=False)
    # Imported late, as below what charges for looks: they bring numpy, which most runs do not need.
    from ratchet.core.judged import Evaluation

    evaluation = Evaluation.model_validate_json((settings.root / layout.EVALUATION / "evaluation.json").read_bytes())
    restored = tuple(name for name in stages if name not in seconds)
    return Looked(evaluation=evaluation, seconds=seconds, restored=restored)


@contextmanager
def _ready(settings: Settings) -> Iterator[_Ready]:
    """Raises unless the data is here and as it was tracked."""
    params = read_params(settings.root)
    entries = ledger(settings, params).read()
    for place in ("data", *layout.WRITTEN_INTO):
        files.sweep(settings.root / place, deep=False)
    if names := computed.distrust(settings.root):
        say(f"not believed, as it is not what was computed: {layout.LOCK} on {', '.join(names)}")
    require_none_erased(settings.root, entries, params.project.name)
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        found = dvc.status(repo)
        dvc.require_untouched_data(found)
        _require_data(RawBatches(settings.root))
        if dvc.stale_outputs(found) and repo.config["core"].get("remote"):
            found = _fetched(repo, found)
        yield _Ready(params=params, entries=entries, repo=repo, found=found)


def _prepare(settings: Settings, ready: _Ready) -> None:
    _check_names(ready.params)
    if not ready.params.sealed:
        sealed.write_look_if_new(settings.root, None)
    folder = settings.root / layout.CHAMPION
    if not holds(settings, folder, ready.serving):
        download(settings, ready.params, ready.serving, folder)


def _judge(settings: Settings, ready: _Ready) -> list[str]:
    """Reproduce everything; sealed rows are paid for once it is known what is asked of them."""
    done = _measure(settings, ready)
    if ready.params.sealed:
        from ratchet.flows.charge import charge_look

        charge_look(settings, ready.params)
    _, after = _stages(ready.repo)
    return [*done, *dvc.reproduce(ready.repo, after)]


def _measure(settings: Settings, ready: _Ready) -> list[str]:
    """Reproduce as far as the evaluation; rows whose numbers it shows are not fresh for anybody from then on."""
    before, _ = _stages(ready.repo)
    done = dvc.reproduce(ready.repo, before)
    if not ready.params.sealed:
        from ratchet.flows.shown_rows import note_shown

        note_shown(settings, ready.params)
    return done


def _stages(repo: Repo) -> tuple[list[str], list[str]]:
    """The pipeline's stages up to the evaluation, and those after it."""
    names = dvc.pipeline(repo)
    place = names.index(EVALUATE) + 1 if EVALUATE in names else len(names)
    return names[:place], names[place:]


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


def _reproduce(
    root: Path, reproduce: Callable[[], list[str]], *, whole: bool = True
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Run what is out of date and remember how long it took, also where a stage ends early.

    `whole`: this is all of the pipeline. Returns the stages that ran or were restored, and the seconds of those that
    ran.
    """
    # Imported late: a run that finds nothing changed measures nothing.
    from ratchet.io import timings

    earlier = timings.run_of_lock(root)
    goes_on = earlier if earlier and not earlier.whole else None
    stages: tuple[str, ...] | None = None
    with timings.stopwatch(root) as watch:
        try:
            stages = tuple(reproduce())
        finally:
            computed.remember(root)
            seconds = watch.seconds()
            # A run that had nothing to do but to write an answer down leaves the record of the one before it.
            if stages != () or earlier is None:
                timings.write_last_run(
                    root,
                    seconds=seconds,
                    restored=[name for name in stages or () if name not in seconds],
                    whole=whole and stages is not None,
                    goes_on=goes_on,
                )
    return stages, seconds


def _outcome(settings: Settings, ready: _Ready, stages: tuple[str, ...]) -> Outcome:
    model = model_folder.read_record(settings.root / layout.MODEL)
    undone = withdrawn(ready.entries, ready.params.project.name).get(model.model_digest)
    return Outcome(stages, read_decision(settings), ready.serving, undone)


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
    if params.gate.conditions:
        from ratchet.core.conditions.check import check_all

        check_all(params.gate.conditions, params.project.task)


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
