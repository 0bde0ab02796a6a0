"""What has been taken already: the batches that are here, and where each came from.

A period is cut once a batch of it or of a later one is here. From then on, rows of it that were not read before are
late, and become a batch of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ratchet.core.deliveries import late_number, without_late
from ratchet.core.schema import ROWS
from ratchet.core.sources.batch_source import BatchSource, Reading
from ratchet.core.sources.declared import Kind

Fate = Literal["early", "taken", "unknown", "late", "new"]
"""Of the rows of one period: before the first batch; here already; nobody can tell; late; of a period not yet cut."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The batches that are here, with the record of each; None where there is none, as after `ratchet data add`."""

    kind: Kind
    records: Mapping[str, BatchSource | None]
    period_of: Callable[[str], str]
    first: str | None = None

    @cached_property
    def newest(self) -> str:
        """The newest period that was cut; empty if there is none."""
        return max(self._by_period, default="")

    @cached_property
    def oldest(self) -> str:
        """The oldest period that is collected."""
        return self.first or min(self._by_period, default="")

    def names(self, period: str) -> list[str]:
        """The batches of a period."""
        return self._by_period.get(period, [])

    def late_number(self, period: str) -> int:
        """The number of the period's next batch of late rows."""
        return max(map(late_number, self.names(period)), default=0) + 1

    def records_of(self, period: str) -> list[BatchSource] | None:
        """The records of a period's batches; None if one of them does not say what was read."""
        records = [self.records[name] for name in self.names(period)]
        known = [record for record in records if record and (record.kind, record.late_rows) == (self.kind, "known")]
        return known if len(known) == len(records) else None

    def place(self, period: str) -> Fate:
        """The fate of rows that were never read before."""
        if period < self.oldest:
            return "early"
        if period > self.newest:
            return "new"
        return "unknown" if self.records_of(period) is None else "late"

    def reading(self, url: str) -> Reading | None:
        """What was read of `url` for the newest period's rows; None if it never was."""
        return self._reach[url][1] if url in self._reach else None

    def rows_from(self, url: str, period: str) -> int:
        """How many rows of the period came from `url`."""
        return sum(
            reading.rows
            for record in self.records_of(period) or []
            for reading in record.tables.get(ROWS, ())
            if reading.url == url
        )

    def newest_arrival(self, period: str) -> str:
        """The newest arrival among the rows of a period; empty if it has none."""
        return max((record.arrived for record in self.records_of(period) or []), default="", key=arrival_order)

    @cached_property
    def arrivals_before(self) -> str:
        """All late rows that arrived before this were taken: what the newest period's own batch was cut with."""
        records = self.records_of(self.newest) if self.newest else None
        return next((record.arrived for record in records or [] if not record.late), "")

    @cached_property
    def _by_period(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.records:
            found.setdefault(self.period_of(name), []).append(name)
        return found

    @cached_property
    def _reach(self) -> dict[str, tuple[str, Reading]]:
        found: dict[str, tuple[str, Reading]] = {}
        in_order = sorted(self.records, key=lambda name: (without_late(name), late_number(name)))
        for record in map(self.records.__getitem__, in_order):
            for reading in record.tables.get(ROWS, ()) if record and record.kind == self.kind else ():
                if record and record.period >= found.get(reading.url, ("",))[0]:
                    found[reading.url] = (record.period, reading)
        return found


def arrival_order(arrival: str) -> tuple[int, str]:
    """Sorts arrivals: whole numbers by size, moments (all in UTC and equally long) as text."""
    return (int(arrival), "") if arrival.lstrip("-").isdigit() else (0, arrival)
