"""Overrides: somebody takes a failed condition upon themselves, by name, with a reason, and not for ever.

What may be overridden is a judgement: a number that was measured and lies on the wrong side of a limit that people set.
What may not is whether there was a judgement at all. `untouched`, `leakage`, `different`, `reference` and `charged` say
that the numbers are about something else; `measured`, or a number that is missing, that there is none; `sealed` that
nobody may know which condition failed, and so nobody can name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from ratchet.core.conditions.parse import parse
from ratchet.core.conditions.tree import Subject, subjects
from ratchet.core.decision import CHAMPION, Condition, Decision, Evidence
from ratchet.core.evidence.measures import EvidenceMeasures
from ratchet.core.ledger_entries import Line, Override, OverrideEntry
from ratchet.errors import PromotionRefused, UsageError, did_you_mean

NEVER = {
    "untouched": "a model has seen the rows that judge, so that no number counts",
    "leakage": "the rows give the answer away, so that no number counts",
    "different": "there is nothing to promote",
    "reference": "it was compared with something else than what serves",
    "charged": "the look at these rows is not paid for, and its level is not known",
    "measured": "a number is missing, and may hide anything",
    "sealed": "nobody may know which condition failed on the sealed rows, so nobody can name it",
}
"""By kind of condition: why nobody can take it upon themselves."""
LONGEST_DAYS = 90
"""An exception that lasts longer is a rule, and belongs into params.yaml."""


def overrides(entries: Iterable[Line], model: str) -> tuple[OverrideEntry, ...]:
    """What the ledger says was overridden of the decisions on a model."""
    return tuple(each for each in entries if isinstance(each, OverrideEntry) and each.model == model)


def forbidden(condition: Condition, decision: Decision) -> str:
    """Why a failed condition cannot be overridden; empty if it can."""
    kind = condition.name.partition(":")[0]
    if why := NEVER.get(kind):
        return why
    return "" if _has_number(condition, decision) else "there is no number that could be judged"


def require_overridable(decision: Decision, names: Sequence[str]) -> None:
    """Raises UsageError or PromotionRefused unless each of `names` failed, and may be overridden."""
    failed = {each.name: each for each in decision.conditions if not each.passed}
    held = {each.name for each in decision.conditions} - set(failed)
    if not failed:
        raise UsageError("the gate says promote: there is nothing to override", next_step="ratchet promote")
    for name in names:
        if name in held:
            raise UsageError(f"{name} holds: there is nothing to override", next_step=f"name {', '.join(failed)}")
        if name not in failed:
            raise UsageError(
                f"the decision has no condition {name}{did_you_mean(name, failed)}",
                next_step=f"name the conditions that failed: {', '.join(failed)}",
            )
        if why := forbidden(failed[name], decision):
            raise PromotionRefused(f"{name} cannot be overridden: {why}", next_step=failed[name].remedy)


def expiry(text: str, now: datetime) -> datetime:
    """The moment that `text` names, the end of the day for a date. Raises UsageError unless it is soon to come."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--expires {text!r} is no date", next_step="write it as 2026-03-01") from error
    if len(text) <= len("2026-03-01"):
        moment = datetime.combine(moment.date() + timedelta(days=1), time())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not now < moment <= now + timedelta(days=LONGEST_DAYS + 1):
        when = "is past" if moment <= now else f"is more than {LONGEST_DAYS} days away"
        raise UsageError(
            f"--expires {text} {when}", next_step="name a day that is near; what is to last belongs into params.yaml"
        )
    return moment


def lacking(overrides: Iterable[Override], decision: Decision, *, digest: str, now: datetime) -> tuple[str, ...]:
    """The failed conditions of the decision whose file has this digest that no override of `now` takes away."""
    named = {name for each in _alive(overrides, digest, now) for name in each.conditions}
    failed = (each for each in decision.conditions if not each.passed)
    return tuple(each.name for each in failed if each.name not in named or forbidden(each, decision))


def overriding(
    overrides: Iterable[Override], decision: Decision, *, digest: str, now: datetime
) -> tuple[Override, ...]:
    """The overrides by which the decision whose file has this digest may be promoted at `now`.

    Raises PromotionRefused that names the conditions that nobody took upon themselves, or whose override is over.
    """
    known = tuple(overrides)
    alive, left = _alive(known, digest, now), lacking(known, decision, digest=digest, now=now)
    if alive and not left:
        return alive
    over = sorted({name for each in known if each.decision_digest == digest for name in each.conditions})
    words = f" (overridden was {', '.join(over)}; in the way: {', '.join(left)})" if over else ""
    raise PromotionRefused(
        f"the gate says {decision.verdict}: {decision.reason}{words}", next_step=decision.would_change
    )


def _alive(overrides: Iterable[Override], digest: str, now: datetime) -> tuple[Override, ...]:
    mine = (each for each in overrides if each.decision_digest == digest)
    return tuple(each for each in mine if datetime.fromisoformat(each.expires) > now)


def _has_number(condition: Condition, decision: Decision) -> bool:
    """Whether all that the condition rests on was measured, and is a number."""
    kind, _, name = condition.name.partition(":")
    evidence, policy = decision.evidence, decision.policy
    match kind:
        case "enough_clusters":
            return bool(condition.rows)
        case "own":
            return _own_is_defined(policy.conditions.get(name), evidence)
        case "fairness":
            return condition.estimate is not None and all(
                each.increase is not None
                for each in evidence.gaps
                if f"fairness:{each.column}:{each.gap}" == condition.name
            )
        case "cost":
            found = next((cost for each, cost in evidence.costs.items() if each == name), None)
            if found is None or found.challenger is None:
                return False
            return evidence.reference != CHAMPION or found.ratio_high is not None
    return condition.estimate is not None


def _own_is_defined(text: str | None, evidence: Evidence) -> bool:
    measures = EvidenceMeasures(evidence)
    try:
        asked = list(subjects(parse(text or "").body))
    except UsageError:
        return False
    return all(_is_number(subject, measures) for subject in asked)


def _is_number(subject: Subject, measures: EvidenceMeasures) -> bool:
    if subject.is_cost:
        return measures.cost(subject.whose, subject.name) is not None
    found = measures.estimate(subject.whose, subject.name, subject.where)
    return found is not None and found.value is not None
