"""The decision: promote, hold or reject, from evidence and a policy alone.

Closed by default: a challenger is promoted only if every condition is shown to hold. A number that is missing or not
finite, a comparison with the wrong model or by another policy, too few clusters: each is a failed condition. A failed
condition that shows harm (a broken floor, a contaminated holdout, leakage, a significant loss) rejects; a failed
condition that shows nothing holds. `decide(decision.evidence, decision.policy)` gives the same decision again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ratchet.core.clusters import bounds
from ratchet.core.comparison import rows_needed
from ratchet.core.decision import Condition, Decision, Evidence
from ratchet.core.findings import Advice, Comparison
from ratchet.core.leakage.condition import leakage
from ratchet.core.metrics import loss_names, metrics_for
from ratchet.core.params import Bounds, Gate

__all__ = ["Condition", "Decision", "Evidence", "decide"]

MIN_INDEPENDENT_ROWS = 30
"""Without clusters, fewer rows are too few for a t test on skewed losses."""


def decide(evidence: Evidence, policy: Gate) -> Decision:
    """Judge the evidence by the policy: all conditions promote, shown harm rejects, anything else holds."""
    conditions = tuple(_conditions(evidence, policy))
    failed = [condition for condition in conditions if not condition.passed]
    harm = [condition for condition in failed if condition.harm]
    missing = _missing(failed, evidence.comparison, policy)
    decisive = harm or failed or conditions[-1:]
    return Decision(
        verdict="reject" if harm else "hold" if failed else "promote",
        reason="; ".join(condition.sentence for condition in decisive),
        would_change="; ".join(_remedies(decisive, missing, evidence.comparison, policy)),
        missing=missing,
        conditions=conditions,
        policy=policy,
        evidence=evidence,
    )


def _conditions(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    yield _untouched(evidence)
    yield leakage(evidence.leakage, policy.leakage, evidence.task)
    yield _different(evidence)
    yield _reference(evidence)
    yield _measured(evidence)
    for metric, floor in sorted(policy.floors.items()):  # whatever order the policy's file has them in
        yield _floor(metric, floor, evidence)
    yield _enough_clusters(evidence.comparison, policy)
    yield _better(evidence, policy)


def _untouched(evidence: Evidence) -> Condition:
    touched, batches = ", ".join(evidence.contaminated), ", ".join(evidence.holdout)
    return Condition(
        name="untouched",
        passed=bool(batches) and not touched,
        sentence=f"a model was trained on the batches that judge: {touched}"
        if touched
        else f"no model was trained on the batches that judge: {batches or 'there are none'}",
        remedy="" if batches and not touched else "judge by batches that neither model was trained on",
        harm=bool(touched),
    )


def _different(evidence: Evidence) -> Condition:
    same = evidence.challenger_is_champion
    return Condition(
        name="different",
        passed=not same,
        sentence=f"the challenger is {'the champion itself' if same else 'another model than the champion'}",
        remedy="train on new data, or with other code or parameters" if same else "",
    )


def _reference(evidence: Evidence) -> Condition:
    """A challenger must beat what serves; the constant predictor stands in only while nothing does."""
    passed = (evidence.reference == "champion") == (evidence.champion is not None)
    serving = "nothing" if evidence.champion is None else f"version {evidence.champion}"
    return Condition(
        name="reference",
        passed=passed,
        sentence=f"{serving} serves, and the challenger was compared with the {evidence.reference}",
        remedy="" if passed else "evaluate against what serves",
    )


def _measured(evidence: Evidence) -> Condition:
    names = [metric.name for metric in metrics_for(evidence.task)]
    undefined = [name for name in names if evidence.challenger_metrics.get(name) is None]
    return Condition(
        name="measured",
        passed=not undefined,
        sentence=f"not measured, or undefined, for the challenger: {', '.join(undefined)}"
        if undefined
        else f"all {len(names)} metrics of the challenger are defined",
        remedy="scores that are finite, and rows on which every metric is defined" if undefined else "",
    )


def _floor(metric: str, floor: Bounds, evidence: Evidence) -> Condition:
    value, problem = evidence.challenger_metrics.get(metric), _floor_problem(metric, floor, evidence)
    words = {"at least": floor.min, "at most": floor.max}
    required = " and ".join(f"{word} {limit:.4g}" for word, limit in words.items() if limit is not None)
    inside = not problem and value is not None and _inside(value, floor)
    return Condition(
        name=f"floor:{metric}",
        passed=inside,
        sentence=problem or f"{metric} is {value:.4g}, and must be {required}",
        remedy="" if inside else "mend gate.floors in params.yaml" if problem else f"a model with {metric} {required}",
        harm=not problem and not inside,
        estimate=value,
        threshold=floor.min if floor.min is not None else floor.max,
        rows=evidence.comparison.rows if evidence.comparison else None,
    )


def _floor_problem(metric: str, floor: Bounds, evidence: Evidence) -> str:
    known = [each.name for each in metrics_for(evidence.task)]
    if metric not in known:
        return f"{metric} is no metric of a {evidence.task} model; known are {', '.join(known)}"
    if floor.min is None and floor.max is None:
        return f"the floor of {metric} has neither min nor max"
    return f"{metric} was not measured, or is undefined" if evidence.challenger_metrics.get(metric) is None else ""


def _inside(value: float, floor: Bounds) -> bool:
    """Written so that a limit that is NaN lets nothing through."""
    return (floor.min is None or value >= floor.min) and (floor.max is None or value <= floor.max)


def _enough_clusters(comparison: Comparison | None, policy: Gate) -> Condition:
    rows, clusters = (comparison.rows, comparison.clusters) if comparison else (0, 0)
    independent = comparison is not None and comparison.assumed_independent
    needed = MIN_INDEPENDENT_ROWS if independent else policy.min_clusters
    found = (
        f"{rows:,} rows; this assumes independent rows" if independent else f"{clusters:,} clusters of {rows:,} rows"
    )
    passed = clusters >= needed
    return Condition(
        name="enough_clusters",
        passed=passed,
        sentence=f"at least {needed} {'rows' if independent else 'clusters'} must judge: there are {found}",
        remedy="" if passed else "more held-out data",
        threshold=float(needed),
        rows=rows,
        clusters=clusters,
    )


def _better(evidence: Evidence, policy: Gate) -> Condition:
    comparison, problem = evidence.comparison, _comparison_problem(evidence, policy)
    if comparison is None or problem:
        return Condition(name="better", passed=False, sentence=problem, remedy="mend this and evaluate again")
    low, high = bounds(comparison.gain, comparison.standard_error, comparison.clusters - 1, policy.alpha)
    passed, worse = comparison.p_better < policy.alpha, comparison.p_worse < policy.alpha
    return Condition(
        name="better",
        passed=passed,
        sentence=_gain_sentence(comparison, evidence, policy),
        remedy="" if passed else "a model with less loss" if worse else "a larger gain",
        harm=worse,
        estimate=comparison.gain,
        low=low,
        high=high,
        threshold=-_margin(evidence, policy),
        rows=comparison.rows,
        clusters=comparison.clusters,
    )


def _comparison_problem(evidence: Evidence, policy: Gate) -> str:
    losses = loss_names(evidence.task)
    if policy.metric not in losses:
        return (
            f"{policy.metric} has no loss per row for a {evidence.task} model; gate.metric may be {', '.join(losses)}"
        )
    if evidence.comparison is None:
        return f"nothing was compared: {evidence.no_comparison or 'the evidence holds no comparison'}"
    compared, required = (evidence.metric, evidence.comparison.margin), (policy.metric, _margin(evidence, policy))
    if compared != required:
        return "compared by {} at margin {:g}, but the policy says {} at margin {:g}".format(*compared, *required)
    return ""


def _gain_sentence(comparison: Comparison, evidence: Evidence, policy: Gate) -> str:
    """What was gained, between which bounds, what was required of it, and how sure that is."""
    low, high = bounds(comparison.gain, comparison.standard_error, comparison.clusters - 1, policy.alpha)
    margin = _margin(evidence, policy)
    goal = (
        f"not worse than the {evidence.reference} by {margin:.4g}"
        if margin
        else f"better than the {evidence.reference}"
    )
    between = "" if low is None or high is None else f", {1 - 2 * policy.alpha:.0%} interval {low:+.4f} to {high:+.4f}"
    flips = "" if comparison.sign_flip is None else f", by flips of whole clusters {comparison.sign_flip:.2g}"
    worse = f"; shown to be worse, p {comparison.p_worse:.2g}" if comparison.p_worse < policy.alpha else ""
    return (
        f"{evidence.metric}: gain {comparison.gain:+.4f} a row{between} (above 0: the challenger is better); "
        f"required: {goal}, p below {policy.alpha:.2g}; found: p {comparison.p_better:.2g}{flips}{worse}"
    )


def _margin(evidence: Evidence, policy: Gate) -> float:
    return policy.margin_for(refit=evidence.refit)


def _missing(failed: Sequence[Condition], comparison: Comparison | None, policy: Gate) -> Advice | None:
    """Rows and clusters still needed, if nothing but their number stands against a promotion; else None."""
    if comparison is None or not failed or any(each.name not in ("enough_clusters", "better") for each in failed):
        return None
    if any(each.harm or each.estimate is None for each in failed if each.name == "better"):
        return None
    effect = comparison.margin or policy.min_effect
    needed = rows_needed(comparison, alpha=policy.alpha, power=policy.power, min_effect=effect)
    fewest = MIN_INDEPENDENT_ROWS if comparison.assumed_independent else policy.min_clusters
    clusters = max(fewest, needed.clusters if needed else 0) - comparison.clusters
    if clusters <= 0:
        return None
    return Advice(rows=math.ceil(clusters * comparison.rows / comparison.clusters), clusters=clusters)


def _remedies(
    decisive: Sequence[Condition], missing: Advice | None, comparison: Comparison | None, policy: Gate
) -> Iterator[str]:
    yield from dict.fromkeys(condition.remedy for condition in decisive if condition.remedy)
    if missing is None or comparison is None:
        return
    clusters = f" in {missing.clusters:,} more clusters" if missing.clusters != missing.rows else ""
    if comparison.design_effect is None:
        yield f"at least {missing.rows:,} more rows{clusters}, before anything can be judged"
        return
    equal = f"an equal model to be no worse by {comparison.margin:.4g}"
    shown = equal if comparison.margin else f"a gain of {policy.min_effect:.4g}"
    yield f"about {missing.rows:,} more rows{clusters} would show {shown} with power {policy.power:.2g}"
