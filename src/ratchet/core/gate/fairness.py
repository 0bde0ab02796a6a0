"""Gaps between groups: shown to be small enough, and not much larger than the reference's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ratchet.core.decision import Condition, Evidence
from ratchet.core.findings import Estimate, GroupGap
from ratchet.core.gate.shown import Shown, bounds_at, span_text, within
from ratchet.core.gate_params import GapLimit
from ratchet.core.params import Gate

_UNSHOWN = Shown(kept=False, broken=False)


def fairness(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """One condition per column and gap of `gate.fairness`.

    Groups that are too small take no part, so that fewer clusters may judge a gap than judge the gain.
    """
    found, compared = {(each.column, each.gap): each for each in evidence.gaps}, evidence.comparison
    needed = min(policy.min_clusters, compared.clusters) if compared else policy.min_clusters
    for column, gaps in sorted(policy.fairness.items()):
        for gap, limit in sorted(gaps.items()):
            yield _condition(found.get((column, gap)), f"fairness:{column}:{gap}", limit, evidence, needed)


def _condition(gap: GroupGap | None, name: str, limit: GapLimit, evidence: Evidence, needed: int) -> Condition:
    found, problem = gap.challenger if gap else None, _problem(gap)
    if gap is None or found is None or problem:
        return Condition(
            name=name,
            passed=False,
            sentence=problem,
            remedy="mend gate.fairness in params.yaml, or judge by rows of two groups and more",
        )
    tests = list(_tests(gap, found, limit, evidence, needed))
    kept = all(shown.kept for shown, _ in tests)
    low, high = bounds_at(found, limit.alpha)
    return Condition(
        name=name,
        passed=kept,
        sentence=f"{gap.gap} by {gap.column}, groups {_groups(gap)}: {'; '.join(text for _, text in tests)}",
        remedy="" if kept else "a model with a smaller gap, or more rows that show it",
        harm=any(shown.broken for shown, _ in tests),
        estimate=found.value,
        low=low,
        high=high,
        threshold=limit.max,
        rows=found.rows,
        clusters=found.clusters,
    )


def _problem(gap: GroupGap | None) -> str:
    if gap is None:
        return "the gap was not measured: nobody looked"
    if len(gap.groups) < 2:
        return f"the gap was not measured: fewer than two groups{_left_out(gap)}"
    defined = gap.challenger is not None and gap.challenger.value is not None
    return "" if defined else "the gap was not measured, or is undefined"


def _groups(gap: GroupGap) -> str:
    """The groups that are compared with their rows, and those that are not."""
    return f"{_counted(gap.groups)}{_left_out(gap)}"


def _left_out(gap: GroupGap) -> str:
    return f"; left out, as they are too small: {_counted(gap.left_out)}" if gap.left_out else ""


def _counted(groups: Mapping[str, int]) -> str:
    return ", ".join(f"{group} ({rows:,} {'row' if rows == 1 else 'rows'})" for group, rows in groups.items())


def _tests(
    gap: GroupGap, found: Estimate, limit: GapLimit, evidence: Evidence, needed: int
) -> Iterator[tuple[Shown, str]]:
    """Each limit, whether it is shown to be kept or broken, and that in words."""
    if found.clusters < needed:  # where fewer judge the gain as well, enough_clusters says so
        yield _UNSHOWN, f"its groups lie in {found.clusters:,} clusters, and {needed:,} are needed"
    if limit.max is not None:
        yield _test(found, limit.max, limit.alpha, "gap")
    if limit.max_increase is None:
        return
    if gap.increase is not None:
        yield _test(gap.increase, limit.max_increase, limit.alpha, f"increase over the {evidence.reference}")
    else:
        yield _UNSHOWN, f"its increase over the {evidence.reference} was not measured"


def _test(estimate: Estimate, most: float, alpha: float, what: str) -> tuple[Shown, str]:
    text = f"{what} {span_text(estimate, alpha)}, and must be shown to be at most {most:.4g}"
    return within(estimate, alpha, most=most), text
