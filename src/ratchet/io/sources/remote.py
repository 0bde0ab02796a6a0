"""Files wherever fsspec reaches them: a folder, an S3-compatible store, HTTP. Found, fetched whole, and verified."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.core.sources.paths import as_glob, is_glob
from ratchet.errors import DataRefused, RatchetError, ServiceFailed
from ratchet.io.files import CHUNK
from ratchet.io.sources.part import Part
from ratchet.io.sources.secrets import NONE, Secrets, bare

CONNECT_SECONDS = 10
ATTEMPTS = 3
DENIED, MISSING = (401, 403), (404, 410)
"""What web servers answer if somebody may not read, and if nothing is there."""


@dataclass(frozen=True)
class Remote:
    """The place that `path` lies in. `options` are fsspec's own, and hold the credentials.

    What lies below `root` is recorded relative to it: a clone has it elsewhere. `connected` keeps file systems, by
    protocol, for the next place: connecting takes longer than asking.
    """

    path: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secrets: Secrets = NONE
    root: Path | None = None
    connected: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def scheme(self) -> str:
        """The protocol: file, s3, https."""
        return self.path.partition("://")[0] if "://" in self.path else "file"

    @property
    def lists(self) -> bool:
        """Whether the place can say which files it has."""
        return self.scheme not in ("http", "https")

    def found(self) -> list[Part]:
        """The files that `path` means, sorted. Raises ServiceFailed, and DataRefused if there is none."""
        with self._translated(self.path):
            if not is_glob(self.path):
                entries = {self._stripped(self.path): self._system.info(self._stripped(self.path))}
            else:
                entries = self._system.glob(self._stripped(as_glob(self.path)), detail=True)
        parts = [self._part(place, entry) for place, entry in sorted(entries.items()) if entry.get("type") == "file"]
        if not parts and not self.path.count("{"):
            raise DataRefused(
                f"{bare(self.path)}: no file is there by this pattern", next_step="check data in params.yaml"
            )
        return parts

    def found_at(self, path: str) -> Part | None:
        """The file at a place, without a listing; None if there is none. Raises ServiceFailed."""
        with self._translated(path):
            try:
                return self._part(self._stripped(path), self._system.info(self._stripped(path)))
            except FileNotFoundError as error:
                if not _is_missing(error):
                    raise
                return None

    @contextmanager
    def fetched(self, part: Part) -> Iterator[tuple[Path, str]]:
        """A copy of the file on this machine, and its SHA-256. Raises ServiceFailed if it is not what was listed."""
        with tempfile.NamedTemporaryFile() as copy:
            digest = self.digest(part, copy.write)
            copy.flush()
            self._require_same(part, copy.tell())
            yield Path(copy.name), digest

    def digest(self, part: Part, write: Callable[[bytes], object] = len) -> str:
        """The SHA-256 of the file as it is now; `write` is given what is read. Raises ServiceFailed."""
        digest = hashlib.sha256()
        for block in self._blocks(part):
            digest.update(block)
            write(block)
        return digest.hexdigest()

    def _blocks(self, part: Part) -> Iterator[bytes]:
        with self._translated(part.url), self._system.open(part.place, "rb", **self._streamed) as file:
            while block := file.read(CHUNK):
                yield block

    def _require_same(self, part: Part, read: int) -> None:
        now = self.found_at(part.place)
        if now is None or _version(now) != _version(part) or part.size not in (read, None):
            what = "broke off" if now and part.size and read < part.size else "changed"
            raise ServiceFailed(
                f"{part.url} {what} while it was read: {read:,} bytes came, {part.size} were listed; nothing was taken",
                next_step="run the same command again when it is whole",
            )

    def _part(self, place: str, entry: Mapping[str, Any]) -> Part:
        etag = str(entry.get("ETag") or entry.get("etag") or "").strip('"')
        # A local file has no version of its own; the time of its last change would be another one in every clone.
        touched = f"{entry['mtime']}" if self.scheme == "file" else ""
        return Part(url=self._url(place), place=place, size=entry.get("size"), etag=etag, touched=touched)

    def _url(self, place: str) -> str:
        """A place as it is recorded."""
        if self.scheme == "file":
            inside = self.root is not None and Path(place).is_relative_to(self.root)
            return str(Path(place).relative_to(self.root)) if inside and self.root else place
        return bare(place if "://" in place else f"{self.scheme}://{place}")

    def _stripped(self, path: str) -> str:
        return str(self._system._strip_protocol(path))

    @property
    def _streamed(self) -> dict[str, Any]:
        """Read from the beginning to the end, in one request where that can be said."""
        return {"block_size": 0} if not self.lists else {}

    @property
    def _system(self) -> Any:
        if self.scheme not in self.connected:
            import fsspec  # type: ignore[import-untyped]  # it ships no types

            with self._translated(self.path):
                self.connected[self.scheme] = fsspec.filesystem(
                    self.scheme, skip_instance_cache=True, use_listings_cache=False, **self.options
                )
        return self.connected[self.scheme]

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        """What fsspec and the libraries below it raise, in our words and without credentials.

        Each file system has exceptions of its own, so all are caught; their text is masked, and they are not chained,
        because a traceback would show it.
        """
        try:
            yield
        except RatchetError:
            raise
        except Exception as error:
            raise self._failure(path, error) from None

    def _failure(self, path: str, error: Exception) -> ServiceFailed:
        cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
        if isinstance(error, FileNotFoundError) and _is_missing(error):
            return ServiceFailed(
                f"{bare(path)} is not there", next_step="check data in params.yaml; a file may have been moved"
            )
        said = self.secrets.masked(cause) or type(cause).__name__
        # botocore's, if there are no keys at all, or half of them.
        without_keys = "Credentials" in type(cause).__name__
        if without_keys or isinstance(cause, PermissionError) or getattr(cause, "status", None) in DENIED:
            return ServiceFailed(
                f"{bare(path)} may not be read: {said}",
                next_step="check the credentials in the environment: AWS_* variables, or those that header_env names",
            )
        return ServiceFailed(
            f"{bare(path)} cannot be read: {said}",
            next_step="check that the server answers, then run the same command again",
        )


def _is_missing(error: FileNotFoundError) -> bool:
    """Whether the file is missing: fsspec says so too where a web server refused, or was not reached."""
    return error.__cause__ is None or getattr(error.__cause__, "status", None) in MISSING


def _version(part: Part) -> tuple[int | None, str, str]:
    return part.size, part.etag, part.touched


def options_for(scheme: str, environment: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
    """What fsspec needs to know for a protocol, from the environment."""
    if scheme in ("http", "https"):
        return {"client_kwargs": {"headers": {"Accept-Encoding": "identity", **headers}}}
    if scheme not in ("s3", "s3a"):
        return {}
    names = {"key": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY", "token": "AWS_SESSION_TOKEN"}
    given = {option: environment[name] for option, name in names.items() if environment.get(name)}
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    return {
        **given,
        **({"endpoint_url": endpoint} if endpoint else {}),
        "client_kwargs": {"region_name": region} if region else {},
        "config_kwargs": {"retries": {"max_attempts": ATTEMPTS}, "connect_timeout": CONNECT_SECONDS},
    }
