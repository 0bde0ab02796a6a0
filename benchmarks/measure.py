"""What a command costs: CPU seconds of it and all its children, and time on the wall.

On a machine that does other things as well the time on the wall says little; CPU seconds are the figures to quote.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAST_WORDS = 2_000
"""Characters shown of what a failed command printed."""


@dataclass(frozen=True)
class Cost:
    """Seconds: user and system time of the process tree, and time on the wall."""

    cpu: float
    wall: float

    def __add__(self, other: Cost) -> Cost:
        """One after the other."""
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where commands run and with which variables; `log` takes what they print."""

    environment: Mapping[str, str]
    log: Path

    def cost_of(self, *commands: Sequence[str], cwd: Path) -> Cost:
        """Run commands one after the other; their cost together. Raises RuntimeError with a failed one's words."""
        total = Cost(0.0, 0.0)
        for command in commands:
            total += self._cost(command, cwd)
        return total

    def _cost(self, command: Sequence[str], cwd: Path) -> Cost:
        with self.log.open("wb") as log:
            begun = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=cwd, env={**self.environment, "PYTHONPATH": str(cwd / "src")}, stdout=log, stderr=log
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            words = self.log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]
            raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}:\n{words}")
        return Cost(used.ru_utime + used.ru_stime, wall)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One goal: what ours and the alternative cost in each round, and the highest ratio allowed (None: no goal)."""

    name: str
    ours: str
    alternative: str
    goal: float | None
    rounds: tuple[tuple[Cost, Cost], ...]

    def medians(self, kind: Callable[[Cost], float]) -> tuple[float, float]:
        """Median seconds of ours and of the alternative."""
        return (
            statistics.median(kind(ours) for ours, _ in self.rounds),
            statistics.median(kind(other) for _, other in self.rounds),
        )

    def ratio(self, kind: Callable[[Cost], float]) -> float:
        """The median over rounds of ours divided by the alternative in the same round."""
        return statistics.median(kind(ours) / kind(other) for ours, other in self.rounds)

    @property
    def reached(self) -> bool:
        """Whether the CPU ratio is within the goal."""
        return self.goal is None or self.ratio(cpu) <= self.goal


def cpu(cost: Cost) -> float:
    """CPU seconds."""
    return cost.cpu


def wall(cost: Cost) -> float:
    """Seconds on the wall."""
    return cost.wall
