"""What is worth saying of a row that is answered all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

MOST_NOTES = 1_000
"""How many notes an answer has at most."""


class Note(msgspec.Struct, frozen=True):
    """One remark on one value of the row at position `row` of the request."""

    row: int
    field: str
    note: str


def told(notes: Sequence[Note]) -> dict[str, Any]:
    """The part of an answer that has the notes, by row, and says whether there are more."""
    shown = sorted(notes, key=lambda note: note.row)[:MOST_NOTES]
    return {"notes": shown, "more_notes": len(notes) > len(shown)}
