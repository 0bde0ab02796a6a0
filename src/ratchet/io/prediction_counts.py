"""How much each version has answered, counted from the log of predictions.

Of each line only the few fields are read that are counted; a line that was not finished is none.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from ratchet.core.lineage import Answered
from ratchet.io.prediction_log import LINES


class _Counted(msgspec.Struct, frozen=True):
    """The fields of a `Prediction` that are counted."""

    time: str
    model: str
    version: int
    rows: int


_DECODER = msgspec.json.Decoder(_Counted)


def answered_by(folder: Path, model: str, versions: set[int], *, since: date) -> dict[int, Answered]:
    """What versions of a model have answered since a day, by version; one that answered nothing is not among them."""
    found: dict[int, Answered] = {}
    for path in sorted(folder.glob(f"????-??-??/*{LINES}")):
        if path.parent.name < since.isoformat():
            continue
        with path.open("rb") as file:
            for line in file:
                each = _read(line)
                if each is not None and each.model == model and each.version in versions:
                    found[each.version] = _with(found.get(each.version), each)
    return found


def _read(line: bytes) -> _Counted | None:
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _with(so_far: Answered | None, each: _Counted) -> Answered:
    if so_far is None:
        return Answered(requests=1, rows=each.rows, first=each.time, last=each.time)
    return Answered(
        requests=so_far.requests + 1,
        rows=so_far.rows + each.rows,
        first=min(so_far.first, each.time),
        last=max(so_far.last, each.time),
    )
