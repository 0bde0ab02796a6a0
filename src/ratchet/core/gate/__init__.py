"""The gate: promote, hold or reject, from evidence and a policy alone. One file per kind of condition."""

from __future__ import annotations

from ratchet.core.decision import Condition, Decision, Evidence
from ratchet.core.gate.decide import CHECKS, decide

__all__ = ["CHECKS", "Condition", "Decision", "Evidence", "decide"]
