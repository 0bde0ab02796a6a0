"""Holm's step-down test: which of many hypotheses are rejected, with a bounded risk of any false rejection.

Whatever the hypotheses share, the risk of rejecting even one true one is at most alpha: Holm is the closed test that
judges each set of hypotheses by Bonferroni (Holm, Scandinavian Journal of Statistics 6, 1979; Marcus, Peritz and
Gabriel, Biometrika 63, 1976).
"""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.errors import UsageError


def holm(p_values: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Whether each hypothesis is rejected, in the order given, at a family-wise level of `alpha`.

    Raises UsageError on a p value outside of [0, 1] or NaN, and on a level that is no risk.

    >>> holm([0.01, 0.04, 0.03, 0.005], 0.05)
    (True, False, False, True)
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha is a risk between 0 and 1, not {alpha}", next_step="mend the level in params.yaml")
    return tuple(value <= alpha for value in adjusted(p_values))


def adjusted(p_values: Sequence[float]) -> tuple[float, ...]:
    """Each hypothesis's adjusted p value: the smallest level at which Holm's test rejects it, at most 1.

    Raises UsageError on a p value outside of [0, 1] or NaN.

    >>> [round(value, 10) for value in adjusted([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    for value in p_values:
        if not 0 <= value <= 1:
            raise UsageError(
                f"a p value lies between 0 and 1, and one of {len(p_values):,} is {value}",
                next_step="leave out what could not be tested, and say so: it is neither better nor worse",
            )
    found, highest = [0.0] * len(p_values), 0.0
    for step, which in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[which]))
        found[which] = highest
    return tuple(found)
