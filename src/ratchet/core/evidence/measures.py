"""Evidence as the conditions ask for it: a number by whose it is, its name, and the part of the rows."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.conditions.tree import Subject, Where, Whose
from ratchet.core.conditions.words import canonical
from ratchet.core.decision import CHALLENGER, CHAMPION, Evidence
from ratchet.core.findings import Estimate


@dataclass(frozen=True)
class EvidenceMeasures:
    """`conditions.shown.Measures` out of a decision's evidence. `champion` is what the challenger is compared with."""

    evidence: Evidence

    def estimate(self, whose: Whose, metric: str, where: Where) -> Estimate | None:
        """A metric of one model, or what the challenger gains in it; None if it was not measured."""
        if where.terms:
            return self.evidence.parts.get(canonical(Subject(whose, metric, where)))
        if whose == "gain":
            return self.evidence.gain(metric)
        return self.evidence.estimate(metric, self.evidence.reference if whose == CHAMPION else CHALLENGER)

    def cost(self, whose: Whose, name: str) -> float | None:
        """What a model costs; None if it was not measured, as of a champion while nothing serves."""
        found = next((cost for each, cost in self.evidence.costs.items() if each == name), None)
        if found is None:
            return None
        return found.challenger if whose == CHALLENGER else found.reference
