"""The batches that are here, and what validation said of them."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.validation.records import ValidationReport
from ratchet.io.batches import RawBatches, pointer
from ratchet.io.validated import Validated
from ratchet.settings import Settings


@dataclass(frozen=True)
class ListedBatch:
    """What `ratchet data list` shows of a batch; `report` is None until a run has validated it."""

    name: str
    tables: tuple[str, ...]
    size: int
    tracked: bool
    report: ValidationReport | None


def facts(settings: Settings) -> list[ListedBatch]:
    """The batches that are here, oldest first. Raises TamperedFile if a report was altered."""
    raw = RawBatches(settings.root)
    valid = Validated(settings.root)
    checked = set(valid.store.names())
    return [
        ListedBatch(
            name=name,
            tables=tuple(found := raw.table_files(name)),
            size=sum(path.stat().st_size for path in found.values()),
            tracked=pointer(raw.folder / name).is_file(),
            report=valid.report(name) if name in checked else None,
        )
        for name in raw.names()
    ]
