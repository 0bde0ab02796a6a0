"""Whether a champion takes raw rows, and its answer to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ratchet.core.schema import ROWS
from ratchet.errors import RatchetError, ServiceFailed
from ratchet.io import model_folder
from ratchet.serving.raw.process import RoomProcess
from ratchet.serving.raw.wire import Description
from ratchet.serving.refusal import RequestRefused

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.serving.notes import Note

NEXT = "POST /predict takes features; GET /model lists them"


@dataclass(frozen=True)
class RawRows:
    """A room that answers, described once it was tried; or `reason`, why there is none."""

    process: RoomProcess | None = None
    reason: str = ""
    description: Description | None = None

    @property
    def available(self) -> bool:
        """Whether raw rows can be asked for."""
        return self.process is not None

    def features(self, body: bytes, *, max_rows: int) -> tuple[pa.Table, list[Note]]:
        """The features of a request's rows, and notes. Raises RequestRefused: 501 if this model takes no raw rows."""
        if self.process is None:
            raise RequestRefused(f"this model takes no raw rows: {self.reason}", next_step=NEXT, status=501)
        try:
            return self.process.features(body, max_rows=max_rows)
        except ServiceFailed as error:
            raise RequestRefused(error.message, next_step=error.next_step, status=500) from error

    def example(self) -> dict[str, object] | None:
        """A request that works, or None."""
        if self.description is None or not self.description.example:
            return None
        example = self.description.example
        lookups = {name: rows for name, rows in example.items() if name != ROWS}
        return {ROWS: example[ROWS], **({"lookups": lookups} if lookups else {})}

    def checked(self, score: Callable[[pa.Table], object]) -> RawRows:
        """The same after the features of its example were scored; without the room if that does not work."""
        if self.process is None:
            return self
        try:
            described = replace(self, description=self.process.describe())
            if (example := described.example()) is not None:
                score(described.features(msgspec.json.encode(example), max_rows=1)[0])
        except RatchetError as error:
            return RawRows(reason=error.message)
        return described


def open_raw_rows(folder: Path, seal: str) -> RawRows:
    """Start the room in a model's folder, whose seal is verified first. Raises TamperedFile, ServiceFailed."""
    model_folder.verify_seal(folder, seal)
    return _started(folder)


def rehearse(folder: Path) -> str:
    """Why a server would answer no raw rows with the model in a verified folder; empty if it would.

    The room is loaded and makes the features of its example, as in a server; what they score is not looked at.
    """
    return _started(folder).checked(lambda _: None).reason


def _started(folder: Path) -> RawRows:
    from ratchet.io.raw_input import read_raw_input

    record = read_raw_input(folder)
    if record is None:
        return RawRows(reason="it was recorded before models took their rooms' lookups along; record a newer one")
    if record.left_out is not None:
        size, limit = (number / 2**20 for number in (record.left_out.size, record.left_out.limit))
        return RawRows(
            reason=f"its standing lookups have {size:.1f} MiB, more than the {limit:.1f} MiB of serve.lookup_megabytes"
        )
    return RawRows(RoomProcess(folder))
