"""Batches that visit a checkout: its own come back when the visit is over, and the others are on branches by then."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ratchet.io.batches import RawBatches, pointer
from ratchet.io.data_branches import RAW, Waiting
from ratchet.io.files import write_text
from ratchet.io.git import git
from ratchet.io.revision import Revision
from ratchet.io.sources.records import record_path


@contextmanager
def laid_over(raw: RawBatches, others: Iterable[Waiting]) -> Iterator[None]:
    """Inside the block the small files of these batches lie among the raw ones, so that a source counts them as here.

    The batches themselves are not fetched.
    """
    written: list[Path] = []
    try:
        for each in others:
            revision = Revision(raw.root, each.commit)
            for path in (record_path(raw, each.batch), pointer(raw.folder / each.batch)):
                text = revision.text(str(PurePosixPath(RAW) / path.name))
                if text is not None and not path.exists():
                    written.append(path)
                    write_text(path, f"{text}\n")
        yield
    finally:
        for path in written:
            path.unlink(missing_ok=True)


@contextmanager
def put_back(raw: RawBatches) -> Iterator[None]:
    """When the block ends the checkout has the batches and lookups that it had before: the others have branches."""
    before = set(raw.folder.glob("*"))
    with tempfile.TemporaryDirectory(prefix="ratchet-") as name:
        lookups = Path(name) / "lookups"
        if raw.lookups.is_dir():
            shutil.copytree(raw.lookups, lookups)
        try:
            yield
        finally:
            for path in set(raw.folder.glob("*")) - before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.rmtree(raw.lookups, ignore_errors=True)
            if lookups.is_dir():
                shutil.copytree(lookups, raw.lookups)


def changed_lookups(raw: RawBatches) -> list[Path]:
    """The `.dvc` files of the standing lookups that are not what the base has."""
    pointers = [pointer(path) for path in raw.standing_files().values()]
    listed = git(["status", "--porcelain", "--untracked-files=all", "-z", "--", "data/lookups"], cwd=raw.root)
    names = {entry[3:].rpartition("/")[2] for entry in listed.split("\0") if entry}
    return [path for path in pointers if path.name in names]
