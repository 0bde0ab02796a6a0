"""Bring the version on trial to where a server runs it: by the ledger, verified like a champion."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.candidates import candidates
from ratchet.core.params import Params
from ratchet.core.trials import TrialPlan, on_trial
from ratchet.flows.clock import Clock, now
from ratchet.flows.fetch_model import fetch_model
from ratchet.flows.ledger import ledger
from ratchet.io import files
from ratchet.io.trial_folder import MODEL, write_plan
from ratchet.settings import Settings


def pull_trial(settings: Settings, params: Params, *, into: Path, clock: Clock = now) -> TrialPlan | None:
    """Write what is in its shadow or canary, the newest such version, to `into`; returns it, or None if nothing is.

    Raises ServiceFailed, TamperedFile.
    """
    plan = on_trial(candidates(ledger(settings, params).read(), params.project.name, clock()))
    with files.new_folder(into) as half:
        if plan is not None:
            model = half / MODEL
            model.mkdir()
            fetch_model(settings, params, run_id=plan.entry.run_id, seal=plan.entry.seal, into=model)
        write_plan(half, plan)
    return plan
