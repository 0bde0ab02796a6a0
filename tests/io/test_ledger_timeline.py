"""The picture of what served when: batches that were erased stand in it."""

from __future__ import annotations

from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Erase, Line
from ratchet.io.ledger_page import timeline

SAID = {"model": "m", "actor": "ada", "reason": "case 4711"}


def test_an_erasure_is_a_line_in_the_picture() -> None:
    """At its time, with the batches, who and why; before it nothing is drawn."""
    promotion = Change.model_validate(
        {
            **SAID, "time": "2026-01-01T00:00:00+00:00", "kind": "promotion", "version": 1, "replaces": None,
            "run_id": "r", "fingerprint": "f", "model_digest": "m", "seal": "s", "decision_digest": "d", "commit": "c",
            "trained_on": {}, "metrics": {},
        }
    )  # fmt: skip
    entries: tuple[Line, ...] = (append((), promotion),)
    assert _lines(entries) == []
    erased = Erase(
        model="m", actor="ada", reason="case 4711", time="2026-02-01T00:00:00+00:00", batches={"b": ("1.dir",)},
        trained=(1,), judged=(),
    )  # fmt: skip
    assert _lines((*entries, append(entries, erased))) == [
        {"time": "2026-02-01T00:00:00+00:00", "why": "b by ada: case 4711"}
    ]


def _lines(entries: tuple[Line, ...]) -> object:
    spec = timeline(entries, "2026-03-01T00:00:00+00:00")
    assert spec is not None
    (found,) = (each for each in spec["layer"] if "erased" in str(each["encoding"]))
    return found["data"]["values"]
