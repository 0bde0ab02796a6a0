"""Files that are broken: cut, garbled, of another shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ratchet.core.validation.records import Finding
from ratchet.flows.examination import look_at

if TYPE_CHECKING:
    from tests.corruptions.conftest import Months

Write = Callable[[pd.DataFrame, Path], Path]


def parquet_cut(rows: pd.DataFrame, folder: Path) -> Path:
    rows.drop(columns="time_hour").to_parquet(path := folder / "rows.parquet")
    path.write_bytes(path.read_bytes()[:-1000])
    return path


def parquet_garbled(rows: pd.DataFrame, folder: Path) -> Path:
    rows.drop(columns="time_hour").to_parquet(path := folder / "rows.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = bytes(64)
    path.write_bytes(bytes(content))
    return path


def empty(rows: pd.DataFrame, folder: Path) -> Path:
    (path := folder / "rows.csv").write_bytes(b"")
    return path


def csv_cut(rows: pd.DataFrame, folder: Path) -> Path:
    """The last line ends in the middle."""
    rows.to_csv(path := folder / "rows.csv", index=False)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def a_page_of_html(rows: pd.DataFrame, folder: Path) -> Path:
    (path := folder / "rows.csv").write_text("<html><body>503 Service Unavailable</body></html>\n", encoding="utf-8")
    return path


def semicolons(rows: pd.DataFrame, folder: Path) -> Path:
    rows.to_csv(path := folder / "rows.csv", index=False, sep=";")
    return path


def latin_1(rows: pd.DataFrame, folder: Path) -> Path:
    rows.assign(dest=rows["dest"].mask(rows["dest"] == "SJU", "São")).to_csv(
        path := folder / "rows.csv", index=False, encoding="latin-1"
    )
    return path


def column_lost(rows: pd.DataFrame, folder: Path) -> Path:
    rows.drop(columns="tailnum").to_csv(path := folder / "rows.csv", index=False)
    return path


def column_more(rows: pd.DataFrame, folder: Path) -> Path:
    rows.assign(gate="B12").to_csv(path := folder / "rows.csv", index=False)
    return path


def decimal_commas(rows: pd.DataFrame, folder: Path) -> Path:
    texts = rows["air_time"].map(lambda value: f"{value:.1f}".replace(".", ","), na_action="ignore")
    rows.assign(air_time=texts).to_csv(path := folder / "rows.csv", index=False)
    return path


def header_alone(rows: pd.DataFrame, folder: Path) -> Path:
    rows.head(0).to_csv(path := folder / "rows.csv", index=False)
    return path


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (parquet_cut, ("rows.parquet", "*", "unreadable")),
        (parquet_garbled, ("rows.parquet", "*", "unreadable")),
        (empty, ("rows.csv", "*", "unreadable")),
        (csv_cut, ("rows.csv", "*", "unreadable")),
        (a_page_of_html, ("rows", "time_hour", "missing-column")),
        (semicolons, ("rows", "time_hour", "missing-column")),
        (latin_1, ("rows.csv", "*", "unreadable")),
        (column_lost, ("rows", "tailnum", "missing-column")),
        (column_more, ("rows", "gate", "unknown-column")),
        (decimal_commas, ("rows", "air_time", "wrong-type")),
        (header_alone, ("rows", "*", "no-rows")),
    ],
)
def test_broken_files_refuse_the_batch(
    write: Write, expected: tuple[str, str, str], months: Months, tmp_path: Path
) -> None:
    """A file that is not the table it should be is refused, and the finding says what is wrong with it."""
    path = write(months.table("2013-07", "rows").head(2000), tmp_path)
    months.write("2013-07", "weather", tmp_path / "weather.parquet")
    paths = {"rows": path, "weather": tmp_path / "weather.parquet"}
    found: tuple[Finding, ...] = look_at("2013-07", paths, months.schema).report.findings
    assert (*expected, "refuse") in {(each.table, each.column, each.rule, each.level) for each in found}
