"""How many labels it takes to find a gain: planned by the spread of the last two models that were compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

from ratchet.core.advisor import Plan, Spread, detectable_effect, plan_labels
from ratchet.core.comparison import compare
from ratchet.core.decision import Decision
from ratchet.core.deliveries import without_late
from ratchet.core.findings import Comparison, Finite
from ratchet.core.judged import CHALLENGER, Evaluation, clusters_of, numbers_of, scores_of
from ratchet.core.label_columns import TARGET
from ratchet.core.metrics import Target, row_losses
from ratchet.core.params import Gate, Params
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.core.validation.periods import stretch_of
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.flows.run import read_decision
from ratchet.io import layout
from ratchet.io.looked_at import looked_at
from ratchet.io.prices import prices_of
from ratchet.io.room import read_params, read_schema
from ratchet.io.tables import read_table
from ratchet.settings import Settings

RUN = "ratchet run judges a challenger; its rows say how much gains vary"


class Advised(Finite):
    """The plan, what it was planned from, and both in words."""

    effect: float
    alpha: float
    planned_power: float
    plan: Plan
    from_rows: str
    detectable: float | None
    lines: tuple[str, ...]


def advised(settings: Settings, *, effect: float | None = None, power: float | None = None) -> Advised:
    """Plan for a gain of `effect` (gate.min_effect) with chance `power` (gate.power) at the level of fresh rows.

    Raises ServiceFailed if nothing was judged yet, DataRefused if what was judged does not vary, UsageError.
    """
    params, decision = read_params(settings.root), read_decision(settings)
    policy = params.gate
    asked = policy.min_effect if effect is None else effect
    chance = policy.power if power is None else power
    compared, where = _comparison(settings.root, decision, policy)
    spread = Spread.of(compared)
    if spread is None:
        raise DataRefused(f"the gains of {where} do not vary, or are of one cluster", next_step=RUN)
    weeks, clusters = _traffic(settings.root, params, decision)
    rate = clusters / weeks if weeks and clusters else None
    plan = plan_labels(spread, alpha=policy.alpha, power=chance, min_effect=asked, clusters_per_week=rate)
    found = detectable_effect(spread, clusters=clusters, alpha=policy.alpha, power=chance) if clusters else np.inf
    result = Advised(
        effect=asked,
        alpha=policy.alpha,
        planned_power=chance,
        plan=plan,
        from_rows=where,
        detectable=float(found) if np.isfinite(found) else None,
        lines=(),
    )
    return result.model_copy(update={"lines": tuple(_lines(result, spread, clusters, decision))})


def _lines(advice: Advised, spread: Spread, clusters: int, decision: Decision) -> Iterator[str]:
    plan, batches = advice.plan, decision.evidence.holdout
    groups = "" if spread.rows_per_cluster == 1 else f" in {plan.clusters:,} whole clusters"
    weeks = "" if plan.weeks is None else f", {plan.weeks:,.1f} weeks of traffic"
    like = f"; {plan.clusters / clusters:,.1f} times what {', '.join(batches)} had" if clusters else ""
    yield (
        f"To find a gain of {advice.effect:.4g} a row with a chance of {advice.planned_power:.0%} at level "
        f"{advice.alpha:.4g}: {plan.rows:,} fresh rows{groups}{weeks}{like}."
    )
    share = (
        "rows are said to be independent"
        if spread.rows_per_cluster == 1
        else f"of a cluster of {spread.rows_per_cluster:,.1f} rows {max(1.0, spread.design_effect):.1f} tell as much "
        "as one that is independent"
    )
    yield f"Planned from {advice.from_rows}: a row's gain varies by {spread.sd:.4g}; {share}."
    if advice.detectable is not None:
        yield f"As many rows as {', '.join(batches)} had find a gain of {advice.detectable:.4g} with that chance."


def _comparison(root: Path, decision: Decision, policy: Gate) -> tuple[Comparison, str]:
    """The last comparison that may be looked at, and of which rows it is."""
    compared = decision.evidence.comparison
    if decision.seal is None and compared is not None:
        return compared, f"{compared.rows:,} rows of {', '.join(decision.evidence.holdout)}"
    folder = root / layout.EVALUATION
    try:
        evaluation = Evaluation.model_validate_json((folder / "evaluation.json").read_bytes())
        table = read_table(folder / "predictions.parquet")
    except OSError as error:
        raise ServiceFailed(f"{folder} is not there", next_step=RUN) from error
    reference, challenger = scores_of(table, evaluation.reference), scores_of(table, CHALLENGER)
    if reference is None or challenger is None:
        raise DataRefused(f"nothing was compared: {evaluation.no_comparison or 'a model has no scores'}", next_step=RUN)
    numbers = numbers_of(table, TARGET)
    target: Target = numbers.astype(np.float64) if evaluation.task == "regression" else numbers.astype(np.int64)
    prices = _prices(root, evaluation, policy)
    before, after = (row_losses(policy.metric, target, scores, prices) for scores in (reference, challenger))
    found = compare(before, after, clusters_of(table), alpha=policy.alpha)
    looked = evaluation.looked_at
    return found, looked.text if looked else f"{found.rows:,} rows"


def _prices(root: Path, evaluation: Evaluation, policy: Gate) -> Prices:
    """What the rows cost that predictions are written of; nothing is read unless the policy asks for it."""
    if policy.metric not in policy.priced:
        return NO_PRICES
    params = read_params(root)
    return prices_of(root, params, evaluation.labels, looked_at(root, params).batches)


def _traffic(root: Path, params: Params, decision: Decision) -> tuple[float | None, int]:
    """How many weeks the batches that judged took to come, if their names say so, and how many clusters they have."""
    seal, compared = decision.seal, decision.evidence.comparison
    if seal is not None:
        clusters = seal.rows if seal.clusters is None else seal.clusters
    else:
        clusters = compared.clusters if compared else 0
    return _weeks(root, params, decision.evidence.holdout), clusters


def _weeks(root: Path, params: Params, batches: Sequence[str]) -> float | None:
    period = read_schema(root, params).rows.period
    if period is None:
        return None
    stretches = {stretch_of(without_late(name), period) for name in batches}
    days = [(each.end - each.start) for each in stretches if each is not None]
    return sum(days, timedelta()) / timedelta(weeks=1) if days and len(days) == len(stretches) else None
