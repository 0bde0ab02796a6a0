"""Rows that somebody names by their key."""

from __future__ import annotations

import pandas as pd
import pytest

from ratchet.errors import UsageError
from ratchet.io.rows_to_explain import matches

LABELS = pd.DataFrame(
    {
        "moment": pd.to_datetime(["2013-05-01T09:00:00Z", "2013-05-01T10:00:00Z", "2013-05-01T09:00:00Z"]),
        "carrier": pd.array(["UA", "UA", "007"], dtype="str"),
        "flight": [1545, 1545, 7],
    }
)
KEY = list(LABELS.columns)


@pytest.mark.parametrize("moment", ["2013-05-01T09:00:00Z", "2013-05-01 09:00", "2013-05-01T05:00:00-04:00"])
def test_a_moment_is_found_however_it_is_typed(moment: str) -> None:
    """With a zone, or without one as UTC; spaces around a value do not count."""
    assert matches(LABELS, KEY, [moment, " UA", "1545 "]).tolist() == [True, False, False]


def test_texts_are_compared_as_texts() -> None:
    """'007' is not 7, and a number is one however it is written."""
    assert matches(LABELS, KEY[1:], ["007", "7.0"]).tolist() == [False, False, True]
    assert not matches(LABELS, KEY[1:], ["7", "7"]).any()


def test_a_value_that_cannot_be_one_is_refused() -> None:
    """The message names the value and the column."""
    with pytest.raises(UsageError, match="'soon' cannot be a value of moment"):
        matches(LABELS, KEY, ["soon", "UA", "1"])
    with pytest.raises(UsageError, match="'x' cannot be a value of flight"):
        matches(LABELS, ["flight"], ["x"])


def test_a_key_needs_all_of_its_values() -> None:
    """The message says which."""
    with pytest.raises(UsageError, match=r"a key has 3 values \(moment,carrier,flight\), not 1"):
        matches(LABELS, KEY, ["UA"])
