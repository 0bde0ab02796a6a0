"""What `evaluate.costs` declares, bound to labelled rows: functions are the room's, and are given the rows themselves.

Reports, the gate's evidence and analyses all price rows by the functions of the project at hand, whichever of its
models they look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ratchet.core.feature_table import LabelledBatch
from ratchet.core.params import Params
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.io.room import cost_function, read_schema
from ratchet.io.row_columns import rows_of


def prices_of(root: Path, params: Params, labels: Sequence[str], batches: Mapping[str, LabelledBatch]) -> Prices:
    """The prices of all rows of `batches` by the project at `root`, for a model that knows `labels`.

    Rows are read only for a function. Raises UsageError if one is missing, ServiceFailed, TamperedFile.
    """
    costs = params.evaluate.costs
    if not costs:
        return NO_PRICES
    named = {name: by.function for name, by in costs.items() if by.function is not None}
    return Prices(
        task=params.project.task,
        declared=costs,
        labels=labels,
        functions={name: cost_function(root, params, metric=name, function=each) for name, each in named.items()},
        rows=_rows(root, params, batches) if named else None,
    )


def _rows(root: Path, params: Params, batches: Mapping[str, LabelledBatch]) -> pd.DataFrame:
    schema = read_schema(root, params)
    return rows_of(root, schema, batches, list(schema.rows.columns))
