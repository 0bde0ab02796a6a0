"""Telling webhooks what the ledger says, from where each was told last; what fails is told the next time.

The outbox is the ledger itself. How far a webhook was told is a mark in MLflow's registry, so that a laptop and a fresh
runner go on where the other stopped. One that has no mark yet begins START_HOURS back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from ratchet.core.ledger_entries import Line
from ratchet.core.ledger_events import LedgerEvent, ledger_events, said_at
from ratchet.core.params import Params
from ratchet.core.webhooks import Webhook, secret_bytes, unfit
from ratchet.errors import RatchetError, UsageError
from ratchet.flows.clock import Clock, moment, now
from ratchet.flows.ledger import ledger
from ratchet.io.room import read_params
from ratchet.io.webhook import Delivery, Message, deliver
from ratchet.io.webhook_marks import Mark, Marks, webhook_marks
from ratchet.settings import Settings, load_environment

START_HOURS = 1
"""How far back a webhook begins that was never told anything."""

KEPT_DAYS = 3
"""How long a message is tried that nobody took; then it is given up, and said."""

Deliver = Callable[[Message], Delivery]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One webhook: the events that it took, what went wrong, and whether that will be tried again."""

    webhook: str
    delivered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class _Address:
    """Where and how to tell: what params.yaml and the environment say together."""

    hook: Webhook
    url: str
    secret: bytes


def notify(settings: Settings, *, since: str = "", clock: Clock = now, send: Deliver = deliver) -> tuple[Told, ...]:
    """Tell each declared webhook of what it has not been told; `since` (an entry's number or a time) tells it again.

    What one webhook does wrong is told, not raised. Raises UsageError for a `since` that is none, ServiceFailed if the
    ledger or the registry does not answer.
    """
    params = read_params(settings.root)
    if not params.promotion.webhooks:
        return ()
    entries = ledger(settings, params).read()
    with webhook_marks(settings.mlflow_uri, params.project.name) as marks:
        known = marks.read()
        return tuple(
            _tell(settings, params, hook, _Outbox(entries, known, marks, since, clock()), send)
            for hook in params.promotion.webhooks
        )


@dataclass(frozen=True)
class _Outbox:
    entries: Sequence[Line]
    known: Mapping[str, Mark]
    marks: Marks
    since: str
    at: datetime

    def mark(self, hook: Webhook) -> Mark:
        """How far it was told; where that is not known, or is to be forgotten, what it begins behind."""
        if self.since:
            return Mark(_before(self.entries, self.since))
        start = (self.at - timedelta(hours=START_HOURS)).isoformat()
        return self.known.get(hook.key) or Mark(_before(self.entries, start))


def _before(entries: Sequence[Line], since: str) -> int:
    """The number of the last entry before `since`."""
    if since.isdecimal():
        return int(since) - 1
    start = moment(since)
    return max((each.sequence for each in entries if datetime.fromisoformat(each.time) < start), default=0)


def _tell(settings: Settings, params: Params, hook: Webhook, outbox: _Outbox, send: Deliver) -> Told:
    mark = outbox.mark(hook)
    if mark.gone:
        why = "it wanted no more (410); ratchet notify --since tells it again"
        return Told(webhook=hook.name, problems=(why,))
    try:
        address = _address(settings, hook)
    except UsageError as error:
        return Told(webhook=hook.name, problems=(error.message,), again=True)
    reached, told = mark, Told(webhook=hook.name)
    for event in ledger_events(outbox.entries, params.project.name, after=mark.sequence):
        if hook.events and event.name not in hook.events:
            continue
        found = send(_message(settings, params, address, event))
        told = _noted(told, event, found, outbox.at)
        if told.again or found.outcome == "gone":
            # What comes before this entry was told; a part of it may be told twice, by ids that the receiver knows.
            reached = replace(reached, sequence=event.entry.sequence - 1, gone=found.outcome == "gone")
            break
    else:
        reached = Mark(max(mark.sequence, outbox.entries[-1].sequence if outbox.entries else 0))
    return _marked(outbox, hook, reached, told)


def _noted(told: Told, event: LedgerEvent, found: Delivery, at: datetime) -> Told:
    what = f"{event.name} (entry {event.entry.sequence})"
    if found.outcome == "delivered":
        return replace(told, delivered=(*told.delivered, what))
    old = at - datetime.fromisoformat(event.entry.time) > timedelta(days=KEPT_DAYS)
    again = found.outcome == "later" and not old
    given_up = f", for {KEPT_DAYS} days: given up" if found.outcome == "later" and old else ""
    return replace(told, problems=(*told.problems, f"{what}: {found.why}{given_up}"), again=again)


def _marked(outbox: _Outbox, hook: Webhook, reached: Mark, told: Told) -> Told:
    """Keep how far it was told; that nobody lets us is no failure of the delivery."""
    if outbox.known.get(hook.key) == reached:
        return told
    try:
        outbox.marks.write(hook.key, reached)
    except RatchetError as error:
        why = f"told, but that is not noted, so it may be told once more: {error.message}"
        return replace(told, problems=(*told.problems, why)) if told.delivered else told
    return told


def _address(settings: Settings, hook: Webhook) -> _Address:
    """Raises UsageError for a variable that is not set, or holds what is of no use."""
    known = load_environment(settings.root)
    url = hook.url or known.get(hook.url_env or "", "")
    secret = known.get(hook.secret_env, "")
    missing = [name for name, value in ((hook.url_env, url), (hook.secret_env, secret)) if not value]
    if missing:
        raise UsageError(f"{' and '.join(map(str, missing))} {'are' if len(missing) > 1 else 'is'} not set here")
    if problem := unfit(url):
        raise UsageError(f"the address in {hook.url_env} {problem}")
    return _Address(hook=hook, url=url, secret=secret_bytes(secret, hook.secret_env))


def _message(settings: Settings, params: Params, address: _Address, event: LedgerEvent) -> Message:
    data = {**event.data(params.project.name), "links": dict(_links(settings, params, event))}
    body: dict[str, Any] = {"type": event.name, "timestamp": event.entry.time, "data": data}
    return Message(
        url=address.url, secret=address.secret, identity=event.identity, body=json.dumps(body, sort_keys=True).encode()
    )


def _links(settings: Settings, params: Params, event: LedgerEvent) -> Iterator[tuple[str, str]]:
    """Pages for people, of those servers that are known; no user and no password is in them."""
    said = said_at(event.entry)
    # A forge's pages are files, of which nobody else should even learn the path.
    if urlsplit(said).scheme in ("http", "https"):
        yield "said", said
    page = settings.github.repository_page
    if page and (commit := event.data("").get("commit")):
        yield "commit", f"{page}/commit/{commit}"
    if event.version is not None and urlsplit(settings.mlflow_uri).scheme in ("http", "https"):
        server = _without_user(settings.mlflow_uri)
        yield "version", f"{server}/#/models/{quote(params.project.name)}/versions/{event.version}"


def _without_user(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
