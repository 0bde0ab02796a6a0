"""Whether a shadow or a canary has passed, has failed, or goes on, by what was seen of it. The judge knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ratchet.core.harm import Harm, Pairs, by_day, harm
from ratchet.core.phases import Canary, Shadow, Stretch

UNITS = (("days", 1.0, 2.0), ("hours", 24.0, 2.0), ("minutes", 1440.0, 2.0), ("seconds", 86_400.0, 0.0))
"""Of time, each with how many of it are a day, and from how many on it is used."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Rows of one version in one phase.

    `scored` counts those that it scored, `failed` those that it failed on though the champion did not, `not_scored`
    those that it was not asked, by the reason. `days` have passed since the phase began. `pairs` are the rows whose
    labels are in, by the losses of `metric`; `note` is what else a reader must know.
    """

    scored: int = 0
    failed: int = 0
    not_scored: Mapping[str, int] = field(default_factory=dict)
    last_error: str = ""
    days: float = 0.0
    pairs: Pairs | None = None
    metric: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The result (None: it goes on), the reason in plain words, the numbers, and how far it has come.

    `comparison` is what the labels of a canary show so far; empty where there are none.
    """

    result: Literal["passed", "failed"] | None
    reason: str
    numbers: dict[str, float]
    progress: str
    comparison: str = ""


def judge(rule: Shadow | Canary, seen: Seen) -> Judged:
    """Judge it now. It may be asked at any time, and as often as one likes."""
    found = harm(seen.pairs, rule) if isinstance(rule, Canary) and seen.pairs is not None else None
    result, reason = _result(rule, seen, found)
    return Judged(
        result=result,
        reason=reason,
        numbers=_numbers(rule, seen, found),
        progress=_progress(rule, seen, found),
        comparison=_comparison(rule, seen, found),
    )


def beside_nothing(rule: Shadow | Canary) -> Judged:
    """The verdict on the first version of all: there is no champion that it could be tried beside."""
    return Judged(
        result="passed", reason=f"nothing serves yet: there is no champion for a {_name(rule)}", numbers={}, progress=""
    )


