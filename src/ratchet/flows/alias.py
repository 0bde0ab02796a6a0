"""MLflow's alias follows the ledger."""

from __future__ import annotations

from ratchet.core.ledger_entries import Entry
from ratchet.core.params import Params
from ratchet.io.ledger import LedgerBranch
from ratchet.io.mlflow import Tracking


def follow(branch: LedgerBranch, store: Tracking, params: Params, serving: Entry) -> None:
    """Let the alias point to what serves, and look again: of two who write at once, the slower has the last word.

    Raises ServiceFailed, TamperedFile.
    """
    now: Entry | None = serving
    pointed = None
    while now is not None and now.version != pointed:
        pointed = now.version
        store.point(params.promotion.alias, pointed)
        now = branch.champion(params.project.name)
