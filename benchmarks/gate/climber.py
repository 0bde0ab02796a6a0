"""A model on some rows that a search moves step by step: its log odds, and what a step in a direction makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from benchmarks.gate.data import Floats, Ints
from benchmarks.gate.pool import log_losses

STEP = 0.1
"""How far one step of the climb moves the logits: about what one more column of noise does."""


@dataclass(frozen=True)
class Climber:
    """A climb's champion on (n,) rows with (n, k) features; (k, runs) directions to step in."""

    target: Ints
    features: Floats
    directions: Floats
    logits: Floats

    def moved(self, run: int) -> Climber:
        """One step in the direction of this run."""
        return replace(self, logits=self.logits + STEP * np.tanh(self.features @ self.directions[:, run - 1]))

    @cached_property
    def chances(self) -> Floats:
        """(n,) probabilities."""
        chances: Floats = 1 / (1 + np.exp(-self.logits))
        return chances

    @cached_property
    def losses(self) -> Floats:
        """(n,) log losses."""
        return log_losses(self.target, self.chances)

    @cached_property
    def loss(self) -> float:
        """Their mean."""
        return float(self.losses.mean())


def logits_of(chances: Floats) -> Floats:
    """Log odds of probabilities, which are kept away from 0 and 1."""
    safe = np.clip(chances, 1e-9, 1 - 1e-9)
    logits: Floats = np.log(safe / (1 - safe))
    return logits
