"""Where a version comes from, as sections of its model card: data, recipe, lineage."""

from __future__ import annotations

from collections.abc import Iterable

from ratchet.core.lineage_record import BatchLineage, Lineage
from ratchet.core.model_record import ModelRecord
from ratchet.core.report.table import Column, Row, Section, table
from ratchet.core.report.text import NONE, commit, count, listed, shortened

FEATURES = 60
BATCHES = 24
"""Rows of a table at most; what is left out is counted."""


def data_section(lineage: Lineage | None) -> Section:
    """Each batch: what it was used for, its rows, the time that they span, and the digest that git has."""
    if lineage is None:
        return Section(title="Data", note="The run was recorded before its data was described here.")
    columns = [Column("batch", "code"), Column("for"), *(Column(name, "number") for name in ("rows", "quarantined")),
               Column("first row"), Column("last row"), Column("MD5 in git", "code")]  # fmt: skip
    newest = sorted(lineage.batches, key=lambda each: each.name, reverse=True)
    rows = [_batch(each) for each in newest]
    schema = f"Columns: schema.yaml with SHA-256 {lineage.data_schema[:12]}."
    return Section(title="Data", tables=(table("", columns, rows, most=BATCHES),), note=schema)


def _batch(each: BatchLineage) -> Row:
    rows, quarantined = (NONE if value is None else f"{value:,}" for value in (each.rows, each.quarantined))
    raw = each.raw.partition(".")[0][:12] or "not tracked"
    return Row((each.name, each.used_for, rows, quarantined, _moment(each.first), _moment(each.last), raw))


def _moment(time: str | None) -> str:
    """To the minute, as the data has it.

    >>> _moment("2013-03-01T10:00:00+00:00"), _moment("2013-03-01"), _moment(None)
    ('2013-03-01 10:00 UTC', '2013-03-01', '–')
    """
    if time is None:
        return NONE
    zone = " UTC" if time.endswith("+00:00") else time[19:]
    return f"{time[:16].replace('T', ' ')}{zone}" if "T" in time else time


def recipe_section(record: ModelRecord) -> Section:
    """The estimator with its parameters, and the inputs."""
    model = record.recipe.model
    given = listed((f"{key} {value}" for key, value in model.params.items()), most=20) or "the estimator's own"
    libraries = listed((f"{name} {version}" for name, version in record.libraries.items()), most=20)
    lines = (
        ("estimator", model.estimator),
        ("parameters", given),
        ("seed", str(model.seed)),
        ("libraries", libraries),
    )
    rows = [
        Row((each.name, each.kind, "yes" if each.nullable else "no", shortened(str(each.example), 40)))
        for each in record.features
    ]
    columns = [Column("input", "code"), Column("kind"), Column("may be missing"), Column("for example", "code")]
    inputs = table("Inputs", columns, rows, most=FEATURES)
    return Section(title="Recipe", lines=lines, tables=(inputs,), folded=True)


def lineage_section(run_id: str, *, model: str, seal: str, lineage: Lineage | None) -> Section:
    """What a rebuild needs: `model` and `seal` are digests of what it is compared with."""
    lines = [("run", run_id), ("model", model), ("seal", seal)]
    if lineage is None:
        return Section(title="Lineage", lines=tuple(lines), note="The run was recorded before its lineage was kept.")
    changed = f"with {count(lineage.commit.changes, 'change')}: {listed(lineage.commit.changed)}"
    state = "clean" if lineage.commit.clean else changed
    lines += [
        ("commit", f"{commit(lineage.commit.commit) or 'none'}, {state}"),
        ("dvc.lock", lineage.lock),
        ("params", lineage.params),
        ("room", lineage.room),
        ("ratchet", lineage.code),
        ("packages", f"{len(lineage.environment.packages)} installed, {lineage.environment.digest}"),
        ("python", lineage.environment.python),
        ("machine", f"{lineage.machine.processor}, {count(lineage.machine.cores, 'core')}, {lineage.machine.system}"),
        ("seed", str(lineage.seed)),
    ]
    return Section(title="Lineage", lines=tuple(lines), folded=True)


def batch_names(batches: Iterable[str]) -> str:
    """The first and the last of them, and how many: '2013-01 to 2013-03 (3 batches)'."""
    names = sorted(batches)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({count(len(names), 'batch', 'batches')})"
