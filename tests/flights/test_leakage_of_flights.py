"""Leakage on the real flights: no month is accused, and what is planted into one is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from flights import features
from ratchet.core.leakage.finding import find
from ratchet.core.leakage.leaks import leaks
from ratchet.core.leakage.limits import Leakage
from ratchet.core.leakage.rows import Rows, joined
from ratchet.core.schema import Schema
from ratchet.flows.look import standing_frames

ROOT = Path(__file__).resolve().parents[2]
Tables = dict[str, pd.DataFrame]
Months = dict[str, Rows]

pytestmark = pytest.mark.filterwarnings(
    "ignore:Series.values returning an ndarray that drops timezone"  # pyarrow, with pandas 3.1
)
LIMITS = Leakage()
JUDGE = "2013-07"


def as_rows(name: str, built: pd.DataFrame, flights: pd.DataFrame, key: list[str]) -> Rows:
    """The labelled rows of one month as the leakage check takes them."""
    label = features.label(flights)
    there = label.notna()
    keys = pa.Table.from_pandas(flights.loc[there, key], preserve_index=False)
    return Rows(
        features=pa.Table.from_pandas(built[there], preserve_index=False),
        target=pa.chunked_array([pa.array(label[there].to_numpy(dtype=bool))]),
        keys=keys,
        time=keys.column("time_hour"),
        timed_key=True,
        batches=((name, int(there.sum())),),
    )


@pytest.fixture(scope="module")
def months(batches: dict[str, Tables], schema: Schema) -> Months:
    """Features and labels of the whole year."""
    standing, known = standing_frames(ROOT), schema.known_before()
    return {
        name: as_rows(
            name,
            features.build(tables["rows"][known], {**standing, "weather": tables["weather"]}),
            tables["rows"],
            schema.rows.key,
        )
        for name, tables in batches.items()
    }


def kinds(holdout: Rows, training: list[Rows]) -> set[str]:
    return {leak.kind for leak in leaks(find(holdout, training, task="binary", limits=LIMITS), LIMITS, "binary")}


def older(months: Months, name: str = JUDGE) -> list[Rows]:
    return [rows for other, rows in months.items() if other < name]


def test_no_month_is_accused(months: Months) -> None:
    """Each month from February on judges what all months before it trained, and no leak is shown."""
    assert {name: found for _, name in pairwise(months) if (found := kinds(months[name], older(months, name)))} == {}


def taken(rows: Rows, share: float) -> Rows:
    places = np.sort(np.random.default_rng(1).choice(len(rows), int(share * len(rows)), replace=False))
    assert rows.time is not None
    return replace(
        rows,
        features=rows.features.take(places),
        target=rows.target.take(places),
        keys=rows.keys.take(places),
        time=rows.time.take(places),
        batches=(("2013-06", len(places)),),
    )


def disguised(rows: Rows) -> Rows:
    """Flights that never were, a month earlier."""
    assert rows.time is not None
    earlier = rows.time.to_pandas() - pd.Timedelta(days=31)
    time = pa.chunked_array([pa.array(earlier, type=rows.time.type)])
    numbers = pa.chunked_array([pa.array(np.arange(len(rows)) + 10_000)])
    keys = rows.keys.set_column(0, "time_hour", time)
    return replace(rows, keys=keys.set_column(keys.column_names.index("flight"), "flight", numbers), time=time)


def jittered(rows: Rows) -> Rows:
    """All fractions are off by a hundredth of their spread."""
    rng, table = np.random.default_rng(2), rows.features
    for place, name in enumerate(table.column_names):
        if pa.types.is_floating(table.column(name).type):
            values = table.column(name).to_numpy()
            noise = rng.normal(scale=0.01 * np.nanstd(values), size=len(values))
            table = table.set_column(place, name, pa.array(values + noise, from_pandas=True))
    return replace(rows, features=table)


def without_carrier(rows: Rows) -> Rows:
    table = rows.features
    return replace(
        rows, features=table.set_column(table.column_names.index("carrier"), "carrier", [["ZZ"] * len(rows)])
    )


@pytest.mark.parametrize(
    ("disguise", "expected"),
    [
        (lambda rows: rows, {"duplicates", "keys", "overlap"}),
        (disguised, {"duplicates"}),
        (lambda rows: jittered(disguised(rows)), {"near_duplicates"}),
        (lambda rows: without_carrier(disguised(rows)), {"near_duplicates"}),
    ],
    ids=["copied", "other keys", "with noise", "another carrier"],
)
def test_july_flights_among_those_of_june_are_found(
    months: Months, disguise: Callable[[Rows], Rows], expected: set[str]
) -> None:
    """One July flight in fifty in the batch of June is a leak, also with another key, noise or carrier."""
    copies = disguise(taken(months[JUDGE], 0.02))
    assert kinds(months[JUDGE], [*older(months), copies]) == expected


def with_feature(
    months: Months, make: Callable[[pd.DataFrame], pd.Series], batches: dict[str, Tables]
) -> Iterator[Rows]:
    """May, June and July with one feature more, made of the whole rows."""
    for name in ("2013-05", "2013-06", JUDGE):
        flights = batches[name]["rows"]
        values = make(flights)[features.label(flights).notna()]
        added = months[name].features.append_column("added", pa.array(values.to_numpy(), from_pandas=True))
        yield replace(months[name], features=added)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda flights: flights["arr_delay"], {"feature"}),
        (lambda flights: flights["arr_delay"] + np.random.default_rng(3).normal(0, 3, len(flights)), {"feature"}),
        (lambda flights: flights["air_time"], set()),
        (lambda flights: flights["air_time"].where(flights["arr_delay"] <= features.LATE_AFTER), {"feature"}),
        (lambda flights: flights["dep_delay"], set()),
    ],
    ids=["arrival delay", "arrival delay with noise", "air time", "air time unless late", "departure delay"],
)
def test_outcomes_that_tell_the_label_are_found(
    months: Months, batches: dict[str, Tables], make: Callable[[pd.DataFrame], pd.Series], expected: set[str]
) -> None:
    """The delay itself, blurred, or a gap wherever a flight is late; an outcome that tells less is for the schema."""
    *training, holdout = with_feature(months, make, batches)
    assert kinds(holdout, training) == expected


def test_shuffled_months_are_found(months: Months) -> None:
    """Flights dealt to two batches at random."""
    whole = joined([months["2013-06"], months[JUDGE]])
    assert whole.time is not None
    parts = np.array_split(np.random.default_rng(4).permutation(len(whole)), 2)
    dealt = [
        replace(
            whole,
            features=whole.features.take(places),
            target=whole.target.take(places),
            keys=whole.keys.take(places),
            time=whole.time.take(places),
            batches=((name, len(places)),),
        )
        for name, places in zip(("2013-06", JUDGE), parts, strict=True)
    ]
    assert kinds(dealt[1], [dealt[0]]) == {"overlap"}
