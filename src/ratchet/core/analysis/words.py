"""What an analysis says, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.analysis.records import Analysis, Dependence, Explanation, FeatureCost, LearningPoint
from ratchet.core.change.model import with_seed_noise
from ratchet.core.findings import Estimate
from ratchet.core.report.text import NONE, between, count, listed, number, words

MOST = 8
"""Names in a sentence at most."""


def basis(found: Analysis) -> str:
    """How many rows there are, and what counts as one observation.

    Where rows are said to be independent, so does this.
    """
    rows = f"{count(found.rows, 'row')} of {run(found.batches)}"
    if found.clusters is None:
        return f"{rows}, taken as independent of one another (split.cluster names no cluster)"
    return f"{rows} in {count(found.clusters, 'cluster')}, each of which counts as one observation"


def run(names: Sequence[str]) -> str:
    """The first and the last of names in order: '2013-01 to 2013-06'."""
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def estimate(each: Estimate | None) -> str:
    """A value with its interval: '0.5012 (0.4890 to 0.5134)'."""
    if each is None or each.value is None:
        return NONE
    if each.low is None or each.high is None:
        return number(each.value)
    return f"{number(each.value)} ({number(each.low)} to {number(each.high)})"


def costly(found: Sequence[FeatureCost]) -> list[FeatureCost]:
    """The features whose cost is shown to be above 0."""
    return [each for each in found if each.cost.low is not None and each.cost.low > 0]


def importance(found: Analysis) -> str:
    """Which features the model leans on, and which not at all."""
    shown = costly(found.importance)
    unused = [each.feature for each in found.importance if each.cost.value == 0]
    first = (
        f"Shuffling {shown[0].feature} costs most: {words(found.metric)} {estimate(shown[0].cost)} a row. "
        if shown
        else "Of no feature is the cost shown to be above 0. "
    )
    unclear = len(found.importance) - len(shown) - len(unused)
    rest = f"Of {len(shown)} of {count(len(found.importance), 'feature')} the cost is shown to be above 0"
    if unclear:
        rest += f"; of {unclear} it is not"
    return f"{first}{rest}.{f' Not used at all: {listed(unused, MOST)}.' if unused else ''}"


def learning(found: Analysis) -> str:
    """Whether the last rows that were added helped, and what the oldest ones are worth."""
    sentences = [
        _worth(_last(found, "oldest first"), "newest", found),
        _worth(_last(found, "newest first"), "oldest", found),
    ]
    return " ".join(each for each in sentences if each) or "There is no part of the training rows to compare with."


def _last(found: Analysis, order: str) -> LearningPoint | None:
    """The largest part that has a score, without the whole."""
    parts = [each for each in found.learning if each.order == order and each.rows < _whole(found) and each.lag]
    return max(parts, key=lambda each: each.rows, default=None)


def _whole(found: Analysis) -> int:
    return max((each.rows for each in found.learning), default=0)


def _worth(point: LearningPoint | None, rest: str, found: Analysis) -> str:
    if point is None or point.lag is None or point.lag.value is None:
        return ""
    without = f"Without the {rest} {count(_whole(found) - point.rows, 'row')}, {words(found.metric)} is"
    gap = f"{'worse' if point.lag.value >= 0 else 'better'} by {number(abs(point.lag.value))}"
    low, high = _with_luck(point.lag, found)
    if low is None or high is None:
        return f"{without} {gap}; there is no interval."
    told = "they help" if low > 0 else "they hurt" if high < 0 else "that is within noise"
    return f"{without} {gap} (the difference: {between(low, high)}): {told}."


def _with_luck(lag: Estimate, found: Analysis) -> tuple[float | None, float | None]:
    """The bounds of a difference of two fits, with the luck of their seeds where that was measured."""
    seeds = found.seeds.seeds
    sd = found.seeds.sd.get(found.metric, 0.0) if seeds else 0.0
    alpha = (1 - found.coverage) / 2
    return with_seed_noise(lag, seed_sd=sd, seeds=seeds, degrees=max(lag.clusters - 1, 1), alpha=alpha)


def dependence(found: Dependence) -> str:
    """How far the average moves, and what stands beside the picture."""
    low, high = min(found.average), max(found.average)
    more = f", {count(found.left_out, 'rarer category', 'rarer categories')} not shown" if found.left_out else ""
    missing = f"; missing: {number(found.missing)}" if found.missing is not None else ""
    return f"The average runs from {number(low)} to {number(high)}{missing}{more}."


def seeds(found: Analysis) -> str:
    """How much of a metric is the luck of the seed."""
    if found.seeds.note:
        return f"The luck of the seed was {found.seeds.note}."
    if not found.seeds.seeds:
        return "The luck of the seed was not measured."
    sd = found.seeds.sd.get(found.metric)
    if sd == 0:
        return "Another seed makes the same model: nothing is random in it."
    refits = count(found.seeds.seeds, "refit")
    return f"Over {refits} with other seeds, {words(found.metric)} has a standard deviation of {number(sd)}."


def predicted(each: Explanation) -> str:
    """A prediction beside the average one: '31.2%, on average 23.7%'."""
    shown = f"{each.prediction:.1%}" if each.unit != "target" else number(each.prediction)
    average = f"{each.base_prediction:.1%}" if each.unit != "target" else number(each.base_prediction)
    if each.unit in ("target", "probability"):
        return f"{shown}, on average {average}"
    margin, base = number(each.margin, sign="+"), number(each.base, sign="+")
    return f"{shown} ({each.unit} {margin}; the average row has {base}, {average})"
