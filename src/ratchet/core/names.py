"""Names in `params.yaml` that only the code knows: estimators and metrics. Checked before anything long begins."""

from __future__ import annotations

from collections.abc import Collection

from ratchet.core.estimators import usable
from ratchet.core.metric_families import EXAMPLES, is_declared
from ratchet.core.metrics import is_loss, is_metric, loss_names, metrics_for
from ratchet.core.params import Params
from ratchet.errors import UsageError, did_you_mean


def check_names(params: Params) -> None:
    """Raises UsageError for an estimator or a metric that the project's task does not have."""
    task = params.project.task
    _require("model.estimator", params.model.estimator, usable(task), f"estimator for {task}")
    families = EXAMPLES[task].split(", ")
    if not is_loss(params.gate.metric, task):
        losses = [*loss_names(task), *(name for name in families if is_loss(name, task))]
        _require("gate.metric", params.gate.metric, losses, f"loss per row for {task}")
    _require_declared(params)
    known = [*(metric.name for metric in metrics_for(task)), *families]
    for where, names in (("gate.floors", params.gate.floors), ("gate.guardrails", params.gate.guardrails)):
        for name in names:
            if not is_metric(name, task):
                _require(where, name, known, f"metric for {task}")


def _require_declared(params: Params) -> None:
    """Names such as `cost_delay` are metrics only if `evaluate.costs` says what they are."""
    declared, policy = params.evaluate.costs, params.gate
    asked = {"gate.metric": [policy.metric], "gate.floors": policy.floors, "gate.guardrails": policy.guardrails}
    for where, names in asked.items():
        for name in names:
            if is_declared(name) and name not in declared:
                raise UsageError(
                    f"params.yaml: {where}: {name!r} is declared nowhere{did_you_mean(name, declared)}",
                    next_step="say what it is in evaluate.costs (docs/metrics.md); nothing was run",
                )


def _require(where: str, name: str, known: Collection[str], what: str) -> None:
    if name in known:
        return
    raise UsageError(
        f"params.yaml: {where}: {name!r} is no {what}{did_you_mean(name, known)}",
        next_step=f"use one of {', '.join(known)}; nothing was run",
    )
