"""Metrics on which the challenger must be shown not to be worse than the reference by more than is allowed.

All of them must pass, so that none needs a correction for the others (intersection-union test; Berger, Technometrics
24, 1982).
"""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.decision import Condition, Evidence
from ratchet.core.gate.shown import bounds_at, span_text, within
from ratchet.core.gate_params import Guardrail
from ratchet.core.metrics import is_metric, metrics_for
from ratchet.core.params import Gate


def guardrails(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """One condition per metric of `gate.guardrails`: the lower bound of its gain is at least -max_drop."""
    for metric, rail in sorted(policy.guardrails.items()):
        yield _guardrail(metric, rail, evidence)


def _guardrail(metric: str, rail: Guardrail, evidence: Evidence) -> Condition:
    gain, problem = evidence.gain(metric), _problem(metric, evidence)
    if gain is None or problem:
        return Condition(
            name=f"guardrail:{metric}", passed=False, sentence=problem, remedy="mend gate.guardrails in params.yaml"
        )
    found = within(gain, rail.alpha, least=-rail.max_drop)
    low, high = bounds_at(gain, rail.alpha)
    return Condition(
        name=f"guardrail:{metric}",
        passed=found.kept,
        sentence=f"{metric}: gain {span_text(gain, rail.alpha)}; required: not worse than the {evidence.reference} "
        f"by more than {rail.max_drop:.4g}",
        remedy="" if found.kept else f"a model that keeps {metric}, or more rows that show it",
        harm=found.broken,
        estimate=gain.value,
        low=low,
        high=high,
        threshold=-rail.max_drop,
        rows=gain.rows,
        clusters=gain.clusters,
    )


def _problem(metric: str, evidence: Evidence) -> str:
    known = [each.name for each in metrics_for(evidence.task)]
    if not is_metric(metric, evidence.task):
        return f"{metric} is no metric of a {evidence.task} model; known are {', '.join(known)}"
    gain = evidence.gain(metric)
    return f"{metric} was not compared, or is undefined" if gain is None or gain.value is None else ""
