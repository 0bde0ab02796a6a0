"""What a fork's pull request runs: its commit and its base, both trained on the public sample, compared.

The code of the pull request runs here, this very file included, with no secret and nowhere to write. So nothing that
comes out is trusted: `result.json` is a claim, and ratchet.flows.vet treats it as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from ratchet.core.evaluation import Scored, evaluate_rows
from ratchet.core.feature_table import CLUSTER, TARGET, encode_target, model_inputs
from ratchet.core.findings import MetricRow
from ratchet.core.fork import comment as fork_comment
from ratchet.core.fork.policy import data_files
from ratchet.core.fork.result import FORMAT, ClaimedMetric, ForkResult
from ratchet.core.params import Params
from ratchet.core.scoring import Scores, score
from ratchet.errors import DataRefused, UsageError
from ratchet.io import files, layout, model_folder
from ratchet.io.features import features_for
from ratchet.io.git import git, head_commit
from ratchet.io.looked_at import RowsToLookAt, looked_at
from ratchet.io.model_folder import LoadedModel
from ratchet.io.prices import prices_of
from ratchet.io.progress import say
from ratchet.io.revision import Revision, base_of, exported
from ratchet.io.room import read_params
from ratchet.io.sample_files import FOLDER, LOOKUPS, RAW
from ratchet.io.workspace import Parts, workspace
from ratchet.settings import Settings

BASE, CHANGE = "base", "change"


def run(settings: Settings, *, base: str, into: Path) -> str:
    """Write `result.json` and `report.md` into the folder `into`; returns the report.

    Compared are commits, HEAD and the one that it and `base` came from; what is not committed does not count.
    Raises UsageError if there is no sample, StageFailed if one of the two cannot be trained on it, DataRefused if they
    cannot be compared.
    """
    root = settings.root
    head = Revision(root, head_commit(root))
    start = Revision(root, git(["merge-base", base_of(root, base).commit, head.commit], cwd=root))
    with (
        _sample(start) as tables,
        _trained(settings, start, tables, BASE) as before,
        _trained(settings, head, tables, CHANGE) as after,
    ):
        params = read_params(before)
        result = _result(before, after, params=params, commits=(start.commit, head.commit))
    touched = git(["diff", "--name-only", "--relative", "-z", start.commit, head.commit], cwd=root).split("\0")
    model, count = params.project.name, data_files(touched)
    markdown = fork_comment.numbers(model, None, result, alpha=params.gate.alpha, data_files=count)
    files.write_json(into / "result.json", result.model_dump(mode="json"))
    files.write_text(into / "report.md", markdown)
    return markdown


@contextmanager
def _sample(start: Revision) -> Iterator[Path]:
    """The base's sample: a change cannot choose what it is measured on."""
    with exported(start, FOLDER) as home:
        tables = home / FOLDER
        if not (tables / RAW).is_dir():
            raise UsageError(
                f"the base ({start.commit[:9]}) has no {FOLDER}/ that a fork could be measured on",
                next_step="a maintainer makes one of public data: ratchet sample make --public, and commits it",
            )
        # Git keeps no empty folder, and the pipeline wants one.
        (tables / LOOKUPS).mkdir(exist_ok=True)
        yield tables


@contextmanager
def _trained(settings: Settings, commit: Revision, tables: Path, name: str) -> Iterator[Path]:
    """A project of this commit's code and parameters, trained on the sample."""
    parts = Parts(code=commit, params=commit, tables=tables)
    with workspace(settings.root, settings.dvc_remote, parts) as place:
        say(f"sample: training the {name}, {commit.commit[:9]}")
        place.reproduce("train")
        yield place.root


def _result(before: Path, after: Path, *, params: Params, commits: tuple[str, str]) -> ForkResult:
    """Both models on the rows of the base that may be looked at, with the base's labels."""
    rows_of_base = looked_at(before, params)
    batches, labels = rows_of_base.batches, rows_of_base.labels
    one, other = (model_folder.read(root / layout.MODEL) for root in (before, after))
    _require_comparable(one, other, rows_of_base)
    target = encode_target(labels[TARGET], one.record.labels, one.record.task)
    clusters = None if labels[CLUSTER].isna().all() else labels[CLUSTER].to_numpy(dtype=object)
    models = {
        BASE: _scores(one, features_for(before, before, batches)),
        CHANGE: _scores(other, features_for(before, after, batches)),
    }
    scored = Scored(
        target=target,
        models=models,
        clusters=clusters,
        pair=(BASE, CHANGE),
        alpha=params.gate.alpha,
        prices=prices_of(before, params, one.record.labels, batches),
    )
    rows = evaluate_rows(one.record.task, scored, [params.gate.metric])
    return ForkResult(
        format=FORMAT,
        base=commits[0],
        head=commits[1],
        task=one.record.task,
        rows=len(target),
        clusters=None if clusters is None else int(labels[CLUSTER].nunique()),
        metrics=tuple(_claimed(row) for row in rows),
    )


def _require_comparable(base: LoadedModel, change: LoadedModel, rows: RowsToLookAt) -> None:
    if (base.record.task, base.record.labels) != (change.record.task, change.record.labels):
        raise DataRefused(
            f"the base predicts {base.record.task} {base.record.labels}, the change {change.record.task} "
            f"{change.record.labels}: their losses cannot be compared",
            next_step="keep what is predicted, or ask a maintainer to run the change",
        )
    for whose, model in (("the base's model", base), ("the change's model", change)):
        try:
            rows.require_unseen(model.record)
        except DataRefused as refused:
            raise DataRefused(
                f"the numbers of {whose} would mean nothing: {refused.message}",
                next_step="keep split in params.yaml as it is in the base",
            ) from refused


def _scores(model: LoadedModel, features: pd.DataFrame) -> Scores:
    return score(model.pipeline, model.record.task, model_inputs(features, model.record.features))


def _claimed(row: MetricRow) -> ClaimedMetric:
    return ClaimedMetric(
        name=row.name,
        base=row.models[BASE].value,
        change=row.models[CHANGE].value,
        low=row.gain.low if row.gain else None,
        high=row.gain.high if row.gain else None,
    )
