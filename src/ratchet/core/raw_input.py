"""What a model needs to take raw rows, and travels beside it: how the rows look that its features are made from.

`raw/input.json` of a sealed model folder. The rules themselves are in the room's `schema.yaml`, which travels too.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from ratchet.core.findings import Finite
from ratchet.core.schema import ROWS, Schema, Table

Json = dict[str, JsonValue]


class LeftOut(Finite):
    """Why lookups that features may need do not travel: what they weigh, and what may travel, in bytes."""

    size: int
    limit: int


class RawInput(Finite):
    """What the schema does not say, as it was in the newest batch that was trained on.

    `zoned` names the timestamp columns of each table whose values have a time zone. `example` has one row of each
    table of a request that keeps every rule, or is empty if no row was found that does.
    """

    room: str
    zoned: dict[str, tuple[str, ...]]
    lookups: tuple[str, ...] = Field(default=(), description="standing lookups that travel, as raw/<name>.parquet")
    left_out: LeftOut | None = None
    example: dict[str, list[Json]] = Field(default_factory=dict)


def requested_tables(schema: Schema) -> dict[str, Table]:
    """The tables that a request for a prediction carries, the rows first: the columns that are known by then.

    Rules that need an outcome cannot be checked by then, and are left out.
    """
    before = schema.known_before()
    # Not checked once more: a key of outcomes alone leaves none, and here nothing needs one.
    rows = Table.model_construct(
        key=[name for name in schema.rows.key if name in before],
        columns={name: schema.rows.columns[name] for name in before},
        relations=[each for each in schema.rows.relations if _reads(each.rule) <= set(before)],
    )
    return {ROWS: rows, **{name: table for name, table in schema.batch_tables().items() if name != ROWS}}


def _reads(rule: str) -> set[str]:
    import polars as pl

    return set(pl.sql_expr(rule).meta.root_names())
