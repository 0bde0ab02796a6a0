"""What was erased stays away: the same bytes are neither taken again, under whatever name, nor run on.

Whoever takes data asks the ledger if it answers; a run, which needs the ledger anyway, always does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ratchet.core.erasure import erased_contents, erased_of, erased_words, erasures
from ratchet.core.ledger_entries import EraseEntry, Line
from ratchet.errors import DataRefused, ServiceFailed, TamperedFile
from ratchet.flows.ledger import ledger
from ratchet.io.pointers import folder_digest, tracked_digests
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.settings import Settings


def erase_entries(settings: Settings) -> tuple[Line, ...]:
    """What the ledger says was erased of the project's batches; nothing, and said, if it does not answer.

    Raises TamperedFile.
    """
    params = read_params(settings.root)
    branch = ledger(settings, params)
    if branch.index is None:
        return ()
    try:
        with branch.view() as view:
            return view.entries(view.rows(params.project.name, "erase"))
    except TamperedFile:
        raise
    except ServiceFailed as error:
        say(
            f"the ledger does not answer, so nobody knows here what was erased; ratchet run asks again: {error.message}"
        )
        return ()


def erased_names(settings: Settings) -> set[str]:
    """The batches of which something was erased."""
    return set(erased_contents(erase_entries(settings), _model(settings)))


def erased_among(settings: Settings, folders: Sequence[Path]) -> dict[Path, EraseEntry]:
    """Of new batches' folders those whose content was erased, under whatever name, each with the entry that says so."""
    entries = erase_entries(settings) if folders else ()
    known = erasures(entries, _model(settings)) if entries else {}
    digests = {folder: folder_digest(folder) for folder in folders} if known else {}
    return {folder: known[digest] for folder, digest in digests.items() if digest in known}


def refusal(name: str, entry: EraseEntry) -> DataRefused:
    """Why a batch with erased content is not taken."""
    names = ", ".join(entry.batches)
    return DataRefused(
        f"batch {name} has the content of what was {erased_words(entry)}, as {names}: {entry.reason}",
        next_step="nothing was taken; the rest of it, without the rows that had to go, may come under any name",
    )


def require_none_erased(root: Path, entries: Sequence[Line], model: str) -> None:
    """Raises DataRefused if a batch is tracked whose content was erased, such as by a branch of before."""
    if not erasures(entries, model):
        return
    for name, entry in erased_of(entries, model, tracked_digests(root)).items():
        raise DataRefused(
            f"batch {name} is tracked here, and its data was {erased_words(entry)}: {entry.reason}",
            next_step="ratchet data erase takes away what is left of it here; then commit that",
        )


def _model(settings: Settings) -> str:
    return read_params(settings.root).project.name
