"""What is measured of a field, and what grows there."""

from __future__ import annotations

import pandas as pd


def build(rows: pd.DataFrame, lookups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return rain, slope and region of each field, with the index of `rows`; `lookups` is empty."""
    return rows[["rain", "slope", "region"]]


def label(rows: pd.DataFrame) -> pd.Series:
    """Return the crop."""
    return rows["crop"].astype("string")
