"""The rows that judge: nobody was trained on them, and there are enough of them."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.decision import Condition, Evidence
from ratchet.core.leakage.condition import leakage as leakage_condition
from ratchet.core.params import Gate

OPEN_LEAKAGE = "leakage:open"
MIN_INDEPENDENT_ROWS = 30
"""Without clusters, fewer rows are too few for a t test on skewed losses."""


def untouched(evidence: Evidence, _policy: Gate) -> Iterator[Condition]:
    """No model was trained on the batches that judge."""
    touched, batches = ", ".join(evidence.contaminated), ", ".join(evidence.holdout)
    yield Condition(
        name="untouched",
        passed=bool(batches) and not touched,
        sentence=f"a model was trained on the batches that judge: {touched}"
        if touched
        else f"no model was trained on the batches that judge: {batches or 'there are none'}",
        remedy="" if batches and not touched else "judge by batches that neither model was trained on",
        harm=bool(touched),
    )


def leakage(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """Training and holdout share no more than is allowed. Where the holdout is sealed, what this finds is as well."""
    yield leakage_condition(evidence.leakage, policy.leakage, evidence.task)


def open_leakage(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """Where the holdout is sealed, training and the open rows share no more than is allowed, which may be told."""
    if policy.reuse.policy != "open":
        found = leakage_condition(evidence.leakage_open, policy.leakage, evidence.task)
        yield found.model_copy(update={"name": OPEN_LEAKAGE})


def enough_clusters(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """At least `min_clusters` clusters judge, or 30 rows where rows are said to be independent."""
    compared = evidence.comparison
    rows, clusters = (compared.rows, compared.clusters) if compared else (0, 0)
    needed = fewest(evidence, policy)
    independent = compared is not None and compared.assumed_independent
    found = (
        f"{rows:,} rows; this assumes independent rows" if independent else f"{clusters:,} clusters of {rows:,} rows"
    )
    passed = clusters >= needed
    yield Condition(
        name="enough_clusters",
        passed=passed,
        sentence=f"at least {needed} {'rows' if independent else 'clusters'} must judge: there are {found}",
        remedy="" if passed else "more held-out data",
        threshold=float(needed),
        rows=rows,
        clusters=clusters,
    )


def fewest(evidence: Evidence, policy: Gate) -> int:
    """How many clusters must judge, or rows where they are said to be independent."""
    compared = evidence.comparison
    return MIN_INDEPENDENT_ROWS if compared and compared.assumed_independent else policy.min_clusters
