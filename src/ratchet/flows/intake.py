"""The door that every batch comes in by: examined before it is put in place, and the same rows never twice.

What is refused is kept in `data/refused/<batch>/`, with the report that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ratchet.core.schema import LOOKUPS, ROWS, Schema
from ratchet.core.validation.records import ValidationReport
from ratchet.core.validation.releases import Release
from ratchet.errors import DataRefused
from ratchet.flows.examination import Examined, look_at, look_at_among, require_accepted
from ratchet.io import files, refused
from ratchet.io.batches import RawBatches
from ratchet.io.releases import write_taken

Writers = Mapping[str, tuple[str, Callable[[Path], object]]]
"""By table: the suffix of its file, and what fills the file."""


def take(
    raw: RawBatches, name: str, writers: Writers, schema: Schema, *, now: datetime | None = None
) -> ValidationReport:
    """Write the batch beside its place, examine what was written, and only then put it in place.

    `writers` maps each table to the suffix of its file and to what fills that file; `now` is when the batch came, the
    present by default. Raises BatchRefused, with the files kept in `data/refused`; DataRefused if the rows are here, or
    a batch of this name.
    """
    moment = now or datetime.now(UTC)
    with files.new_folder(raw.folder / name) as half:
        paths = {kind: half / f"{kind}{suffix}" for kind, (suffix, _) in writers.items()}
        for kind, (_, write) in writers.items():
            write(paths[kind])
        _require_new_rows(raw, name, paths.get(ROWS))
        report = _accepted(raw, look_at_among(raw, name, paths, schema, until=moment), paths)
        _require_absent(raw, name)
    if any(finding.rule == "future" for finding in report.findings):
        write_taken(raw, name, moment)
    refused.forget(raw.root, name)
    return report


def examine(
    batch: str, paths: Mapping[str, Path], schema: Schema, released: Sequence[Release] = ()
) -> ValidationReport:
    """Parse and check the files of a batch, or of the standing lookups, by themselves; nothing is written.

    `released` is what people let pass. Raises BatchRefused with everything found.
    """
    return require_accepted(look_at(batch, paths, schema, released))


def examine_standing(raw: RawBatches, paths: Mapping[str, Path], schema: Schema) -> ValidationReport:
    """Parse and check the files of the standing lookups before they are put in place.

    Raises BatchRefused; the files are then moved to `data/refused`.
    """
    report = _accepted(raw, look_at_among(raw, LOOKUPS, paths, schema, until=None), paths)
    refused.forget(raw.root, LOOKUPS)
    return report


def _accepted(raw: RawBatches, examined: Examined, paths: Mapping[str, Path]) -> ValidationReport:
    kept = refused.keep(raw.root, examined.report, paths) if examined.report.refused else ""
    return require_accepted(examined, kept=kept)


def _require_absent(raw: RawBatches, name: str) -> None:
    """Nothing may take the place of a batch that another command has put there meanwhile."""
    if name in raw.names():
        raise DataRefused(
            f"another command has added batch {name} meanwhile, and batches are immutable",
            next_step="run this one again: it says whether the content is the same",
        )


def _require_new_rows(raw: RawBatches, name: str, rows: Path | None) -> None:
    if rows is None:
        return
    size, digest = rows.stat().st_size, files.digest(rows)
    # One of the same name came in meanwhile: that is said when this one is put in its place.
    for other in (each for each in raw.names() if each != name):
        path = raw.table_files(other)[ROWS]
        if path.stat().st_size == size and files.digest(path) == digest:
            raise DataRefused(
                f"batch {name} has the same rows as batch {other}: the same data twice would train and judge itself",
                next_step="check which period the file holds",
            )
