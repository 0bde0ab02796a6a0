"""The lineage of what was just computed (`core.lineage_record`), read from the project around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ratchet
from ratchet.core.lineage_record import BatchLineage, Commit, Lineage, Use
from ratchet.core.manifest import digest_of
from ratchet.core.params import Params
from ratchet.core.schema import ROWS, Schema
from ratchet.io import files, layout
from ratchet.io.batches import RawBatches, pointer
from ratchet.io.git import git_says, head_commit
from ratchet.io.machine import environment, machine
from ratchet.io.other_room import room_digest
from ratchet.io.pointers import pointer_digest, tracked_digests
from ratchet.io.room import read_schema, schema_path
from ratchet.io.validated import Validated
from ratchet.settings import shared

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

CHANGED_SHOWN = 50
OF_A_RUN = {*layout.RESULTS, layout.EVALUATE_METRICS}
"""Files that a run writes and git holds: they are what came out, not what went in."""


def lineage_of(root: Path, params: Params, room: Path, used: Mapping[Use, Mapping[str, str]]) -> Lineage:
    """The lineage of the run in the project at `root`, whose room is the folder `room`.

    `used` maps each use to its batches, each with the SHA-256 of its features. Raises ServiceFailed, TamperedFile.
    """
    schema = read_schema(root, params)
    return Lineage(
        commit=_commit(root),
        lock=files.digest(root / layout.LOCK),
        params=digest_of(params.model_dump(mode="json")),
        room=room_digest(room),
        code=room_digest(Path(ratchet.__file__).parent),
        data_schema=files.digest(schema_path(root, params)),
        batches=tuple(_batches(root, schema, used)),
        lookups=_lookups(root),
        seed=params.model.seed,
        environment=environment(root),
        machine=machine(),
    )


def _commit(root: Path) -> Commit:
    """Paths are relative to the project; of code that projects share, to the repository."""
    places = dict.fromkeys([".", shared(root, "src")])
    said = git_says(["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *places], cwd=root)
    prefix = git_says(["rev-parse", "--show-prefix"], cwd=root) or ""
    names = sorted({each[3:].removeprefix(prefix) for each in (said or "").split("\0") if each} - OF_A_RUN)
    return Commit(commit=head_commit(root), changed=tuple(names[:CHANGED_SHOWN]), changes=len(names))


def _batches(root: Path, schema: Schema, used: Mapping[Use, Mapping[str, str]]) -> Iterator[BatchLineage]:
    raw, validated = tracked_digests(root), Validated(root)
    for use, batches in used.items():
        for name, features in sorted(batches.items()):
            first, last = _span(validated, name, schema.rows.time)
            yield BatchLineage(
                name=name,
                used_for=use,
                raw=raw.get(name, ""),
                features=features,
                first=first,
                last=last,
                **_counts(validated, name),
            )


def _lookups(root: Path) -> dict[str, str]:
    paths = {name: pointer(path) for name, path in RawBatches(root).standing_files().items()}
    return {name: pointer_digest(path) if path.is_file() else "" for name, path in paths.items()}


def _counts(validated: Validated, batch: str) -> dict[str, Any]:
    if batch not in validated.store.manifest().units:
        return {"rows": None, "quarantined": None, "warnings": None}
    report = validated.report(batch)
    rows = report.tables.get(ROWS)
    return {
        "rows": rows.rows if rows else None,
        "quarantined": rows.quarantined if rows else None,
        "warnings": len(report.leading_to("warn")),
    }


def _span(validated: Validated, batch: str, time: str | None) -> tuple[str | None, str | None]:
    """The first and the last time of a row, from what the file says of its own columns: no row is read."""
    if time is None or batch not in validated.ingested.manifest().units:
        return None, None
    import pyarrow.parquet as pq

    bounds = list(_bounds(pq.read_metadata(validated.ingested.file(batch, f"{ROWS}.parquet")), time))
    if not bounds:
        return None, None
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return _text(low), _text(high)


def _bounds(about: FileMetaData, column: str) -> Iterator[tuple[Any, Any]]:
    names = about.schema.to_arrow_schema().names
    for group in range(about.num_row_groups):
        found = about.row_group(group).column(names.index(column)).statistics
        if found is not None and found.has_min_max:
            yield found.min, found.max


def _text(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
