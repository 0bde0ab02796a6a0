"""Pages to look at data: one for each batch, made once, and one over all batches.

The folder has `index.html`, and below `batches/` a folder for each batch with its page and its facts. A page is made
again when its data, the schema, the room or the code changes; the page over batches is made of the facts alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import ValidationError

from ratchet.core.cluster_names import cluster_names
from ratchet.core.explore.facts import BatchFacts, Coverage, Target, coverage, table_facts, target_facts
from ratchet.core.feature_table import check_labels
from ratchet.core.manifest import Manifest, Work, digest_of
from ratchet.core.params import Params
from ratchet.core.report.table import CELL, more
from ratchet.core.report.text import shortened
from ratchet.core.schema import ROWS, Schema
from ratchet.core.validation.refusal import reasons
from ratchet.errors import DataRefused, ServiceFailed, UsageError, did_you_mean
from ratchet.io import files, layout, refused
from ratchet.io.batches import UnitStore
from ratchet.io.explore.checked import checked
from ratchet.io.explore.origin import Origin, origins
from ratchet.io.explore.page import Refused, Seen, batch_page, index_page
from ratchet.io.explore.versions import versions_digest
from ratchet.io.progress import report_work, say
from ratchet.io.room import FeatureFunctions, feature_functions, read_params, read_schema
from ratchet.io.unit_manifest import MANIFEST
from ratchet.io.validated import Validated
from ratchet.settings import Settings

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

FOLDER = f"{layout.REPORTS}/explore"
INDEX = "index.html"
BATCHES = "batches"
FACTS = "facts.json"
UTC = "UTC"
REASONS = 3
"""Why a batch was refused: so many findings are named, the others counted."""


@dataclass(frozen=True)
class Explored:
    """The page over all batches, and which units were made, kept and removed."""

    index: Path
    work: Work


@dataclass(frozen=True)
class Explorer:
    """What the page of any batch is made with."""

    root: Path
    params: Params
    schema: Schema
    functions: FeatureFunctions

    def make(self, origin: Origin, folder: Path) -> None:
        """Write the page and the facts of one unit. Raises BatchRefused if its files cannot be typed."""
        import polars as pl

        rules = self.schema.tables_of(origin.unit)
        typed = origin.read(rules)
        frames = {name: pl.DataFrame(table) for name, table in typed.items()}
        found = checked(self.root, origin.unit, {name: frame.height for name, frame in frames.items()})
        facts = BatchFacts(
            batch=origin.unit,
            tables={name: table_facts(frame, rules[name]) for name, frame in frames.items()},
            target=self._target(typed[ROWS], frames[ROWS]) if ROWS in typed else None,
            coverage=self._coverage(frames[ROWS]) if ROWS in typed else None,
            quarantined=found.counts if found else None,
        )
        seen = Seen(
            project=self.params.project, facts=facts, tables=rules, frames=frames, checked=found, origin=origin.folder
        )
        files.write_text(folder / f"{origin.unit}.html", batch_page(seen))
        files.write_text(folder / FACTS, facts.model_dump_json())
        say(f"explore {origin.unit}: {', '.join(f'{frame.height:,} {name}' for name, frame in frames.items())}")

    def key(self, origin: Origin, made_with: str) -> str:
        """The digest of all that decides what the unit's page says."""
        return digest_of(
            {
                "files": dict(origin.digests),
                "folder": origin.folder,
                "validation": Validated(self.root).written(origin.unit),
                "schema": self.schema.model_dump(),
                "project": self.params.project.model_dump(),
                "split": self.params.split.model_dump(),
                "made_with": made_with,
            }
        )

    def _target(self, table: pa.Table, frame: pl.DataFrame) -> Target | None:
        """What the room's `label` says of the rows; None if none has a label."""
        rows, task = table.to_pandas(), self.params.project.task
        try:
            target = check_labels(self.functions.label(rows.copy()), rows, task)
        except DataRefused:
            return None
        cluster = self.params.split.cluster
        return target_facts(frame, target, cluster_names(rows, cluster) if cluster else None, task)

    def _coverage(self, frame: pl.DataFrame) -> Coverage | None:
        """When the rows are, by the calendar that batches or clusters are named after."""
        rows, cluster = self.schema.rows, self.params.split.cluster
        if rows.time is None:
            return None
        zone = rows.period.zone if rows.period else None
        clustered = cluster.zone if cluster and cluster.column == rows.time else None
        return coverage(frame[rows.time], zone or clustered or UTC)


