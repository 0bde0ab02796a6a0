"""What serves, and what is on its way, as deployments of the repository: derived from the ledger, and so repeatable.

Each version is one deployment of its commit. The one that serves is `success`, one on its way `queued`, one that was
refused `failure`, all others `inactive`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ratchet.core.candidates import Candidate, State, candidates
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Line
from ratchet.flows.clock import Clock, now
from ratchet.flows.ledger import ledger
from ratchet.io.github.client import GitHub, connect
from ratchet.io.github.deployments import DeploymentDraft, DeploymentState
from ratchet.io.room import read_params
from ratchet.settings import Settings

ENVIRONMENT = "production"
NEWEST = 10
"""Versions that are looked at besides those that serve, have just served, or are on their way."""

STATES: dict[State, DeploymentState] = {
    "serving": "success", "waiting": "queued", "ready": "queued", "held": "queued", "refused": "failure",
    "rejected": "failure", "failed": "failure", "stale": "inactive", "superseded": "inactive", "served": "inactive",
    "withdrawn": "inactive",
}  # fmt: skip


def update_deployments(settings: Settings, *, clock: Clock = now) -> tuple[str, ...]:
    """Make the repository's deployments say what the ledger says; returns what was changed, in words.

    Raises GitHubFailed where the API refuses, or there is no token; ServiceFailed.
    """
    params = read_params(settings.root)
    found = tuple(_looked_at(ledger(settings, params).read(), params.project.name, clock()))
    if not found:
        return ()
    api = connect(settings.github)
    try:
        return tuple(_updated(api, params.project.name, found, settings.github.run_page))
    finally:
        api.close()


def _looked_at(entries: Sequence[Line], model: str, at: datetime) -> Iterator[Candidate]:
    known = candidates(entries, model, at)
    serving = champion(entries, model)
    needed = {serving.version, serving.replaces} if serving else set()
    newest = {each.version for each in known[-NEWEST:]}
    return (each for each in known if each.open or each.version in needed | newest)


def _updated(api: GitHub, model: str, found: Sequence[Candidate], page: str) -> Iterator[str]:
    task = f"serve {model}"
    listed = api.deployments.listed(environment=ENVIRONMENT, task=task)
    made = {each.payload.get("version"): each for each in reversed(listed)}
    for each in found:
        wanted, there = STATES[each.state], made.get(each.version)
        if there is None and wanted not in ("success", "queued"):
            continue
        if there is None:
            there = api.deployments.make(_draft(each, model, task))
        if api.deployments.state(there.id) == wanted:
            continue
        said = f"version {each.version} of {model}: {each.why}" if each.why else f"version {each.version} of {model}"
        api.deployments.set_state(there.id, wanted, description=said, page=page if page.startswith("http") else "")
        yield f"version {each.version} of {model} in {ENVIRONMENT}: {wanted}"


def _draft(found: Candidate, model: str, task: str) -> DeploymentDraft:
    return DeploymentDraft(
        sha=found.entry.commit,
        environment=ENVIRONMENT,
        task=task,
        description=f"version {found.version} of {model}",
        payload={"model": model, "version": found.version, "run": found.entry.run_id},
    )
