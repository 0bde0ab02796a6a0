"""How much each version has answered, counted from the log of predictions: of a line only the few fields it takes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from ratchet.core.lineage import Answered
from ratchet.io.prediction_log import LogReader


class _Counted(msgspec.Struct, frozen=True):
    """The fields of a `Prediction` that are counted."""

    time: str
    model: str
    version: int
    rows: int


_DECODER = msgspec.json.Decoder(_Counted)


def answered_by(folder: Path, model: str, versions: set[int], *, since: date) -> dict[int, Answered]:
    """What versions of a model have answered since a day, by version; one that answered nothing is not among them.

    Raises ServiceFailed if the log may not be read.
    """
    found: dict[int, Answered] = {}
    for each in LogReader(folder).decoded(_DECODER, since=since):
        if each.model == model and each.version in versions:
            found[each.version] = _with(found.get(each.version), each)
    return found


def _with(so_far: Answered | None, each: _Counted) -> Answered:
    if so_far is None:
        return Answered(requests=1, rows=each.rows, first=each.time, last=each.time)
    return Answered(
        requests=so_far.requests + 1,
        rows=so_far.rows + each.rows,
        first=min(so_far.first, each.time),
        last=max(so_far.last, each.time),
    )
