"""What would change a verdict: remedies in words, and the rows and clusters that are missing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ratchet.core.comparison import rows_needed
from ratchet.core.decision import Condition, Evidence
from ratchet.core.findings import Advice, Comparison
from ratchet.core.gate.rows import fewest
from ratchet.core.params import Gate

MORE_ROWS_MEND = ("enough_clusters", "better", "floor", "guardrail")
"""Kinds of conditions that may fail for nothing but the number of rows."""
COMPARED = {"enough_clusters", "better"}
"""Conditions of the comparison, whose rows can be reckoned; a floor alone says in words what it lacks."""


def missing(failed: Sequence[Condition], evidence: Evidence, policy: Gate) -> Advice | None:
    """Rows and clusters still needed, if nothing but their number stands against a promotion; else None."""
    comparison, names = evidence.comparison, {each.name for each in failed}
    if comparison is None or not names & COMPARED or not all(_lacks_rows(each) for each in failed):
        return None
    effect = comparison.margin or policy.min_effect
    needed = rows_needed(comparison, alpha=policy.alpha, power=policy.power, min_effect=effect)
    clusters = max(fewest(evidence, policy), needed.clusters if needed else 0) - comparison.clusters
    if clusters <= 0:
        return None
    return Advice(rows=math.ceil(clusters * comparison.rows / comparison.clusters), clusters=clusters)


def _lacks_rows(failed: Condition) -> bool:
    """Whether more rows alone may mend it: nothing harmful is shown, and there is a number that could be surer."""
    kind = failed.name.partition(":")[0]
    measured = failed.estimate is not None or kind == "enough_clusters"
    return kind in MORE_ROWS_MEND and measured and not failed.harm


def remedies(
    decisive: Sequence[Condition], lacking: Advice | None, comparison: Comparison | None, policy: Gate
) -> Iterator[str]:
    """What would mend the conditions that decided, and how much data would."""
    yield from dict.fromkeys(condition.remedy for condition in decisive)
    if lacking is None or comparison is None:
        return
    clusters = f" in {lacking.clusters:,} more clusters" if lacking.clusters != lacking.rows else ""
    if comparison.design_effect is None:
        yield f"at least {lacking.rows:,} more rows{clusters}, before anything can be judged"
        return
    equal = f"an equal model to be no worse by {comparison.margin:.4g}"
    shown = equal if comparison.margin else f"a gain of {policy.min_effect:.4g}"
    yield f"about {lacking.rows:,} more rows{clusters} would show {shown} with power {policy.power:.2g}"
