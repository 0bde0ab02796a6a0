"""The evidence: everything that the gate asks of the rows that judge, and from what it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.core.decision import CHALLENGER, CHAMPION, Evidence, Provenance
from ratchet.core.evidence.asked import columns_asked, costs_asked
from ratchet.core.findings import Cost, Estimate, GroupGap, MetricRow, SliceCheck
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.manifest import digest_of
from ratchet.core.params import Params
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.model_folder import MODEL, LoadedModel
from ratchet.io.other_room import room_digest
from ratchet.io.room import read_schema, room_folder
from ratchet.io.row_columns import table_of
from ratchet.stages.scored_rows import Models, ScoredRows, compared


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The rows that judge, scored, with their metrics and what they share with those that trained."""

    rows: ScoredRows
    metrics: list[MetricRow]
    leakage: LeakageCheck | None


def evidence_of(judged: Judged, models: Models, params: Params, *, leakage_open: LeakageCheck | None) -> Evidence:
    """Compare the models and measure what the policy names. Raises ServiceFailed, TamperedFile."""
    comparison, reason = compared(judged.rows, models, params)
    asked = _asked(models.root, judged.rows, models.reference, params)
    record, champion = models.challenger.record, models.champion
    return Evidence(
        task=record.task,
        metric=params.gate.metric,
        reference=models.reference,
        champion=champion.entry.version if champion else None,
        challenger_is_champion=same_model(models),
        refit=models.refit,
        comparison=comparison,
        no_comparison=reason,
        metrics=tuple(judged.metrics),
        holdout=tuple(judged.rows.batches),
        contaminated=tuple(contaminated(models, judged.rows.batches)),
        leakage=judged.leakage,
        leakage_open=leakage_open,
        provenance=_provenance(models, judged.rows.batches, params),
        costs=_costs(models, judged.rows, params),
        slices=asked.slices,
        gaps=asked.gaps,
        parts=asked.parts,
    )


def same_model(models: Models) -> bool:
    """Whether the challenger is the champion itself."""
    champion, record = models.champion, models.challenger.record
    return champion is not None and champion.model.record.model_digest == record.model_digest


def contaminated(models: Models, batches: Iterable[str]) -> list[str]:
    """Those of `batches` that the challenger or the champion was trained on, by name or by what is in them."""
    champion = models.champion.entry.trained_on if models.champion else {}
    seen = {**models.challenger.record.trained_on, **champion}
    digests = set(seen.values())
    store = UnitStore(models.root / layout.FEATURES)
    return [name for name in batches if name in seen or store.digests(name)["features.parquet"] in digests]


def _provenance(models: Models, batches: Iterable[str], params: Params) -> Provenance:
    record, champion = models.challenger.record, models.champion
    store = UnitStore(models.root / layout.FEATURES)
    return Provenance(
        challenger=record.model_digest,
        champion=champion.model.record.model_digest if champion else None,
        champion_entry=champion.entry.hash if champion else None,
        code=room_digest(room_folder(models.root, params.project.room)),
        holdout={name: digest_of(store.digests(name)) for name in batches},
        trained_on=record.trained_on,
        seed=record.recipe.model.seed,
        libraries=record.libraries,
    )


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a policy may name."""

    slices: SliceCheck | None = None
    gaps: tuple[GroupGap, ...] = ()
    parts: Mapping[str, Estimate] = field(default_factory=dict)


def _asked(root: Path, rows: ScoredRows, reference: str, params: Params) -> _Asked:
    """Slices, gaps and parts that the policy names. What measures them is loaded if something is named."""
    policy, task = params.gate, params.project.task
    columns = columns_asked(policy, task)
    if reference not in rows.scores or not (columns or policy.conditions):
        return _Asked()
    from ratchet.core.evidence.gaps import group_gaps
    from ratchet.core.evidence.parts import part_estimates
    from ratchet.core.evidence.rows import JudgedRows, Pair
    from ratchet.core.evidence.slices import slice_check

    judged = JudgedRows(
        task=task,
        target=rows.target,
        scores=rows.scores,
        clusters=rows.clusters,
        table=table_of(root, read_schema(root, params), rows.batches, columns),
        threshold=params.evaluate.threshold,
        prices=rows.prices,
    )
    pair = Pair(reference=reference, challenger=CHALLENGER)
    return _Asked(
        slices=slice_check(judged, policy, pair),
        gaps=group_gaps(judged, policy, pair),
        parts=part_estimates(judged, policy, pair),
    )


def _costs(models: Models, rows: ScoredRows, params: Params) -> Mapping[str, Cost]:
    names = costs_asked(params.gate, params.project.task)
    if not names:
        return {}
    from ratchet.io.model_costs import Costed, measure_costs

    def costed(name: str, model: LoadedModel, folder: str) -> Costed:
        return Costed(
            pipeline=model.pipeline,
            task=model.record.task,
            inputs=model.record.features,
            features=rows.inputs[name],
            file=models.root / folder / MODEL,
        )

    champion = models.champion
    return measure_costs(
        names,
        costed(CHALLENGER, models.challenger, layout.MODEL),
        costed(CHAMPION, champion.model, layout.CHAMPION) if champion and CHAMPION in rows.inputs else None,
    )
