"""Trying a model as a server would use it, before the ledger says that it serves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ratchet.core.ledger_entries import Change, Registration
from ratchet.core.params import Params
from ratchet.flows.fetch_model import fetch_model
from ratchet.io import model_folder
from ratchet.io.golden import require_golden
from ratchet.settings import Settings

Probe = Callable[[Path], object]
"""What a command, which knows more than a use case may, tries besides with the verified folder of a model."""


def rehearse(settings: Settings, params: Params, version: Change | Registration, probe: Probe | None = None) -> None:
    """Fetch, verify and load a version's model as a server would, and let it answer its golden requests.

    Raises what `fetch_model` does, ServiceFailed or UsageError if it cannot be loaded or answers otherwise than when it
    was recorded; and what `probe` raises.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fetch_model(settings, params, run_id=version.run_id, seal=version.seal, into=folder)
        require_golden(folder, model_folder.read(folder, seal=version.seal))
        if probe is not None:
            probe(folder)
