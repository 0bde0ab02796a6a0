"""What the room's label function says of rows that were edited: it is asked about no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.change.cells import type_name
from ratchet.core.change.data import TableDiff, flipped

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@dataclass(frozen=True)
class EditedLabels:
    """The labels of both versions of the edited rows, in their order, and which of them are flipped."""

    before: pd.Series
    after: pd.Series
    flipped: NDArray[np.bool_]

    @property
    def flips(self) -> int:
        """How many are flipped."""
        return int(self.flipped.sum())


def edited_labels(
    label: Callable[[pd.DataFrame], pd.Series], diff: TableDiff, say: Callable[[str], None]
) -> EditedLabels | None:
    """The labels of the edited rows; None if they cannot be compared, and `say` is told why.

    The function sees the columns that both versions have with the same type. Rows that are equal in them have equal
    labels; where no row was edited, it is asked about one, so that a column it lacks is noticed.
    """
    shared = [name for name in diff.cells if _same_type(diff, name)]
    rows = diff.edited if len(diff.edited) else diff.kept.head(1)
    old, new = _pandas(diff.before, rows.before, shared), _pandas(diff.after, rows.after, shared)
    try:
        before, after = label(old), label(new)
    except KeyError as error:
        lacking = ({*diff.before.columns, *diff.after.columns} - set(shared)) & {str(each) for each in error.args}
        if not lacking:
            raise
        say(f"labels are not compared: they need {', '.join(sorted(lacking))}, which is not the same column in both")
        return None
    edited = len(diff.edited)
    return EditedLabels(before[:edited], after[:edited], flipped(before, after)[:edited])


def _same_type(diff: TableDiff, column: str) -> bool:
    names = {type_name(each[column]) for each in (diff.before, diff.after)} - {""}
    return len(names) <= 1 or names == {"integer", "number"}


def _pandas(frame: pl.DataFrame, rows: pl.Series, columns: list[str]) -> pd.DataFrame:
    """These rows as the function is given them elsewhere: with the types that all of the table's rows have."""
    import polars as pl

    # Integers are floats in pandas as soon as one is missing, also where none is among these rows.
    lacking = [name for name in columns if frame[name].dtype.is_integer() and frame[name].null_count()]
    typed = frame.select(columns)[rows].with_columns(pl.col(lacking).cast(pl.Float64))
    table: pd.DataFrame = typed.to_arrow().to_pandas()
    return table
