"""The raw tables of two versions of the project's data, as far as they differ: two commits, or one and the work tree.

What differs is said by DVC, which knows the digest of every file that a commit tracks; only those files are fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from ratchet.core.schema import LOOKUPS
from ratchet.errors import ServiceFailed, TamperedFile
from ratchet.io import files
from ratchet.io.batches import SUFFIXES, RawBatches
from ratchet.io.git_objects import contents
from ratchet.io.revision import Revision

if TYPE_CHECKING:
    from dvc.repo import Repo as Repo  # noqa: PLC0414 - exported, for flows, which may not import dvc

TableName = tuple[str, str]
"""A unit (a batch, or `LOOKUPS` for the standing ones) and a table of it."""


@dataclass(frozen=True)
class Tracked:
    """One file of a version: its path in the project, and its MD5; empty for one that DVC does not track."""

    path: str
    md5: str


@dataclass(frozen=True)
class RawVersions:
    """Two versions of the raw tables; `after` is a commit, or None for the work tree. Fetched files go to `into`."""

    repo: Repo
    before: Revision
    after: Revision | None
    into: Path

    @cached_property
    def differing(self) -> dict[TableName, tuple[Tracked | None, Tracked | None]]:
        """The tables whose bytes differ, before and after; None on the side that does not have one. Sorted."""
        raw = RawBatches(self.before.root)
        if self.after is None and (absent := raw.absent()):
            names = ", ".join(str(path.relative_to(self.before.root)) for path in absent[:3])
            raise ServiceFailed(f"not all data is here: {names}", next_step="ratchet data fetch")
        old, new = self._tracked_difference()
        if self.after is None:
            new |= self._untracked(raw)
        return {name: (old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())}

    @cached_property
    def gone(self) -> list[str]:
        """Batches that differ, and whose files one side does not know: what lists them was erased, or never pushed."""
        old, new = self._pointers(self.before), self._pointers(self.after)
        changed = {unit for unit in old.keys() | new.keys() if old.get(unit) != new.get(unit)}
        had = {unit for (unit, _), (tracked, _) in self.differing.items() if tracked}
        has = {unit for (unit, _), (_, tracked) in self.differing.items() if tracked}
        return sorted(changed & ((old.keys() - had) | (new.keys() - has)))

    def _pointers(self, revision: Revision | None) -> dict[str, str]:
        """The `.dvc` file of each batch that a side tracks, as text."""
        if revision is None:
            here = RawBatches(self.before.root).folder.glob("*.dvc")
            return {path.stem: path.read_text(encoding="utf-8").strip() for path in here}
        names = [name for name in revision.files("data/raw") if name.endswith(".dvc")]
        texts = contents([f"{revision.commit}:./{name}" for name in names], cwd=revision.root)
        found = zip(names, texts, strict=True)
        return {PurePosixPath(name).stem: (text or b"").decode().strip() for name, text in found}

    def path(self, name: TableName, *, before: bool) -> Path:
        """The file of a table that differs, verified. Raises ServiceFailed, TamperedFile."""
        tracked = self.differing[name][0 if before else 1]
        if tracked is None:
            raise KeyError(name)
        if not before and self.after is None:
            return self.before.root / tracked.path
        return self._fetched(self.before if before or self.after is None else self.after, tracked)

    def fetch(self, names: Iterable[TableName]) -> None:
        """Fetch what these tables need, each commit's files in one go. Raises ServiceFailed if one is nowhere."""
        wanted = [self.differing[name] for name in names]
        self._fetch(self.before, [old for old, _ in wanted if old])
        if self.after is not None:
            self._fetch(self.after, [new for _, new in wanted if new])

    def latest_before(self, table: str, most: int) -> dict[str, Path]:
        """The newest batches' files of a table in the version before, by batch, in time order."""
        units = sorted(unit for unit, name in self._listing if name == table and unit != LOOKUPS)[-most:]
        known = {unit: Tracked(self._listing[unit, table], "") for unit in units}
        here = {
            unit: self.before.root / tracked.path
            for unit, tracked in known.items()
            if self.after is None and (unit, table) not in self.differing
        }
        self._fetch(self.before, [tracked for unit, tracked in known.items() if unit not in here])
        return {unit: here.get(unit) or self._place(self.before, tracked) for unit, tracked in known.items()}

    def units(self) -> set[str]:
        """The batches that either version has, and `LOOKUPS` where there are standing ones."""
        return {unit for unit, _ in (*self._listing, *self.differing)}

    @cached_property
    def _listing(self) -> dict[TableName, str]:
        """Every raw table of the version before."""
        from dvc.fs import DVCFileSystem

        with self.repo.switch(self.before.commit):
            fs = DVCFileSystem(repo=self.repo)
            return {name: path for path in fs.find("data", dvc_only=True) if (name := table_name(path))}

    def _place(self, revision: Revision, tracked: Tracked) -> Path:
        return self.into / revision.commit / tracked.path

    def _fetch(self, revision: Revision, tracked: Sequence[Tracked]) -> None:
        wanted = [each for each in tracked if not self._place(revision, each).is_file()]
        if wanted:
            revision.fetch(self.repo, [each.path for each in wanted], self.into / revision.commit)

    def _fetched(self, revision: Revision, tracked: Tracked) -> Path:
        self._fetch(revision, [tracked])
        path = self._place(revision, tracked)
        if tracked.md5 and files.digest(path, "md5") != tracked.md5:
            raise TamperedFile(
                f"{tracked.path} of commit {revision.commit[:9]} is not what was committed: its bytes were changed",
                next_step="ratchet data fetch looks for a good copy on the remote",
            )
        return path

    def _tracked_difference(self) -> tuple[dict[TableName, Tracked], dict[TableName, Tracked]]:
        found: Mapping[str, Any] = self.repo.diff(
            self.before.commit, self.after.commit if self.after else None, targets=self._targets()
        )
        old = [each for kind in ("deleted", "modified", "renamed") for each in found.get(kind, ())]
        new = [each for kind in ("added", "modified", "renamed") for each in found.get(kind, ())]
        # DVC takes paths relative to the project, and answers with paths in the repository.
        above = self.before.root.relative_to(self.repo.root_dir)
        return _by_name(old, "old", above), _by_name(new, "new", above)

    def _targets(self) -> list[str]:
        """The folders and files of raw data that either version tracks: DVC refuses one that neither has."""
        pointers = {
            name for each in (self.before, self.after) if each for name in each.files("data/raw", "data/lookups")
        }
        if self.after is None:
            root = self.before.root
            pointers |= {path.relative_to(root).as_posix() for path in (root / "data").glob("*/*.dvc")}
        return sorted(name.removesuffix(".dvc") for name in pointers if name.endswith(".dvc"))

    def _untracked(self, raw: RawBatches) -> dict[TableName, Tracked]:
        """Batches and lookups of the work tree that DVC does not know yet."""
        paths = (path for each in raw.untracked() for path in ([each] if each.is_file() else each.iterdir()))
        names = (path.relative_to(self.before.root).as_posix() for path in paths)
        return {table: Tracked(name, "") for name in names if (table := table_name(name))}


def table_name(path: str) -> TableName | None:
    """Which table a path in the project is; None if it is no raw table.

    >>> table_name("data/raw/2013-07/rows.parquet"), table_name("data/lookups/prices.csv"), table_name("data/raw/x")
    (('2013-07', 'rows'), ('lookups', 'prices'), None)
    """
    parts, suffix = PurePosixPath(path).with_suffix("").parts, PurePosixPath(path).suffix
    if suffix not in SUFFIXES:
        return None
    match parts:
        case ("data", "raw", unit, table):
            return unit, table
        case ("data", "lookups", table):
            return LOOKUPS, table
    return None


def _by_name(found: Iterable[Mapping[str, Any]], side: str, above: PurePath) -> dict[TableName, Tracked]:
    named = {}
    for each in found:
        place, md5 = (part[side] if isinstance(part, dict) else part for part in (each["path"], each["hash"]))
        path = PurePosixPath(place).relative_to(above).as_posix()
        if table := table_name(path):
            named[table] = Tracked(path, md5 or "")
    return named
