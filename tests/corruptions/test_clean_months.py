"""What is right must pass: the twelve months, and small parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.corruptions.conftest import Months, Tables

MONTHS = [f"2013-{month:02d}" for month in range(1, 13)]
WARNINGS_AT_MOST = {3: 8, 12: 2}


@pytest.mark.parametrize("history", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_the_clean_months_pass(history: int, months: Months) -> None:
    """No month is refused and no row quarantined, whatever came before; few have a warning."""
    found = [finding for month in MONTHS for finding in months.judge(month, {}, history=history)]
    assert [finding for finding in found if finding.level != "warn"] == []
    assert len(found) <= WARNINGS_AT_MOST[history]


@pytest.mark.parametrize("rows", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_small_samples_of_months_pass(rows: int, months: Months) -> None:
    """A few rows of each month, drawn at random, are judged by what they can tell."""
    small: dict[str, Tables] = {}
    for month in MONTHS[:6]:
        small[month] = {**months.raw[month], "rows": months.table(month, "rows").sample(rows, random_state=1)}
    sampled = type(months)(small, months.schema)
    found = [finding for month in small for finding in sampled.judge(month, {}, history=12)]
    assert [finding for finding in found if finding.table == "rows" and finding.level != "warn"] == []
