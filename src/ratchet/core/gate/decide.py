"""The decision: promote, hold or reject, from evidence and a policy alone.

Closed by default: a challenger is promoted only if every condition is shown to hold. A number that is missing or not
finite, a comparison with the wrong model or by another policy, too few clusters: each is a failed condition. A failed
condition that shows harm (a broken floor, a contaminated holdout, leakage, a significant loss) rejects; a failed
condition that shows nothing holds. `decide(decision.evidence, decision.policy)` gives the same decision again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ratchet.core.decision import Condition, Decision, Evidence, decisive
from ratchet.core.gate.advice import missing, remedies
from ratchet.core.gate.charged import charged
from ratchet.core.gate.costs import costs
from ratchet.core.gate.fairness import fairness
from ratchet.core.gate.floors import floors
from ratchet.core.gate.gain import better
from ratchet.core.gate.guardrails import guardrails
from ratchet.core.gate.models import different, measured, reference
from ratchet.core.gate.own import own
from ratchet.core.gate.rows import enough_clusters, leakage, open_leakage, untouched
from ratchet.core.gate.slices import slices
from ratchet.core.manifest import digest_of
from ratchet.core.params import Gate

CHECKS: tuple[Callable[[Evidence, Gate], Iterator[Condition]], ...] = (
    untouched,
    leakage,
    open_leakage,
    different,
    reference,
    charged,
    measured,
    floors,
    guardrails,
    slices,
    fairness,
    costs,
    own,
    enough_clusters,
    better,
)
"""Every condition must pass. They stand in the order of reports; the verdict does not depend on it."""


def decide(evidence: Evidence, policy: Gate) -> Decision:
    """Judge the evidence by the policy: all conditions promote, shown harm rejects, anything else holds."""
    conditions = tuple(condition for check in CHECKS for condition in check(evidence, policy))
    failed = [condition for condition in conditions if not condition.passed]
    harm = any(condition.harm for condition in failed)
    lacking = missing(failed, evidence, policy)
    decided_by = decisive(conditions)
    return Decision(
        verdict="reject" if harm else "hold" if failed else "promote",
        reason="; ".join(condition.sentence for condition in decided_by),
        would_change="; ".join(remedies(decided_by, lacking, evidence.comparison, policy)),
        missing=lacking,
        conditions=conditions,
        policy=policy,
        policy_digest=digest_of(policy.model_dump(mode="json")),
        evidence=evidence,
    )
