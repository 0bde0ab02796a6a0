"""Ledger and registry agree: MLflow's alias follows what the ledger says."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.ledger_entries import Entry
from ratchet.flows.alias import follow
from ratchet.flows.ledger import ledger
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True)
class Agreement:
    """What the ledger and the registry's alias say, and whether the alias had to be moved."""

    serving: Entry | None
    alias: int | None
    moved: bool


def reconcile(settings: Settings) -> Agreement:
    """Let the alias follow the ledger again, after a crash between the two or a move by hand.

    Where nothing serves, an alias that somebody made is taken away.
    """
    params = read_params(settings.root)
    branch = ledger(settings, params)
    serving = branch.champion(params.project.name)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        alias = store.alias(params.promotion.alias)
        moved = alias != (serving.version if serving else None)
        if serving is not None and moved:
            follow(branch, store, params, serving)
        elif moved:
            store.unpoint(params.promotion.alias)
    return Agreement(serving, alias, moved)
