"""Rows that fail together: the name of each row's cluster, from a column or its calendar period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.core.params import Cluster
from ratchet.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

PERIODS = {"week": "W", "month": "M"}


def cluster_names(rows: pd.DataFrame, cluster: Cluster) -> pd.Series[str]:
    """One cluster name per row, such as `2013-07-04`; names sort in time order.

    Raises UsageError if the column is not there, or is no timestamp where a period is asked for.
    """
    if cluster.column not in rows.columns:
        raise UsageError(
            f"params.yaml: split.cluster.column {cluster.column!r} is not a column of the rows table",
            next_step=f"the columns are {', '.join(map(str, rows.columns))}",
        )
    values = rows[cluster.column]
    if cluster.every == "value":
        return values.astype(str)
    if values.dtype.kind != "M":
        raise UsageError(
            f"params.yaml: split.cluster.every {cluster.every!r} needs a timestamp, "
            f"and {cluster.column} is {values.dtype}",
            next_step="name a timestamp column, or use every: value",
        )
    local = values.dt.tz_convert(cluster.zone).dt.tz_localize(None) if values.dt.tz is not None else values
    if cluster.every != "day":
        local = local.dt.to_period(PERIODS[cluster.every]).dt.start_time
    codes, days = local.dt.normalize().factorize(use_na_sentinel=False)
    names: pd.Series[str] = days.strftime("%Y-%m-%d").to_series().take(codes).set_axis(rows.index)
    return names
