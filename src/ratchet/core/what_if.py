"""What a decision of the past would have been under another policy, from what was measured then.

A comparison at another level or margin follows exactly from its gain, standard error and clusters; so does every other
limit from the estimate that it is about. What nobody measured is not told.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from ratchet.core.clusters import bounds
from ratchet.core.comparison import ROUND_OFF, p_values
from ratchet.core.decision import CHALLENGER, Condition, Decision, Evidence, Look, decisive
from ratchet.core.findings import Comparison, Finite, SliceCheck
from ratchet.core.gate import decide
from ratchet.core.gate.charged import question_of
from ratchet.core.params import Gate
from ratchet.core.untold import SEALED, is_redacted, told_of_sealed, untold

Verdict = Literal["promote", "hold", "reject", "hold or reject"]
PROMOTE = "promote"


class WhatIf(Finite):
    """The verdict under the new policy, None if it cannot be told, and the conditions that decide it."""

    verdict: Verdict | None
    decided_by: tuple[Condition, ...]
    untold: tuple[str, ...] = ()

    def flips(self, recorded: str) -> bool | None:
        """Whether what serves would have been another: only one of the two verdicts promotes. None: not to tell."""
        return None if self.verdict is None else (self.verdict == PROMOTE) != (recorded == PROMOTE)


def what_if(decision: Decision, policy: Gate) -> WhatIf:
    """Judge the evidence of `decision` by `policy`.

    A condition that cannot be told leaves the verdict open only where those that can be told do not decide it.
    """
    if policy == decision.policy:
        return WhatIf(verdict=decision.verdict, decided_by=decisive(decision.conditions))
    again = decide(measured_for(decision, policy), policy)
    gaps = untold(decision, policy)
    if is_redacted(decision):
        gaps |= {each.name: SEALED for each in again.conditions if not told_of_sealed(each.name)}
    told = tuple(each for each in again.conditions if each.name not in gaps)
    reasons = tuple(dict.fromkeys(gaps[each.name] for each in again.conditions if each.name in gaps))
    return _concluded(told, reasons)


def _concluded(told: tuple[Condition, ...], reasons: tuple[str, ...]) -> WhatIf:
    failed = [each for each in told if not each.passed]
    if any(each.harm for each in failed):
        return WhatIf(verdict="reject", decided_by=decisive(told), untold=reasons)
    if failed:
        return WhatIf(verdict="hold or reject" if reasons else "hold", decided_by=tuple(failed), untold=reasons)
    if reasons:
        return WhatIf(verdict=None, decided_by=(), untold=reasons)
    return WhatIf(verdict="promote", decided_by=decisive(told))


def measured_for(decision: Decision, policy: Gate) -> Evidence:
    """The evidence as it would be had `policy` been in force, as far as the record tells."""
    evidence = decision.evidence
    changed = evidence.model_copy(
        update={
            "comparison": _comparison(evidence, policy),
            "slices": _slices(evidence.slices, policy),
            "leakage_open": evidence.leakage if is_redacted(decision) else evidence.leakage_open,
        }
    )
    return changed.model_copy(update={"look": _look(changed, policy)})


def _comparison(evidence: Evidence, policy: Gate) -> Comparison | None:
    compared = evidence.comparison
    if compared is None or policy.metric != evidence.metric:
        return compared
    margin = policy.margin_for(refit=evidence.refit)
    degrees, error = compared.clusters - 1, compared.standard_error
    low, high = bounds(compared.gain, error, degrees, policy.alpha)
    better, worse = compared.p_better, compared.p_worse
    if margin != compared.margin:
        better, worse = p_values(compared.gain + margin, error, degrees, _dust(evidence))
    return compared.model_copy(
        update={
            "alpha": policy.alpha,
            "margin": margin,
            "low": low,
            "high": high,
            "p_better": better,
            "p_worse": worse,
            "sign_flip": compared.sign_flip if margin == compared.margin else None,
        }
    )


def _dust(evidence: Evidence) -> float:
    """Differences that are rounding: relative to the mean loss of both models, as `compare` has it."""
    found = (evidence.estimate(evidence.metric, model) for model in (CHALLENGER, evidence.reference))
    return ROUND_OFF * sum(abs(each.value) / 2 for each in found if each and each.value is not None)


def _slices(check: SliceCheck | None, policy: Gate) -> SliceCheck | None:
    if check is None:
        return None
    asked = [each for each in check.gains if each.column in policy.slices.by]
    kept = tuple(each for each in asked if each.gain.rows >= policy.slices.min_rows)
    return SliceCheck(
        min_rows=policy.slices.min_rows,
        tested=Counter(each.column for each in kept),
        too_small=check.too_small + len(asked) - len(kept),
        gains=kept,
    )


def _look(evidence: Evidence, policy: Gate) -> Look | None:
    """The same look at the same rows, asked under the new policy."""
    question, look = question_of(evidence, policy), evidence.look
    if question is None or look is None or look.level is None:
        return look
    level = look.level
    if level.fresh:
        level = level.model_copy(update={"alpha": policy.alpha})
    elif policy.reuse.policy == "fresh" and not level.exhausted:
        why = "they are not fresh, and gate.reuse.policy asks for rows that judged nobody before"
        level = level.model_copy(update={"alpha": 0.0, "runs_left": 0, "exhausted": why})
    return look.model_copy(update={"question": question, "level": level})
