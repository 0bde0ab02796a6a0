"""One message to a real server that fails, hangs, redirects, or says no."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest

from ratchet.io import webhook
from ratchet.io.webhook import PAUSES, Delivery, Message, deliver

if TYPE_CHECKING:
    from tests.notify.conftest import Receiver

SECRET = bytes(range(32))


def sent(receiver: Receiver, *, waited: list[float] | None = None, at: float = 1000.9) -> Delivery:
    """One message, without the waits, which are noted."""
    message = Message(url=receiver.url, secret=SECRET, identity="m1", body=b'{"a": 1}')
    return deliver(message, pause=(waited if waited is not None else []).append, clock=lambda: at)


def test_the_receiver_can_verify_what_it_got(receiver: Receiver) -> None:
    """By what arrived and the secret alone, as the standard says: HMAC-SHA256 over id, time and body."""
    assert sent(receiver) == Delivery("delivered")
    headers, body = receiver.got[0]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    expected = base64.b64encode(hmac.digest(SECRET, content.encode(), hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert (headers["webhook-timestamp"], headers["content-type"]) == ("1000", "application/json")


def test_a_server_that_fails_is_asked_again_with_the_same_id(receiver: Receiver) -> None:
    """After growing pauses, until it takes the message."""
    receiver.answers = [500, 503, 429]
    waited: list[float] = []
    assert sent(receiver, waited=waited) == Delivery("delivered")
    assert (receiver.ids, waited) == (["m1"] * 4, list(PAUSES))


def test_the_attempts_have_an_end(receiver: Receiver) -> None:
    """What nobody took is to be told later."""
    receiver.answers = [502] * 9
    assert sent(receiver) == Delivery("later", "it answered 502")
    assert len(receiver.got) == len(PAUSES) + 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, "refused"), (401, "refused"), (404, "refused"), (410, "gone"), (301, "refused"), (307, "refused")],
)
def test_a_no_is_not_repeated(receiver: Receiver, status: int, outcome: str) -> None:
    """Of a redirect neither the message nor its signature goes anywhere else."""
    receiver.answers = [status]
    assert sent(receiver).outcome == outcome
    assert (len(receiver.got), receiver.redirected) == (1, [])


def test_a_server_that_hangs_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt has a time limit, and so have all together; then comes the next one."""
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.1)
    receiver.answers = [0, 0]
    assert sent(receiver) == Delivery("delivered")
    monkeypatch.setattr(webhook, "BUDGET_SECONDS", 0.0)
    receiver.answers = [0]
    assert sent(receiver) == Delivery("later", "it does not answer (ReadTimeout)")
    assert receiver.ids == ["m1"] * 4


def test_nobody_there_is_told_without_the_address() -> None:
    """The path of the address may be a secret."""
    message = Message(url="http://127.0.0.1:9/s3cret", secret=SECRET, identity="m", body=b"{}")
    found = deliver(message, pause=lambda _: None)
    assert found == Delivery("later", "it does not answer (ConnectError)")
