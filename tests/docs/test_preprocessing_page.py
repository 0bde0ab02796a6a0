"""docs/preprocessing.md: its example is taken, its function does what it says, and it leaves no key out."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import yaml

from ratchet.core.feature_params import Features, Missing, Outliers, Periodic, Rare
from ratchet.core.params import parse_record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "preprocessing.md"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copied(page: str) -> ModuleType:
    """The function for the room, as somebody copies it."""
    module = ModuleType("moments")
    exec(dict(BLOCK.findall(page))["src/deliveries/moments.py"], module.__dict__)  # noqa: S102 - the page's own code
    return module


def test_the_example_is_a_section(page: str) -> None:
    """What the page shows can be pasted."""
    example = yaml.safe_load(dict(BLOCK.findall(page))["params.yaml"])
    found = parse_record(Features, example["features"], source="the page")
    assert set(found.columns) == {"hour", "courier", "kilometres"}


def test_every_key_and_every_value_is_explained(page: str) -> None:
    """Nothing that `features` takes is left out."""
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`|^```.*?^```", page, re.MULTILINE | re.DOTALL))))
    keys = {key for record in (Features, Missing, Outliers, Rare, Periodic) for key in record.model_fields}
    schemas = [record.model_json_schema() for record in (Features, Missing, Outliers)]
    values = {value for schema in schemas for spec in schema["properties"].values() for value in spec.get("enum", [])}
    assert (keys | values) - words == set()


def test_moments_are_parts_of_local_time(copied: ModuleType) -> None:
    """Known by the calendar: New Year's Day of 2021 is a Friday in ISO week 53; half past midnight UTC is before it."""
    times = pd.Series(pd.to_datetime(["2021-01-01 05:30", "2021-01-01 00:30", "NaT"]), index=[7, 8, 9])
    found = copied.moments(times, "America/New_York")
    assert found.index.tolist() == [7, 8, 9]
    assert found.loc[7].to_dict() == {
        "minute": 30.0, "hour": 0.0, "weekday": 4.0, "day_of_year": 1.0, "iso_week": 53.0, "month": 1.0,
    }  # fmt: skip
    assert found.loc[8].to_dict() == {
        "minute": 1170.0, "hour": 19.0, "weekday": 3.0, "day_of_year": 366.0, "iso_week": 53.0, "month": 12.0,
    }  # fmt: skip
    assert found.loc[9].isna().all()
    assert set(found.dtypes.astype(str)) == {"float64"}


def test_moments_know_summer_time(copied: ModuleType) -> None:
    """The same hour of UTC is another one on the clock in winter; timestamps with a zone are taken as they are."""
    times = pd.Series(pd.to_datetime(["2020-01-10 12:00", "2020-07-10 12:00"]).tz_localize("Europe/Zurich"))
    assert copied.moments(times, "UTC")["hour"].tolist() == [11.0, 10.0]
    assert copied.moments(times.dt.tz_convert(None), "Europe/Zurich")["hour"].tolist() == [12.0, 12.0]


def test_a_moment_is_the_same_alone(copied: ModuleType) -> None:
    """A room's features must not depend on other rows: types and values do not."""
    times = pd.Series(pd.to_datetime(["2021-01-01 05:30", "NaT", "2023-11-05 06:30"]))
    together = copied.moments(times, "America/New_York")
    alone = pd.concat([copied.moments(times.iloc[[row]], "America/New_York") for row in range(3)])
    pd.testing.assert_frame_equal(alone, together)
