"""Two versions of data, side by side: commits of the project, batches, files.

Of commits and the work tree the raw batches are compared, as they were committed or as they lie there: no stage has to
have run. Both are read by the schema of the work tree, and labels are what its label function says of both.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from ratchet.core.change.column_shift import LEAST_BATCHES, RECENT, farthest_first, shifted
from ratchet.core.change.data import category_fields, new_values, place
from ratchet.core.change.data_diff import DataDiff, DiffedTable
from ratchet.core.change.records import ColumnShift
from ratchet.core.schema import LOOKUPS
from ratchet.errors import UsageError, did_you_mean
from ratchet.flows.compared_tables import Comparer, Pair
from ratchet.io import dvc
from ratchet.io.batches import RawBatches
from ratchet.io.diff_tables import is_table_file, is_table_name
from ratchet.io.git import git_says
from ratchet.io.raw_versions import RawVersions
from ratchet.io.revision import Revision
from ratchet.settings import Settings

WORK_TREE = "work tree"
COMMIT = re.compile(r"[0-9a-f]{40,64}")
SHORT = 9
"""Characters of a commit's hash."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to compare, and how much to say of it.

    `before` and `after` are revisions, batches or files; without `after` the work tree. `batch` leaves one batch of
    two revisions. `key` replaces the schema's. At most `examples` rows of each kind are shown.
    """

    before: str
    after: str | None = None
    batch: str | None = None
    key: tuple[str, ...] = ()
    examples: int = 3
    pictures: bool = False


def data_diff(settings: Settings | None, asked: Asked) -> DataDiff:
    """Compare two versions. Without a project (`settings`) both have to be files.

    Raises UsageError for what is no version or cannot be compared, ServiceFailed and TamperedFile for data that is
    not to be had.
    """
    _require_known(settings, asked)
    before, after = (_tables_of(settings, name) for name in (asked.before, asked.after or ""))
    comparer = Comparer(settings.root if settings else None, asked.key, asked.examples, asked.pictures)
    if before and after:
        return _two_tables(asked, before, after, comparer)
    if before or after:
        named, other = (asked.before, asked.after) if before else (asked.after, asked.before)
        raise UsageError(
            f"{named} is one batch or file, and {other or 'the work tree'} is a version of all batches",
            next_step=f"compare two of a kind; one batch of two commits is: ratchet data diff HEAD --batch {named}",
        )
    if settings is None:
        raise ValueError("revisions are those of a project")
    return _two_commits(settings, asked, comparer)


def _require_known(settings: Settings | None, asked: Asked) -> None:
    """Raises UsageError for a name that is no file, no batch and no revision, with what it may have been meant for."""
    for name in filter(None, (asked.before, asked.after)):
        if _tables_of(settings, name) or (settings and _commit(settings.root, name)):
            continue
        if is_table_name(name):
            raise UsageError(f"there is no file {name}", next_step="name one that is here")
        if settings is None or git_says(["rev-parse", "--git-dir"], cwd=settings.root) is None:
            raise UsageError(
                f"{name} is neither a file (CSV, Parquet, JSON lines) nor a batch, and no git repository is here",
                next_step="name two files or two batches",
            )
        refs = git_says(["for-each-ref", "--format=%(refname:short)"], cwd=settings.root) or ""
        known = ["HEAD", *RawBatches(settings.root).names(), *refs.split()]
        raise UsageError(
            f"{name} is neither a file (CSV, Parquet, JSON lines), nor a batch that is here, nor a revision"
            f"{did_you_mean(name, known)}",
            next_step="ratchet data list names the batches, git log the commits",
        )


def _tables_of(settings: Settings | None, name: str) -> dict[str, Path]:
    """The tables of a batch by name, or of a file, whose table has no name yet; none if it has to be a revision."""
    if is_table_file(Path(name)):
        return {"": Path(name)}
    raw = RawBatches(settings.root) if settings else None
    return raw.table_files(name) if raw and name in raw.names() else {}


def _two_tables(asked: Asked, before: dict[str, Path], after: dict[str, Path], comparer: Comparer) -> DataDiff:
    if "" in before or "" in after:
        # A file says which table it is; of a batch that it is compared with, only that one counts.
        table = comparer.table_of(*(paths[""] for paths in (before, after) if "" in paths))
        before, after = ({table: path} if (path := each.get("", each.get(table))) else {} for each in (before, after))
    unit = " → ".join(Path(name).name for name in (asked.before, asked.after or ""))
    pairs = [Pair(unit, name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])]
    tables = _compared(comparer, pairs)
    return DataDiff(
        before=asked.before, after=asked.after or "", kind="tables", tables=tables, shifts=(),
        note=comparer.notes.text(),
    )  # fmt: skip


def _two_commits(settings: Settings, asked: Asked, comparer: Comparer) -> DataDiff:
    before = _revision(settings.root, asked.before)
    after = _revision(settings.root, asked.after) if asked.after else None
    with tempfile.TemporaryDirectory() as folder, dvc.project(settings.root, settings.dvc_remote) as repo:
        versions = RawVersions(repo, before, after, Path(folder))
        _require_batch(versions, asked.batch)
        for batch in versions.gone:
            comparer.notes.say(batch, "differs, and its rows are not there any more: erased, or never pushed")
        pairs = list(_pairs(versions, asked.batch))
        tables = _compared(comparer, pairs)
        history = _History(versions, comparer)
        tables = tuple(history.with_categories(each) for each in tables)
        shifts = farthest_first(history.shifts(pairs))
    return DataDiff(
        before=f"{asked.before} ({before.commit[:SHORT]})",
        after=f"{asked.after} ({after.commit[:SHORT]})" if after else WORK_TREE,
        kind="batches", tables=tables, shifts=shifts, note=comparer.notes.text(),
    )  # fmt: skip


def _compared(comparer: Comparer, pairs: Iterable[Pair]) -> tuple[DiffedTable, ...]:
    return tuple(found for pair in pairs if (found := comparer.table(pair)))


def _commit(root: Path, name: str) -> str | None:
    """The commit of a branch, here or on origin, of a tag, or of what else git takes; None if it is none."""
    for ref in (name, f"refs/remotes/origin/{name}"):
        found = git_says(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"], cwd=root)
        # Git answers an option with itself.
        if found is not None and COMMIT.fullmatch(found):
            return found
    return None


def _revision(root: Path, name: str) -> Revision:
    commit = _commit(root, name)
    if commit is None:
        raise ValueError(f"{name} is no revision")
    return Revision(root, commit)


def _require_batch(versions: RawVersions, name: str | None) -> None:
    """Raises UsageError if neither version has the batch."""
    if name is not None and name not in (known := versions.units()):
        raise UsageError(
            f"--batch {name}: neither version has it{did_you_mean(name, known)}",
            next_step="ratchet data list names the batches",
        )


def _pairs(versions: RawVersions, only: str | None) -> Iterator[Pair]:
    """What differs, batches in time order and rows before lookups, the standing lookups last."""
    wanted = [name for name in versions.differing if only in (None, name[0])]
    versions.fetch(wanted)
    for unit, table in sorted(wanted, key=lambda name: place(*name)):
        sides = (
            versions.path((unit, table), before=before) if tracked else None
            for before, tracked in zip((True, False), versions.differing[unit, table], strict=True)
        )
        yield Pair(unit, table, *sides)


@dataclass
class _History:
    """What new batches are compared with: the newest of the version before."""

    versions: RawVersions
    comparer: Comparer

    def with_categories(self, table: DiffedTable) -> DiffedTable:
        """A batch that is new, with the values that none of the newest batches before it has."""
        change = table.change
        if change.kind != "added" or change.batch == LOOKUPS:
            return table
        after = self._arrow(self.versions.path((change.batch, change.table), before=False), change.table)
        paths = self._known(change.table)
        if not paths:
            # Of the first batches all values are new, which says nothing.
            return table
        known = (self._arrow(path, change.table) for path in reversed(paths.values()))
        found = new_values({change.batch: after}, known).get(change.batch, {})
        return table.model_copy(update={"change": change.model_copy(update=category_fields(found))})

    def shifts(self, pairs: Sequence[Pair]) -> Iterator[ColumnShift]:
        """Columns of new batches that lie outside what the newest batches before do."""
        for table in dict.fromkeys(pair.table for pair in pairs if pair.unit != LOOKUPS):
            new = {pair.unit: pair.after for pair in pairs if pair.table == table and pair.after and not pair.before}
            known = self._known(table) if new else {}
            if new and len(known) < LEAST_BATCHES:
                self.comparer.notes.say(
                    table, f"distributions of new batches are compared from {LEAST_BATCHES} batches on"
                )
            elif new:
                base = {unit: self._arrow(path, table) for unit, path in known.items()}
                added = {unit: self._arrow(path, table) for unit, path in sorted(new.items())[-RECENT:]}
                yield from shifted(table, base, added, next(iter(added.values())).column_names)

    def _known(self, table: str) -> dict[str, Path]:
        return self.versions.latest_before(table, RECENT)

    def _arrow(self, path: Path, table: str) -> pa.Table:
        return self.comparer.read(path, table).to_arrow(compat_level=pl.CompatLevel.oldest())
