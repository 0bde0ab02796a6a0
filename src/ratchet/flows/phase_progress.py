"""How far a candidate's phase is, from what is known here: the ledger, and the log of predictions if it is here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ratchet.core.candidates import Candidate
from ratchet.core.params import Params
from ratchet.core.phase_progress import Progress, approved, measured, overtaken, unseen
from ratchet.core.phases import Canary, Shadow
from ratchet.core.trials import on_trial, trial_rule
from ratchet.errors import RatchetError
from ratchet.io.prediction_log import log_folder
from ratchet.io.projects import project_named
from ratchet.io.room import read_params
from ratchet.settings import Settings, find_home, load_settings


def phases_progress(settings: Settings, known: Sequence[Candidate], *, at: datetime) -> Iterator[Progress | None]:
    """Of each of a model's candidates, how far it is in the phase it waits in; None where it waits in none.

    `settings` are those of any project of the repository; `at` is timezone-aware. What cannot be found out is told.
    """
    plan = on_trial(known)
    for each in known:
        rule = trial_rule(each)
        if each.state == "waiting" and each.phase and each.phase.approval:
            yield approved(each.phase.approval, each)
        elif rule is None:
            yield None
        else:
            found = _tried(settings, each, rule, at)
            yield overtaken(found, plan.entry.version) if plan and plan.entry.version != each.version else found


def _tried(settings: Settings, candidate: Candidate, rule: Shadow | Canary, at: datetime) -> Progress:
    # They bring numpy and polars, which a queue without trials does without.
    from ratchet.core.phase_evidence import beside_nothing
    from ratchet.flows.judge_phase import judge_phase

    if candidate.entry.champion is None:
        return measured(rule, beside_nothing(rule))
    try:
        own, params = _project(settings, candidate.entry.model)
        if why := _no_log(own, params):
            return unseen(rule, _days(candidate, at), why)
        return measured(rule, judge_phase(own, params, candidate, now=at))
    except RatchetError as error:
        return unseen(rule, _days(candidate, at), error.message)
    except OSError as error:
        return unseen(rule, _days(candidate, at), f"the log of predictions cannot be read: {error}")


def _project(settings: Settings, model: str) -> tuple[Settings, Params]:
    """Those of the model's own project. Raises UsageError if there is none here, or its params.yaml is wrong."""
    params = read_params(settings.root)
    if params.project.name == model:
        return settings, params
    root = project_named(find_home(settings.root), model)
    return load_settings(root), read_params(root)


def _no_log(settings: Settings, params: Params) -> str:
    """Why the servers' log is not here; empty if it is, or if none is kept anywhere."""
    if params.serve.log is None or log_folder(settings, params.serve.log).is_dir():
        return ""
    return f"no log of predictions at {params.serve.log} (serve.log)"


def _days(candidate: Candidate, at: datetime) -> float:
    return max(at - candidate.since, timedelta()) / timedelta(days=1)
