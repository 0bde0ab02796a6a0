"""Files in a folder, in an S3-compatible store or on a web server, as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ratchet.core.schema import ColumnType
from ratchet.core.sources.batch_source import Reading
from ratchet.core.sources.declared import BATCH, Source
from ratchet.core.sources.paths import batch_in, is_glob, several_files
from ratchet.errors import DataRefused, UsageError
from ratchet.io.sources.part import After, Opened, Part, same_version
from ratchet.io.sources.readers import chunks_of
from ratchet.io.sources.remote import Remote, options_for
from ratchet.io.sources.secrets import Secrets, of_cloud, required


@dataclass(frozen=True, kw_only=True)
class FilesSource:
    """The files that `declared.path` names; relative paths start at the project."""

    declared: Source
    types: Mapping[str, ColumnType]
    root: Path
    environment: Mapping[str, str] = field(repr=False)
    _connected: dict[str, Any] = field(default_factory=dict, repr=False)

    def parts(self, names: Sequence[str]) -> list[Part]:
        """The files that are there now. See TableSource."""
        found = [part for path in self.declared.paths for part in self._parts(path, names)]
        _require_one_each(found)
        return found

    def same(self, part: Part, known: Reading) -> bool:
        """What no server names a version of is known by its bytes. See TableSource."""
        return same_version(part, known) and (bool(part.etag) or self._remote(part.url).digest(part) == known.sha256)

    @contextmanager
    def open(self, part: Part, after: After) -> Iterator[Opened]:  # noqa: ARG002 - for queries
        """Fetch a file whole, then read it. See TableSource."""
        with self._remote(part.url).fetched(part) as (copy, sha256):
            chunks = chunks_of(copy, part.url, self.declared.format, self.types)
            yield Opened(sha256=sha256, size=copy.stat().st_size, chunks=chunks)

    def _parts(self, path: str, names: Sequence[str]) -> list[Part]:
        remote = self._remote(path)
        if remote.lists:
            return _of_batches(path, remote.found())
        if not self.declared.named:
            if is_glob(path):
                raise UsageError(
                    f"params.yaml: {path}: a web server does not say which files it has",
                    next_step=f"list the URLs, or write {BATCH} where the name of the batch is",
                )
            return remote.found()
        asked = ((name, remote.found_at(path.replace(BATCH, name))) for name in names)
        return [replace(part, batch=name) for name, part in asked if part]

    def _remote(self, path: str) -> Remote:
        scheme = path.partition("://")[0] if "://" in path else "file"
        headers = {
            header: required(self.environment, name, where=f"header_env.{header}")
            for header, name in self.declared.header_env.items()
        }
        # A relative path must mean the same file from any folder; what is recorded stays relative.
        place = str(self.root / path) if scheme == "file" and "://" not in path else path
        # Also the token of "Bearer …" by itself.
        shown = [part for value in headers.values() for part in (value, value.rpartition(" ")[2])]
        secrets = Secrets((*shown, *of_cloud(self.environment)))
        return Remote(place, options_for(scheme, self.environment, headers), secrets, self.root, self._connected)


def _of_batches(path: str, parts: list[Part]) -> list[Part]:
    if BATCH not in path:
        return parts
    named = [
        replace(part, batch=batch_in(path.partition("://")[2] or path, unquote(part.place)) or "") for part in parts
    ]
    kept = [part for part in named if part.batch]
    if not several_files(path):
        _require_one_file(kept)
    return kept


def _require_one_file(parts: list[Part]) -> None:
    """Raises DataRefused if two files have the name of one batch."""
    seen: dict[str, str] = {}
    for part in parts:
        if part.batch in seen:
            raise DataRefused(
                f"two files are batch {part.batch}: {seen[part.batch]} and {part.url}",
                next_step=f"let one of them have another name; several files of a batch are {BATCH}/*.csv",
            )
        seen[part.batch] = part.url


def _require_one_each(parts: list[Part]) -> None:
    urls = [part.url for part in parts]
    twice = sorted({url for url in urls if urls.count(url) > 1})
    if twice:
        raise DataRefused(f"{twice[0]} is named twice by data in params.yaml", next_step="name each file once")
