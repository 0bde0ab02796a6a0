"""What a cost function of the user's own says of each row, and the rules it must keep.

It is given pandas objects with one index: what was true, as `label` of the room says it; what the model predicts (the
probability of true, one column of probabilities per class, or a value); and the rows of the batch as they came in. It
must say one number per row, and that of a row by that row alone: intervals, slices and gains are all of single rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.metric import Floats, Target
from ratchet.core.params import Task
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

if TYPE_CHECKING:
    from ratchet.core.prices import CostFunction

ALONE = 1_000
"""Rows that are priced a second time in another order and company, at most."""
TOLERANCE = 1e-9
"""How far the two may be apart, relative to their size: vectors of other lengths round differently."""


@dataclass(frozen=True, kw_only=True)
class Priced:
    """(n,) rows as the function is given them, and which of them have finite scores."""

    truth: pd.Series
    prediction: pd.Series | pd.DataFrame
    rows: pd.DataFrame
    known: NDArray[np.bool_]

    @classmethod
    def of(
        cls, target: Target, scores: Scores, *, task: Task, labels: Sequence[str], rows: pd.DataFrame | None
    ) -> Self:
        """From what metrics are given. Raises UsageError if `rows` are not those that were scored."""
        if rows is None or len(rows) != len(target):
            raise UsageError(
                f"{len(target):,} rows are scored, and {0 if rows is None else len(rows):,} are there to be priced",
                next_step="run the pipeline again: its outputs are of different rows",
            )
        truth = target if task == "regression" else np.array(labels, dtype=object)[target.astype(np.intp)]
        prediction: pd.Series | pd.DataFrame = (
            pd.DataFrame(scores, columns=list(labels)) if task == "multiclass" else pd.Series(scores[:, -1])
        )
        return cls(
            truth=pd.Series(target == 1 if task == "binary" else truth),
            prediction=prediction,
            rows=rows.reset_index(drop=True),
            known=np.isfinite(scores).all(axis=1) & np.isfinite(target),
        )

    def take(self, places: NDArray[np.intp]) -> Self:
        """The rows at these places, numbered anew."""
        return type(self)(
            truth=self.truth.iloc[places].reset_index(drop=True),
            prediction=self.prediction.iloc[places].reset_index(drop=True),
            rows=self.rows.iloc[places].reset_index(drop=True),
            known=self.known[places],
        )


def row_costs(function: CostFunction, priced: Priced, *, name: str) -> Floats:
    """(n,) what `function` says of each row; NaN where a score is not finite.

    Raises UsageError if it does not say one finite number per row, or if that of a row depends on the others.
    """
    found = _called(function, priced, name)
    places = _elsewhere(len(found))
    again = _called(function, priced.take(places), name)
    both = np.isfinite(again)
    dust = TOLERANCE * float(np.abs(again[both]).max(initial=0.0))
    apart = both & ~np.isclose(again, found[places], rtol=TOLERANCE, atol=dust)
    if apart.any():
        at = int(apart.argmax())
        raise _fault(
            f"{name} says {found[places[at]]:.6g} of row {places[at]:,}, and {again[at]:.6g} of the same row among "
            "others in another order: a row must be priced by itself alone"
        )
    return found


def _elsewhere(rows: int) -> NDArray[np.intp]:
    """Some of the rows, backwards and without their neighbours: what sums, shifts or counts rows is found out."""
    return np.arange(rows - 1, -1, -max(2, -(-rows // ALONE)), dtype=np.intp)


def _called(function: CostFunction, priced: Priced, name: str) -> Floats:
    returned = function(priced.truth.copy(), priced.prediction.copy(), priced.rows.copy())
    values = _numbers(returned, len(priced.truth), name)
    bad = priced.known & ~np.isfinite(values)
    if bad.any():
        at = int(bad.argmax())
        raise _fault(f"{name} says {values[at]} of row {at:,} and {int(bad.sum()) - 1:,} more, which is no amount")
    return np.where(priced.known, values, np.nan)


def _numbers(returned: object, rows: int, name: str) -> Floats:
    values = np.asarray(returned)
    if values.shape != (rows,):
        raise _fault(f"{name} returned {type(returned).__name__} of shape {values.shape} for {rows:,} rows")
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise _fault(f"{name} returned {values.dtype}, which are no numbers: {error}") from error


def _fault(message: str) -> UsageError:
    return UsageError(message, next_step="mend the function: docs/metrics.md has its contract and an example")
