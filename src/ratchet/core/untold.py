"""What the record of a decision cannot tell under another policy: nobody measured it then. Never guessed."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.conditions.parse import parse
from ratchet.core.conditions.tree import Subject, subjects
from ratchet.core.conditions.words import canonical
from ratchet.core.decision import CHAMPION, Decision, Evidence
from ratchet.core.gate.rows import OPEN_LEAKAGE
from ratchet.core.leakage.condition import NAME as LEAKAGE
from ratchet.core.metrics import is_metric, metrics_for
from ratchet.core.params import Gate
from ratchet.core.seal import COST, TOLD
from ratchet.errors import UsageError

SEALED = "its rows are sealed until newer ones judge"
Gap = tuple[str, str]
"""A condition's name, and why it cannot be told."""


def untold(decision: Decision, policy: Gate) -> dict[str, str]:
    """The conditions of `policy` that the record cannot tell, each with the reason."""
    found = [*_compared(decision, policy), *_metrics(decision, policy), *_asked_for(decision, policy)]
    found += _looked_for(decision, policy)
    return dict(reversed(found))


def is_redacted(decision: Decision) -> bool:
    """Whether the evidence of the rows that judged is kept back."""
    return decision.seal is not None


def told_of_sealed(name: str) -> bool:
    """Whether a condition says nothing about the labels of sealed rows."""
    return (name in TOLD and name != LEAKAGE) or name.startswith(COST)


def unmeasured(evidence: Evidence, text: str) -> list[str]:
    """What a condition in the language asks for and nobody measured. Raises UsageError if it cannot be read."""
    return [canonical(subject) for subject in subjects(parse(text).body) if not _is_measured(evidence, subject)]


def _is_measured(evidence: Evidence, subject: Subject) -> bool:
    if subject.is_cost:
        return subject.name in {str(name) for name in evidence.costs}
    if subject.where.terms:
        return canonical(subject) in evidence.parts
    return subject.name in {row.name for row in evidence.metrics}


def _compared(decision: Decision, policy: Gate) -> Iterator[Gap]:
    evidence = decision.evidence
    if policy.metric != evidence.metric:
        why = f"{evidence.metric} was compared, and nobody compared {policy.metric}"
        yield "better", why
        if policy.slices.by:
            yield "slices", why
    elif policy.metric in _priced_otherwise(decision, policy):
        yield "better", _other_price(policy.metric)
        if policy.slices.by:
            yield "slices", _other_price(policy.metric)
    yield from _slices(decision, policy)


def _priced_otherwise(decision: Decision, policy: Gate) -> set[str]:
    """Metrics of `evaluate.costs` that `policy` means something else by than was measured."""
    then, now = decision.policy.priced, policy.priced
    return {name for name in {*then, *now} if then.get(name) != now.get(name)}


def _other_price(metric: str) -> str:
    return f"evaluate.costs.{metric} was another then"


def _slices(decision: Decision, policy: Gate) -> Iterator[Gap]:
    check, asked = decision.evidence.slices, decision.policy.slices
    new = [column for column in policy.slices.by if column not in asked.by]
    if new or (policy.slices.by and check is None and policy.slices != asked):
        yield "slices", f"nobody measured slices by {', '.join(new or policy.slices.by)}"
    elif check is not None and policy.slices.by and policy.slices.min_rows < check.min_rows and check.too_small:
        yield "slices", f"slices of under {check.min_rows:,} rows were not measured"


def _metrics(decision: Decision, policy: Gate) -> Iterator[Gap]:
    evidence, others = decision.evidence, _priced_otherwise(decision, policy)
    rows = {row.name for row in evidence.metrics}
    known = [metric.name for metric in metrics_for(evidence.task)]
    if absent := [name for name in known if name not in rows]:
        yield "measured", f"{', '.join(absent)}: not a metric that was measured then"
    for kind, names in (("floor", policy.floors), ("guardrail", policy.guardrails)):
        for name in names:
            if is_metric(name, evidence.task) and name not in rows:
                yield f"{kind}:{name}", f"nobody measured {name}"
            elif name in others:
                yield f"{kind}:{name}", _other_price(name)


def _asked_for(decision: Decision, policy: Gate) -> Iterator[Gap]:
    yield from _gaps_between_groups(decision, policy)
    yield from _costs(decision, policy)
    for name, text in policy.conditions.items():
        try:
            lacking = unmeasured(decision.evidence, text)
            others = {each.name for each in subjects(parse(text).body)} & _priced_otherwise(decision, policy)
        except UsageError:  # the gate says so as a failed condition
            continue
        if lacking and decision.policy.conditions.get(name) != text:
            yield f"own:{name}", f"nobody measured {', '.join(lacking)}"
        elif others:
            yield f"own:{name}", _other_price(min(others))


def _gaps_between_groups(decision: Decision, policy: Gate) -> Iterator[Gap]:
    found = {(each.column, str(each.gap)): each for each in decision.evidence.gaps}
    other_loss = policy.metric != decision.evidence.metric or policy.metric in _priced_otherwise(decision, policy)
    for column, limits in policy.fairness.items():
        for gap, limit in limits.items():
            asked, each = decision.policy.fairness.get(column, {}).get(gap), found.get((column, gap))
            grown = limit.max_increase is not None and (each is None or each.increase is None)
            if asked is None and each is None:
                yield f"fairness:{column}:{gap}", f"nobody measured {gap} by {column}"
            elif grown and (asked is None or asked.max_increase is None):
                yield f"fairness:{column}:{gap}", f"nobody measured how much more {gap} by {column} is"
            elif gap == "loss_gap" and other_loss:
                yield f"fairness:{column}:{gap}", f"{gap} by {column} was of another loss"


def _costs(decision: Decision, policy: Gate) -> Iterator[Gap]:
    evidence = decision.evidence
    for name, limit in policy.costs.items():
        recorded, asked = evidence.costs.get(name), decision.policy.costs.get(name)
        beside = limit.vs_champion is not None and evidence.reference == CHAMPION
        if recorded is None and asked is None:
            yield f"cost:{name}", f"nobody measured {name}"
        elif beside and (recorded is None or recorded.ratio is None) and (asked is None or asked.vs_champion is None):
            yield f"cost:{name}", f"nobody measured {name} beside the champion"


def _looked_for(decision: Decision, policy: Gate) -> Iterator[Gap]:
    evidence = decision.evidence
    if evidence.leakage is None:
        yield LEAKAGE, "nobody looked for leakage then"
    if policy.reuse.policy == "open":
        return
    if evidence.leakage_open is None and not is_redacted(decision):
        yield OPEN_LEAKAGE, "there were no open rows then"
    why = _look(decision, policy)
    if not why:
        return
    yield "charged", why
    compared = evidence.comparison
    most = max(policy.alpha, policy.reuse.alpha)
    if compared is None or compared.p_better < most:
        yield "better", why


def _look(decision: Decision, policy: Gate) -> str:
    """Why it cannot be told at which level these rows would be looked at."""
    look, same = decision.evidence.look, policy.reuse == decision.policy.reuse
    if look is None:
        return "the record does not say which look at its rows it was"
    if look.level is None:
        return "no look at its rows was charged"
    if look.level.fresh or same or policy.reuse.policy == "fresh":
        return ""
    return "the level of a further look under another budget is not in the record"
