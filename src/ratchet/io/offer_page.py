"""What the pull request of a new batch says, and what the page of the run that opened it does, as Markdown.

Names, addresses and values come from wherever the data does: each is escaped, shortened and made visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ratchet.core import sticky
from ratchet.core.report.text import shortened
from ratchet.core.sources.batch_source import BatchSource
from ratchet.core.validation.records import ValidationReport
from ratchet.io import validation_page
from ratchet.io.data_branches import Words
from ratchet.io.markdown import code, inline, link

LIMIT = 20_000
"""Characters of a request's text: it is the message of a commit, too."""
READ = 10
"""Files or queries that were read, named at most; the others are counted."""
ADDRESS = 200
"""Characters of an address, or of a time that is no time, that are shown."""


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A batch that came in: its report and record, its first and last time, the lookups that changed with it.

    `branch` holds it. `span` is empty where the rows have no time; `page` is that of the run, empty outside one;
    `model` is empty for the model of a whole repository.
    """

    branch: str
    report: ValidationReport
    source: BatchSource
    span: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    page: str = ""
    model: str = ""


def title_of(batch: str, model: str = "") -> str:
    """The title of the request for a batch, and of its commit."""
    return f"Data of {model}: {batch}" if model else f"Data: {batch}"


def words(arrived: Arrived) -> Words:
    """The title and the text of the request, at most LIMIT characters of it."""
    batch = arrived.report.batch
    found = validation_page.markdown(arrived.report).partition("\n\n")[2]
    pointer = f"*The list goes on: `ratchet data show {batch}` has all of it.*"
    head = "\n".join((*_what_came(arrived), "", "### Validation", "", ""))
    body = head + sticky.cut(found, LIMIT - sticky.size(head), pointer)
    return Words(title=title_of(batch, arrived.model), body=body.rstrip())


def refusals(pages: Iterable[str]) -> str:
    """The reports of refused batches for the summary of the run's page, as many as fit."""
    text = "\n".join(["## Refused: no pull request", "", *pages])
    return sticky.cut(text, sticky.LIMIT, "*The reports go on: they are whole in the run's artifacts.*") + "\n"


def span_of(path: Path, column: str | None, zone: str | None) -> tuple[str, ...]:
    """The first and the last value of a column of a Parquet file, in words; nothing without such a column.

    Moments are told in `zone`, if there is one: that of the calendar that cut the batch.
    """
    if not column or path.suffix != ".parquet":
        return ()
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if column not in pq.read_schema(path).names:
        return ()
    ends: dict[str, Any] = pc.min_max(pq.read_table(path, columns=[column])[column]).as_py()
    return tuple(_told(ends[end], zone) for end in ("min", "max")) if ends["min"] is not None else ()


def _told(value: object, zone: str | None) -> str:
    if isinstance(value, datetime) and value.tzinfo and zone:
        value = value.astimezone(ZoneInfo(zone))
    return shortened(str(value), ADDRESS)


def _what_came(arrived: Arrived) -> Iterable[str]:
    """Rows, time, source, lookups, and why the request is there."""
    batch = arrived.report.batch
    kept = sum(table.quarantined for table in arrived.report.tables.values())
    late = f", which came after {inline(arrived.source.period)} was cut" if arrived.source.late else ""
    yield f"The source that `params.yaml` declares has a new batch: **{inline(batch)}**{late}."
    yield ""
    yield f"- rows: {arrived.source.rows:,}; in quarantine: {kept:,}; findings: {len(arrived.report.findings)}"
    if arrived.span:
        yield f"- time: {code(arrived.span[0])} to {code(arrived.span[-1])}"
    yield f"- source: {arrived.source.kind}"
    yield from _readings(arrived.source)
    if arrived.lookups:
        yield f"- standing lookups that changed, and come with it: {', '.join(map(inline, arrived.lookups))}"
    yield ""
    yield (
        "This was opened by itself, so that somebody looks before the model learns from it. The branch is trained, and "
        "the report follows as a comment. Merge to take the batch; close to leave it out: it is then not asked for "
        f"again until the branch {code(arrived.branch)} is deleted."
    )
    if arrived.page:
        yield f"\n{link('The run that found it', arrived.page)}"


def _readings(source: BatchSource) -> Iterable[str]:
    lines: Sequence[str] = [
        f"  - {inline(table)}: {reading.rows:,} of {code(shortened(reading.url, ADDRESS))}"
        for table, readings in source.tables.items()
        for reading in readings
    ]
    yield from lines[:READ]
    if len(lines) > READ:
        yield f"  - and {len(lines) - READ} more"
