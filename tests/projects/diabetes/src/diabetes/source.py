"""442 patients in their original units, from the data set that ships inside scikit-learn, in eight parts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd
from sklearn.datasets import load_diabetes

Batch = tuple[str, dict[str, pd.DataFrame]]
"""A batch name ("part-01") and its one table, "rows"."""

PARTS = 8


def collect(since: str | None, until: str | None) -> Iterator[Batch]:
    """Yield the parts with since < name <= until, in the order of the rows; None leaves that end open."""
    patients = _patients()
    edges = [len(patients) * part // PARTS for part in range(PARTS + 1)]
    for part, (start, end) in enumerate(pairwise(edges), start=1):
        name = f"part-{part:02d}"
        if (since is None or since < name) and (until is None or name <= until):
            yield name, {"rows": patients.iloc[start:end].reset_index(drop=True)}


def standing() -> dict[str, pd.DataFrame]:
    """No lookups."""
    return {}


def _patients() -> pd.DataFrame:
    published: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    frame = published.rename(columns={"target": "progression"})
    codes = frame["sex"].map({1.0: "1", 2.0: "2"})
    numbered = frame.assign(sex=codes, patient=range(1, len(frame) + 1))
    return numbered[["patient", *frame.columns]]
