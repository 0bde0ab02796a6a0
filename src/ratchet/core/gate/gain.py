"""The condition that decides: is the challenger better than the reference, or shown not to be worse by a margin?"""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.clusters import bounds
from ratchet.core.decision import Condition, Evidence
from ratchet.core.findings import Comparison
from ratchet.core.gate.charged import alpha_of
from ratchet.core.metrics import is_loss, loss_names
from ratchet.core.params import Gate


def better(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """The mean gain is shown to be above 0, or above -margin, with the risk that this look at the rows may take."""
    yield _better(evidence, policy)


def _better(evidence: Evidence, policy: Gate) -> Condition:
    comparison, problem = evidence.comparison, _problem(evidence, policy)
    if comparison is None or problem:
        return Condition(name="better", passed=False, sentence=problem, remedy="mend this and evaluate again")
    low, high = _bounds(comparison, alpha_of(evidence, policy) or policy.alpha)
    passed, worse = comparison.p_better < alpha_of(evidence, policy), comparison.p_worse < policy.alpha
    return Condition(
        name="better",
        passed=passed,
        sentence=_sentence(comparison, evidence, policy),
        remedy="" if passed else "a model with less loss" if worse else "a larger gain",
        harm=worse,
        estimate=comparison.gain,
        low=low,
        high=high,
        threshold=-_margin(evidence, policy),
        rows=comparison.rows,
        clusters=comparison.clusters,
    )


def _problem(evidence: Evidence, policy: Gate) -> str:
    losses = loss_names(evidence.task)
    if not is_loss(policy.metric, evidence.task):
        return (
            f"{policy.metric} has no loss per row for a {evidence.task} model; gate.metric may be {', '.join(losses)}"
        )
    if evidence.comparison is None:
        return f"nothing was compared: {evidence.no_comparison or 'the evidence holds no comparison'}"
    compared, required = (evidence.metric, evidence.comparison.margin), (policy.metric, _margin(evidence, policy))
    if compared != required:
        return "compared by {} at margin {:g}, but the policy says {} at margin {:g}".format(*compared, *required)
    return ""


def _sentence(comparison: Comparison, evidence: Evidence, policy: Gate) -> str:
    """What was gained, between which bounds, what was required of it, and how sure that is."""
    alpha = alpha_of(evidence, policy)
    low, high = _bounds(comparison, alpha or policy.alpha)
    margin = _margin(evidence, policy)
    goal = (
        f"not worse than the {evidence.reference} by {margin:.4g}"
        if margin
        else f"better than the {evidence.reference}"
    )
    coverage = f"{100 * (1 - 2 * (alpha or policy.alpha)):.4g}%"
    between = "" if low is None or high is None else f", {coverage} interval {low:+.4f} to {high:+.4f}"
    flips = "" if comparison.sign_flip is None else f", by flips of whole clusters {comparison.sign_flip:.2g}"
    worse = f"; shown to be worse, p {comparison.p_worse:.2g}" if comparison.p_worse < policy.alpha else ""
    return (
        f"{evidence.metric}: gain {comparison.gain:+.4f} a row{between} (above 0: the challenger is better); "
        f"required: {goal}, p below {alpha:.2g}; found: p {comparison.p_better:.2g}{flips}{worse}"
    )


def _bounds(comparison: Comparison, alpha: float) -> tuple[float | None, float | None]:
    return bounds(comparison.gain, comparison.standard_error, comparison.clusters - 1, alpha)


def _margin(evidence: Evidence, policy: Gate) -> float:
    return policy.margin_for(refit=evidence.refit)
