"""The model that other inputs would have made, judged on the rows that people may look at here (`core.looked_at`).

A counterfactual is the pipeline run again in a temporary project with some parts from another commit, or another seed.
What it made is remembered in DVC's run cache by its inputs: the next time nothing runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ratchet.core.feature_table import CLUSTER, TARGET, LabelledBatch, encode_target, model_inputs
from ratchet.core.params import Params
from ratchet.core.prices import Prices
from ratchet.core.scoring import Scores, score
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.io import cache, dvc, files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.features import features_for
from ratchet.io.looked_at import RowsToLookAt, looked_at
from ratchet.io.model_folder import LoadedModel
from ratchet.io.prices import prices_of
from ratchet.io.room import read_params, room_files, room_folder
from ratchet.io.workspace import Parts, identity, workspace
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The rows of the work tree to look at, in one order, with the model that the work tree's pipeline made.

    No model has learned from them: they are the held-out batches, or the open rows where those are sealed.
    """

    root: Path
    params: Params
    own: LoadedModel
    looked: RowsToLookAt
    made: dict[str, pd.DataFrame] = field(default_factory=dict)
    """Features by the room's code: another room is a process of its own, and many reruns share one."""

    @property
    def batches(self) -> Mapping[str, LabelledBatch]:
        """The rows by batch."""
        return self.looked.batches

    @property
    def labels(self) -> pd.DataFrame:
        """Key, cluster and label of each row."""
        return self.looked.labels

    @property
    def target(self) -> np.ndarray[tuple[int], np.dtype[np.int64]] | np.ndarray[tuple[int], np.dtype[np.float64]]:
        """(n,) the labels as numbers, in the order of the work tree's model."""
        return encode_target(self.labels[TARGET], self.own.record.labels, self.own.record.task)

    @cached_property
    def prices(self) -> Prices:
        """What the rows cost by `evaluate.costs`, by the work tree's own room."""
        return prices_of(self.root, self.params, self.own.record.labels, self.batches)

    @property
    def clusters(self) -> np.ndarray[tuple[int], np.dtype[np.object_]] | None:
        """(n,) each row's cluster, or None where rows are independent."""
        names = self.labels[CLUSTER]
        return None if names.isna().all() else names.to_numpy(dtype=object)


@dataclass(frozen=True)
class Rerun:
    """A model of other inputs; `home` holds its room's code under `src/`; `trained`: nothing had it, so it was made."""

    home: Path
    model: LoadedModel
    trained: bool


def held_out(root: Path) -> HeldOut:
    """The rows to look at in the project at `root`, as its last run left it.

    Raises ServiceFailed if nothing was run, DataRefused if there are none.
    """
    params, store = read_params(root), UnitStore(root / layout.FEATURES)
    if not store.names():
        raise ServiceFailed(f"{layout.FEATURES} is not there: nothing judges yet", next_step="ratchet run")
    return HeldOut(root=root, params=params, own=model_folder.read(root / layout.MODEL), looked=looked_at(root, params))


def known(settings: Settings, parts: Parts) -> bool:
    """Whether the model of these parts is remembered, and here or on the remote."""
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        model = cache.recall(repo, identity(settings.root, parts))
        return model is not None and not cache.bring(repo, [model])


@contextmanager
def rerun(settings: Settings, parts: Parts) -> Iterator[Rerun]:
    """The model that `parts` make, from memory or by running them; its folder is removed afterwards.

    Raises RerunFailed if a stage cannot run on them, ServiceFailed, UsageError, TamperedFile.
    """
    key = identity(settings.root, parts)
    with tempfile.TemporaryDirectory(prefix="ratchet-") as name:
        home = Path(name)
        if _recalled(settings, key, home / layout.MODEL):
            model = model_folder.read(home / layout.MODEL)
            yield Rerun(_room_of(settings, parts, model, home), model, trained=False)
            return
    with workspace(settings.root, settings.dvc_remote, parts) as place:
        done = place.reproduce()
        with dvc.project(settings.root, settings.dvc_remote) as repo:
            cache.remember(repo, key, place.output(layout.MODEL))
        yield Rerun(place.root, model_folder.read(place.root / layout.MODEL), trained="train" in done.ran)


def scores_on(rows: HeldOut, model: LoadedModel, home: Path) -> Scores:
    """(n, k) scores of a model on the rows to look at, from features made by the room at `home/src/`.

    Raises DataRefused if it predicts something else, has learned from these rows, or cannot read them.
    """
    theirs, ours = model.record, rows.own.record
    if (theirs.task, theirs.labels) != (ours.task, ours.labels):
        raise DataRefused(f"it predicts {theirs.task} {theirs.labels}, this change {ours.task} {ours.labels}")
    if (theirs.recipe.project.room, ours.recipe.project.room) != (rows.params.project.room,) * 2:
        raise DataRefused(
            f"its room is src/{theirs.recipe.project.room}, this change's is src/{ours.recipe.project.room}"
        )
    rows.looked.require_unseen(theirs)
    features = _features(rows, home)
    if len(features) != len(rows.labels):
        raise DataRefused(f"its feature function makes {len(features):,} rows of the {len(rows.labels):,} that judge")
    return score(model.pipeline, theirs.task, model_inputs(features, theirs.features))


def _features(rows: HeldOut, home: Path) -> pd.DataFrame:
    room = room_folder(home, rows.params.project.room)
    code = "\n".join(f"{path.relative_to(room)} {files.digest(path)}" for path in room_files(room))
    if code not in rows.made:
        rows.made[code] = _make_features(rows, home)
    return rows.made[code]


def _make_features(rows: HeldOut, home: Path) -> pd.DataFrame:
    try:
        return features_for(rows.root, home, rows.batches)
    except DataRefused as refused:
        words = refused.message.partition(": ")[2] or refused.message
        raise DataRefused(f"its feature function cannot read the rows that judge: {words}") from refused


def _recalled(settings: Settings, key: str, folder: Path) -> bool:
    """Put the remembered model into `folder`; False if there is none."""
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        model = cache.recall(repo, key)
        if model is None or cache.bring(repo, [model]):
            return False
        cache.place(repo, model, folder)
    return True


def _room_of(settings: Settings, parts: Parts, model: LoadedModel, home: Path) -> Path:
    """The folder whose `src/` holds the room's code that `parts` name."""
    if parts.code is None:
        return settings.root
    parts.code.export_room(model.record.recipe.project.room, home)
    return home
