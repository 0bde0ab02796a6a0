"""The two models: the challenger is another than the champion, and was compared with what serves."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.decision import CHAMPION, Condition, Evidence
from ratchet.core.metrics import metrics_for
from ratchet.core.params import Gate


def different(evidence: Evidence, _policy: Gate) -> Iterator[Condition]:
    """The challenger is not the champion itself."""
    same = evidence.challenger_is_champion
    yield Condition(
        name="different",
        passed=not same,
        sentence=f"the challenger is {'the champion itself' if same else 'another model than the champion'}",
        remedy="train on new data, or with other code or parameters" if same else "",
    )


def reference(evidence: Evidence, _policy: Gate) -> Iterator[Condition]:
    """A challenger must beat what serves; the constant predictor stands in only while nothing does."""
    passed = (evidence.reference == CHAMPION) == (evidence.champion is not None)
    serving = "nothing" if evidence.champion is None else f"version {evidence.champion}"
    yield Condition(
        name="reference",
        passed=passed,
        sentence=f"{serving} serves, and the challenger was compared with the {evidence.reference}",
        remedy="" if passed else "evaluate against what serves",
    )


def measured(evidence: Evidence, _policy: Gate) -> Iterator[Condition]:
    """Every metric of the task is defined for the challenger."""
    names = [metric.name for metric in metrics_for(evidence.task)]
    values = evidence.values()
    undefined = [name for name in names if name not in values]
    yield Condition(
        name="measured",
        passed=not undefined,
        sentence=f"not measured, or undefined, for the challenger: {', '.join(undefined)}"
        if undefined
        else f"all {len(names)} metrics of the challenger are defined",
        remedy="scores that are finite, and rows on which every metric is defined" if undefined else "",
    )
