"""What a model costs: how long it takes to score, and how large it is."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.decision import CHAMPION, Condition, Evidence
from ratchet.core.findings import Cost
from ratchet.core.gate.shown import Shown
from ratchet.core.gate_params import CostLimit
from ratchet.core.params import Gate


def costs(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """One condition per cost of `gate.costs`."""
    for name, limit in sorted(policy.costs.items()):
        yield _condition(name, evidence.costs.get(name), limit, evidence)


def _condition(name: str, cost: Cost | None, limit: CostLimit, evidence: Evidence) -> Condition:
    tests = list(_tests(name, cost, limit, evidence)) if cost else []
    if cost is None or not tests:
        return Condition(
            name=f"cost:{name}", passed=False, sentence=f"{name} was not measured", remedy="ratchet run measures it"
        )
    kept = all(each.kept for _, each in tests)
    return Condition(
        name=f"cost:{name}",
        passed=kept,
        sentence="; ".join(text for text, _ in tests),
        remedy="" if kept else "a model that costs less",
        harm=any(each.broken for _, each in tests),
        estimate=cost.challenger,
        threshold=limit.max,
    )


def _tests(name: str, cost: Cost, limit: CostLimit, evidence: Evidence) -> Iterator[tuple[str, Shown]]:
    """Each limit in words, and whether it is shown to be kept or broken; none of a cost that was not measured."""
    value = cost.challenger
    if value is None:
        return
    if limit.max is not None:
        yield (
            f"{name} is {value:.3g}, and may be {limit.max:.3g}",
            Shown(kept=value <= limit.max, broken=value > limit.max),
        )
    if limit.vs_champion is None:
        return
    if evidence.reference != CHAMPION:
        yield f"{name} is {value:.3g}, and nothing serves to compare it with", Shown(kept=True, broken=False)
    elif cost.ratio is None or cost.ratio_high is None:
        yield f"{name} was not measured for the champion", Shown(kept=False, broken=False)
    else:
        yield (
            f"{name} is {cost.ratio:.3g} times the champion's (at most {cost.ratio_high:.3g}), "
            f"and may be {limit.vs_champion:.3g} times",
            Shown(kept=cost.ratio_high <= limit.vs_champion, broken=cost.ratio > limit.vs_champion),
        )
