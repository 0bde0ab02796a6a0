"""What the pull request of a new batch says: all that came, bounded, and nothing that a stranger could make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.sources.batch_source import BatchSource, Reading
from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.io.offer_page import LIMIT, READ, Arrived, refusals, span_of, words

FINDING = Finding(
    table="rows", column="a", rule="above-max", level="quarantine", sentence="", count=7, examples=("4", "5")
)


def arrived(findings: int = 1, readings: int = 1, sentence: str = "is above 3", **changed: object) -> Arrived:
    """A late batch with so many findings, read from so many files."""
    report = ValidationReport(
        batch="2024-01.late-1",
        tables={"rows": TableCount(rows=1200, quarantined=7)},
        findings=(FINDING.model_copy(update={"sentence": sentence}),) * findings,
    )
    files = tuple(Reading(url=f"s3://lake/{number}@all.csv", rows=3) for number in range(readings))
    source = BatchSource(kind="files", period="2024-01", rows=1200, late=1, late_rows="known", tables={"rows": files})
    known: dict[str, object] = {
        "branch": "data/2024-01.late-1",
        "report": report,
        "source": source,
        "span": ("a", "b"),
        "lookups": ("shops",),
    }
    return Arrived(**{**known, **changed})  # type: ignore[arg-type]  # whatever a test gives


def test_it_says_what_came() -> None:
    """Rows, quarantine, time, files, lookups, lateness, findings, and how to be asked again."""
    said = words(arrived(page="https://x.example/7"))
    assert said.title == "Data: 2024-01.late-1"
    for part in (
        "which came after 2024-01 was cut",
        "- rows: 1,200; in quarantine: 7; findings: 1",
        "- time: <code>a</code> to <code>b</code>",
        "come with it: shops",
        "until the branch <code>data/2024-01.late-1</code> is deleted",
        "[The run that found it](<https://x.example/7>)",
        "| is above 3 | rows.a | 7 | above-max | quarantines rows | 4, 5 |",
    ):
        assert part in said.body
    assert "@all" not in said.body


@pytest.mark.parametrize(("readings", "named"), [(READ, READ), (READ + 90, READ)])
def test_it_is_bounded(readings: int, named: int) -> None:
    """Many files are counted, many findings cut short, with a word on where the rest is."""
    said = words(arrived(findings=5000, readings=readings, sentence="x" * 299)).body
    assert LIMIT / 2 < len(said) <= LIMIT
    assert said.count("all.csv") == named
    assert said.endswith("*The list goes on: `ratchet data show 2024-01.late-1` has all of it.*")


def test_refusals_are_bounded() -> None:
    """A summary has room for so much; the artifact has the rest."""
    said = refusals(f"# batch {number}\n\n{'x' * 900}\n" for number in range(200))
    assert len(said) < 70_000
    assert said.startswith("## Refused: no pull request\n")
    assert said.endswith("whole in the run's artifacts.*\n")


def test_the_span_is_told_in_the_calendars_zone(tmp_path: Path) -> None:
    """A month of New York ends in New York's month; a column that is not there, or is all missing, has no span."""
    start = datetime(2024, 1, 1, 5, tzinfo=UTC)
    moments = [start, start + timedelta(days=31) - timedelta(seconds=1)]
    table = pa.table({"at": pa.array(moments, pa.timestamp("us", "UTC")), "none": pa.nulls(2), "day": ["b", "a"]})
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    assert span_of(path, "at", "America/New_York") == ("2024-01-01 00:00:00-05:00", "2024-01-31 23:59:59-05:00")
    assert span_of(path, "day", None) == ("a", "b")
    assert [span_of(path, name, None) for name in ("none", "other", None)] == [(), (), ()]
    assert span_of(tmp_path / "rows.csv", "at", None) == ()