def _result(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> tuple[Literal["passed", "failed"] | None, str]:
    if why := _fails_surely(rule, seen):
        return "failed", why
    if isinstance(rule, Canary) and found is not None and found.shown(rule.alpha):
        return "failed", _worse(rule, seen, found)
    if missing := _missing(rule, seen, found):
        return None, f"goes on: {missing}"
    if _share_failed(seen) > rule.max_failed:
        return "failed", _failures(rule, seen)
    return "passed", _passed(rule, seen, found)


def _fails_surely(rule: Stretch, seen: Seen) -> str:
    """Why no row to come can save it: so many failed that the share stays too large when the phase is over.

    Only rows that were said to be enough can be counted on: a phase of days alone has no number of rows to come.
    """
    if not seen.failed:
        return ""
    if rule.max_failed == 0:
        return _failures(rule, seen)
    if rule.rows is None or (rule.days is not None and seen.days < rule.days):
        return ""
    at_the_end = seen.failed / (max(rule.rows, seen.scored) + seen.failed)
    return _failures(rule, seen) if at_the_end > rule.max_failed else ""


def _failures(rule: Stretch, seen: Seen) -> str:
    tried = seen.scored + seen.failed
    return (
        f"it failed on {seen.failed:,} of {tried:,} rows that the champion scored "
        f"({seen.failed / tried:.2%}); {rule.max_failed:.2%} may fail. The last time: {seen.last_error}"
    )


def _worse(rule: Canary, seen: Seen, found: Harm) -> str:
    beyond = f" by more than {rule.margin:g}" if rule.margin else ""
    bound = f", at least {found.low:+.4f}" if found.low is not None else ""
    return (
        f"it is worse than the champion{beyond}: {seen.metric} {found.mean:+.4f} a row on {found.rows:,} rows "
        f"with labels{bound}; evidence {found.evidence:.3g}, and {1 / rule.alpha:.3g} is enough at alpha {rule.alpha:g}"
    )


def _missing(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> str:
    """How far it has come, while something is still asked for; empty when it is over. Time alone shows nothing."""
    done = seen.scored and all(done for _, done in _steps(rule, seen, found))
    return "" if done else _progress(rule, seen, found)


def _steps(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> list[tuple[str, bool]]:
    """What was asked for, each as a short text, and whether it is reached."""
    steps: list[tuple[str, bool]] = []
    if rule.rows is not None:
        steps.append((f"{seen.scored:,} of {rule.rows:,} rows", seen.scored >= rule.rows))
    if rule.days is not None:
        steps.append((f"{round(min(seen.days, rule.days), 1):g} of {rule.days:g} days", seen.days >= rule.days))
    if isinstance(rule, Canary) and rule.labels:
        labels = found.rows if found else 0
        steps.append((f"{labels:,} of {rule.labels:,} labels", labels >= rule.labels))
    return steps


def _progress(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> str:
    texts = [text for text, _ in _steps(rule, seen, found)]
    if rule.rows is None:
        texts.append(f"{seen.scored:,} rows")
    if seen.failed:
        texts.append(f"{seen.failed:,} failed")
    return "; ".join(filter(None, (", ".join(texts), _not_scored(seen), seen.note)))


def _not_scored(seen: Seen) -> str:
    """Rows that it was not asked, where there are any: the reason why a phase stands still."""
    if not seen.not_scored:
        return ""
    reason, _ = max(seen.not_scored.items(), key=lambda item: item[1])
    others = "mostly because " if len(seen.not_scored) > 1 else "because "
    return f"{sum(seen.not_scored.values()):,} rows were not scored by it, {others}{reason}"


def _passed(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> str:
    failed = f"{seen.failed:,} failed" if seen.failed else "none failed"
    begin = f"{seen.scored:,} rows in {span(seen.days)}, {failed}"
    if not isinstance(rule, Canary):
        return begin
    note = f"; {seen.note}" if seen.note else ""
    if found is None or not found.rows:
        return f"{begin}; no label was seen, so whether it predicts worse is not known{note}"
    bound = f", at most {found.high:+.4f}" if found.high is not None else ""
    kind = "days" if by_day(rule) else "groups of rows"
    return (
        f"{begin}; {seen.metric} {found.mean:+.4f} a row against the champion on {found.rows:,} rows with labels"
        f"{bound} ({found.groups} {kind}); not shown to be worse (above 0 is worse){note}"
    )


def _comparison(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> str:
    if not isinstance(rule, Canary) or found is None or not found.rows:
        return ""
    bounds = f", {found.low:+.4f} to {found.high:+.4f}" if found.low is not None and found.high is not None else ""
    return (
        f"{seen.metric} {found.mean:+.4f} a row against the champion{bounds} (above 0 is worse); "
        f"evidence that it is worse {found.evidence:.3g}, and {1 / rule.alpha:.3g} ends it"
    )


def _numbers(rule: Shadow | Canary, seen: Seen, found: Harm | None) -> dict[str, float]:
    numbers = {
        "rows": float(seen.scored),
        "failed": float(seen.failed),
        "not_scored": float(sum(seen.not_scored.values())),
        "days": seen.days,
    }
    if isinstance(rule, Canary):
        numbers["labels"] = float(found.rows if found else 0)
    if found is not None and found.rows:
        bounds = {"harm_low": found.low, "harm_high": found.high}
        numbers |= {"harm": found.mean, "evidence": found.evidence}
        numbers |= {name: value for name, value in bounds.items() if value is not None}
    return numbers


def _share_failed(seen: Seen) -> float:
    tried = seen.scored + seen.failed
    return seen.failed / tried if tried else 0.0


def _name(rule: Stretch) -> str:
    return "canary" if isinstance(rule, Canary) else "shadow"


def span(days: float) -> str:
    """A time as people say it.

    >>> span(2.25), span(0.5), span(0.0004)
    ('2.2 days', '12 hours', '35 seconds')
    """
    name, count = next((name, days * each) for name, each, least in UNITS if days * each >= least)
    return f"{count:.2g} {name}" if count < 10 else f"{count:,.0f} {name}"
