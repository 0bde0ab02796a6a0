"""Which rows of a table a slice holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.conditions.tree import Kind, Term, Where
from ratchet.core.conditions.words import canonical
from ratchet.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Bools = NDArray[np.bool_]
RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "=": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)
INFERRED: Mapping[str, Kind] = MappingProxyType(
    {
        "string": "text",
        "boolean": "truth",
        "integer": "number",
        "floating": "number",
        "mixed-integer-float": "number",
    }
)
"""What pandas says that a column's values are, as the kind of values that they compare with."""


def mask(where: Where, table: pd.DataFrame) -> Bools:
    """(n,) which rows of `table` are in the slice: all of them if it has no terms.

    A row whose value is missing is in no slice of that column, `!=` included: nobody knows what it is. Raises
    UsageError if a column is not there, or holds other things than it is compared with.
    """
    rows = np.ones(len(table), dtype=np.bool_)
    for term in where.terms:
        rows &= _holds(term, _column(term, where, table), where)
    return rows


def _column(term: Term, where: Where, table: pd.DataFrame) -> pd.Series[Any]:
    names = list(map(str, table.columns))
    if names.count(term.column) != 1:
        found = "is in the table twice" if term.column in names else "is no column of the table"
        near = did_you_mean(term.column, [name for name in names if name != term.column])
        raise _refused(where, f"{term.column} {found}{near}")
    return table.iloc[:, names.index(term.column)]


def _holds(term: Term, column: pd.Series[Any], where: Where) -> Bools:
    import pandas as pd

    known = np.array(column.notna(), dtype=np.bool_)
    values = column[known]
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(np.asarray(values))
    kind = _kind(values)
    if len(values) and kind != term.kind:
        raise _refused(where, f"{term.column} holds {kind}, not {term.kind}")
    with np.errstate(over="ignore"):  # a limit beyond the column's float type is infinite for it
        known[known] = np.asarray(RELATIONS[term.relation](values, term.value), dtype=np.bool_)
    return known


def _kind(values: pd.Series[Any]) -> str:
    """What the values are: a kind of a slice's values, or pandas' word for others."""
    from pandas.api.types import infer_dtype

    inferred = infer_dtype(values, skipna=True)
    return INFERRED.get(inferred, inferred)


def _refused(where: Where, message: str) -> UsageError:
    return UsageError(
        f"the slice [{canonical(where)}] cannot be looked up: {message}",
        next_step="mend gate.conditions in params.yaml; docs/conditions.md says what a slice may ask",
    )
