"""Making a version again from its commit and its data, in a folder of its own, and proving it equal.

Nothing outside of that folder is written: neither the work tree nor DVC's cache, MLflow, the ledger or the record of
looks. The gate is not asked: a rebuild ends with the evaluation.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from ratchet.core.change.dependencies import locked
from ratchet.core.erasure import erased_of, erased_words
from ratchet.core.judged import Evaluation
from ratchet.core.ledger_entries import EraseEntry
from ratchet.core.lineage_record import Lineage
from ratchet.core.rebuilt import (
    DATA,
    GOLDEN,
    PREDICTIONS,
    Cause,
    Check,
    Rebuilt,
    Record,
    answers_check,
    compared,
)
from ratchet.core.rebuilt_causes import causes, installed_from, unexplained
from ratchet.errors import UsageError
from ratchet.flows.champion import download
from ratchet.flows.ledger import ledger
from ratchet.flows.record import flat
from ratchet.flows.recorded_version import RecordedVersion, champion_then, recorded_version, registration
from ratchet.flows.run import EVALUATE
from ratchet.io import layout, model_folder
from ratchet.io.commit_facts import full_commit
from ratchet.io.locked_environment import locked_python
from ratchet.io.rebuild_process import Conditions, Made, make_again
from ratchet.io.recorded_data import FOLDERS, place_data
from ratchet.io.revision import Revision
from ratchet.io.room import read_params
from ratchet.io.workspace import ENVIRONMENT, Parts, workspace
from ratchet.settings import PARAMS, Settings, find_home, shared


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which version (None: what serves), whether in the environment of its commit, and where to keep the checkout."""

    version: int | None = None
    environment: bool = False
    keep: Path | None = None


def rebuild(settings: Settings, wish: Wish) -> Rebuilt | None:
    """Make a version again and compare it with what was recorded; None if nothing serves.

    Raises UsageError if the version or its commit is not known here, ServiceFailed, TamperedFile.
    """
    if wish.keep is not None and wish.keep.exists():
        raise UsageError(f"{wish.keep} is there already", next_step="name a folder that is not")
    params = read_params(settings.root)
    entries = ledger(settings, params).read()
    entry = registration(entries, params.project.name, wish.version)
    if entry is None:
        return None
    if gone := erased_of(entries, entry.model, entry.batches):
        checks, why = _erased(gone)
        return Rebuilt(model=entry.model, version=entry.version, commit=entry.commit, checks=checks, causes=why)
    commit = _commit(settings, entry.commit, entry.version)
    with tempfile.TemporaryDirectory(prefix="ratchet-") as name:
        recorded = recorded_version(settings, params, entry, Path(name) / "recorded")
        # Before data is fetched: what is missing for it is said at once.
        python = _locked_python(commit, recorded, Path(name) / "locked") if wish.environment else None
        with _checkout(settings, commit, Path(name) / "data") as (root, damaged):
            if damaged:
                found = _damaged(damaged)
            else:
                serving = champion_then(entries, recorded.record.evaluation)
                download(settings, params, serving, root / layout.CHAMPION)
                found = _made(recorded, root, python)
            if wish.keep is not None:
                shutil.copytree(find_home(root), wish.keep, symlinks=True)
    checks, why = found
    return Rebuilt(model=entry.model, version=entry.version, commit=entry.commit, checks=checks, causes=why)


def _erased(gone: Mapping[str, EraseEntry]) -> tuple[tuple[Check, ...], tuple[Cause, ...]]:
    check = Check(name=DATA, same="other", words=f"{', '.join(gone)}: erased, so nothing was run")
    words = (f"batch {name} was {erased_words(entry)}: {entry.reason}" for name, entry in gone.items())
    return (check,), tuple(Cause(kind="erased", words=each) for each in words)


def _commit(settings: Settings, commit: str, version: int) -> Revision:
    if not commit:
        raise UsageError(
            f"version {version} was made outside of git, or before the first commit",
            next_step="commit, and ratchet run",
        )
    if full_commit(settings.root, commit) is None:
        raise UsageError(
            f"commit {commit[:9]} of version {version} is not in this clone",
            next_step=f"git fetch origin {commit}, which brings one of a squashed branch as well; "
            "or in a shallow clone git fetch --unshallow",
        )
    return Revision(settings.root, commit)


def _locked_python(commit: Revision, recorded: RecordedVersion, folder: Path) -> Path:
    lock = Path(shared(commit.root, ENVIRONMENT))
    place = folder / lock.name
    folder.mkdir()
    if text := commit.text(lock.as_posix()):
        place.write_text(text, encoding="utf-8")
    return locked_python(place, recorded.record.lineage.environment.python, folder / "environment")


@contextmanager
def _checkout(settings: Settings, commit: Revision, data: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The commit with its data and without anything that was computed; and the data that is damaged, by path."""
    commit.export(FOLDERS, data.parent)
    data.mkdir(exist_ok=True)
    parts = Parts(data=commit, code=commit, params=commit, tables=data)
    with workspace(settings.root, settings.dvc_remote, parts) as place:
        commit.export([shared(settings.root, ENVIRONMENT)], place.root)
        yield place.root, place_data(settings.root, settings.dvc_remote, place.root)


def _damaged(damaged: dict[str, str]) -> tuple[tuple[Check, ...], tuple[Cause, ...]]:
    listed = ", ".join(damaged)
    check = Check(name=DATA, same="other", words=f"{listed}: not what was recorded, so nothing was run")
    again = "ratchet data fetch gets it again"
    return (check,), tuple(Cause(kind="row", words=f"{path}: {why}; {again}") for path, why in damaged.items())


def _made(recorded: RecordedVersion, root: Path, python: Path | None) -> tuple[tuple[Check, ...], tuple[Cause, ...]]:
    """Make it again in the workspace at `root`, by the `python` of its lock or by this one, and compare."""
    lock = root / shared(root, ENVIRONMENT)
    names = frozenset(locked(lock.read_text(encoding="utf-8")) if lock.is_file() else ())
    then = recorded.record
    made = make_again(root, EVALUATE, recorded.model, Conditions(python=python, machine=then.lineage.machine))
    if python is not None:
        then = replace(then, lineage=installed_from(names, then.lineage))
    if made.lineage is None:
        checks: tuple[Check, ...] = (
            Check(name=f"stage {made.failed}", same="other", words=f"it ended early: {made.words}"),
        )
        here = {"environment": made.environment, "machine": made.machine}
        now = replace(then, lineage=then.lineage.model_copy(update=here), params=_params(root))
    else:
        now = _record(root, made.lineage)
        checks = (*compared(then, now), *_answers(made))
    why = causes(then, now, names)
    return checks, why or (() if all(each.same == "same" for each in checks) else (unexplained(then.lineage),))


def _record(root: Path, lineage: Lineage) -> Record:
    return Record(
        lineage=lineage,
        params=_params(root),
        model_digest=model_folder.read_record(root / layout.MODEL).model_digest,
        evaluation=Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes()),
    )


def _params(root: Path) -> Mapping[str, object]:
    return dict(flat(yaml.safe_load((root / PARAMS).read_text(encoding="utf-8")) or {}))


def _answers(made: Made) -> Iterator[Check]:
    for name, title in (("golden", GOLDEN), ("predictions", PREDICTIONS)):
        if name in (made.answers or {}):
            rows, largest = (made.answers or {})[name]
            yield answers_check(title, rows, float("inf") if largest is None else largest)
