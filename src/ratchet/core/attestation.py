"""What is signed of a model version: an in-toto Statement that names every file by its SHA-256, in a DSSE envelope.

Both are open formats, which other tools read: https://github.com/in-toto/attestation (Statement v1) and
https://github.com/secure-systems-lab/dsse (the envelope, and the encoding of what is signed). Statement and envelope
have one way to be written here, and are refused in any other: there is no byte that could change unseen.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from ratchet.core.section import Section

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:ratchet:model-version:v1"


class Attested(Section):
    """Which model a manifest is of, and the SHA-256 of each file that is kept of it, by its place in the run."""

    model: str
    run_id: str = Field(description="the MLflow run that holds the files")
    fingerprint: str = Field(description="of what was computed: code, data, parameters, champion")
    commit: str
    model_digest: str = Field(description="SHA-256 of model.skops")
    seal: str = Field(description="SHA-256 of seal.json")
    decision_digest: str = Field(description="SHA-256 of the decision record")
    files: dict[str, str]


class Envelope(Section):
    """The bytes that were signed, and each signature of them by the id of its key."""

    payload: bytes
    signatures: dict[str, bytes]


def to_sign(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """DSSE's pre-authentication encoding: the type is signed with the payload, and neither can pass for the other.

    >>> to_sign(b"{}")
    b'DSSEv1 28 application/vnd.in-toto+json 2 {}'
    """
    encoded = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def dump_statement(attested: Attested) -> bytes:
    """The Statement as it is signed and kept: readable JSON, the same bytes for the same facts."""
    body = attested.model_dump(exclude={"files"})
    subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(attested.files.items())]
    return _json({"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": body})


def load_statement(data: bytes) -> Attested:
    """Read what `dump_statement` wrote. Raises ValueError if it is anything else."""
    tree = _parsed(data)
    try:
        files = {each["name"]: each["digest"]["sha256"] for each in tree["subject"]}
        found = Attested.model_validate({**tree["predicate"], "files": files})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it is not a statement about a model version") from error
    if dump_statement(found) != data:
        raise ValueError("it is not written as statements about model versions are")
    return found


def dump_envelope(envelope: Envelope) -> bytes:
    """The envelope as it is kept."""
    signatures = [
        {"keyid": key, "sig": base64.b64encode(signature).decode()}
        for key, signature in sorted(envelope.signatures.items())
    ]
    payload = base64.b64encode(envelope.payload).decode()
    return _json({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures})


def load_envelope(data: bytes) -> Envelope:
    """Read what `dump_envelope` wrote. Raises ValueError if it is anything else."""
    tree = _parsed(data)
    try:
        signatures = {each["keyid"]: _decoded(each["sig"]) for each in tree["signatures"]}
        found = Envelope(payload=_decoded(tree["payload"]), signatures=signatures)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it is not a DSSE envelope") from error
    if dump_envelope(found) != data:
        raise ValueError("it is not written as the envelopes of model versions are")
    return found


def unlike(attested: Attested, expected: Mapping[str, str]) -> str:
    """The first of the expected facts that a manifest has otherwise, in words; empty if it has them all.

    >>> unlike(Attested(model="m", run_id="a", fingerprint="f", commit="c", model_digest="1", seal="2",
    ...                 decision_digest="3", files={}), {"model": "m", "run_id": "b"})
    'its run_id is a, and not b'
    """
    found = attested.model_dump()
    wrong = [name for name, value in expected.items() if found[name] != value]
    return f"its {wrong[0]} is {found[wrong[0]]}, and not {expected[wrong[0]]}" if wrong else ""


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
