"""The name of each row's cluster."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.cluster_names import cluster_names
from ratchet.core.params import Cluster
from ratchet.errors import UsageError

MOMENTS = ["2013-07-05T03:30:00Z", "2013-07-05T04:30:00Z", "2013-12-31T04:59:00Z"]


def rows(moments: list[str], *, utc: bool = True) -> pd.DataFrame:
    return pd.DataFrame({"moment": pd.to_datetime(pd.Series(moments), utc=utc)})


@pytest.mark.parametrize(
    ("cluster", "names"),
    [
        (Cluster(column="moment", every="day"), ["2013-07-05", "2013-07-05", "2013-12-31"]),
        (
            Cluster(column="moment", every="day", zone="America/New_York"),
            ["2013-07-04", "2013-07-05", "2013-12-30"],
        ),
        (Cluster(column="moment", every="week"), ["2013-07-01", "2013-07-01", "2013-12-30"]),
        (Cluster(column="moment", every="month"), ["2013-07-01", "2013-07-01", "2013-12-01"]),
    ],
    ids=["day", "day in a zone", "week", "month"],
)
def test_a_period_is_named_by_its_first_day(cluster: Cluster, names: list[str]) -> None:
    """Days are those of the calendar of the named zone; weeks begin on Monday."""
    assert cluster_names(rows(MOMENTS), cluster).tolist() == names


def test_moments_without_a_zone_are_taken_as_they_are() -> None:
    """Their own calendar counts, whatever zone is named."""
    plain = rows(["2013-07-05T03:30:00"], utc=False)
    assert cluster_names(plain, Cluster(column="moment", every="day", zone="America/New_York")).tolist() == [
        "2013-07-05"
    ]


def test_each_value_is_a_cluster() -> None:
    """Customers, machines, stations: named by what they are called."""
    table = pd.DataFrame({"customer": [7, 7, 8]})
    assert cluster_names(table, Cluster(column="customer")).tolist() == ["7", "7", "8"]


@settings(deadline=None, max_examples=30)
@given(
    moments=st.lists(st.datetimes(pd.Timestamp(1970, 1, 1), pd.Timestamp(2100, 1, 1)), min_size=1, max_size=20),
    every=st.sampled_from(["day", "week", "month"]),
)
def test_names_sort_in_time_order(moments: list[pd.Timestamp], every: str) -> None:
    """Rows in time order have names in order, so that neighbours by name are neighbours in time."""
    table = pd.DataFrame({"moment": pd.to_datetime(pd.Series(sorted(moments)), utc=True)})
    names = cluster_names(table, Cluster.model_validate({"column": "moment", "every": every})).tolist()
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (Cluster(column="nothing"), "split.cluster.column 'nothing' is not a column"),
        (Cluster(column="moment", every="day"), "split.cluster.every 'day' needs a timestamp, and moment is "),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(cluster: Cluster, message: str) -> None:
    """The parameter is named, and what is there instead."""
    with pytest.raises(UsageError, match=message):
        cluster_names(pd.DataFrame({"moment": ["2013-07-04"]}), cluster)
