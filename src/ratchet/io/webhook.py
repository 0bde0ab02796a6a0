"""Telling one address of one event over HTTP: a few attempts in a few seconds, no redirect, no word of the address."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import httpx

from ratchet.core.webhooks import signed_headers

PAUSES = (0.5, 1.0, 2.0)
"""Seconds before each repeat."""

TIMEOUT_SECONDS = 5.0
"""For each of connecting, sending, and the answer's head."""

BUDGET_SECONDS = 15.0
"""After which no attempt is begun any more."""

GONE = 410
REPEATED = (408, 425, 429)
"""Refusals that say: later."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

Outcome = Literal["delivered", "later", "refused", "gone"]


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent, and where; `identity` is the same however often it is sent. Nothing of it is printed."""

    url: str
    secret: bytes
    identity: str
    body: bytes


@dataclass(frozen=True)
class Delivery:
    """How it went: `later` may be tried again, `refused` is final, after `gone` nothing more is to be sent there."""

    outcome: Outcome
    why: str = ""


def deliver(
    message: Message, *, pause: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time
) -> Delivery:
    """Send a message until somebody takes it, or says that nobody will. Any status of 200 to 299 is a yes."""
    began = time.monotonic()
    with _client(message.url) as http:
        found = _attempt(http, message, int(clock()))
        for wait in PAUSES:
            if found.outcome != "later" or time.monotonic() - began + wait > BUDGET_SECONDS:
                break
            pause(wait)
            found = _attempt(http, message, int(clock()))
    return found


def _client(url: str) -> httpx.Client:
    # A proxy is for the world outside, never for this machine.
    trusting = httpx.URL(url).host not in LOOPBACK
    return httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=trusting)


def _attempt(http: httpx.Client, message: Message, now: int) -> Delivery:
    headers = {
        "content-type": "application/json",
        "user-agent": "ratchet",
        **signed_headers(message.secret, message.identity, now, message.body),
    }
    try:
        # Only the head of the answer counts; however long the rest is, nobody reads it.
        with http.stream("POST", message.url, content=message.body, headers=headers) as answer:
            return _judged(answer.status_code)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        # Without its words, which may hold the address.
        return Delivery("later", f"it does not answer ({type(error).__name__})")


def _judged(status: int) -> Delivery:
    if httpx.codes.is_success(status):
        return Delivery("delivered")
    why = f"it answered {status}"
    if status == GONE:
        return Delivery("gone", f"{why}: gone")
    if httpx.codes.is_redirect(status):
        return Delivery("refused", f"{why}, and redirects are not followed")
    return Delivery("later" if httpx.codes.is_server_error(status) or status in REPEATED else "refused", why)
