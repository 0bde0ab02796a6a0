"""Anomalies: what the rules of `schema.yaml` cannot say, but a comparison with earlier batches can.

One detector a file; `docs/anomalies.md` says what each sees. A batch can be unlike all others for a good reason, so
each finding has a sentence with its numbers, and a person may release any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from ratchet.core.schema import Table
from ratchet.core.validation.anomalies.calendars import missing_days
from ratchet.core.validation.anomalies.categories import changed_texts
from ratchet.core.validation.anomalies.clocks import shifted_clocks
from ratchet.core.validation.anomalies.compared import Compared
from ratchet.core.validation.anomalies.constants import constant_columns
from ratchet.core.validation.anomalies.dates import swapped_dates
from ratchet.core.validation.anomalies.drift import drifted
from ratchet.core.validation.anomalies.gaps import missing_values
from ratchet.core.validation.anomalies.repeats import repeated_days, repeated_keys
from ratchet.core.validation.anomalies.row_counts import odd_row_count
from ratchet.core.validation.anomalies.spikes import piled_up
from ratchet.core.validation.anomalies.stuck import stuck_sensors
from ratchet.core.validation.anomalies.swaps import swapped_columns
from ratchet.core.validation.anomalies.units import changed_units
from ratchet.core.validation.profile import TableProfile
from ratchet.core.validation.records import Finding

Detector = Callable[[Compared], Iterator[Finding]]

OF_EXTENT: tuple[Detector, ...] = (missing_days, odd_row_count)
"""What does not have to be there in a batch that only adds to another one; the first that finds something is enough."""
OF_TIME: tuple[Detector, ...] = (repeated_days, repeated_keys, swapped_dates, shifted_clocks)
"""What is wrong with the table's time and keys; each of them counts."""
OF_VALUES: tuple[Detector, ...] = (
    swapped_columns,
    constant_columns,
    changed_units,
    changed_texts,
    missing_values,
    piled_up,
    stuck_sensors,
    drifted,
)
"""What is wrong with the values of a column, the most telling first: one finding a column is enough."""
SELECTED = frozenset(["repeated-keys", "shifted-clock", "constant", "vanished-value", "missing-jump"])
"""Of a batch that adds to another one or corrects it, these only warn: such rows are no sample of all rows."""


def find_anomalies(
    name: str,
    table: Table,
    frame: pl.DataFrame,
    now: TableProfile,
    before: Sequence[TableProfile],
    *,
    part: bool = False,
) -> list[Finding]:
    """Compare a table called `name` with earlier batches of it, `before`, oldest first; none is allowed.

    `now` is `profile(frame, table)`, and all profiles are by one zone's calendar. `part` says that the batch only adds
    to another one, or corrects it. Findings of level refuse concern the batch as a whole; a warning is worth a look.
    """
    compared = Compared(name=name, table=table, frame=frame, now=now, before=before)
    with np.errstate(all="ignore"):  # numbers near the largest there is lie infinitely far apart
        if part:
            return [_softened(finding) for finding in _found(compared)]
        extent = next(filter(None, (list(detector(compared)) for detector in OF_EXTENT)), [])
        return [*extent, *_found(compared)]


def _softened(finding: Finding) -> Finding:
    return finding.model_copy(update={"level": "warn"}) if finding.rule in SELECTED else finding


def _found(compared: Compared) -> list[Finding]:
    found = [finding for detector in OF_TIME for finding in detector(compared)]
    explained: set[str] = set()
    for detector in OF_VALUES:
        new = [finding for finding in detector(compared) if not explained & set(finding.column.split("+"))]
        explained.update(column for finding in new for column in finding.column.split("+"))
        found += new
    return found
