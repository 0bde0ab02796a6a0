"""What starts a workflow: its `on:`, read, and held against a ticket.

Source: GitHub's "Events that trigger workflows". Where GitHub asks the default branch's files (schedule,
repository_dispatch, workflow_run), the ticket's commit is the default branch's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ratchet.errors import UsageError
from ratchet.forge import tickets
from ratchet.forge.filters import Choice, EventFilter
from ratchet.forge.tickets import Ticket

Tree = dict[str, Any]
"""A YAML mapping whose scalars are all text: `on` stays `on`, `1.10` stays `1.10`."""

PULL_REQUEST_TYPES = ("opened", "synchronize", "reopened")
"""What `on: pull_request` means without `types`."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One event that starts a workflow: filters, activity types (None means the event's own default), crons, names."""

    filters: EventFilter = field(default_factory=EventFilter)
    types: tuple[str, ...] | None = None
    crons: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    inputs: Mapping[str, Tree] | None = None


Triggers = Mapping[str, Trigger]


def read(path: str, on: object) -> dict[str, Trigger]:
    """The triggers in a workflow's `on:`, by event. Raises UsageError if it cannot be meant so."""
    return {event: _trigger(f"{path}: on.{event}", event, below) for event, below in _events(path, on).items()}


def wants(triggers: Triggers, ticket: Ticket, changed: Callable[[], Iterable[str]]) -> bool:
    """Whether the ticket's event starts a workflow with these triggers; `changed` lists the paths it touched."""
    trigger = triggers.get(ticket.event)
    return trigger is not None and WANTS[ticket.event](trigger, ticket, changed)


def _wants_push(trigger: Trigger, ticket: Ticket, changed: Callable[[], Iterable[str]]) -> bool:
    return trigger.filters.wants_push(ticket.ref, changed)


def _wants_pull_request(trigger: Trigger, ticket: Ticket, changed: Callable[[], Iterable[str]]) -> bool:
    types = PULL_REQUEST_TYPES if trigger.types is None else trigger.types
    return ticket.action in types and trigger.filters.wants_branch(ticket.base, changed)


def _wants_type(trigger: Trigger, ticket: Ticket, _: Callable[[], Iterable[str]]) -> bool:
    return trigger.types is None or ticket.action in trigger.types


def _wants_schedule(trigger: Trigger, ticket: Ticket, _: Callable[[], Iterable[str]]) -> bool:
    return ticket.body.get("schedule") in trigger.crons


def _wants_workflow_run(trigger: Trigger, ticket: Ticket, changed: Callable[[], Iterable[str]]) -> bool:
    ended = ticket.body
    named = ended.get("name") in trigger.workflows
    return named and _wants_type(trigger, ticket, changed) and trigger.filters.branches.wants(str(ended["head_branch"]))


def _wants_by_name(_: Trigger, ticket: Ticket, __: Callable[[], Iterable[str]]) -> bool:
    return bool(ticket.workflow)


WANTS = {
    tickets.PUSH: _wants_push,
    tickets.PULL_REQUEST: _wants_pull_request,
    tickets.DISPATCH: _wants_by_name,
    tickets.REPOSITORY_DISPATCH: _wants_type,
    tickets.SCHEDULE: _wants_schedule,
    tickets.WORKFLOW_RUN: _wants_workflow_run,
}


def _events(path: str, on: object) -> Tree:
    if isinstance(on, str) and on:
        return {on: ""}
    if isinstance(on, list):
        return dict.fromkeys(on, "")
    if isinstance(on, dict):
        return on
    raise UsageError(f"{path} does not say what starts it (on:)", next_step="actionlint says more")


def _trigger(where: str, event: str, below: object) -> Trigger:
    if event == tickets.SCHEDULE:
        entries = below if isinstance(below, list) else []
        return Trigger(crons=tuple(str(entry.get("cron", "")) for entry in entries if isinstance(entry, dict)))
    tree = below if isinstance(below, dict) else {}
    inputs = tree.get("inputs")
    return Trigger(
        filters=EventFilter(**{key: _choice(where, tree, key) for key in ("branches", "tags", "paths")}),
        types=_texts(tree["types"]) if "types" in tree else None,
        workflows=_texts(tree["workflows"]) if "workflows" in tree else (),
        inputs=inputs if isinstance(inputs, dict) else {},
    )


def _choice(where: str, tree: Tree, key: str) -> Choice:
    other = f"{key}-ignore"
    if key in tree and other in tree:
        raise UsageError(
            f"{where} names both {key} and {other}",
            next_step=f"keep {key} and put what to leave out there, with a leading !",
        )
    return Choice(
        take=_texts(tree[key]) if key in tree else None, ignore=_texts(tree[other]) if other in tree else None
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)
