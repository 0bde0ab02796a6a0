"""What served when, and why; and all that the ledger says about a model, or about one version of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ratchet.core.ledger_entries import Line
from ratchet.errors import UsageError
from ratchet.flows.champion import ledger
from ratchet.flows.clock import moment
from ratchet.io.ledger_index import Row
from ratchet.io.ledger_view import LedgerView
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
        rows = _rows(view, model, version, about)
        shown = rows if last is None else rows[max(0, len(rows) - last) :]
        return History(view.entries(shown), len(rows) - len(shown))


def _rows(view: LedgerView, model: str, version: int | None, about: About) -> list[Row]:
    if version is None:
        return view.concerning(model) if about == "everything" else view.served(model)
    found = view.of_version(model, version)
    if not found:
        raise UsageError(
            f"the ledger says nothing about version {version} of {model}", next_step="ratchet history --all"
        )
    return found
