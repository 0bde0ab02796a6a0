"""What this look at the rows that judge may risk: the first one `gate.alpha`, later ones what their budget leaves."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.alpha_ledger import Question, holdout_of
from ratchet.core.decision import Condition, Evidence, Provenance
from ratchet.core.manifest import digest_of
from ratchet.core.params import Gate

NAME = "charged"
BASELINE = "baseline"
"""What a question names as the champion while nothing serves."""


def charged(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """The look at the rows that judge was charged to their budget, for these models and this policy."""
    if policy.reuse.policy == "open":
        return
    problem = _problem(evidence, policy)
    yield Condition(
        name=NAME,
        passed=not problem,
        sentence=problem or budget_text(evidence),
        remedy="new rows: the next batch has a budget of its own" if problem else "",
        threshold=alpha_of(evidence, policy),
    )


def question_of(evidence: Evidence, policy: Gate) -> Question | None:
    """What is asked of the rows that judge; None if the evidence does not say from what it was made.

    They are charged by the name of the newest batch (`holdout_of`). What decides is the policy and the code that reads
    it: another version of the gate may answer otherwise, and so asks anew.
    """
    made = evidence.provenance
    if made is None:
        return None
    decides = {"policy": policy.model_dump(mode="json"), "refit": evidence.refit, **_code(made, policy)}
    return Question(
        holdout=holdout_of(made.holdout),
        rows=digest_of(made.holdout),
        challenger=made.challenger,
        champion=made.champion_entry or BASELINE,
        policy=digest_of(decides | ({"rules": evidence.rules} if evidence.rules else {})),
    )


def _code(made: Provenance, policy: Gate) -> dict[str, str]:
    """A policy that prices rows by functions of the room is another one with other code."""
    return {"code": made.code} if any(by.function for by in policy.priced.values()) else {}


def alpha_of(evidence: Evidence, policy: Gate) -> float:
    """The level that the comparison is made at; 0, at which nothing can be shown, if this look was not charged."""
    if policy.reuse.policy == "open":
        return policy.alpha
    level = evidence.look.level if evidence.look else None
    return 0.0 if level is None or _problem(evidence, policy) else level.alpha


def budget_text(evidence: Evidence) -> str:
    """'look 3 at 2013-07, at level 0.00125; 17 more are in the budget'."""
    level = evidence.look.level if evidence.look else None
    if level is None:
        return "no look was charged"
    left = "" if level.runs_left is None else f"; {level.runs_left:,} more are in the budget"
    fresh = ", the first" if level.fresh else ""
    return f"look {level.run:,}{fresh} at {', '.join(evidence.holdout)}, at level {level.alpha:.4g}{left}"


def _problem(evidence: Evidence, policy: Gate) -> str:
    look, question = evidence.look, question_of(evidence, policy)
    if look is None or question is None:
        return "nobody charged this look at the sealed rows: ratchet run does, before the gate"
    if look.question != question:
        return "the look that was charged is another one: other rows, models or rules; ratchet run charges anew"
    if look.level is None:
        return f"this look at the sealed rows could not be charged: {look.problem or 'no reason was given'}"
    return look.level.exhausted and f"the rows judge no further challenger: {look.level.exhausted}"
