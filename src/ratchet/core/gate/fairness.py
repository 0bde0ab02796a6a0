"""Gaps between groups: shown to be small enough, and not much larger than the reference's."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.decision import Condition, Evidence
from ratchet.core.findings import Estimate, GroupGap
from ratchet.core.gate.shown import Shown, bounds_at, span_text, within
from ratchet.core.gate_params import GapLimit
from ratchet.core.params import Gate


def fairness(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """One condition per column and gap of `gate.fairness`."""
    found = {(each.column, each.gap): each for each in evidence.gaps}
    for column, gaps in sorted(policy.fairness.items()):
        for gap, limit in sorted(gaps.items()):
            yield _condition(f"fairness:{column}:{gap}", found.get((column, gap)), limit, evidence)


def _condition(name: str, gap: GroupGap | None, limit: GapLimit, evidence: Evidence) -> Condition:
    found, problem = gap.challenger if gap else None, _problem(name, gap, limit)
    if gap is None or found is None or problem:
        return Condition(
            name=name,
            passed=False,
            sentence=problem,
            remedy="mend gate.fairness in params.yaml, or judge by rows of two groups and more",
        )
    tests = list(_tests(gap, found, limit, evidence))
    kept = all(shown.kept for shown, _ in tests)
    low, high = bounds_at(found, limit.alpha)
    groups = ", ".join(f"{group} ({rows:,} rows)" for group, rows in gap.groups.items())
    return Condition(
        name=name,
        passed=kept,
        sentence=f"{gap.gap} by {gap.column}, groups {groups}: {'; '.join(text for _, text in tests)}",
        remedy="" if kept else "a model with a smaller gap, or more rows that show it",
        harm=any(shown.broken for shown, _ in tests),
        estimate=found.value,
        low=low,
        high=high,
        threshold=limit.max,
        rows=found.rows,
        clusters=found.clusters,
    )


def _problem(name: str, gap: GroupGap | None, limit: GapLimit) -> str:
    if limit.max is None and limit.max_increase is None:
        return f"gate.{name.replace(':', '.')} says neither max nor max_increase"
    if gap is None:
        return "the gap was not measured: nobody looked"
    if len(gap.groups) < 2:
        return "the gap was not measured: fewer than two groups"
    defined = gap.challenger is not None and gap.challenger.value is not None
    return "" if defined else "the gap was not measured, or is undefined"


def _tests(gap: GroupGap, found: Estimate, limit: GapLimit, evidence: Evidence) -> Iterator[tuple[Shown, str]]:
    if limit.max is not None:
        yield _test(found, limit.max, limit.alpha, "gap")
    if limit.max_increase is None:
        return
    if gap.increase is not None:
        yield _test(gap.increase, limit.max_increase, limit.alpha, f"increase over the {evidence.reference}")
    else:
        yield Shown(kept=False, broken=False), f"its increase over the {evidence.reference} was not measured"


def _test(estimate: Estimate, most: float, alpha: float, what: str) -> tuple[Shown, str]:
    text = f"{what} {span_text(estimate, alpha)}, and must be shown to be at most {most:.4g}"
    return within(estimate, alpha, most=most), text
