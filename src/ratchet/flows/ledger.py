"""The project's ledger: on which branch of which remote it is."""

from __future__ import annotations

from ratchet.core.params import Params
from ratchet.io.git import ledger_remote
from ratchet.io.ledger import LedgerBranch
from ratchet.settings import Settings


def ledger(settings: Settings, params: Params) -> LedgerBranch:
    """The branch `promotion.branch` of the remote that the settings name."""
    remote = ledger_remote(settings.root, settings.git_remote)
    return LedgerBranch(settings.root, remote, params.promotion.branch, settings.git_token)
