"""The gate's condition `leakage`: training and holdout share no more than `gate.leakage` allows."""

from __future__ import annotations

from ratchet.core.decision import Condition
from ratchet.core.leakage.leaks import leaks, measure_of
from ratchet.core.leakage.limits import Leakage
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.params import Task

NAME = "leakage"


def leakage(check: LeakageCheck | None, limits: Leakage, task: Task) -> Condition:
    """Fails with harm where leakage is shown, and without where nobody looked."""
    if check is None or not check.rows or not check.training_rows:
        return Condition(
            name=NAME,
            passed=False,
            sentence="nobody looked for leakage between the training rows and those that judge",
            remedy="ratchet run looks for it",
        )
    found = list(leaks(check, limits, task))
    return Condition(
        name=NAME,
        passed=not found,
        sentence="; ".join(leak.sentence for leak in found) or _nothing(check, task),
        remedy="; ".join(dict.fromkeys(leak.remedy for leak in found)),
        harm=bool(found),
        rows=check.rows,
    )


def _nothing(check: LeakageCheck, task: Task) -> str:
    """What was found, where all of it is allowed."""
    found = [
        f"{check.exact.rows:,} of {check.rows:,} judging rows are in training too",
        f"{check.near.rows:,} nearly",
        f"{check.keys.rows:,} by key",
        _order(check),
    ]
    if check.telling:
        best = check.telling[0]
        found.append(f"{best.feature} tells most of the label, {measure_of(best, task)} {best.value:.3g}")
    else:
        found.append("too few rows to tell whether a feature gives the label away")
    return "no leak is shown: " + ", ".join(found)


def _order(check: LeakageCheck) -> str:
    if check.disorder:
        return f"{check.disorder.rows:,} out of the order of time"
    return "in time they lie among those that train" if check.among_training else "rows have no time"
