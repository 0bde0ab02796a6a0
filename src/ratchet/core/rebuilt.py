"""A version made again: what is as it was recorded, what is not, and why.

Each check compares one thing with the record. Where one differs, the causes are what else differs between the two
lineages (`core.lineage_record`): a row, the code, a parameter, a package, the machine; what comes first decides
what comes after.
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
CauseKind = Literal["row", "code", "seed", "parameter", "dependency", "hardware", "unknown"]
TOLERANCE = 1e-9
"""Relative: another order of adding, and no more."""
NAMED = 6
"""Things of one kind that are named; the rest is counted."""
FIRST = ("python", "scikit-learn", "numpy", "scipy", "pandas", "polars", "pyarrow", "skops")
"""Packages that numbers come from: they are named before others."""


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
        same = all(each.same == "same" for each in self.checks)
        return "equal" if same else "equal in what it answers, not in bytes"


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


def causes(then: Record, now: Record) -> tuple[Cause, ...]:
    """Everything that is not as it was; the machine is named alone where nothing else differs."""
    own = (
        *_rows(then.lineage, now.lineage),
        *_code(then.lineage, now.lineage),
        *_params(then, now),
        *_packages(then.lineage, now.lineage),
    )
    return own or tuple(_machine(then.lineage, now.lineage))


def unexplained() -> Cause:
    """For a difference with nothing that explains it."""
    return Cause(
        kind="unknown",
        words="nothing on record differs: something in the pipeline is left to chance or to the time of day",
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
    return Check(name=name, same="other", words=f"{len(wrong)} of {len(then)} batches differ: {_listed(wrong)}")


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
        return Check(name=METRICS, same="close", words=f"{len(old)} numbers, within {largest:.1g}")
    changed = [f"{name} {_number(new.get(name))}, was {_number(old.get(name))}" for name in wrong if wrong[name] > 0]
    return Check(name=METRICS, same="other", words=_listed(changed, most=2))


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


def _rows(then: Lineage, now: Lineage) -> Iterator[Cause]:
    old, new = ({each.name: each for each in side.batches} for side in (then, now))
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Cause(kind="row", words=f"batch {name} is not in the commit")
        elif name not in old:
            yield Cause(kind="row", words=f"batch {name} is in the commit, and was not used")
        elif old[name].raw != new[name].raw:
            yield Cause(
                kind="row", words=f"batch {name} has other bytes: {new[name].raw[:12]}, was {old[name].raw[:12]}"
            )
    if wrong := _differing(then.lookups, now.lookups):
        yield Cause(kind="row", words=f"lookups have other bytes: {_listed(wrong)}")


def _code(then: Lineage, now: Lineage) -> Iterator[Cause]:
    pairs = (
        ("schema.yaml", then.data_schema, now.data_schema),
        ("the room", then.room, now.room),
        ("Ratchet", then.code, now.code),
    )
    # A room's digest covers its schema as well, which is named by itself.
    wrong = [name for name, old, new in pairs if old != new]
    if wrong == ["schema.yaml", "the room"] and then.commit.clean:
        wrong = ["schema.yaml"]
    if wrong:
        yield Cause(kind="code", words=f"{' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not the same code")
    if then.commit.changes:
        more = then.commit.changes - len(then.commit.changed)
        named = _listed(list(then.commit.changed), more=more)
        yield Cause(kind="code", words=f"it was not made from the commit alone: {named} were not as committed")


def _params(then: Record, now: Record) -> Iterator[Cause]:
    for name in _differing(then.params, now.params):
        kind: CauseKind = "seed" if name == "model.seed" else "parameter"
        yield Cause(kind=kind, words=f"{name} is {now.params.get(name)}, was {then.params.get(name)}")


def _packages(then: Lineage, now: Lineage) -> Iterator[Cause]:
    old = {**then.environment.packages, "python": then.environment.python}
    new = {**now.environment.packages, "python": now.environment.python}
    wrong = sorted(_differing(old, new), key=lambda name: (name not in FIRST, name))
    if wrong:
        listed = [f"{name} {new.get(name, 'not there')}, was {old.get(name, 'not there')}" for name in wrong]
        yield Cause(kind="dependency", words=_listed(listed))


def _machine(then: Lineage, now: Lineage) -> Iterator[Cause]:
    old, new = ({**side.machine.model_dump(exclude={"threads"}), **side.machine.threads} for side in (then, now))
    for name in _differing(old, new):
        yield Cause(kind="hardware", words=f"{name} {new.get(name) or 'not set'}, was {old.get(name) or 'not set'}")


def _differing(then: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def _listed(names: list[str], *, most: int = NAMED, more: int = 0) -> str:
    further = max(len(names) - most, 0) + more
    return "; ".join(names[:most]) + (f"; and {further:,} more" if further else "")
