"""A decision in plain words, for somebody who was not there: what was asked, what decided it, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ratchet.core.advisor import Spread, power_of
from ratchet.core.decision import CHAMPION, Condition, Decision, Evidence, decisive
from ratchet.core.findings import Comparison, Finite
from ratchet.core.gate.charged import NAME as CHARGED
from ratchet.core.gate.charged import alpha_of, budget_text
from ratchet.core.params import Gate

MEANINGS: Final = {
    "untouched": "a model that has seen the answers looks better than it is",
    "leakage": "rows or features that give the answer away say nothing about rows to come",
    "different": "a model cannot be better than itself",
    "reference": "only what serves is worth beating",
    CHARGED: "each further look at the same rows is one more chance to pass by luck, so looks have a budget",
    "measured": "a number that is missing may hide anything",
    "floor": "below it no model is good enough, whatever serves",
    "guardrail": "one number may not be bought with another",
    "slices": "better on average may be worse for some",
    "fairness": "groups may not be treated too differently",
    "cost": "a model that is too slow or too large cannot serve",
    "own": "a rule of this project",
    "enough_clusters": "a handful of days proves nothing, however many rows they have",
    "better": "the difference must be more than luck",
    "sealed": "of the sealed rows no more is told than this answer, so that nobody can train towards them",
}
"""By kind of condition: why it is asked."""
ANSWERS: Final = {
    "promote": "yes. All that is asked for was shown",
    "hold": "not yet. Something was not shown, and nothing harmful was",
    "reject": "no. Harm was shown",
}
SEALED_HOLD: Final = "no. Whether that is for lack of proof or for harm is kept with the sealed rows"

UNASKED: Final = "no. What is known without the sealed rows stands against it"
SEALED: Final = "sealed"


class Reading(Finite):
    """One condition: whether it holds, what was found, and why it is asked."""

    name: str
    holds: bool
    found: str
    why: str


class Explanation(Finite):
    """The decision in words; `kept_back` says what is not told, and when it will be."""

    asked: str
    answer: str
    judged_on: str
    decided_by: tuple[str, ...]
    conditions: tuple[Reading, ...]
    how_sure: tuple[str, ...]
    would_change: str
    kept_back: str = ""


def explain(decision: Decision) -> Explanation:
    """Put a decision into words; a sealed one as far as it may be told."""
    evidence = decision.evidence
    return Explanation(
        asked=_asked(evidence),
        answer=_answer(decision),
        judged_on=_judged_on(decision),
        decided_by=tuple(each.sentence for each in decisive(decision.conditions)),
        conditions=tuple(_reading(each) for each in decision.conditions),
        how_sure=tuple(_how_sure(decision)),
        would_change=decision.would_change,
        kept_back=_kept_back(decision),
    )


def _answer(decision: Decision) -> str:
    if decision.seal is None or decision.verdict == "promote":
        return ANSWERS[decision.verdict]
    told = [each for each in decision.conditions if each.name != SEALED and not each.passed]
    return UNASKED if told else SEALED_HOLD


def _asked(evidence: Evidence) -> str:
    made = evidence.provenance
    model = f" (model {made.challenger[:12]})" if made else ""
    what = "the champion's recipe, fitted to newer data" if evidence.refit else "another recipe or other code"
    if evidence.champion is None:
        return f"may the challenger{model} be the first model that serves?"
    return f"may the challenger{model}, {what}, replace version {evidence.champion}?"


def _judged_on(decision: Decision) -> str:
    evidence, seal = decision.evidence, decision.seal
    batches = ", ".join(evidence.holdout) or "no batch"
    against = "the champion" if evidence.reference == CHAMPION else "a constant prediction, as nothing serves"
    size = seal or evidence.comparison
    if size is None:
        return f"the rows of {batches}; compared with {against}"
    clusters = size.clusters if seal or not _independent(evidence) else None
    groups = f" in {clusters:,} clusters that fail together" if clusters else ", said to be independent"
    kept = "sealed " if seal else ""
    return f"{size.rows:,} {kept}rows of {batches}{groups}; compared with {against}"


def _independent(evidence: Evidence) -> bool:
    return evidence.comparison is not None and evidence.comparison.assumed_independent


def _reading(condition: Condition) -> Reading:
    kind = condition.name.partition(":")[0]
    return Reading(
        name=condition.name,
        holds=condition.passed,
        found=condition.sentence,
        why=MEANINGS.get(kind, "a rule of before"),
    )


def _how_sure(decision: Decision) -> Iterator[str]:
    evidence, policy = decision.evidence, decision.policy
    if evidence.look is not None:
        yield budget_text(evidence)
    if decision.seal is None and evidence.comparison is not None:
        yield from _of_comparison(evidence, evidence.comparison, policy)


def _of_comparison(evidence: Evidence, compared: Comparison, policy: Gate) -> Iterator[str]:
    alpha, margin = alpha_of(evidence, policy), policy.margin_for(refit=evidence.refit)
    if not alpha:
        return
    equal = (
        f"one that is worse by {margin:.4g} or more"
        if margin
        else f"one that is no better than the {evidence.reference}"
    )
    yield (
        f"{equal} would look this good or better with a chance of {compared.p_better:.2g}; "
        f"the policy takes a risk of {alpha:.4g}"
    )
    if compared.design_effect is not None and not compared.assumed_independent:
        worth = compared.rows / max(compared.design_effect, 1)
        yield f"rows of a cluster fail together: {compared.rows:,} tell as much as {worth:,.0f} independent ones"
    if spread := Spread.of(compared):
        power = power_of(spread, clusters=compared.clusters, alpha=alpha, effect=margin or policy.min_effect)
        found = "a model as good as what serves" if margin else f"a true gain of {policy.min_effect:.4g}"
        yield f"{found} would be found on rows like these with a chance of {power:.0%}"


def _kept_back(decision: Decision) -> str:
    if decision.seal is None:
        return ""
    return (
        f"what the labels of {', '.join(decision.seal.batches)} say, but the answer; it is told once a newer batch "
        "judges and these rows train: ratchet gate explain --at COMMIT, of the commit that holds this decision"
    )
