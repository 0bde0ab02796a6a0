"""evaluate: challenger and champion score the same rows, which neither was trained on.

Everything is shown of the rows that may be looked at (`data/evaluation/`). What the gate decides by is measured on the
held-out rows (`data/sealed/`), which are the same ones unless the policy seals them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.decision import Evidence
from ratchet.core.feature_table import LabelledBatch
from ratchet.core.findings import MetricRow
from ratchet.core.judged import Evaluation
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.looked_at import OPEN
from ratchet.core.params import Params
from ratchet.core.split import Plan, plan_split
from ratchet.io import layout, sealed
from ratchet.io.batches import UnitStore
from ratchet.io.features import lineage, read_batches
from ratchet.io.leakage import find_leakage, find_open_leakage
from ratchet.io.looked_at import RowsToLookAt, looked_at
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.stages.evaluation_folder import write_evaluation
from ratchet.stages.evidence import Judged, contaminated, evidence_of, same_model
from ratchet.stages.scored_rows import Models, ScoredRows, measured, read_models, score_rows


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What may be told."""

    looked_at: RowsToLookAt
    rows: ScoredRows
    metrics: list[MetricRow]
    leakage: LeakageCheck | None


def run(root: Path) -> None:
    """Write what is shown of the rows to look at, and what the gate decides by."""
    params = read_params(root)
    if params.gate.fairness:
        from ratchet.core.evidence.gaps import check_gaps

        check_gaps(params.gate, params.project.task)
    store = UnitStore(root / layout.FEATURES)
    plan = plan_split(store.names(), holdout=params.split.holdout, folds=params.split.folds)
    models = read_models(root, params)
    shown = _shown(models, plan, params)
    write_evaluation(root, shown.rows, _evaluation(shown, models, lineage(store, plan.holdout)), params)
    sealed.write_evidence(root, _evidence(shown, models, plan, params))
    kept_back = f"; the rows of {', '.join(plan.holdout)} are sealed" if params.sealed else ""
    say(f"evaluate: {shown.looked_at.about.text}, {' and '.join(shown.rows.scores)}{kept_back}")


def _shown(models: Models, plan: Plan, params: Params) -> _Shown:
    rows = looked_at(models.root, params)
    is_open = rows.about.kind == OPEN
    scored = score_rows(models, rows.batches, require_unseen=rows.require_unseen if is_open else None)
    find = find_open_leakage if is_open else find_leakage
    return _Shown(
        looked_at=rows,
        rows=scored,
        metrics=measured(scored, models, params),
        leakage=find(models.root, plan, params),
    )


def _evidence(shown: _Shown, models: Models, plan: Plan, params: Params) -> Evidence:
    """Where nothing is sealed, the rows that judge are those that are looked at, and are measured already."""
    if params.sealed:
        batches = read_batches(UnitStore(models.root / layout.FEATURES), plan.holdout)
        return sealed.unspoken(lambda: _sealed_evidence(batches, shown, models, plan, params))
    judged = Judged(rows=shown.rows, metrics=shown.metrics, leakage=shown.leakage)
    return evidence_of(judged, models, params, leakage_open=None)


def _sealed_evidence(
    batches: Mapping[str, LabelledBatch], shown: _Shown, models: Models, plan: Plan, params: Params
) -> Evidence:
    rows = score_rows(models, batches)
    leakage = find_leakage(models.root, plan, params)
    judged = Judged(rows=rows, metrics=measured(rows, models, params), leakage=leakage)
    return evidence_of(judged, models, params, leakage_open=shown.leakage)


def _evaluation(shown: _Shown, models: Models, judged: dict[str, str]) -> Evaluation:
    record, champion, about = models.challenger.record, models.champion, shown.looked_at.about
    return Evaluation(
        task=record.task,
        labels=record.labels,
        reference=models.reference,
        champion=champion.entry.version if champion else None,
        champion_entry=champion.entry.hash if champion else None,
        challenger_is_champion=same_model(models),
        refit=models.refit,
        no_comparison=shown.rows.no_comparison,
        holdout=judged,
        contaminated=contaminated(models, judged),
        rows=about.rows,
        clusters=about.clusters,
        metrics=shown.metrics,
        leakage=shown.leakage,
        looked_at=about,
    )
