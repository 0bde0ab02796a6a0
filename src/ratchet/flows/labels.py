"""Taking in labels: each belongs to a row that was answered, and is one of the classes of its model, or a value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ratchet.errors import EXAMPLES_SHOWN, DataRefused, UsageError
from ratchet.io.prediction_labels import LabelFile, keep, read_label_file
from ratchet.io.prediction_log import LogReader, Prediction, log_folder, row_id
from ratchet.io.room import read_params
from ratchet.settings import Settings

YES_AND_NO = ["false", "true"]
SPELLINGS: Mapping[str, str] = {"0": "false", "1": "true", "false": "false", "true": "true"}
"""What stands for no and yes besides, of a model that says false and true."""

UNLOGGED = (
    "mend the file: an answer that is not in the log is not written yet (wait a minute), was lost (GET /health counts "
    "them), was removed with its day, or is in another server's folder; take its lines out"
)


@dataclass(frozen=True, kw_only=True)
class Added:
    """How many labels were new, and how many were known already."""

    new: int
    known: int


def add_labels(settings: Settings, path: Path) -> Added:
    """Check every label of a file, and keep those that are new: all of them, or none.

    Raises DataRefused that names the first lines that are wrong; UsageError if no log is kept.
    """
    params = read_params(settings.root)
    if params.serve.log is None:
        raise UsageError("serve.log is null: nothing is logged that labels could belong to", next_step="name a folder")
    folder = log_folder(settings, params.serve.log)
    found = read_label_file(path)
    labels = _checked(path, found, folder)

    def choose(kept: pl.DataFrame) -> pl.DataFrame:
        both = labels.join(kept, on="id", how="left", suffix="_kept")
        _refuse(path, found, _contradictions(both))
        return both.filter(pl.col("label_kept").is_null())

    new = keep(folder, choose)
    return Added(new=new, known=len(labels) - new)


def _checked(path: Path, found: LabelFile, folder: Path) -> pl.DataFrame:
    """One line per id with the label as the model spells it, and its `place` in the file."""
    ids = found.table["id"].to_list()
    wanted = {taken[0] for each in ids if (taken := row_id(each or ""))}
    known = LogReader(folder).requests(wanted)
    _refuse(path, found, _unknown(ids, known), next_step=UNLOGGED)
    labels = [_spelled(known, *pair) for pair in zip(ids, found.table["label"].to_list(), strict=True)]
    _refuse(path, found, _not_taken(found, labels, known))
    table = pl.DataFrame({"id": ids, "label": labels}, schema={"id": pl.String, "label": pl.String}).with_row_index(
        "place"
    )
    first = table.unique("id", keep="first", maintain_order=True)
    _refuse(path, found, _contradictions(table.join(first.drop("place"), on="id", suffix="_kept")))
    return first


def _unknown(ids: list[str | None], known: Mapping[str, Prediction]) -> Iterator[tuple[int, str]]:
    for place, each in enumerate(ids):
        taken = row_id(each or "")
        if taken is None:
            yield place, f"{each!r} is no row's id; one looks like 20261123-0badcafe-17/0"
        elif taken[0] not in known:
            yield place, f"prediction {taken[0]} is not in the log"
        elif taken[1] >= known[taken[0]].rows:
            yield place, f"prediction {taken[0]} has {known[taken[0]].rows:,} rows, the first is 0; there is no {each}"


def _spelled(known: Mapping[str, Prediction], row: str, label: str | None) -> str | None:
    """The label as the model spells it; None if it knows no such class, or it is no number."""
    classes = _classes(known[row.rpartition("/")[0]])
    if label is None:
        return None
    if not classes:
        return _number(label)
    if label in classes:
        return label
    return SPELLINGS.get(label.strip().lower()) if classes == YES_AND_NO else None


def _classes(prediction: Prediction) -> list[str]:
    """The classes that either version knows; none in a regression."""
    trial = prediction.trial.labels if prediction.trial else []
    return list(dict.fromkeys([*prediction.champion.labels, *trial]))


def _number(label: str) -> str | None:
    try:
        value = float(label)
    except ValueError:
        return None
    return repr(value) if math.isfinite(value) else None


def _not_taken(
    found: LabelFile, labels: list[str | None], known: Mapping[str, Prediction]
) -> Iterator[tuple[int, str]]:
    for place, label in enumerate(labels):
        if label is None:
            row, said = found.table.row(place)
            classes = ", ".join(_classes(known[row.rpartition("/")[0]])[:10])
            yield place, f"{said!r} is not {f'one of {classes}' if classes else 'a number'}"


def _contradictions(both: pl.DataFrame) -> Iterator[tuple[int, str]]:
    wrong = both.filter(pl.col("label") != pl.col("label_kept"))
    for place, row, label, other in wrong.select("place", "id", "label", "label_kept").iter_rows():
        yield place, f"{row} is {label} here, and {other} before"


def _refuse(
    path: Path, found: LabelFile, problems: Iterator[tuple[int, str]], *, next_step: str = "mend the file"
) -> None:
    """Raises DataRefused if there is any."""
    wrong = list(problems)
    if not wrong:
        return
    lines = "".join(f"\n  - {found.where(place)}: {why}" for place, why in wrong[:EXAMPLES_SHOWN])
    more = f"\n  - and {len(wrong) - EXAMPLES_SHOWN:,} more" if len(wrong) > EXAMPLES_SHOWN else ""
    raise DataRefused(
        f"{path} is refused:{lines}{more}", next_step=f"{next_step} and give it again; no label of it was taken"
    )
