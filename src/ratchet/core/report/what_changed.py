"""What changed: data, code, parameters, dependencies, and what the pipeline had to do for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ratchet.core.change.records import BatchChange, BatchFinding, Change, StageRun
from ratchet.core.report.data_tables import (
    batch_table,
    category_table,
    column_table,
    finding_table,
    new_values,
    schema_table,
    shift_table,
)
from ratchet.core.report.table import Column, Row, Section, Table, filled, table
from ratchet.core.report.text import ABSENT, NONE, count, duration, listed, moved, sentence, shortened
from ratchet.core.schema import ROWS

NAMED = 3
"""Things of one kind that a sentence names."""


def what_changed(change: Change) -> Section:
    """One line for each kind of thing that changed, and the tables behind them."""
    lines = [(title, line) for title, line in _lines(change) if line]
    note = shortened(change.data.note, 400)
    if not lines:
        same = f"Nothing: data, code, parameters and dependencies are those of {shortened(change.base_name, 60)}."
        lines = [("", same)]
    stages = _stages_line(change.stages)
    return Section(
        title="What changed",
        lines=(*lines, *((("stages", stages),) if stages else ())),
        tables=tuple(replace(each, folded=True) for each in filled(_tables(change))),
        note=note,
    )


def _lines(change: Change) -> Iterator[tuple[str, str]]:
    yield "data", _data_line(change)
    yield "validation", _validation_line(change.data.findings)
    yield "code", _code_line(change)
    yield "parameters", _params_line(change)
    yield "dependencies", listed(moved(each.name, each.old, each.new) for each in change.dependencies)


def _data_line(change: Change) -> str:
    batches = change.data.batches
    kinds = sentence(
        [_batches(batches, "added"), _batches(batches, "removed"), _batches(batches, "changed"), _flips(batches)]
    )
    fresh = sum(new_values(batch, column) for batch in batches for column in batch.new_categories)
    named = [f"{shift.table}.{shift.column}" for shift in change.data.shifts]
    shifted = f"{count(len(named), 'column')} shifted ({listed(named, NAMED)})" if named else ""
    categories = count(fresh, "new category", "new categories") if fresh else ""
    return "; ".join(part for part in (kinds, _schema(batches), categories, shifted) if part)


def _validation_line(findings: Sequence[BatchFinding]) -> str:
    """'in quarantine: rows.distance in 2013-04 (4 rows); released: rows.temp in 2013-04 (drift)'."""
    released = [each for each in findings if each.finding.released]
    held = [each for each in findings if each.finding.level == "quarantine" and not each.finding.released]
    warned = len(findings) - len(released) - len(held)
    parts = (
        ("in quarantine", [f"{_place(each)} ({count(each.finding.count, 'row')})" for each in held]),
        ("released by a person", [f"{_place(each)} ({each.finding.rule})" for each in released]),
    )
    words = [f"{what}: {listed(named, NAMED)}" for what, named in parts if named]
    return "; ".join([*words, *([count(warned, "warning")] if warned else [])])


def _place(each: BatchFinding) -> str:
    return f"{each.finding.table}.{each.finding.column} in {each.batch}"


def _batches(batches: Sequence[BatchChange], kind: str) -> str:
    """'1 batch added (2013-07: 28,293 rows)': a batch has several tables, each of its own length."""
    found = [batch for batch in batches if batch.kind == kind]
    names = list(dict.fromkeys(batch.batch for batch in found))
    if not names:
        return ""
    # The rows that train and judge are counted; a batch's lookups stand in the table.
    judged = [batch for batch in found if batch.table == ROWS] or found
    rows = sum(_rows_moved(batch) for batch in judged)
    return f"{count(len(names), 'batch', 'batches')} {kind} ({listed(names, NAMED)}: {count(rows, 'row')})"


def _rows_moved(batch: BatchChange) -> int:
    if batch.kind == "changed":
        return batch.rows_added + batch.rows_removed + batch.rows_edited
    return batch.rows_after if batch.kind == "added" else batch.rows_before


def _flips(batches: Sequence[BatchChange]) -> str:
    flips = sum(batch.label_flips or 0 for batch in batches)
    return f"{count(flips, 'label')} flipped" if flips else ""


def _schema(batches: Sequence[BatchChange]) -> str:
    """'columns added: gust; removed: wind; of another type: humid'."""
    changes = [each for batch in batches for each in batch.schema_changes]
    kinds = {
        "added": [each.column for each in changes if each.before is None],
        "removed": [each.column for each in changes if each.after is None],
        "of another type": [each.column for each in changes if None not in (each.before, each.after)],
    }
    said = [f"{kind}: {listed(dict.fromkeys(names), NAMED)}" for kind, names in kinds.items() if names]
    return f"columns {'; '.join(said)}" if said else ""


def _code_line(change: Change) -> str:
    if not change.code:
        return ""
    added = sum(file.lines_added or 0 for file in change.code)
    removed = sum(file.lines_removed or 0 for file in change.code)
    return (
        f"{count(len(change.code), 'file')} (+{added:,} -{removed:,}): {listed((f.path for f in change.code), NAMED)}"
    )


def _params_line(change: Change) -> str:
    return listed((moved(each.key, each.old, each.new) for each in change.params), NAMED)


def _stages_line(stages: Sequence[StageRun]) -> str:
    """'3 ran (1 min 12 s), 1 restored, 2 unchanged; the cache saved 48 s'."""
    by_state = {state: [each for each in stages if each.state == state] for state in ("ran", "restored", "unchanged")}
    ran = sum(stage.seconds or 0 for stage in by_state["ran"])
    states = [f"{len(found)} {state}{f' ({duration(ran)})' if state == 'ran' else ''}"
              for state, found in by_state.items() if found]  # fmt: skip
    saved = sum(stage.saved or 0 for stage in stages)
    return "; ".join(part for part in (sentence(states), f"the cache saved {duration(saved)}" if saved else "") if part)


def _tables(change: Change) -> Iterator[Table]:
    yield batch_table(change.data.batches)
    yield finding_table(change.data.findings)
    yield schema_table(change.data.batches)
    yield column_table(change.data.batches)
    yield category_table(change.data.batches)
    yield shift_table(change.data.shifts)
    yield _code_table(change)
    yield _param_table(change)
    yield _dependency_table(change)
    yield _stage_table(change.stages)


def _code_table(change: Change) -> Table:
    rows = [
        Row((file.path, _lines_of(file.lines_added, "+"), _lines_of(file.lines_removed, "-"))) for file in change.code
    ]
    return table("Code", [Column("file", "code"), Column("added", "number"), Column("removed", "number")], rows)


def _lines_of(lines: int | None, sign: str) -> str:
    return "not text" if lines is None else f"{sign}{lines:,}"


def _param_table(change: Change) -> Table:
    columns = [Column("parameter", "code"), Column("before", "code"), Column("now", "code"), Column("line", "number")]
    rows = [
        Row((each.key, *_sides(each.old, each.new), NONE if each.line is None else f"{each.line}"))
        for each in change.params
    ]
    return table("Parameters (params.yaml)", columns, rows)


def _dependency_table(change: Change) -> Table:
    columns = [Column("package", "code"), Column("before", "code"), Column("now", "code")]
    return table(
        "Dependencies", columns, [Row((each.name, *_sides(each.old, each.new))) for each in change.dependencies]
    )


def _sides(old: str | None, new: str | None) -> tuple[str, str]:
    return ABSENT if old is None else old, ABSENT if new is None else new


def _stage_table(stages: Sequence[StageRun]) -> Table:
    columns = [Column("stage", "code"), Column("what it did"), Column("took", "number"), Column("saved", "number"),
               Column("differs from base in")]  # fmt: skip
    rows = [
        Row((each.name, each.state, duration(each.seconds), duration(each.saved), listed(each.reasons) or NONE))
        for each in stages
    ]
    return table("Stages", columns, rows)
