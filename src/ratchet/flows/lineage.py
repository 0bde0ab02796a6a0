"""Lineage from any end: what the ledger says, and beside it what git, the log of predictions and MLflow know."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from ratchet.core.erasure import erasures
from ratchet.core.ledger_entries import EraseEntry
from ratchet.core.lineage import (
    ENDS,
    PREFIX,
    Asked,
    Descent,
    End,
    Lineage,
    Told,
    ends,
    has,
    told_by,
    versions,
)
from ratchet.core.lineage_descent import descent, noted, with_erased
from ratchet.core.manifest import digest_of
from ratchet.core.params import Params
from ratchet.errors import RatchetError, UsageError, did_you_mean
from ratchet.flows.ledger import ledger
from ratchet.io.commit_facts import before, commit_facts, full_commit
from ratchet.io.ledger_view import LedgerView
from ratchet.io.lineage_index import commits_of, left_at, names_of, newest_versions, versions_named
from ratchet.io.pointers import tracked_digests
from ratchet.io.revision import Revision
from ratchet.io.room import read_params, read_schema
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.io.mlflow import Tracking

COMMITS_TOLD = 40
"""Commits that git is asked about; more are told by their hash alone."""
RUN_ID = 32
"""Characters of an MLflow run's id."""
Found = tuple[Asked, list[Descent]]
"""What somebody may have meant, and what hangs on it."""


@dataclass
class _Known:
    """The project, and its ledger; of an end with more versions than `most` the newest are told."""

    settings: Settings
    params: Params
    view: LedgerView
    most: int | None
    earlier: int = 0

    @property
    def model(self) -> str:
        return self.params.project.name

    @cached_property
    def left(self) -> dict[int, str]:
        return left_at(self.view, self.model)

    @cached_property
    def erased(self) -> dict[str, EraseEntry]:
        """By the digest of what was erased."""
        return erasures(self.view.entries(self.view.rows(self.model, "erase")), self.model)

    def told(self, *texts: str) -> list[Told]:
        """What the ledger says of the versions that these may name."""
        named = (versions_named(self.view, self.model, text) for text in texts)
        versions, self.earlier = newest_versions(named, self.most)
        kept = self.view.of_versions(self.model, versions)
        return list(told_by(self.view.entries(kept), self.model, self.left).values())

    def descents(self, asked: Asked) -> list[Descent]:
        return [descent(each) for each in self.told(asked.name) if has(each, asked.end, asked.name)]


def lineage(settings: Settings, text: str, end: End | None = None, *, most: int | None = None) -> Lineage:
    """The lineage of what `text` names: a prediction, a version, a run, a commit, a batch or the key of a row.

    `end` says which of them is meant; `most` how many versions to tell of at most, the newest ones. Raises UsageError
    if it is nothing that is known, or more than one thing; ServiceFailed, TamperedFile.
    """
    params = read_params(settings.root)
    with ledger(settings, params).view() as view:
        known = _Known(settings, params, view, most)
        asked, found = _found(known, text.strip(), end)
        asked, found = noted(asked, known.erased), [with_erased(each, known.erased) for each in found]
    return Lineage(
        model=known.model,
        asked=asked,
        descents=_with_answers(known, found),
        earlier=known.earlier,
        commits=commit_facts(settings.root, [each.commit for each in found[-COMMITS_TOLD:]]),
    )


def _found(known: _Known, text: str, end: End | None) -> Found:
    candidates = [each for each in _candidates(known, text, end) if end in (None, each[0].end)]
    if not candidates:
        raise _nothing(known, text, end)
    if len(candidates) > 1:
        listed = "; ".join(f"{each.end} {each.name}" for each, _ in candidates)
        raise UsageError(
            f"{text} can be {len(candidates)} things: {listed}",
            next_step=f"write more of it, or say which is meant: --as {candidates[0][0].end}",
        )
    return candidates[0]


def _candidates(known: _Known, text: str, end: End | None) -> list[Found]:
    """Everything that it can be; what takes long to look up is asked only where the ledger knows nothing of it."""
    told = known.told(text)
    found = [(each, [descent(one) for one in told if has(one, each.end, each.name)]) for each in ends(told, text)]
    if predicted := _prediction(known, text):
        found.append(predicted)
    for place in (_commit, _batch, _run, _row):
        if not found or (end is not None and not any(each.end == end for each, _ in found)):
            found += place(known, text)
    return found


def _prediction(known: _Known, text: str) -> Found | None:
    # Imported late: it brings the log's reader, and most questions are about something else.
    from ratchet.flows.prediction import find_prediction

    found = find_prediction(known.settings, text)
    if found is None or found.model != known.model:
        return None
    note = f"asked on {found.time}, answered by version {found.version} as {found.arm}: {found.rows:,} rows"
    version = Asked(end="version", name=str(found.version))
    return Asked(end="prediction", name=text, note=note), known.descents(version)


