"""Making a version again from its commit and its data, in a folder of its own, and proving it equal.

Nothing outside of that folder is written: neither the work tree nor DVC's cache, MLflow, the ledger or the record of
looks. The gate is not asked: a rebuild ends with the evaluation.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from ratchet.core.judged import Evaluation
from ratchet.core.ledger_entries import Line
from ratchet.core.lineage_record import Lineage
from ratchet.core.params import Params
from ratchet.core.rebuilt import (
    DATA,
    GOLDEN,
    PREDICTIONS,
    Cause,
    Check,
    Rebuilt,
    Record,
    answers_check,
    causes,
    compared,
    unexplained,
)
from ratchet.errors import UsageError
from ratchet.flows.champion import download, ledger
from ratchet.flows.record import flat
from ratchet.flows.recorded_version import RecordedVersion, champion_then, recorded_version, registration
from ratchet.flows.run import EVALUATE
from ratchet.io import layout, model_folder
from ratchet.io.commit_facts import full_commit
from ratchet.io.locked_environment import locked_python
from ratchet.io.rebuild_process import Made, make_again
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
    commit = _commit(settings, entry.commit, entry.version)
    with tempfile.TemporaryDirectory(prefix="ratchet-") as name:
        recorded = recorded_version(settings, params, entry, Path(name) / "recorded")
        with _checkout(settings, commit, Path(name) / "data") as (root, damaged):
            found = _damaged(damaged) if damaged else _made(settings, params, entries, recorded, root, wish)
            if wish.keep is not None:
                shutil.copytree(find_home(root), wish.keep, symlinks=True)
    checks, why = found
    return Rebuilt(model=entry.model, version=entry.version, commit=entry.commit, checks=checks, causes=why)


def _commit(settings: Settings, commit: str, version: int) -> Revision:
    if not commit or full_commit(settings.root, commit) is None:
        raise UsageError(
            f"commit {commit[:9] or '(none)'} of version {version} is not in this clone",
            next_step="fetch the whole history: git fetch --unshallow; or the branch that it was made on",
        )
    return Revision(settings.root, commit)


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


def _made(
    settings: Settings, params: Params, entries: Sequence[Line], recorded: RecordedVersion, root: Path, wish: Wish
) -> tuple[tuple[Check, ...], tuple[Cause, ...]]:
    serving = champion_then(entries, recorded.record.evaluation)
    download(settings, params, serving, root / layout.CHAMPION)
    with tempfile.TemporaryDirectory(prefix="ratchet-") as name:
        lock = root / shared(root, ENVIRONMENT)
        python = locked_python(lock, Path(name)) if wish.environment else None
        made = make_again(root, EVALUATE, recorded.model, python)
    if made.lineage is None:
        check = Check(name=f"stage {made.failed}", same="other", words=f"it ended early: {made.words}")
        return (check,), (unexplained(),)
    now = _record(root, made.lineage)
    checks = (*compared(recorded.record, now), *_answers(made))
    why = causes(recorded.record, now)
    return checks, why or (() if all(each.same == "same" for each in checks) else (unexplained(),))


def _record(root: Path, lineage: Lineage) -> Record:
    return Record(
        lineage=lineage,
        params=dict(flat(yaml.safe_load((root / PARAMS).read_text(encoding="utf-8")) or {})),
        model_digest=model_folder.read_record(root / layout.MODEL).model_digest,
        evaluation=Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes()),
    )


def _answers(made: Made) -> Iterator[Check]:
    for name, title in (("golden", GOLDEN), ("predictions", PREDICTIONS)):
        if name in (made.answers or {}):
            rows, largest = (made.answers or {})[name]
            yield answers_check(title, rows, float("inf") if largest is None else largest)
