"""What a sealed decision says aloud: promote or not, and the budget that is left. The rest stays with the rows.

Every other answer could be used to choose the next challenger by these rows, and the levels of
`ratchet.core.alpha_level` would not hold.
"""

from __future__ import annotations

from ratchet.core.decision import Condition, Decision, Evidence, Seal
from ratchet.core.findings import Comparison, Estimate
from ratchet.core.gate.charged import NAME as CHARGED
from ratchet.core.gate.rows import OPEN_LEAKAGE
from ratchet.core.leakage.condition import NAME as LEAKAGE

TOLD = ("untouched", OPEN_LEAKAGE, "different", "reference", CHARGED)
"""Conditions that do not depend on the labels of the sealed rows."""
COST = "cost:"
"""What those begin with that are about a model's cost, which does not either."""


def public(decision: Decision, seal: Seal) -> Decision:
    """The decision with nothing in it that was computed from the labels of the sealed rows but its one answer."""
    promoted = decision.verdict == "promote"
    told = tuple(_told(each) for each in decision.conditions if each.name in TOLD or each.name.startswith(COST))
    failed = [each for each in told if not each.passed]
    answer = _answer(promoted, seal, failed=bool(failed))
    # A look that was not charged because another condition fails says nothing of its own.
    decisive = [each for each in failed if each.name != CHARGED] or failed or [answer]
    return decision.model_copy(
        update={
            "verdict": "promote" if promoted else "hold",
            "reason": "; ".join(each.sentence for each in decisive),
            "would_change": "; ".join(dict.fromkeys(each.remedy for each in decisive if each.remedy)),
            "missing": None,
            "conditions": (*told, answer),
            "evidence": decision.evidence.model_copy(
                update={
                    "comparison": None,
                    "no_comparison": "sealed",
                    "metrics": (),
                    "slices": None,
                    "gaps": (),
                    "parts": {},
                    "leakage": decision.evidence.leakage_open,
                    "leakage_open": None,
                }
            ),
            "seal": seal,
        }
    )


def seal_of(evidence: Evidence, digests: tuple[str, str]) -> Seal:
    """What a sealed decision stands on; `digests` are the SHA-256 of the evidence's and of the full decision's file."""
    judged = _judged(evidence)
    return Seal(
        evidence=digests[0],
        decision=digests[1],
        batches=evidence.holdout,
        rows=judged.rows if judged else 0,
        clusters=None if judged is None or judged.assumed_independent else judged.clusters,
    )


def _judged(evidence: Evidence) -> Comparison | Estimate | None:
    """Anything that says how many rows and clusters judged."""
    estimates = (each for row in evidence.metrics for each in row.models.values())
    return evidence.comparison or next(estimates, None)


def _told(condition: Condition) -> Condition:
    """Of leakage, the open rows' condition stands for both: the evidence that is told holds theirs alone."""
    return condition.model_copy(update={"name": LEAKAGE}) if condition.name == OPEN_LEAKAGE else condition


def _answer(promoted: bool, seal: Seal, *, failed: bool) -> Condition:
    batches = ", ".join(seal.batches)
    where = f"{seal.rows:,} sealed rows of {batches}"
    if promoted:
        return Condition(name="sealed", passed=True, sentence=f"all that the policy asks for is shown on the {where}")
    if failed:
        return Condition(name="sealed", passed=False, sentence=f"the {where} were not asked")
    return Condition(
        name="sealed",
        passed=False,
        sentence=f"not all that the policy asks for is shown on the {where}",
        remedy="a better model, by the open rows of the report; what the sealed rows say is told when newer ones judge",
    )
