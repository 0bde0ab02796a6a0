"""Which rows are open: the same ones for ever, whole clusters, and as many as were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.label_columns import CLUSTER, TARGET
from ratchet.core.open_split import dealt_by, open_rows
from ratchet.core.params import Cluster

DAYS = [f"2013-01-{day:02d}" for day in range(1, 32)]
OPEN_DAYS = ["2013-01-04", "2013-01-07", "2013-01-13", "2013-01-24"]
"""Of the days of January 2013, those that a share of 0.15 opens: if these change, every model has seen open rows."""
OPEN_ROWS = [6, 7, 8, 13]
"""Of 20 rows with a key of three columns, those that a share of 0.25 opens."""


def labels(clusters: Sequence[str | None], **key: Sequence[Any]) -> pa.Table:
    count = len(clusters)
    keys = key or {"id": list(range(count))}
    return pa.table({**keys, CLUSTER: pa.array(clusters, pa.string()), TARGET: [True] * count})


def test_the_days_that_are_open_are_known() -> None:
    """The rule is a promise to every model that was ever trained: its answers are written down here."""
    dealt = open_rows(labels(DAYS), 0.15)
    assert [day for day, is_open in zip(DAYS, dealt, strict=True) if is_open] == OPEN_DAYS


def test_the_rows_that_are_open_are_known() -> None:
    """The same without clusters, by key: whole numbers, texts and times."""
    start = datetime(2013, 1, 1, tzinfo=UTC)
    table = labels(
        [None] * 20,
        id=list(range(20)),
        carrier=["UA", "AA"] * 10,
        moment=[start + timedelta(hours=hour) for hour in range(20)],
    )
    assert np.flatnonzero(open_rows(table, 0.25)).tolist() == OPEN_ROWS


@given(st.lists(st.sampled_from(DAYS), max_size=40), st.floats(0, 0.9))
def test_whole_clusters_are_dealt(clusters: list[str], share: float) -> None:
    """Rows of one cluster are all open or all not, in whatever order and company they come."""
    dealt = dict(zip(DAYS, open_rows(labels(DAYS), share), strict=True))
    assert open_rows(labels(clusters), share).tolist() == [dealt[name] for name in clusters]


@given(st.floats(0, 0.9), st.floats(0, 0.9))
def test_a_smaller_share_opens_part_of_what_a_larger_one_does(one: float, other: float) -> None:
    """So that a model trained under a larger share has not seen what is open under a smaller one."""
    few, many = (open_rows(labels(DAYS), share) for share in sorted((one, other)))
    assert not (few & ~many).any()


@pytest.mark.parametrize("clustered", [True, False])
def test_the_share_is_kept(*, clustered: bool) -> None:
    """Of many clusters, or rows without any, about the share is open; of none asked for, none."""
    names = [f"cluster {number}" if clustered else None for number in range(20_000)]
    assert open_rows(labels(names), 0.15).mean() == pytest.approx(0.15, abs=0.01)
    assert not open_rows(labels(names), 0.0).any()


def test_how_a_key_is_stored_makes_no_difference() -> None:
    """Units, zones and widths of numbers follow from libraries and schemas, and the rows stay the same."""
    moments = [datetime(2013, 1, 1, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(200)]
    numbers = list(range(200))
    there = ZoneInfo("America/New_York")
    plain = labels([None] * 200, id=numbers, moment=pa.array(moments, pa.timestamp("us", "UTC")))
    other = labels(
        [None] * 200,
        id=pa.array(numbers, pa.int16()),
        moment=pa.array([moment.astimezone(there) for moment in moments], pa.timestamp("ns", "America/New_York")),
    )
    assert open_rows(plain, 0.5).tolist() == open_rows(other, 0.5).tolist()


def test_rows_without_a_cluster_among_others_go_together() -> None:
    """A missing name is a name: nothing fails, and such rows are not dealt one by one."""
    dealt = open_rows(labels(["a", None, "b", None]), 0.5)
    assert (len(dealt), dealt[1]) == (4, dealt[3])


def test_an_empty_table_has_no_open_row() -> None:
    """A batch without labelled rows is no error."""
    assert open_rows(labels([]), 0.5).tolist() == []


def test_what_is_dealt_is_told_in_words() -> None:
    """Another period, column or key deals other rows, and says so."""
    told = {
        dealt_by(cluster, ["id", "leg", CLUSTER, TARGET])
        for cluster in (None, Cluster(column="id"), Cluster(column="t", every="day"), Cluster(column="t", every="week"))
    }
    assert told == {"id, leg", "value of id", "day of t", "week of t"}
