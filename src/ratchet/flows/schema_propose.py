"""Propose what to change in `schema.yaml` so that refused batches pass; written only if a person wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa

from ratchet.core.schema import LOOKUPS, ROWS, parse_schema
from ratchet.core.schema_proposal.propose import propose as step
from ratchet.core.schema_proposal.records import Case, Change, Fault
from ratchet.core.validation.releases import can_be_released
from ratchet.errors import DataRefused, UsageError
from ratchet.flows.examination import Examined, look_at_among
from ratchet.io import files, refused
from ratchet.io.batches import SUFFIXES, RawBatches, check_batch_name, tables_in
from ratchet.io.room import read_params, schema_name, schema_path
from ratchet.io.schema_edit import difference, edit_schema
from ratchet.io.tables import parse_tables
from ratchet.io.untyped import read_untyped
from ratchet.io.yaml_text import parse_yaml
from ratchet.settings import Settings

STEPS = 60
"""Each step answers at least one finding; no batch has so many rules broken one after the other."""


@dataclass(frozen=True)
class Proposal:
    """The changes by batch, what stands against any by batch, and the file before and after."""

    path: Path
    source: str
    changes: Mapping[str, Sequence[Change]]
    faults: Mapping[str, Sequence[Fault]]
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The changes as a unified diff; empty if there are none."""
        return difference(self.before, self.after, source=self.source)


@dataclass(frozen=True)
class _Looked:
    """How far the file came for one batch."""

    text: str
    changes: list[Change]
    faults: list[Fault]


def propose(settings: Settings, targets: Sequence[str], lookups: Mapping[str, Path]) -> Proposal:
    """Find the changes that let each target pass: the name of a batch that was refused or is here, or a file of rows.

    Without targets, all refused batches. `lookups` are files that come with a file of rows. Raises UsageError if there
    is no such target, or the schema's file cannot be edited.
    """
    raw = RawBatches(settings.root)
    params = read_params(settings.root)
    path, source = schema_path(settings.root, params), schema_name(settings.root, params)
    before = after = path.read_text(encoding="utf-8")
    changes, faults = {}, {}
    for batch, tables in _targets(raw, targets, lookups).items():
        looked = _look(raw, batch, tables, after, source)
        after, changes[batch], faults[batch] = looked.text, looked.changes, looked.faults
    return Proposal(path, source, changes, faults, before, after)


def write(proposal: Proposal) -> None:
    """Write the changed schema. Raises DataRefused if a fault stands against it."""
    require_no_faults(proposal)
    files.write_text(proposal.path, proposal.after)


def require_no_faults(proposal: Proposal) -> None:
    """Raise DataRefused if there is anything that the schema must not hide."""
    found = [(batch, fault) for batch, faults in proposal.faults.items() for fault in faults]
    if not found:
        return
    lines = "".join(
        f"\n  - {batch}: {fault.finding.table}.{fault.finding.column}: {fault.finding.sentence} "
        f"[{fault.finding.rule}]: {fault.why}"
        for batch, fault in found
    )
    raise DataRefused(
        f"no change of {proposal.source} is proposed for what is a fault of the data, and nothing is written:{lines}",
        next_step="mend it at the source" + _release(found),
    )


def _release(found: Sequence[tuple[str, Fault]]) -> str:
    """The command that lets a fault pass, where there is one."""
    known = ((batch, fault.finding.rule) for batch, fault in found if can_be_released(fault.finding.rule))
    batch, rule = next(known, ("", ""))
    hint = f'; or, if the batch is right as it is: ratchet data release {batch} --rule {rule} --reason "…"'
    return hint if batch else ""


def _targets(raw: RawBatches, targets: Sequence[str], lookups: Mapping[str, Path]) -> dict[str, Mapping[str, Path]]:
    return dict(_target(raw, name, lookups) for name in targets or refused.kept_names(raw.root))


def _target(raw: RawBatches, name: str, lookups: Mapping[str, Path]) -> tuple[str, Mapping[str, Path]]:
    if (path := Path(name)).suffix in SUFFIXES and path.is_file():
        return check_batch_name(path.stem), {ROWS: path, **lookups}
    if folder := refused.find(raw, name):
        return name, tables_in(folder)
    kept = ", ".join(refused.kept_names(raw.root)) or "none"
    raise UsageError(
        f"{name} is neither a file that ends in {' or '.join(SUFFIXES)} nor a batch; refused and kept are {kept}",
        next_step="ratchet data list shows all batches",
    )


def _look(raw: RawBatches, batch: str, paths: Mapping[str, Path], text: str, source: str) -> _Looked:
    """Change the text step by step until the batch passes, or nothing but faults is left."""
    made: list[Change] = []
    for _ in range(STEPS):
        schema = parse_schema(parse_yaml(text, source=source), source=source)
        examined = look_at_among(raw, batch, paths, schema, until=_until(raw, batch))
        if not examined.report.refused:
            return _Looked(text, made, [])
        typed = parse_tables(paths, schema.tables_of(batch))[0]
        case = Case(
            schema=schema,
            report=examined.report,
            raws=_raws(paths, examined),
            frames={name: pl.DataFrame(table) for name, table in typed.items()},
            others=batch != LOOKUPS and any(name != batch for name in raw.names()),
        )
        changes, faults = step(case)
        made += changes
        text = edit_schema(text, changes, source=source)
        if not changes:
            return _Looked(text, made, _distinct(faults))
    raise RuntimeError(f"{batch}: {STEPS} steps did not end")


def _until(raw: RawBatches, batch: str) -> datetime | None:
    return None if batch in raw.names() or batch == LOOKUPS else datetime.now(UTC)


def _raws(paths: Mapping[str, Path], examined: Examined) -> dict[str, pa.Table]:
    if any(finding.rule == "unreadable" for finding in examined.report.findings):
        return {}
    return {name: read_untyped(path) for name, path in paths.items()}


def _distinct(faults: Sequence[Fault]) -> list[Fault]:
    return list({(each.finding.table, each.finding.column, each.finding.rule): each for each in faults}.values())
