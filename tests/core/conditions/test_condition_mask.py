"""The rows of a slice are those that pandas itself finds, whatever the column is stored as."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.conditions.mask import mask
from ratchet.core.conditions.parse import parse_where
from ratchet.core.conditions.tree import EVERYWHERE, Term, Where
from ratchet.core.conditions.words import canonical
from ratchet.errors import UsageError

NUMBERS = st.sampled_from([-2.5, -1.0, 0.0, 1.0, 2.0, 1e9])
TEXTS = st.sampled_from(["EWR", "JFK", "", "é", '"'])
RELATIONS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
EQUALITIES = st.sampled_from(["=", "!="])
TERMS = st.one_of(
    st.builds(Term, st.sampled_from(["whole", "real"]), RELATIONS, NUMBERS),
    st.builds(Term, st.just("text"), EQUALITIES, TEXTS),
    st.builds(Term, st.just("truth"), EQUALITIES, st.booleans()),
)
ROWS = st.tuples(
    st.integers(-3, 3), st.none() | NUMBERS, st.none() | TEXTS, st.booleans(), st.sampled_from(["a", "b", "c"])
)


def asked(where: Where) -> str:
    """The slice in the language of `DataFrame.query`; a missing value is in no slice."""
    terms = (
        f"`{each.column}`.notna() and `{each.column}` {each.relation.replace('!=', '≠').replace('=', '==')} "
        f"{each.value!r}".replace("≠", "!=")
        .replace("<==", "<=")
        .replace(">==", ">=")
        for each in where.terms
    )
    return " and ".join(f"({term})" for term in terms)


@given(st.lists(ROWS, max_size=8), st.lists(TERMS, min_size=1, max_size=3))
def test_masks_are_those_of_pandas(rows: list[tuple[Any, ...]], terms: list[Term]) -> None:
    """For any table and slice, the mask is what `DataFrame.query` finds."""
    table = pd.DataFrame(rows, columns=["whole", "real", "text", "truth", "key"])
    table = table.astype({"whole": "int64", "real": "float64", "text": "str", "truth": "bool"})
    where = Where(tuple(terms))
    expected = table.index.isin(table.query(asked(where), engine="python").index)
    found = mask(where, table)
    assert np.bool_ == found.dtype
    assert expected.tolist() == found.tolist()


@pytest.mark.parametrize(
    ("values", "where", "expected"),
    [
        (pd.Series([1, 2, None], dtype="Int64"), "x != 1", [False, True, False]),
        (pd.Series([1, 2, None], dtype="Float32"), "x <= 1", [True, False, False]),
        (pd.Series([0.1, 0.2, 0.3], dtype="float32"), "x = 0.1", [True, False, False]),
        (pd.Series([0.1, 0.2, 0.3], dtype="float32"), "x < 1e300", [True, True, True]),
        (pd.Series([0, 1, 255], dtype="uint8"), "x > -1", [True, True, True]),
        (pd.Series([True, False, None], dtype="boolean"), "x != true", [False, True, False]),
        (pd.Series([True, False, None], dtype="object"), "x = true", [True, False, False]),
        (pd.Series(["a", None, "b"], dtype="object"), 'x != "a"', [False, False, True]),
        (pd.Series(["a", None, "b"], dtype="string"), 'x = "a"', [True, False, False]),
        (pd.Series(["a", None, "b"], dtype="category"), 'x != "a"', [False, False, True]),
        (pd.Series([1, None, 3], dtype="category"), "x > 1", [False, False, True]),
        (pd.Series(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())), 'x = "b"', [False, False, True]),
        (pd.Series([1, None, 3], dtype=pd.ArrowDtype(pa.int32())), "x >= 3", [False, False, True]),
        (pd.Series([None, None], dtype="object"), "x = 1", [False, False]),
        (pd.Series([], dtype="object"), "x = 1", []),
    ],
)
def test_masks_of_every_way_to_store_a_column(values: pd.Series[Any], where: str, expected: list[bool]) -> None:
    """Nullable, Arrow, categorical and object columns answer as plain ones do; what is missing is in no slice."""
    assert expected == mask(parse_where(where), pd.DataFrame({"x": values})).tolist()


def test_no_terms_are_all_rows() -> None:
    """The slice without terms holds every row, also those with missing values."""
    assert [True, True] == mask(EVERYWHERE, pd.DataFrame({"x": [1, None]})).tolist()
    assert EVERYWHERE == parse_where("")
    assert "" == canonical(EVERYWHERE)


@pytest.mark.parametrize(
    ("values", "where", "said"),
    [
        (["a", "b"], "x = 1", "x holds text, not number"),
        ([1, 2], 'x = "1"', "x holds number, not text"),
        ([1, 0], "x = true", "x holds number, not truth"),
        ([True, False], "x = 1", "x holds truth, not number"),
        ([1, "a"], "x = 1", "x holds mixed-integer, not number"),
        (pd.to_datetime(["2013-01-01"]), "x > 1", "x holds datetime64, not number"),
        ([1, 2], "xx = 1", "xx is no column of the table, did you mean x?"),
    ],
)
def test_wrong_columns_and_types_are_refused(values: Any, where: str, said: str) -> None:
    """A slice of a column that is not there, or that holds something else, is an error and not an empty slice."""
    with pytest.raises(UsageError, match=re_escaped(said)):
        mask(parse_where(where), pd.DataFrame({"x": values}))


def re_escaped(text: str) -> str:
    """The text as a pattern."""
    return text.replace("?", r"\?")


def test_a_column_that_is_there_twice_is_refused() -> None:
    """Two columns of one name have no mask."""
    with pytest.raises(UsageError, match="x is in the table twice"):
        mask(parse_where("x = 1"), pd.DataFrame([[1, 2]], columns=["x", "x"]))
