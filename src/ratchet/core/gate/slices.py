"""Parts of the rows: in none of them is the challenger shown to be worse, by Holm's test over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ratchet.core.decision import Condition, Evidence
from ratchet.core.findings import SliceCheck, SliceGain
from ratchet.core.gate.shown import span_text
from ratchet.core.holm import holm
from ratchet.core.params import Gate

NAME = "slices"
SHOWN = 3
"""Slices that the sentence names."""


def slices(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """No slice of `gate.slices.by` is shown to be worse; a column without a slice that could be tested fails."""
    if not policy.slices.by:
        return
    check = evidence.slices
    problem = _problem(check, policy)
    if check is None or problem:
        yield Condition(name=NAME, passed=False, sentence=problem, remedy="mend gate.slices in params.yaml")
        return
    worse = _worse(check, policy.slices.alpha)
    yield Condition(
        name=NAME,
        passed=not worse,
        sentence=_sentence(check, worse, policy.slices.alpha),
        remedy="a model that is not worse there" if worse else "",
        harm=bool(worse),
        estimate=worse[0].gain.value if worse else None,
        rows=worse[0].gain.rows if worse else None,
        clusters=worse[0].gain.clusters if worse else None,
    )


def _worse(check: SliceCheck, alpha: float) -> list[SliceGain]:
    p_values = [each.p_worse or 0.0 for each in check.gains]
    found = [each for each, rejected in zip(check.gains, holm(p_values, alpha), strict=True) if rejected]
    return sorted(found, key=lambda each: (each.gain.value or 0.0, each.column, each.value))


def _sentence(check: SliceCheck, worse: list[SliceGain], alpha: float) -> str:
    columns = ", ".join(check.tested)
    small = f" ({check.too_small:,} more have under {check.min_rows:,} rows, or one cluster)" if check.too_small else ""
    looked_at = f"{len(check.gains):,} slices by {columns}{small}"
    if not worse:
        return f"no slice is shown to be worse, of {looked_at}, with Holm's correction at {alpha:g}"
    named = [f"{each.column} = {each.value} (gain {span_text(each.gain, alpha)})" for each in worse[:SHOWN]]
    more = f" and {len(worse) - SHOWN:,} more" if len(worse) > SHOWN else ""
    return f"shown to be worse in {', '.join(named)}{more}, of {looked_at}, with Holm's correction at {alpha:g}"


def _problem(check: SliceCheck | None, policy: Gate) -> str:
    if check is None:
        return "nobody measured the slices that gate.slices names"
    if check.min_rows != policy.slices.min_rows:
        return f"slices were measured with min_rows {check.min_rows:,}, but the policy says {policy.slices.min_rows:,}"
    held = Counter(each.column for each in check.gains)
    for column, tested in check.tested.items():
        if held[column] != tested:
            return f"{tested:,} slices by {column} were tested, and the evidence holds {held[column]:,}"
    if others := [column for column in held if column not in policy.slices.by]:
        return f"slices by {', '.join(others)} were tested too, which gate.slices does not name: more tests hide a loss"
    absent = [column for column in policy.slices.by if not check.tested.get(column)]
    if absent:
        return f"no slice could be tested by {', '.join(absent)}: no such column, or every slice is too small"
    undefined = [
        f"{each.column} = {each.value}" for each in check.gains if each.gain.value is None or each.p_worse is None
    ]
    return f"undefined in the slices {', '.join(undefined[:SHOWN])}" if undefined else ""
