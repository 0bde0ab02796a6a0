"""What is signed of a version: open formats, one way to write them, and nothing else is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.attestation import (
    Attested,
    Envelope,
    dump_envelope,
    dump_statement,
    load_envelope,
    load_statement,
    to_sign,
    unlike,
)

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(min_size=1, max_size=20)
FILES = st.dictionaries(NAMES, DIGESTS, max_size=4)
ONE = Attested(
    model="m", run_id="r", fingerprint="f", commit="c", model_digest="1", seal="2", decision_digest="3",
    files={"model/model.skops": "1", "model/seal.json": "2"},
)  # fmt: skip


def test_what_is_signed_is_encoded_as_the_dsse_specification_says() -> None:
    """Its own example: lengths in front, so that type and payload cannot be cut elsewhere."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert to_sign(b"hello world", "http://example.com/HelloWorld") == expected


def test_a_statement_is_one_that_in_toto_tools_read() -> None:
    """Statement v1: its type, each subject's name with its digest by algorithm, and a predicate with its type."""
    tree = json.loads(dump_statement(ONE))
    assert set(tree) == {"_type", "subject", "predicateType", "predicate"}
    assert tree["_type"] == "https://in-toto.io/Statement/v1"
    assert tree["subject"][0] == {"name": "model/model.skops", "digest": {"sha256": "1"}}
    assert ":" in tree["predicateType"]


@given(files=FILES, model=NAMES)
def test_a_statement_reads_back_equal(files: dict[str, str], model: str) -> None:
    """The same facts are the same bytes, in whatever order the files were found."""
    attested = ONE.model_copy(update={"files": files, "model": model})
    data = dump_statement(attested)
    assert load_statement(data) == attested
    shuffled = attested.model_copy(update={"files": dict(reversed(list(files.items())))})
    assert dump_statement(shuffled) == data


@given(payload=st.binary(max_size=200), signatures=st.dictionaries(DIGESTS, st.binary(max_size=64), max_size=3))
def test_an_envelope_reads_back_equal(payload: bytes, signatures: dict[str, bytes]) -> None:
    """Bytes of any kind, and any number of signatures."""
    envelope = Envelope(payload=payload, signatures=signatures)
    assert load_envelope(dump_envelope(envelope)) == envelope


def _again(data: bytes, **changes: Any) -> bytes:
    return (json.dumps({**json.loads(data), **changes}, indent=2, sort_keys=True) + "\n").encode()


STATEMENT = dump_statement(ONE)
ENVELOPE = dump_envelope(Envelope(payload=b"abcd", signatures={"k": b"s"}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        STATEMENT + b" ",
        STATEMENT.replace(b"\n", b"\r\n"),
        _again(STATEMENT, _type="https://in-toto.io/Statement/v0.1"),
        _again(STATEMENT, predicateType="urn:another"),
        _again(STATEMENT, subject=[]) + b"{}",
        _again(STATEMENT, subject=[{"name": "a", "digest": {"md5": "1"}}]),
        _again(STATEMENT, subject=[{"name": "a", "digest": {"sha256": "1"}}] * 2),
        _again(STATEMENT, subject="abc"),
        _again(STATEMENT, predicate={}),
        _again(STATEMENT, predicate=[]),
        _again(STATEMENT, more=1),
    ],
)
def test_anything_else_is_no_statement(data: bytes) -> None:
    """Another type, a file named twice, something more or less: it is refused, and never a crash."""
    with pytest.raises(ValueError, match=r"^it is not"):
        load_statement(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        ENVELOPE + b"\n",
        ENVELOPE.replace(b"  ", b"\t"),
        _again(ENVELOPE, payloadType="text/plain"),
        _again(ENVELOPE, payload="YWJjZA"),
        _again(ENVELOPE, payload="YWJjZB=="),
        _again(ENVELOPE, payload="YWJj ZA=="),
        _again(ENVELOPE, payload="é"),
        _again(ENVELOPE, payload=1),
        _again(ENVELOPE, signatures=[{"keyid": "k", "sig": "cw=="}] * 2),
        _again(ENVELOPE, signatures={}),
        _again(ENVELOPE, signatures=["k"]),
        _again(ENVELOPE, more=1),
    ],
)
def test_anything_else_is_no_envelope(data: bytes) -> None:
    """Base64 of another spelling, a key twice, another type: there is one way to write it."""
    with pytest.raises(ValueError, match=r"^it is not"):
        load_envelope(data)


def test_the_facts_that_differ_are_named() -> None:
    """The first one, with what it is and what it should be."""
    assert unlike(ONE, {"model": "m", "seal": "2"}) == ""
    assert unlike(ONE, {"model": "m", "seal": "9"}) == "its seal is 2, and not 9"
