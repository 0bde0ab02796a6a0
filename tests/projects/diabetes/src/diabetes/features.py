"""What is measured at the start, and how far the disease has come a year later."""

from __future__ import annotations

import pandas as pd

MEASURED = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def build(rows: pd.DataFrame, lookups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the ten measurements of each patient, with the index of `rows`; `lookups` is empty."""
    return rows[MEASURED]


def label(rows: pd.DataFrame) -> pd.Series:
    """Return the disease progression one year after the measurements; no unit."""
    return rows["progression"].astype("float64")
