"""Starting workflows without a push: by hand (workflow_dispatch), by an event (repository_dispatch), by the clock.

Each function makes tickets and queues none: `hook.show` does, and shows how they go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ratchet.errors import RatchetError, UsageError
from ratchet.forge import cron, source, tickets, workflows
from ratchet.forge.home import Home
from ratchet.forge.tickets import Ticket
from ratchet.io.files import write_json

LONGEST_EVENT = 100
"""How many characters GitHub gives the type of a repository_dispatch."""


def dispatch(
    home: Home, workflow: str, inputs: Mapping[str, str], *, actor: str, branch: str = "main", cause: str = ""
) -> Ticket:
    """The ticket that starts `workflow` (a file's name, with or without .yaml) on `branch`.

    Raises UsageError if there is no such branch or workflow, or it does not take these inputs.
    """
    ref = f"refs/heads/{branch}"
    sha = _commit(home, ref)
    path, text = _find(home, sha, workflow)
    workflows.check_inputs(workflows.parse(path, text), inputs)
    return Ticket(
        name=tickets.new_name(),
        event=tickets.DISPATCH,
        ref=ref,
        before=sha,
        sha=sha,
        actor=actor,
        workflow=path,
        inputs=dict(inputs),
        cause=cause,
    )


def event(home: Home, kind: str, payload: Mapping[str, Any], *, actor: str, cause: str = "") -> Ticket:
    """The ticket of a repository_dispatch of type `kind`, whose client_payload is `payload`.

    Raises UsageError if the default branch is not there yet, or the type has no or too many characters.
    """
    if not kind or len(kind) > LONGEST_EVENT:
        raise UsageError(f"an event's type has 1 to {LONGEST_EVENT} characters, not {len(kind)}", next_step="name it")
    sha = _commit(home, source.MAIN)
    return Ticket(
        name=tickets.new_name(),
        event=tickets.REPOSITORY_DISPATCH,
        ref=source.MAIN,
        before=sha,
        sha=sha,
        actor=actor,
        action=kind,
        body=dict(payload),
        cause=cause,
    )


def scheduled(home: Home, *, actor: str, only: str = "") -> list[Ticket]:
    """The tickets of the crons of the default branch that have come due since this was asked last, each once.

    With `only`, that of the cron written so, due or not. Raises UsageError if no workflow has it.
    """
    sha = _commit(home, source.MAIN)
    known = _crons(home, sha)
    if only and only not in known:
        raise UsageError(f"no workflow has the cron {only!r}", next_step=f"there are: {', '.join(known) or 'none'}")
    due = [only] if only else _due(home, known)
    return [
        Ticket(
            name=tickets.new_name(place),
            event=tickets.SCHEDULE,
            ref=source.MAIN,
            before=sha,
            sha=sha,
            actor=actor,
            body={"schedule": line},
        )
        for place, line in enumerate(due)
    ]


def _due(home: Home, known: list[str]) -> list[str]:
    """The crons that have come due since the last time, which is now from now on."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    file = home.root / "clock.json"
    last = datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["asked"]) if file.exists() else None
    due = [line for line in known if cron.is_due(line, since=last, now=now)]
    write_json(file, {"asked": now.isoformat()})
    return due


def _crons(home: Home, sha: str) -> list[str]:
    """The crons in the workflows of a commit, each once; a file that cannot be read has none."""
    found: dict[str, None] = {}
    for path, text in source.definitions(home, sha).items():
        if not workflows.is_workflow(path):
            continue
        try:
            trigger = workflows.parse(path, text).triggers.get(tickets.SCHEDULE)
        except RatchetError:
            # Its own push has said so.
            continue
        found |= dict.fromkeys(trigger.crons if trigger else ())
    return list(found)


def _commit(home: Home, ref: str) -> str:
    sha = source.resolve(home, ref)
    if sha is None:
        branch = ref.removeprefix("refs/heads/")
        raise UsageError(f"the forge at {home.root} has no branch {branch}", next_step=f"git push forge {branch}")
    return sha


def _find(home: Home, sha: str, workflow: str) -> tuple[str, str]:
    stem = workflow.removesuffix(".yaml").removesuffix(".yml")
    for ending in workflows.ENDINGS:
        path = f"{workflows.FOLDER}/{stem}{ending}"
        if (text := source.text(home, sha, path)) is not None:
            return path, text
    raise UsageError(f"{sha[:8]} has no workflow {workflow}", next_step=f"its workflows are in {workflows.FOLDER}/")
