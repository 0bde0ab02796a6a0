"""Who is told of what the ledger says: addresses, events, and the signature of a message.

Messages are signed as Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from ratchet.core.section import Section
from ratchet.errors import UsageError

EventName = Literal[
    "registered", "waiting", "approved", "rejected", "held", "released", "passed", "refused", "promoted", "rolled_back",
    "frozen", "thawed", "overridden", "erased",
]  # fmt: skip
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, by the standard."""


class Webhook(Section):
    """An address that is told of events of this model, as signed JSON."""

    url: str | None = Field(default=None, description="https://… or http://…; public, as params.yaml is: else url_env")
    url_env: Variable | None = Field(default=None, description="instead of url: the variable that holds it")
    secret_env: Variable = Field(
        default="RATCHET_WEBHOOK_SECRET", description="the variable that holds the secret for signing, whsec_…"
    )
    events: Annotated[tuple[EventName, ...], Field(strict=False)] = Field(
        default=(), description="what it is told of; empty: everything"
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("a webhook has either url or url_env")
        if self.url is not None and (problem := unfit(self.url)):
            raise ValueError(f"the url of a webhook {problem}")
        return self

    @property
    def key(self) -> str:
        """What tells it from others, and gives nothing of its address away."""
        return hashlib.sha256((self.url or f"${self.url_env}").encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """What people are told of it: paths of addresses often hold a secret."""
        return f"webhook {urlsplit(self.url).hostname}" if self.url else f"webhook {self.url_env}"


def unfit(url: str) -> str:
    """Why nothing can be sent to an address; empty if it can be.

    >>> unfit("ftp://example.org/a")
    'must begin with https:// or http://'
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("https", "http"):
        return "must begin with https:// or http://"
    if parts.username is not None or parts.password is not None:
        return "must hold no user and no password"
    return "" if host else "names no host"


def secret_bytes(text: str, variable: str) -> bytes:
    """The secret in a variable's text: base64, with or without `whsec_`. Raises UsageError, which does not show it."""
    try:
        found = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not SHORTEST <= len(found) <= LONGEST:
        raise UsageError(
            f"{variable} holds no secret for webhooks: {PREFIX} and {SHORTEST} to {LONGEST} bytes in base64",
            next_step=f'make one: echo "{PREFIX}$(openssl rand -base64 32)"',
        )
    return found


def signed_headers(secret: bytes, identity: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers of a message; `timestamp` is that of the attempt, in Unix seconds."""
    content = b".".join((identity.encode(), str(timestamp).encode(), body))
    signature = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
