"""A version made again: what is as it was recorded, and what is not; `core.rebuilt_causes` says why.

Each check compares one thing with the record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ratchet.core.findings import MetricRow
from ratchet.core.judged import Evaluation
from ratchet.core.lineage_record import Lineage
from ratchet.core.section import Section

Same = Literal["same", "close", "other", "unknown"]
CauseKind = Literal["erased", "row", "code", "seed", "parameter", "dependency", "hardware", "unknown"]
TOLERANCE = 1e-9
"""Relative: another order of adding, and no more."""
NAMED = 6
"""Things of one kind that are named; the rest is counted."""


class Check(Section):
    """One thing that was compared; `close` is equal but for rounding, `unknown` could not be compared."""

    name: str
    same: Same
    words: str


class Cause(Section):
    """What is not as it was when the version was made."""

    kind: CauseKind
    words: str


class Rebuilt(Section):
    """The result. `causes` explain a difference; of an equal result they are what made none."""

    model: str
    version: int
    commit: str
    checks: tuple[Check, ...]
    causes: tuple[Cause, ...]

    @property
    def equal(self) -> bool:
        """Whether it answers as it was recorded, from the data that was recorded."""
        return all(each.same in ("same", "close") or each.name == MODEL for each in self.checks)

    @property
    def verdict(self) -> str:
        """In a few words."""
        if not self.equal:
            return "different"
        others = [each.name for each in self.checks if each.same != "same"]
        if not others:
            return "equal"
        return "equal in what it answers, not in bytes" if MODEL in others else "equal but for rounding"


DATA, FEATURES, MODEL, METRICS, GOLDEN, PREDICTIONS = (
    "raw data", "features", "model", "metrics", "golden requests", "predictions",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of one making of a version: its lineage, parameters by dotted name, model and evaluation."""

    lineage: Lineage
    params: Mapping[str, Any]
    model_digest: str
    evaluation: Evaluation


def compared(then: Record, now: Record) -> tuple[Check, ...]:
    """Data, features, model and metrics of two makings of one version; `then` is the record."""
    return (
        _batches(DATA, *({each.name: each.raw for each in side.lineage.batches} for side in (then, now))),
        _batches(FEATURES, *({each.name: each.features for each in side.lineage.batches} for side in (then, now))),
        _model(then.model_digest, now.model_digest),
        _metrics(then.evaluation.metrics, now.evaluation.metrics),
    )


def answers_check(name: str, rows: int, largest: float) -> Check:
    """Of `rows` answers that were compared, the largest difference, relative to 1 or to the larger value."""
    if largest == 0:
        return Check(name=name, same="same", words=f"{rows:,} rows, every number the same")
    if largest <= TOLERANCE:
        return Check(name=name, same="close", words=f"{rows:,} rows, within {largest:.1g}")
    return Check(name=name, same="other", words=f"of {rows:,} rows the largest difference is {largest:.3g}")


def _batches(name: str, then: Mapping[str, str], now: Mapping[str, str]) -> Check:
    wrong = sorted(batch for batch in then.keys() | now.keys() if then.get(batch) != now.get(batch))
    if not wrong:
        return Check(name=name, same="same", words=f"{len(then)} batches, every digest the same")
    return Check(name=name, same="other", words=f"{len(wrong)} of {len(then)} batches differ: {listed(wrong)}")


def _model(then: str, now: str) -> Check:
    if then == now:
        return Check(name=MODEL, same="same", words=f"byte for byte, SHA-256 {then[:12]}")
    return Check(name=MODEL, same="other", words=f"SHA-256 {now[:12]}, recorded was {then[:12]}")


def _metrics(then: Iterable[MetricRow], now: Iterable[MetricRow]) -> Check:
    old, new = dict(_numbers(then)), dict(_numbers(now))
    wrong = {name: _apart(old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())}
    largest = max(wrong.values(), default=0.0)
    if largest == 0:
        return Check(name=METRICS, same="same", words=f"{len(old)} numbers, every one the same")
    if largest <= TOLERANCE:
        apart = listed([name for name in wrong if wrong[name] > 0], most=2)
        return Check(name=METRICS, same="close", words=f"{len(old)} numbers, within {largest:.1g}: {apart}")
    changed = [f"{name} {_number(new.get(name))}, was {_number(old.get(name))}" for name in wrong if wrong[name] > 0]
    return Check(name=METRICS, same="other", words=listed(changed, most=2))


def _numbers(metrics: Iterable[MetricRow]) -> Iterator[tuple[str, float | None]]:
    for row in metrics:
        for model, estimate in {**row.models, **({"gain": row.gain} if row.gain else {})}.items():
            for part in ("value", "low", "high"):
                yield f"{row.name} of {model}{'' if part == 'value' else f' ({part})'}", getattr(estimate, part)


def _apart(one: float | None, other: float | None) -> float:
    """How far two numbers are apart, relative to the larger one or to 1."""
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return 0.0 if one == other else abs(one - other) / max(1.0, abs(one), abs(other))


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def listed(names: list[str], *, most: int = NAMED, more: int = 0) -> str:
    """The first of some names, and how many are left, `more` included."""
    further = max(len(names) - most, 0) + more
    return "; ".join(names[:most]) + (f"; and {further:,} more" if further else "")
