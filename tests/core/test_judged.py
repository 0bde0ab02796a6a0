"""The held-out rows with every model's scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ratchet.core.clusters import missing
from ratchet.core.feature_table import CLUSTER, TARGET
from ratchet.core.judged import BASELINE, CHALLENGER, CHAMPION, clusters_of, numbers_of, predictions_table, scores_of

ROWS, CLASSES = 4, 12
"""More than ten classes: as texts, column 10 would sort before column 2."""

SCORES = arrays(np.float64, (ROWS, CLASSES), elements=st.floats(0, 1))


def labels(clusters: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"id": range(ROWS), CLUSTER: clusters, TARGET: ["a", "b", "a", "b"]})


def written(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, preserve_index=False)


@settings(deadline=None, max_examples=30)
@given(challenger=SCORES, champion=SCORES)
def test_scores_come_back_as_they_were(challenger: NDArray[np.float64], champion: NDArray[np.float64]) -> None:
    """Each model has its own columns, in the order of the labels, however many there are."""
    table = predictions_table(labels(["x"] * ROWS), np.arange(ROWS), {CHALLENGER: challenger, CHAMPION: champion})
    for name, scores in ((CHALLENGER, challenger), (CHAMPION, champion)):
        found = scores_of(written(table), name)
        assert found is not None
        np.testing.assert_array_equal(found, scores)
    assert scores_of(written(table), BASELINE) is None


def test_a_line_has_the_key_the_cluster_and_the_encoded_target() -> None:
    """What the room called a class is replaced by its number; everything that names the row stays."""
    table = predictions_table(labels(["x", "x", "y", "y"]), np.array([0, 1, 0, 1]), {CHALLENGER: np.zeros((ROWS, 1))})
    assert list(table.columns) == ["id", CLUSTER, TARGET, "challenger.0"]
    assert (table["id"].tolist(), table[TARGET].tolist()) == ([0, 1, 2, 3], [0, 1, 0, 1])


def test_a_score_column_is_found_by_its_models_whole_name() -> None:
    """A key column that begins alike is no score."""
    table = pd.DataFrame({"champion_id": [7.0], "champion": [8.0], "champion.0": [0.5]})
    found = scores_of(written(table), CHAMPION)
    assert found is not None
    assert found.tolist() == [[0.5]]


def test_rows_without_any_cluster_are_independent() -> None:
    """Without a name for any row there are no clusters; with names, each row has its own."""
    assert clusters_of(labels([None] * ROWS)) is None
    assert clusters_of(written(labels([None] * ROWS))) is None
    named = clusters_of(labels(["x", "x", "y", "y"]))
    assert named is not None
    assert named.tolist() == ["x", "x", "y", "y"]


def test_a_row_that_lacks_its_cluster_is_not_hidden() -> None:
    """Some named and some not: the gap is passed on, to be refused where intervals are made."""
    partly = clusters_of(labels(["x", None, "y", "y"]))
    assert partly is not None
    assert pd.isna(partly).tolist() == [False, True, False, False]


@pytest.mark.parametrize("clusters", [["x", "x", "y", "y"], ["x", None, "y", "y"]])
def test_clusters_of_what_was_written_are_those_of_the_labels(clusters: list[str | None]) -> None:
    """The gate reads the names that evaluation had, with the gaps in them."""
    frame, table = clusters_of(labels(clusters)), clusters_of(written(labels(clusters)))
    assert frame is not None
    assert table is not None
    assert [None if pd.isna(name) else name for name in frame] == table.tolist()


def test_a_score_that_is_missing_is_not_a_number() -> None:
    """What is written as missing is read as NaN, which no comparison passes; whole numbers stay whole."""
    table = pa.table({"challenger.0": [0.5, None], "_target": [1, 0]})
    assert np.isnan(numbers_of(table, "challenger.0")).tolist() == [False, True]
    assert numbers_of(table, "_target").dtype == np.int64


@pytest.mark.parametrize(
    "names",
    [
        np.array(["a", None, float("nan"), pd.NA, pd.NaT, 3, pd.Timestamp(0)], dtype=object),
        np.array([1.0, np.nan]),
        np.array(["2013-07-04", "NaT"], dtype="datetime64[D]"),
        np.array([1, 2]),
        np.array(["a", ""]),
    ],
    ids=["objects", "floats", "moments", "whole numbers", "texts"],
)
def test_missing_names_are_those_of_pandas(names: NDArray[np.object_]) -> None:
    """Nothing that pandas calls missing names a cluster."""
    assert pd.isna(names).sum() == missing(names)
