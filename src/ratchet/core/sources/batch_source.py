"""Where a batch came from, kept in git beside it as `data/raw/<batch>.source.json`.

The record depends on the data alone: no clock, no machine, no credentials. Who pulls the same rows writes the same
bytes. Pulls go on from these records, so any clone goes on where another one stopped.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ratchet.core.findings import Finite
from ratchet.core.sources.declared import Kind


class Reading(Finite):
    """One thing that was read for a table of a batch: a file, or a query."""

    url: str = Field(description="where it was, without credentials")
    rows: int = Field(description="rows that it gave to this table of this batch")
    size: int | None = Field(default=None, description="bytes, if it is a file")
    etag: str = Field(default="", description="the version that its server names")
    sha256: str = Field(default="", description="digest of its bytes, or of the query's text")
    first: str = Field(default="", description="the oldest period of which it holds rows")
    last: str = Field(default="", description="the newest period of which it holds rows")


class BatchSource(Finite):
    """The record of one batch."""

    kind: Kind
    period: str = Field(description="the period, or the name, that the rows belong to")
    rows: int
    late: int = Field(default=0, description="0: the rows that came in time; n: the n-th batch of those that came late")
    watermark: str = Field(default="", description="the newest time among the rows")
    arrived: str = Field(default="", description="the newest arrival among the rows, if the source says arrivals")
    late_rows: Literal["known", "unknown"] = Field(description="whether rows that come later can be told apart")
    tables: dict[str, tuple[Reading, ...]] = Field(description="what was read for each table")
