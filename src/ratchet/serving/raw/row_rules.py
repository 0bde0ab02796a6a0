"""The rules of `schema.yaml` on the rows of a request (`core.validation.asked_rows`): a refusal, or notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from ratchet.core.schema import ROWS, Reference, Table
from ratchet.core.validation.asked_rows import broken_by
from ratchet.core.validation.rules import Broken
from ratchet.errors import Violation
from ratchet.serving.fields import refused, violation
from ratchet.serving.notes import Note
from ratchet.serving.raw.json_columns import NEXT

IN_JSON_SCHEMA = {"missing": "must not be null", "below-min": None, "above-max": None, "not-in-values": None}
"""The rules that the JSON Schema of a row says as well, with other words where JSON has its own."""


def check(frames: Mapping[str, pl.DataFrame], tables: Mapping[str, Table]) -> list[Note]:
    """What is only to be noted of the rows.

    Raises RequestRefused that lists every broken rule: 400 if the JSON Schema says one of them, 422 otherwise.
    """
    found = list(broken_by(frames, tables))
    if hard := [each for each in found if each.refused]:
        status = 400 if any(each.broken.rule.rule in IN_JSON_SCHEMA for each in hard) else 422
        violations = [_violation(frames[each.table], each.table, each.broken) for each in hard]
        raise refused(violations, next_step=NEXT, status=status)
    return [note for each in found if each.table == ROWS for note in _notes(each.broken)]


def unmatched(
    rows: pl.DataFrame,
    lookups: Mapping[str, pl.DataFrame],
    references: Sequence[Reference],
    tables: Mapping[str, Table],
) -> list[Note]:
    """A note for each row that names an entry which its lookup does not have."""
    return [note for each in references for note in _unmatched(rows, lookups[each.lookup], each, tables[each.lookup])]


def _unmatched(rows: pl.DataFrame, lookup: pl.DataFrame, reference: Reference, table: Table) -> Iterator[Note]:
    named = rows.with_row_index("_row").drop_nulls(reference.columns)
    found = named.join(lookup, left_on=reference.columns, right_on=table.key, how="anti")
    for position in found["_row"]:
        yield Note(row=position, field="+".join(reference.columns), note=f"is not in {reference.lookup}")


def _violation(frame: pl.DataFrame, name: str, broken: Broken) -> Violation:
    where = broken.rows.to_list()
    shows = frame.select(broken.rule.shows)
    values = shows.to_series().to_list() if shows.width == 1 else [_told(row) for row in shows.iter_rows(named=True)]
    sentence = IN_JSON_SCHEMA.get(broken.rule.rule) or broken.rule.sentence
    return violation(broken.rule.column, sentence, where, [_plain(value) for value in values], table=name)


def _notes(broken: Broken) -> Iterator[Note]:
    for position in broken.rows:
        yield Note(row=position, field=broken.rule.column, note=broken.rule.sentence)


def _told(row: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
