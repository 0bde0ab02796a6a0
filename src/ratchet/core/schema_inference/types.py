"""The type of a column, from its values in every batch: the narrowest one that loses nothing of them.

A text that looks like a number stays one if a number would lose something of it: a leading zero, a hexadecimal, more
digits than a number keeps. Whether a type takes the values is asked of `conform`, which is what reads every batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.conform import SOURCES, conform, is_text
from ratchet.core.schema import Column, ColumnType, Table

CANDIDATES: tuple[ColumnType, ...] = ("integer", "number", "boolean", "timestamp", "string")
"""In the order in which they are tried."""
WHOLE = r"^-?(0|[1-9][0-9]*)$"
DECIMAL = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
NO_NUMBER = r"(?i)^[+-]?(inf|infinity|nan)$"
MANY_DIGITS = r"^[+-]?[0-9]{16,}$"
"""A whole number that a 64-bit float may round."""


UNTYPED = {b"cells": b"untyped"}
"""Metadata of a table from a format that knows no types, such as CSV: there, text may stand for a number."""
OF_TEXT: tuple[ColumnType, ...] = ("timestamp", "string")
"""What text may be in a format that knows numbers."""


def column_type(name: str, raws: Sequence[pa.Table], *, text: bool = False) -> ColumnType | None:
    """The type of column `name` in these tables, one a batch; see `infer_type`."""
    typed = [raw.column(name).type for raw in raws if raw.schema.metadata != UNTYPED]
    candidates = OF_TEXT if any(says_text(kind) for kind in typed) else CANDIDATES
    return infer_type([raw.column(name) for raw in raws], ("string",) if text else candidates)


def infer_type(batches: Sequence[pa.ChunkedArray], candidates: Sequence[ColumnType] = CANDIDATES) -> ColumnType | None:
    """The first of `candidates` that takes these values, one array a batch; None if none does.

    A column without any value counts as text, unless it is of another type already.
    """
    if all(values.null_count == len(values) for values in batches):
        candidates = ("string", *candidates)
    return next((kind for kind in candidates if all(_takes(kind, values) for values in batches)), None)


def _takes(kind: ColumnType, values: pa.ChunkedArray) -> bool:
    present = values.drop_null()
    if not (pa.types.is_null(values.type) or _is_plain(values.type)):
        return False
    if len(present) and says_text(present.type) and not _reads_as(kind, present.cast(pa.string())):
        return False
    table = Table(key=["value"], columns={"value": Column(type=kind)})
    return not conform(pa.table({"value": present if len(present) else values}), table, name="tried")[1]


def _reads_as(kind: ColumnType, texts: pa.ChunkedArray) -> bool:
    """Whether texts are written as values of the type are; blanks alone say nothing."""
    said = texts.filter(pc.not_equal(pc.utf8_trim_whitespace(texts), ""))
    if kind == "string":
        return True
    if not len(said):
        return False
    if kind == "integer":
        return _all(said, WHOLE)
    if kind == "number":
        finite = said.filter(pc.invert(pc.match_substring_regex(said, NO_NUMBER)))
        return len(finite) > 0 and _all(finite, DECIMAL) and not _any(finite, MANY_DIGITS) and _are_finite(finite)
    return True


def _is_plain(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are single ones, of which something is known."""
    return says_text(kind) or any(fits(kind) for each in SOURCES.values() for fits in each)


def says_text(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are text, of a dictionary those that it lists."""
    if pa.types.is_dictionary(kind):
        return says_text(kind.value_type)
    return is_text(kind)


def _are_finite(texts: pa.ChunkedArray) -> bool:
    """Whether the numbers that texts stand for are small enough for a 64-bit float."""
    return bool(pc.all(pc.is_finite(texts.cast(pa.float64()))).as_py())


def _all(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _any(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
