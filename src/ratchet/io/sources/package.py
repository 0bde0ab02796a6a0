"""Files inside an installed package, as a source. The package is never imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from ratchet.core.schema import ColumnType
from ratchet.core.sources.batch_source import Reading
from ratchet.core.sources.declared import Source
from ratchet.core.sources.paths import as_glob, batch_in
from ratchet.errors import DataRefused, ServiceFailed, UsageError
from ratchet.io import files
from ratchet.io.sources.part import After, Opened, Part, same_version
from ratchet.io.sources.readers import chunks_of


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """Files as `pip show --files` lists them; their version is the package's."""

    declared: Source
    types: Mapping[str, ColumnType]

    def parts(self, names: Sequence[str]) -> list[Part]:  # noqa: ARG002 - for web servers
        """The files that are in the package. See TableSource."""
        package = self._package()
        listed = sorted(str(file) for file in package.files or [])
        found = [
            self._part(package, name, batch_in(path, name) or "")
            for path in self.declared.paths
            for name in listed
            if fnmatchcase(name, as_glob(path))
        ]
        if not found:
            raise DataRefused(
                f"the package {self.declared.distribution} {package.version} has no {' or '.join(self.declared.paths)}",
                next_step=f"pip show --files {self.declared.distribution} lists what it has",
            )
        return found

    def same(self, part: Part, known: Reading) -> bool:
        """The package's version is that of its files. See TableSource."""
        return same_version(part, known)

    @contextmanager
    def open(self, part: Part, after: After) -> Iterator[Opened]:  # noqa: ARG002 - for queries
        """Read a file where it is. See TableSource."""
        path = Path(part.place)
        if not path.is_file():
            raise ServiceFailed(f"{part.url} is not there", next_step="install the package again")
        chunks = chunks_of(path, part.url, self.declared.format, self.types)
        yield Opened(sha256=files.digest(path), size=path.stat().st_size, chunks=chunks)

    def _package(self) -> Distribution:
        try:
            return distribution(self.declared.distribution)
        except PackageNotFoundError as error:
            raise UsageError(
                f"params.yaml: the package {self.declared.distribution} is not installed",
                next_step="install it, or mend data in params.yaml",
            ) from error

    def _part(self, package: Distribution, name: str, batch: str) -> Part:
        path = Path(str(package.locate_file(name)))
        return Part(
            url=f"package:{self.declared.distribution}/{name}",
            place=str(path),
            size=path.stat().st_size if path.is_file() else 0,
            etag=package.version,
            batch=batch,
        )
