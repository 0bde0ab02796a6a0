"""The log of predictions: what it says, and how it is read.

    DATE/SERVER.jsonl     one line per request that was answered, in no order; DATE is that of the request, in UTC
    labels/part-N.parquet what turned out to be true, one file per delivery (see `prediction_labels`)

Each server process appends to files of its own, so that any number of them may share the folder. An id is
`DATE-SERVER-NUMBER`, and row i of a request `ID/i`: it says in which file the line is. A line that was not finished
(the process was killed, the disk was full) is no JSON; readers pass over it and count it. A day's folder may be removed
while it is read; what may not be read is an error, as it would otherwise look like no prediction at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from ratchet.errors import ServiceFailed
from ratchet.settings import Settings

T = TypeVar("T")

Arm = Literal["champion", "canary"]
ID = re.compile(r"(\d{4})(\d{2})(\d{2})-([0-9a-f]{8})-(\d+)", re.ASCII)
FILE_MODE, FOLDER_MODE = 0o640, 0o750
"""The server's user writes, its group reads: scores, and inputs where they are logged, may be personal data."""
ROW = "/"
"""Between a request's id and the place of a row in it."""
LINES = ".jsonl"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Scored(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one version made of a request's rows.

    `scores` has one row of numbers per row: a probability per class in the order of `labels`, or one value. There are
    none where it failed (`error`: it raised, or was too slow) or was not asked (`skipped` says why).
    """

    version: int
    ms: float = 0.0
    scores: list[list[float | None]] = []
    labels: list[str] = []
    error: str = ""
    skipped: str = ""

    @property
    def failed(self) -> str:
        """Why there are no usable scores though it was asked; empty if there are."""
        if self.error or self.skipped:
            return self.error
        unusable = any(value is None for row in self.scores for value in row)
        return "a score that is not a finite number" if unusable else ""


class Prediction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answered request. `id` comes first: a line is found by how it begins."""

    id: str
    time: str
    model: str
    version: int
    arm: Arm
    endpoint: str
    rows: int
    champion: Scored
    trial: Scored | None = None
    phase: str = ""
    inputs: Any = None

    @property
    def answered(self) -> Scored:
        """What the caller got."""
        return self.trial if self.arm == "canary" and self.trial is not None else self.champion

    @property
    def moment(self) -> datetime:
        """When it was asked."""
        return datetime.fromisoformat(self.time)


@dataclass
class LogReader:
    """Reads the log in `folder`; `broken` counts the lines that could not be read so far."""

    folder: Path
    broken: int = field(default=0, init=False)

    def lines(self, *, since: date | None = None) -> Iterator[Prediction]:
        """All predictions from a day on, file by file; the lines of one file are nearly in the order of time."""
        return self.decoded(DECODER, since=since)

    def decoded(self, decoder: msgspec.json.Decoder[T], *, since: date | None = None) -> Iterator[T]:
        """The same lines as something else: a decoder of fewer fields is faster. Raises ServiceFailed."""
        first = since.isoformat() if since else ""
        for day in _listed(self.folder):
            if DAY.fullmatch(day.name) and day.name >= first:
                for path in _listed(day):
                    if path.suffix == LINES:
                        yield from self._file(path, decoder)

    def find(self, prediction_id: str) -> Prediction | None:
        """The request of an id, or of a row's id; None if the log has none. Reads one file. Raises ServiceFailed."""
        request = prediction_id.partition(ROW)[0]
        path = file_of(self.folder, request)
        if path is None:
            return None
        begins = b'{"id":"%s"' % request.encode()
        found = (self._line(line, DECODER) for line in _raw_lines(path) if line.startswith(begins))
        return next((each for each in found if each), None)

    def requests(self, ids: set[str]) -> dict[str, Prediction]:
        """Those of these request ids that are in the log; reads only the files that they name. Raises ServiceFailed."""
        paths = {path for each in ids if (path := file_of(self.folder, each)) is not None}
        found = (each for path in sorted(paths) for each in self._file(path, DECODER))
        return {each.id: each for each in found if each.id in ids}

    def _file(self, path: Path, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
        for line in _raw_lines(path):
            if line.strip() and (found := self._line(line, decoder)) is not None:
                yield found

    def _line(self, line: bytes, decoder: msgspec.json.Decoder[T]) -> T | None:
        try:
            return decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.broken += 1
            return None


DECODER = msgspec.json.Decoder(Prediction)


def _listed(folder: Path) -> list[Path]:
    with _readable(folder):
        return sorted(folder.iterdir())
    return []


def _raw_lines(path: Path) -> Iterator[bytes]:
    with _readable(path), path.open("rb") as file:
        yield from file


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What is not there, or not there any more, is nothing. Raises ServiceFailed if it may not be read."""
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            yield
        except PermissionError as error:
            raise ServiceFailed(
                f"{path} of the log of predictions cannot be read: {error.strerror}",
                next_step="ask as a user who may: the server's, or one of its group",
            ) from error


def log_folder(settings: Settings, log: str) -> Path:
    """Where `serve.log` is, which is relative to the project."""
    return settings.root / log


def request_id(day: date, server: str, number: int) -> str:
    """The id of a server's `number`-th request.

    >>> request_id(date(2026, 11, 23), "0badcafe", 17)
    '20261123-0badcafe-17'
    """
    return f"{day:%Y%m%d}-{server}-{number}"


def file_of(folder: Path, request: str) -> Path | None:
    """The file that a request's line is in, if it is anywhere; None if this is no request's id.

    >>> file_of(Path("log"), "20261123-0badcafe-17").as_posix()
    'log/2026-11-23/0badcafe.jsonl'
    """
    found = ID.fullmatch(request)
    return folder / f"{found[1]}-{found[2]}-{found[3]}" / f"{found[4]}{LINES}" if found else None


def row_id(prediction_id: str) -> tuple[str, int] | None:
    """A row's id taken apart: its request, and its place there; None if it is no row's id.

    >>> row_id("20261123-0badcafe-17/3")
    ('20261123-0badcafe-17', 3)
    """
    request, slash, place = prediction_id.partition(ROW)
    if not slash or not ID.fullmatch(request) or not (place.isascii() and place.isdigit()):
        return None
    return request, int(place)