def explore(settings: Settings, *, batches: Sequence[str], out: Path | None, force: bool) -> Explored:
    """Bring the pages up to date in the folder `out`: of the named batches, or of all; `force` makes them all again.

    Raises UsageError for a batch that is not here and for a folder that holds something else, BatchRefused for a batch
    that cannot be typed by the schema.
    """
    params = read_params(settings.root)
    schema = read_schema(settings.root, params)
    here = origins(settings.root, schema)
    _require_known(batches, here)
    folder = out or settings.root / FOLDER
    store = _store(folder)
    explorer = Explorer(settings.root, params, schema, feature_functions(settings.root, params))
    made_with = versions_digest(settings.root, params.project.room)
    keys = {name: explorer.key(origin, made_with) for name, origin in here.items()}
    wanted = _wanted(keys, batches, store)
    if force:
        store.forget(batches or list(keys))
    work = store.update(wanted, lambda name, half: explorer.make(here[name], half))
    report_work("explore", work)
    units = store.manifest().units
    facts = [_facts(store, name) for name in store.names()]
    pages = {name: PurePosixPath(BATCHES, name, f"{name}.html") for name in units}
    stale = {name for name, unit in units.items() if unit.key != keys[name]}
    index = index_page(params.project, facts, pages, stale=stale, refused=list(_refused(settings.root, folder)))
    files.write_text(folder / INDEX, index)
    return Explored(folder / INDEX, work)


def _refused(root: Path, folder: Path) -> Iterator[Refused]:
    """The batches that are kept and did not come in, for a page in `folder`."""
    for name in refused.kept_names(root):
        if report := refused.read_kept(root, name):
            found = [f"{each.table}.{each.column}: {each.sentence} [{each.rule}]" for each in reasons(report)]
            why = [*(shortened(each, CELL) for each in found[:REASONS]), more(len(found) - REASONS)]
            page = Path(os.path.relpath(refused.folder_of(root, name) / "report.html", folder)).as_posix()
            yield Refused(name, "; ".join(filter(None, why)), quote(page))


def _wanted(keys: Mapping[str, str], batches: Sequence[str], store: UnitStore) -> dict[str, str]:
    """The units to have: all, or where batches are named, those and what is here, up to date or not.

    What is here and cannot be read is made again.
    """
    if not batches:
        return dict(keys)
    here = {name: unit.key for name, unit in store.manifest().units.items() if name in keys}
    kept = {name: key if _is_readable(store, name) else keys[name] for name, key in here.items()}
    return {**kept, **{name: keys[name] for name in batches}}


def _store(folder: Path) -> UnitStore:
    """Where the pages of batches are. Raises UsageError if the folder holds something else, which is left as it is."""
    store = UnitStore(folder / BATCHES)
    if not _is_ours(store.folder / MANIFEST):
        inside = (path for place in (store.folder, folder) for path in place.glob("*") if path != store.folder)
        others = [path for path in inside if not path.name.startswith(files.HALF_WRITTEN)]
        if others:
            raise UsageError(
                f"{others[0].parent} holds {others[0].name}, which is none of ours, and could be removed",
                next_step="name a folder that is empty, or not there, with --out",
            )
    return store


def _is_ours(manifest: Path) -> bool:
    try:
        Manifest.model_validate_json(manifest.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _require_known(batches: Sequence[str], here: Mapping[str, Origin]) -> None:
    if not here:
        raise DataRefused("there is no batch here", next_step="ratchet data pull or ratchet data add")
    for name in batches:
        if name not in here:
            raise UsageError(
                f"there is no batch {name!r}{did_you_mean(name, here)}",
                next_step="ratchet data list shows the batches",
            )


def _facts(store: UnitStore, name: str) -> BatchFacts:
    return BatchFacts.model_validate_json(store.file(name, FACTS).read_bytes())


def _is_readable(store: UnitStore, name: str) -> bool:
    """Whether the facts are as they were written, by a version that wrote them in the same way."""
    try:
        _facts(store, name)
    except (ServiceFailed, ValidationError):
        return False
    return True
