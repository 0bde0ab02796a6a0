"""Decide again what was decided: the same evidence and the same policy give the same record, field by field."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from ratchet.core.decision import Decision, Evidence, Seal
from ratchet.core.findings import Finite
from ratchet.core.gate import decide
from ratchet.core.past import Past, read_past
from ratchet.core.seal import public

State = Literal["same", "differs", "older", "not replayed"]
ABSENT = "(not there)"
SEALED = "data/sealed"
OF_ITS_OWN = {"policy_digest"}
"""Compared with the policy as the file has it: a policy that was read has the keys that came since, too."""


class Difference(Finite):
    """One field that does not come out as it was recorded, both values as text."""

    field: str
    recorded: str
    again: str


class Replay(Finite):
    """How a replay ended: `older` is a format or rules of before, `not replayed` says in `note` what is missing."""

    state: State
    differences: tuple[Difference, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SealedFiles:
    """What a sealed decision keeps back: the bytes of its two files."""

    evidence: bytes
    decision: bytes

    def belong_to(self, seal: Seal) -> bool:
        """Whether these are the files that the seal was made of."""
        return (_sha256(self.evidence), _sha256(self.decision)) == (seal.evidence, seal.decision)


def replay(past: Past, kept_back: SealedFiles | None = None, *, may_tell: bool = True) -> Replay:
    """Decide again by the recorded evidence and policy, and compare every field.

    Of a sealed decision `kept_back` is what it was made from; unless `may_tell`, no more is said than that it differs.
    """
    if past.decision is None:
        return Replay(state="older", note=past.unread)
    if past.decision.seal is None:
        return _told(past, list(_again(past)))
    if kept_back is None:
        return Replay(state="not replayed", note="the evidence of its sealed rows is not here")
    found = list(_sealed_again(past, past.decision.seal, kept_back))
    if found and not may_tell:
        found = [Difference(field=SEALED, recorded="(sealed)", again="(sealed, and another one)")]
    return _told(past, found)


def _told(past: Past, found: list[Difference]) -> Replay:
    if not found:
        return Replay(state="same")
    if past.decision is not None and not past.decision.policy_digest:
        note = "made by the rules of before decisions had a digest of their policy: today's rules ask for more"
        return Replay(state="older", differences=tuple(found), note=note)
    return Replay(state="differs", differences=tuple(found))


def _again(past: Past) -> Iterator[Difference]:
    """What differs where the evidence stands in the record."""
    decision = past.decision
    if decision is None:
        return
    if decision.policy_digest and decision.policy_digest != past.policy_digest:
        yield Difference(field="policy_digest", recorded=decision.policy_digest, again=past.policy_digest)
    yield from differences(decision, decide(decision.evidence, decision.policy))


def _sealed_again(past: Past, seal: Seal, kept: SealedFiles) -> Iterator[Difference]:
    for name, recorded, content in (
        ("evidence.json", seal.evidence, kept.evidence),
        ("decision.json", seal.decision, kept.decision),
    ):
        if (again := _sha256(content)) != recorded:
            yield Difference(field=f"{SEALED}/{name}: SHA-256", recorded=recorded, again=again)
    whole = read_past(kept.decision)
    if whole.decision is None:
        yield Difference(field=f"{SEALED}/decision.json", recorded="a decision", again=whole.unread)
        return
    yield from _again(whole)
    yield from _other_evidence(whole.decision.evidence, kept.evidence)
    if past.decision is not None:
        if past.decision.policy_digest != past.policy_digest:
            yield Difference(field="policy_digest", recorded=past.decision.policy_digest, again=past.policy_digest)
        yield from differences(past.decision, public(whole.decision, seal))


def _other_evidence(judged: Evidence, content: bytes) -> Iterator[Difference]:
    """What differs between the evidence in the decision, which knows the look and the rules, and `evaluate`'s."""
    name = f"{SEALED}/evidence.json"
    try:
        measured = Evidence.model_validate_json(content)
    except ValidationError:
        yield Difference(field=name, recorded="evidence", again="what cannot be read as evidence")
        return
    yield from _differences(
        _plain(judged), _plain(measured.model_copy(update={"look": judged.look, "rules": judged.rules})), name
    )


def differences(recorded: Decision, again: Decision) -> Iterator[Difference]:
    """The fields in which two decisions differ, the digest of the policy aside."""
    return _differences(_plain(recorded), _plain(again), "")


def _plain(record: Decision | Evidence) -> Any:
    return record.model_dump(mode="json", exclude=OF_ITS_OWN if isinstance(record, Decision) else None)


def _differences(recorded: Any, again: Any, place: str) -> Iterator[Difference]:
    """Down to the smallest parts that differ."""
    if isinstance(recorded, dict) and isinstance(again, dict):
        for key in sorted({*recorded, *again}):
            yield from _differences(recorded.get(key, ABSENT), again.get(key, ABSENT), f"{place}.{key}".lstrip("."))
    elif isinstance(recorded, list) and isinstance(again, list):
        for index in range(max(len(recorded), len(again))):
            before, after = (side[index] if index < len(side) else ABSENT for side in (recorded, again))
            yield from _differences(before, after, f"{place}[{index}]")
    elif recorded != again or type(recorded) is not type(again):
        yield Difference(field=place, recorded=_text(recorded), again=_text(again))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
