"""What served when, and why; and all that the ledger says about a model, or about one version of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ratchet.core.ledger_entries import EraseEntry, Line
from ratchet.errors import UsageError
from ratchet.flows.clock import moment
from ratchet.flows.ledger import ledger
from ratchet.io.ledger_index import Row
from ratchet.io.ledger_view import CONCERNS, SERVED, LedgerView
from ratchet.io.room import read_params
from ratchet.settings import Settings

About = Literal["served", "everything"]


@dataclass(frozen=True)
class History:
    """Entries, oldest first, and how many there are before them."""

    entries: tuple[Line, ...]
    earlier: int = 0


def history(
    settings: Settings,
    *,
    at: str | None = None,
    version: int | None = None,
    about: About = "served",
    last: int | None = None,
) -> History:
    """What was put into service, oldest first; with `about` "everything" all that the ledger says about the model.

    With `at` (ISO 8601, UTC if it has no zone) the entry that served then; with `version` all about one version; of
    either the `last` ones alone. Raises UsageError, TamperedFile.
    """
    if at is not None and version is not None:
        raise UsageError("--at and --version are two questions", next_step="leave one of them out")
    params = read_params(settings.root)
    model = params.project.name
    with ledger(settings, params).view() as view:
        if at is not None:
            found = view.champion_at(model, moment(at))
            return History((found,) if found else ())
        rows, count = _rows(view, model, about, last) if version is None else _of_version(view, model, version, last)
        return History(view.entries(rows), count - len(rows))


def _rows(view: LedgerView, model: str, about: About, last: int | None) -> tuple[list[Row], int]:
    """The newest rows, and how many there are in all."""
    where = CONCERNS if about == "everything" else SERVED
    return view.index.rows(where, (model,), last=-1 if last is None else last), view.index.count(where, (model,))


def _of_version(view: LedgerView, model: str, version: int, last: int | None) -> tuple[list[Row], int]:
    found = view.of_version(model, version)
    if not found:
        raise UsageError(
            f"the ledger says nothing about version {version} of {model}", next_step="ratchet history --all"
        )
    found = sorted({*found, *_erasures(view, model, version)})
    return found if last is None else found[max(0, len(found) - last) :], len(found)


def _erasures(view: LedgerView, model: str, version: int) -> list[Row]:
    """Those of batches that the version was made of."""
    rows = view.rows(model, "erase")
    entries = zip(rows, view.entries(rows), strict=True)
    return [row for row, each in entries if isinstance(each, EraseEntry) and version in (*each.trained, *each.judged)]
