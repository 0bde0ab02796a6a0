"""Whether the rows that judge need not be asked: what is known without their labels holds the challenger already."""

from __future__ import annotations

from ratchet.core.decision import Evidence
from ratchet.core.gate.costs import costs
from ratchet.core.gate.models import different, reference
from ratchet.core.gate.rows import open_leakage, untouched
from ratchet.core.params import Gate

CHECKS = (untouched, open_leakage, different, reference, costs)
"""Those of `decide` that do not depend on the labels of the rows that judge."""


def unasked(evidence: Evidence, policy: Gate) -> str:
    """The first condition that fails whatever the rows would say, in words; empty: only they can tell.

    No look is charged for such a challenger: it is not promoted, and that says nothing about the rows.
    """
    failed = (each for check in CHECKS for each in check(evidence, policy) if not each.passed)
    first = next(failed, None)
    return first.sentence if first else ""