def _commit(known: _Known, text: str) -> list[Found]:
    """A branch, a tag, HEAD; or the commit that holds what was computed, whose run MLflow knows by that."""
    root = known.settings.root
    commit = full_commit(root, text)
    if commit is None:
        return []
    asked = Asked(end="commit", name=commit, note="" if commit.startswith(text) else text)
    if found := known.descents(asked):
        return [(asked, found)]
    stages = Revision(root, commit).lock()
    with _tracking(known) as store:
        run = store.find_run(digest_of(stages)) if stages else None
        if run is None or not run.finished:
            return []
        note = f"{asked.note}; " * bool(asked.note) + "it holds what this run computed"
        told = known.descents(Asked(end="run", name=run.run_id))
        return [(asked.model_copy(update={"note": note}), told or [_unregistered(store, run.run_id)])]


def _batch(known: _Known, text: str) -> list[Found]:
    """One that is tracked here, or was erased, and that no registered run has used."""
    digest = tracked_digests(known.settings.root).get(text)
    if digest is None and not any(text in entry.batches for entry in known.erased.values()):
        return []
    tracked = f"tracked as {digest}; " if digest else ""
    return [(Asked(end="batch", name=text, note=f"{tracked}no version was made of it"), [])]


def _run(known: _Known, text: str) -> list[Found]:
    """A run that was recorded and never registered: only MLflow knows it."""
    if not PREFIX.fullmatch(text.lower()) or len(text) > RUN_ID:
        return []
    with _tracking(known) as store:
        runs = [run for run in store.finished() if run.run_id.startswith(text.lower())]
        return [(Asked(end="run", name=run.run_id), [_unregistered(store, run.run_id)]) for run in runs]


def _tracking(known: _Known) -> AbstractContextManager[Tracking]:
    # Imported late, as the next: they bring what trains and records, and most questions are about versions.
    from ratchet.io.mlflow import tracking

    return tracking(known.settings.mlflow_uri, known.model)


def _unregistered(store: Tracking, run_id: str) -> Descent:
    from ratchet.flows.unregistered_run import unregistered

    return unregistered(store, run_id)


def _row(known: _Known, text: str) -> list[Found]:
    """A row of the batches that the last run here has read."""
    from ratchet.io.batches_of_row import batches_of_row

    root = known.settings.root
    key, wanted = read_schema(root, known.params).rows.key, text.split(",")
    if len(key) != len(wanted):
        return []
    try:
        held = dict(batches_of_row(root, key, wanted))
    except (UsageError, KeyError):
        return []
    if not held:
        return []
    note = ", ".join(f"in {name}" if count == 1 else f"{count} rows in {name}" for name, count in held.items())
    found = [descent(each) for each in known.told(*held) if each.batches & held.keys()]
    return [(Asked(end="row", name=text, note=note), found)]


def _with_answers(known: _Known, found: list[Descent]) -> tuple[Descent, ...]:
    """With what each version has answered, where there is a log."""
    log = known.params.serve.log
    if not log or not versions(found):
        return tuple(found)
    from ratchet.io.prediction_counts import answered_by
    from ratchet.io.prediction_log import log_folder

    folder = log_folder(known.settings, log)
    counts = answered_by(folder, known.model, versions(found), since=_since(found))
    return tuple(each.model_copy(update={"answered": counts.get(each.version or 0)}) for each in found)


def _since(found: Iterable[Descent]) -> date:
    """The first day on which one of them may have answered."""
    times = [each.registered or each.services[0].since for each in found if each.registered or each.services]
    return date.fromisoformat(min(times, default="0001-01-01")[:10])


def _nothing(known: _Known, text: str, end: End | None) -> RatchetError:
    commit = full_commit(known.settings.root, text)
    made = commits_of(known.view, known.model)
    if end in (None, "commit") and commit is not None:
        near = before(known.settings.root, commit, set(made))
        after = f"; the nearest before it is {near[:9]}, which made version {made[near]}" if near else ""
        version = f"v{made[near]}" if near else "and the id of its run, if it was recorded"
        return UsageError(f"no version is of commit {commit[:9]}{after}", next_step=f"ratchet lineage {version}")
    kinds = end or f"{', '.join(ENDS[:-1])} or {ENDS[-1]}"
    return UsageError(
        f"{text!r} is no {kinds} that is known here{did_you_mean(text, names_of(known.view, known.model))}",
        next_step="ratchet history names versions, ratchet data show batches; a row is named by its key: VALUE,VALUE",
    )
