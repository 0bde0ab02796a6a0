"""The entries that the index picks for the queue lead to the same open candidates as the whole ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.called_freeze import frozen
from ratchet.core.candidates import candidates
from ratchet.core.chain import Link, linked
from ratchet.core.ledger import dump, models
from ratchet.core.ledger_entries import (
    PLACED,
    Change,
    Freeze,
    Line,
    Opinion,
    Override,
    PhaseResult,
    Registration,
    Said,
)
from ratchet.core.phases import Phase
from ratchet.io.ledger_branch import RecordBranch
from ratchet.io.ledger_index import open_index
from ratchet.io.ledger_view import LedgerView
from ratchet.io.queue_index import entries_of_open, models_of

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
MODELS, VERSIONS, DIGESTS = ("m", "n"), (1, 2, 3), ("x", "y")
PEOPLE = ("ada", "bob", "cleo")
PHASES: tuple[tuple[Any, ...], ...] = (
    ("gate",),
    ("gate", {"approval": {"count": 1, "expires_days": 2}}),
    ({"approval": {"count": 2}}, "gate", {"shadow": {"rows": 1}}),
    ({"shadow": {"rows": 1}},),
)


@dataclass(frozen=True)
class Files(RecordBranch):
    """A branch whose files are at hand."""

    texts: tuple[bytes, ...] = ()

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """By number."""
        return (self.texts[int(blob)] for blob in blobs)


def computed(draw: st.DrawFn) -> dict[str, Any]:
    """What a registration and a change have in common; different versions may be the same model."""
    version = draw(st.sampled_from(VERSIONS))
    return {
        "version": version, "run_id": f"r{version}", "fingerprint": "f", "seal": "s", "commit": "c", "trained_on": {},
        "model_digest": draw(st.sampled_from((f"model {version}", *DIGESTS))), "metrics": {},
        "decision_digest": draw(st.sampled_from(DIGESTS)),
    }  # fmt: skip


def registration(draw: st.DrawFn, serving: int | None) -> dict[str, Any]:
    return {
        **computed(draw), "verdict": draw(st.sampled_from(("promote", "hold"))), "decided": "so", "failed": ("gain",),
        "champion": draw(st.sampled_from((*[serving] * 4, None, *VERSIONS))), "policy": "p", "authors": ("ada",),
        "batches": {}, "judged_on": (),
        "phases": tuple(map(Phase.model_validate, draw(st.sampled_from(PHASES)))),
    }  # fmt: skip


def change(draw: st.DrawFn, serving: int | None) -> dict[str, Any]:
    return {**computed(draw), "kind": draw(st.sampled_from(("promotion", "rollback"))), "replaces": serving}


def opinion(draw: st.DrawFn, _serving: int | None) -> dict[str, Any]:
    kinds = ("approval", "approval", "approval", "rejection", "hold", "release")
    return {"kind": draw(st.sampled_from(kinds)), "version": draw(st.sampled_from(VERSIONS))}


def result(draw: st.DrawFn, _serving: int | None) -> dict[str, Any]:
    outcome, place = draw(st.sampled_from(("passed", "passed", "failed"))), draw(st.integers(0, 2))
    version = draw(st.sampled_from(VERSIONS))
    return {"version": version, "place": place, "phase": "shadow", "outcome": outcome, "numbers": {}}


def freeze(draw: st.DrawFn, _serving: int | None) -> dict[str, Any]:
    kind = draw(st.sampled_from(("freeze", "thaw")))
    return {"kind": kind, "until": draw(st.sampled_from(("", later(draw)))), "everything": draw(st.booleans())}


def override(draw: st.DrawFn, _serving: int | None) -> dict[str, Any]:
    decided = {"decision_digest": draw(st.sampled_from(DIGESTS)), "run_id": f"r{draw(st.sampled_from(VERSIONS))}"}
    return {**decided, "conditions": ("gain",), "expires": later(draw)}


def later(draw: st.DrawFn) -> str:
    return (BEGUN + timedelta(hours=draw(st.integers(0, 160)))).isoformat()


KINDS: tuple[tuple[type[Said], Callable[[st.DrawFn, int | None], dict[str, Any]]], ...] = (
    (Registration, registration), (Registration, registration), (Registration, registration), (Change, change),
    (Opinion, opinion), (Opinion, opinion), (PhaseResult, result), (Freeze, freeze), (Override, override),
)  # fmt: skip


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[Line, ...]:
    """Anything that can stand in a ledger, whether or not the rules would have let it in, an hour or so apart."""
    entries: list[Link] = []
    serving: dict[str, int] = {}
    moment = BEGUN
    for kind, body in draw(st.lists(st.sampled_from(KINDS), max_size=20)):
        moment += timedelta(hours=draw(st.integers(0, 12)))
        who = {"model": draw(st.sampled_from(("m", "m", "m", "n"))), "actor": draw(st.sampled_from(PEOPLE))}
        fields = {**who, "time": moment.isoformat(), "reason": "why", **body(draw, serving.get(who["model"]))}
        if kind is Change:
            serving[who["model"]] = fields["version"]
        entries.append(linked(PLACED[kind], entries, kind.model_validate(fields).model_dump()))
    return tuple(entries)  # type: ignore[arg-type]  # what PLACED names are lines


def require_same(entries: tuple[Line, ...], size: int, now: datetime) -> None:
    """What is derived of the whole ledger is derived of what the index picks; so many entries lie in a segment."""
    texts = tuple(dump(entries[first : first + size]).encode() for first in range(0, len(entries), size))
    branch = Files(Path(), ".", "ledger", texts=texts)
    with open_index(None) as index:
        index.follow([str(number) for number in range(len(texts))], branch.contents)
        view = LedgerView(branch, index)
        assert models_of(view) == models(entries)
        for model in MODELS:
            few = entries_of_open(view, model)
            assert [each for each in candidates(few, model, now) if each.open] == [
                each for each in candidates(entries, model, now) if each.open
            ]
            assert frozen(few, model, now) == frozen(entries, model, now)


@settings(max_examples=300)
@given(ledgers(), st.integers(1, 9), st.integers(-24, 200))
def test_open_candidates_and_freezes_are_those_of_the_whole_ledger(
    entries: tuple[Line, ...], size: int, hours: int
) -> None:
    """Of every model, at any time, in whatever segments the ledger lies."""
    require_same(entries, size, BEGUN + timedelta(hours=hours))


def written(*said: tuple[type[Said], dict[str, Any]]) -> tuple[Line, ...]:
    """Entries of the model m, a day apart."""
    entries: list[Link] = []
    for day, (kind, body) in enumerate(said):
        time = (BEGUN + timedelta(days=day)).isoformat()
        record = kind.model_validate({"model": "m", "actor": "bob", "time": time, "reason": "why", **body})
        entries.append(linked(PLACED[kind], entries, record.model_dump()))
    return tuple(entries)  # type: ignore[arg-type]  # what PLACED names are lines


def facts(version: int, digest: str) -> dict[str, Any]:
    return {
        "version": version, "run_id": f"r{version}", "fingerprint": "f", "seal": "s", "commit": "c", "trained_on": {},
        "model_digest": digest, "metrics": {}, "decision_digest": f"d{version}",
    }  # fmt: skip


def candidate(version: int, digest: str, champion: int | None, *phases: Any) -> tuple[type[Said], dict[str, Any]]:
    declared = tuple(map(Phase.model_validate, phases or ("gate",)))
    said: dict[str, Any] = {
        "verdict": "promote",
        "decided": "so",
        "champion": champion,
        "policy": "p",
        "authors": (),
        "batches": {},
    }
    return Registration, {**facts(version, digest), **said, "judged_on": (), "phases": declared}


def test_a_model_that_was_taken_out_does_not_wait_under_another_number() -> None:
    """Version 3 has the model of version 2, which was rolled back: it is out, though compared with what serves."""
    first = (Change, {**facts(1, "x"), "kind": "promotion", "replaces": None})
    second = (Change, {**facts(2, "y"), "kind": "promotion", "replaces": 1})
    back = (Change, {**facts(1, "x"), "kind": "rollback", "replaces": 2})
    entries = written(candidate(1, "x", None), first, candidate(2, "y", 1), second, back, candidate(3, "y", 1))
    assert [each.state for each in candidates(entries, "m", BEGUN)] == ["serving", "withdrawn", "withdrawn"]
    require_same(entries, 2, BEGUN)


def test_the_newest_entry_says_what_time_it_is() -> None:
    """An approval is void by the time of what somebody said of another model, though the clock here is behind."""
    approval = {"approval": {"count": 1, "expires_days": 1.5}}
    entries = written(
        candidate(1, "x", None, approval),
        (Opinion, {"kind": "approval", "version": 1}),
        (Opinion, {"kind": "hold", "version": 9}),
        (Opinion, {"kind": "hold", "version": 1, "model": "n"}),
    )
    assert [each.state for each in candidates(entries[:2], "m", BEGUN)] == ["ready"]
    assert [each.state for each in candidates(entries, "m", BEGUN)] == ["waiting"]
    require_same(entries, 1, BEGUN)
