"""What an experiment found, as records: one line per setting, one value per rule, and the promise it is held to."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.gate.bench import Bench

OURS = "ours"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """The range in which our own value must lie; both ends belong to it, and None leaves an end open."""

    low: float | None = None
    high: float | None = None

    def kept(self, value: float) -> bool:
        """Whether the value lies in the range; NaN never does."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def tenable(self, value: float, trials: int) -> bool:
        """Whether a share measured in `trials` trials lies in the range, or misses it by no more than chance gives.

        Chance: the two-sided 99.8 % Clopper-Pearson interval of the share reaches the range.
        """
        from scipy.stats import binomtest

        found = binomtest(round(value * trials), trials).proportion_ci(0.998, method="exact")
        return (self.low is None or found.high >= self.low) and (self.high is None or found.low <= self.high)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{number(self.low)} to {number(self.high)}"
        ends = (("≥", self.low), ("≤", self.high))
        return " ".join(f"{sign} {number(end)}" for sign, end in ends if end is not None)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One setting of an experiment: a value by rule, and what `OURS` must be; a share is one of `trials`.

    `error` is the standard error of our value, where chance is in it.
    """

    setting: str
    values: Mapping[str, float]
    trials: int
    promise: Promise | None = None
    error: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether our value keeps the promise; None: nothing was promised."""
        return None if self.promise is None else self.promise.kept(self.values[OURS])


def share_line(setting: str, values: Mapping[str, float], trials: int, promise: Promise | None = None) -> Line:
    """A line of shares of so many independent trials, with the standard error of ours."""
    error = share_error(values[OURS], trials)
    return Line(setting=setting, values=values, trials=trials, promise=promise, error=error)


def share_error(share: float, trials: int) -> float:
    """The standard deviation of a share after `trials` trials, known to be nothing before: of none in 100 it is .01."""
    likely = (share * trials + 1) / (trials + 2)
    return math.sqrt(likely * (1 - likely) / (trials + 3))


def mean_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean of independent values; None of a single one."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one experiment found: lines of the table, remarks for the reader, and curves for the pictures."""

    name: str
    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()
    curves: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One acceptance experiment: its number in the list of promises, its name on the command line, and what to do."""

    numbers: str
    name: str
    title: str
    run: Callable[[Bench], Finding]


def number(value: float) -> str:
    """A number as the tables write it: counts whole, shares with three digits, small gains with four."""
    if math.isnan(value):
        return "—"
    if 0 < abs(value) < 5e-5:
        return f"{value:.0e}"
    if value == int(value) and abs(value) >= 1:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 20 else f"{value:.4f}" if 0 < abs(value) < 0.0195 else f"{value:.3g}"


def save(finding: Finding, path: Path) -> None:
    """Write a finding as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(finding), indent=1), encoding="utf-8")


def load(path: Path) -> Finding:
    """Read a finding back, equal to the one that was saved but for tuples in its curves."""
    told = json.loads(path.read_text(encoding="utf-8"))
    lines = tuple(Line(**{**line, "promise": line["promise"] and Promise(**line["promise"])}) for line in told["lines"])
    return Finding(**{**told, "lines": lines, "remarks": tuple(told["remarks"])})
