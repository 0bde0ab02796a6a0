"""A webhook as params.yaml declares it, its secret, and its signature."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.params import parse_record
from ratchet.core.webhooks import Webhook, secret_bytes, signed_headers
from ratchet.errors import UsageError


def test_the_standards_own_example_has_the_standards_own_signature() -> None:
    """The values are those that the reference implementations of Standard Webhooks are tested with."""
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "S")
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(min_size=24, max_size=64), st.binary(), st.integers(0, 2**40), st.booleans())
def test_every_secret_of_the_standard_is_read(secret: bytes, body: bytes, now: int, prefixed: bool) -> None:
    """With and without whsec_; the signature is the one that anybody computes from the same."""
    text = base64.b64encode(secret).decode()
    assert secret_bytes(f"whsec_{text}\n" if prefixed else text, "S") == secret
    expected = hmac.new(secret, b"id." + str(now).encode() + b"." + body, hashlib.sha256).digest()
    assert signed_headers(secret, "id", now, body)["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"


@pytest.mark.parametrize("text", ["", "hunter2-hunter2", "whsec_!!!", "whsec_" + "A" * 24, "QUFB" * 30])
def test_a_secret_that_is_none_is_not_shown(text: str) -> None:
    """Too short, too long, no base64: the message names the variable alone, and how one is made."""
    with pytest.raises(UsageError, match="HOOK_SECRET holds no secret") as refused:
        secret_bytes(text, "HOOK_SECRET")
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, "either url or url_env"),
        ({"url": "https://a.example", "url_env": "U"}, "either url or url_env"),
        ({"url": "file:///etc/passwd"}, "must begin with https:// or http://"),
        ({"url": "https://ada:pw@a.example/"}, "no user and no password"),
        ({"url": "https:///x"}, "names no host"),
        ({"url": "http://[::1"}, "is no address"),
        ({"url_env": "A B"}, "url_env"),
        ({"url_env": "U", "events": ["promotd"]}, "events"),
    ],
)
def test_what_cannot_be_told_is_refused(tree: dict[str, object], words: str) -> None:
    """Before anything runs, and without the address, which may hold a password."""
    with pytest.raises(UsageError, match=words) as refused:
        parse_record(Webhook, tree, source="params.yaml")
    assert "ada:pw" not in str(refused.value)


def test_its_name_and_key_give_no_path_away() -> None:
    """The path of an address often is its secret."""
    hook = Webhook(url="https://hooks.example/T0/B0/s3cret")
    assert (hook.name, "s3cret" in hook.key) == ("webhook hooks.example", False)
    assert hook.key != Webhook(url="https://hooks.example/T0/B0/other").key != Webhook(url_env="HOOK").key
