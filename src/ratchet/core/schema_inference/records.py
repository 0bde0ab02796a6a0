"""What inference takes and gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ratchet.core.schema import Schema
from ratchet.core.schema_inference.columns import InferredColumn
from ratchet.core.schema_inference.tables import Typed


@dataclass(frozen=True)
class Hints:
    """What a person said beforehand; `zone` is that of the calendar by which batches are cut.

    `texts` are columns by table that hold text whatever they look like; without `period`, none is looked for.
    """

    key: Sequence[str] = ()
    time: str | None = None
    after: Sequence[str] = ()
    zone: str | None = None
    texts: Mapping[str, Collection[str]] = field(default_factory=dict)
    period: bool = True


@dataclass(frozen=True)
class Given:
    """The raw tables: those of each batch by table, and the standing lookups."""

    batches: Mapping[str, Mapping[str, pa.Table]]
    standing: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Inferred:
    """The schema, what was guessed and what no data can say, each in a sentence, and the rows and batches it is of."""

    schema: Schema
    guessed: tuple[str, ...]
    to_say: tuple[str, ...]
    rows: int
    batches: tuple[str, ...]


@dataclass(frozen=True)
class InferredTable:
    """A table with its key, and its columns as inferred."""

    found: Typed
    key: list[str]
    columns: dict[str, InferredColumn]
