"""A few rows of a difference, in words: edited cells before and after, keys of added and removed rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ratchet.core.change.data import TableDiff, differing
from ratchet.core.change.data_diff import CellEdit, Examples, RowEdit
from ratchet.core.change.matching import Matched
from ratchet.core.report.text import shortened

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

LONGEST = 200
"""Characters of a value at most."""
COLUMNS = 3
"""Columns that stand for the key of a row where rows have none."""


def examples(
    diff: TableDiff, most: int, *, labels: tuple[pd.Series, pd.Series, NDArray[np.bool_]] | None = None
) -> Examples:
    """At most `most` rows of each kind, in the order of the tables; rows whose label is flipped come first.

    `labels` are those of the edited rows before and after, and which of them are flipped.
    """
    chosen = np.argsort(~labels[2], kind="stable")[:most] if labels else np.arange(min(most, len(diff.edited)))
    return Examples(
        edited=tuple(_edits(diff, chosen, labels)) if len(chosen) else (),
        added=tuple(_keys(diff, diff.after, diff.added().head(most))),
        removed=tuple(_keys(diff, diff.before, diff.removed().head(most))),
    )


def in_text(value: Any) -> str | None:
    """A cell as it stands in an example; None if it is missing.

    >>> [in_text(each) for each in (1.0, 0.1, True, None, float("nan"), "a")]
    ['1', '0.1', 'true', None, None, 'a']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 2**53 else repr(float(value))
    if isinstance(value, datetime | date):
        return value.isoformat(*((" ",) if isinstance(value, datetime) else ()))
    return shortened(str(value), LONGEST)


def _edits(
    diff: TableDiff, chosen: NDArray[np.intp], labels: tuple[pd.Series, pd.Series, NDArray[np.bool_]] | None
) -> Iterator[RowEdit]:
    places = pl.Series(chosen)
    rows = Matched(diff.edited.before.gather(places), diff.edited.after.gather(places))
    columns = [column for column, cells in diff.cells.items() if cells]
    # Cells are compared alike in a few rows and in all: the columns keep their types.
    changed = {column: differing(diff.before, diff.after, rows, column).to_list() for column in columns}
    old, new = diff.before.select(columns)[rows.before], diff.after.select(columns)[rows.after]
    for place, key in enumerate(_keys(diff, diff.after, rows.after)):
        yield RowEdit(
            key=key,
            cells=tuple(
                CellEdit(column=name, before=in_text(old[name][place]), after=in_text(new[name][place]))
                for name in columns
                if changed[name][place]
            ),
            label=_flip(labels, int(chosen[place])),
        )


def _flip(labels: tuple[pd.Series, pd.Series, NDArray[np.bool_]] | None, place: int) -> CellEdit | None:
    if labels is None or not labels[2][place]:
        return None
    before, after = (in_text(each.iloc[place]) for each in labels[:2])
    return CellEdit(column="label", before=before, after=after)


def _keys(diff: TableDiff, table: pl.DataFrame, rows: pl.Series) -> Iterator[Mapping[str, str | None]]:
    """The keys of these rows; where rows are compared whole, their first columns."""
    whole = len(diff.key) == len(diff.cells)
    names = list(islice(table.columns, COLUMNS)) if whole or not diff.key else list(diff.key)
    for row in table.select(names)[rows].iter_rows():
        yield {name: in_text(value) for name, value in zip(names, row, strict=True)}
