"""What a proposal is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from ratchet.core.schema import Schema
from ratchet.core.validation.records import Finding, ValidationReport

Path = tuple[str | int, ...]
"""Where a mapping is in the file: keys, and positions in lists."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One key of one mapping of the file gets a value; with why, what was seen, and what will no longer be seen.

    A value of type Column is a new column.
    """

    path: Path
    key: str
    value: Any
    where: str
    reason: str
    evidence: str
    risk: str


@dataclass(frozen=True)
class Fault:
    """What no change of the schema may hide, and why."""

    finding: Finding
    why: str


@dataclass(frozen=True)
class Case:
    """A batch that is looked at: the schema, what validation says by it, the tables as they came and as they are typed.

    `others` says whether there are batches beside it, which pass the schema as it is.
    """

    schema: Schema
    report: ValidationReport
    raws: Mapping[str, pa.Table]
    frames: Mapping[str, pl.DataFrame]
    others: bool
