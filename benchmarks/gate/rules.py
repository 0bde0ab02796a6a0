"""The rules that are compared: ours, which is the code that decides in `ratchet run`, and what others decide by.

Every rule gets the same rows, the same two models' probabilities and the same answers given so far, and says promote
or not. Those that know no budget of answers do not look at it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from benchmarks.gate.budget import ALPHA, Budget, ledger_level
from benchmarks.gate.data import Floats, Ints
from benchmarks.gate.delong import delong
from benchmarks.gate.pool import log_losses
from benchmarks.gate.record import OURS
from ratchet.core.comparison import compare

MIN_CHANGE = 0.002
"""The smallest gain that the mlflow rule asks for; the library takes none that is 0."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Champion and challenger on the same (n,) rows: probabilities of the positive class, and each row's cluster."""

    target: Ints
    champion: Floats
    challenger: Floats
    clusters: Ints | None = None
    losses: tuple[Floats, Floats] | None = None

    @cached_property
    def both_losses(self) -> tuple[Floats, Floats]:
        """(n,) log losses of the champion and of the challenger."""
        return self.losses or (log_losses(self.target, self.champion), log_losses(self.target, self.challenger))

    @cached_property
    def gains(self) -> Floats:
        """(n,) log loss that the challenger saves in each row."""
        champion, challenger = self.both_losses
        return champion - challenger

    @cached_property
    def p_clusters(self) -> float:
        """Our p of "the challenger is no better", by whole clusters; it does not depend on the level."""
        return compare(*self.both_losses, self.clusters, alpha=ALPHA).p_better

    @cached_property
    def p_rows(self) -> float:
        """The same by the paired t test over rows."""
        from scipy.special import stdtr

        error = float(self.gains.std(ddof=1)) / math.sqrt(self.rows)
        return float(stdtr(self.rows - 1, -float(self.gains.mean()) / error)) if error > 0 else 1.0

    @cached_property
    def p_areas(self) -> float:
        """The same of the areas under the ROC curve by DeLong's test."""
        return delong(self.target, self.champion, self.challenger).p_better

    @cached_property
    def accuracy(self) -> tuple[float, float]:
        """What the challenger gains in accuracy, and the share of rows that the two call differently."""
        one, other = self.champion >= 0.5, self.challenger >= 0.5
        right = self.target == 1
        return float((other == right).mean() - (one == right).mean()), float(np.mean(one != other))

    @cached_property
    def gain(self) -> float:
        """The mean of the gains."""
        return float(self.gains.mean())

    @property
    def rows(self) -> int:
        """How many rows judge."""
        return len(self.target)

    def swapped(self, where: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Pair:
        """The two models' scores exchanged in some rows: by chance of a half, neither of the two is then better."""
        return Pair(
            target=self.target,
            champion=np.where(where, self.challenger, self.champion),
            challenger=np.where(where, self.champion, self.challenger),
            clusters=self.clusters,
        )


Rule = Callable[[Pair, Budget], bool]


def ours(pair: Pair, budget: Budget) -> bool:
    """Superior by the clusters' t test: at the plain level for fresh rows, at the ledger's for a reused holdout."""
    level = ALPHA if budget.runs == 1 else ledger_level(budget)
    return level > 0 and pair.p_clusters < level


def naive(pair: Pair, _: Budget) -> bool:
    """The better average log loss."""
    return pair.gain >= 0


def naive_auc(pair: Pair, _: Budget) -> bool:
    """The better area under the ROC curve."""
    return area(pair.target, pair.challenger) >= area(pair.target, pair.champion)


def mlflow(pair: Pair, _: Budget) -> bool:
    """What mlflow.validate_evaluation_results says of the mean log loss, with a min_absolute_change."""
    champion, challenger = (float(losses.mean()) for losses in pair.both_losses)
    return validated("log_loss", champion, challenger, greater_is_better=False)


def mlflow_auc(pair: Pair, _: Budget) -> bool:
    """The same of the area under the ROC curve."""
    areas = area(pair.target, pair.champion), area(pair.target, pair.challenger)
    return validated("roc_auc", *areas, greater_is_better=True)


def validated(metric: str, champion: float, challenger: float, *, greater_is_better: bool) -> bool:
    """Call the library: it raises where the candidate does not pass."""
    from mlflow.models import MetricThreshold
    from mlflow.models.evaluation import EvaluationResult
    from mlflow.models.evaluation.validation import ModelValidationFailedException, validate_evaluation_results

    logging.getLogger("mlflow.models.evaluation.validation").setLevel(logging.WARNING)
    threshold = _typed(MetricThreshold)(min_absolute_change=MIN_CHANGE, greater_is_better=greater_is_better)
    candidate, baseline = (_typed(EvaluationResult)({metric: value}, {}) for value in (challenger, champion))
    try:
        validate_evaluation_results({metric: threshold}, candidate, baseline)
    except ModelValidationFailedException:
        return False
    return True


def _typed(made: Any) -> Any:
    """The library's classes say nothing of their types."""
    return made


def row_t(pair: Pair, _: Budget) -> bool:
    """Paired t test of the log loss, every row a fact of its own, at .05 every time."""
    return pair.p_rows < ALPHA


def bonferroni(pair: Pair, budget: Budget) -> bool:
    """The same at .05 over the number of runs planned."""
    return pair.p_rows < ALPHA / budget.runs


def delong_auc(pair: Pair, _: Budget) -> bool:
    """DeLong's test of two areas under the ROC curve, every row a fact of its own, at .05 every time."""
    return pair.p_areas < ALPHA


def ladder(pair: Pair, _: Budget) -> bool:
    """The parameter-free Ladder (Blum and Hardt, ICML 2015): better by one standard error of the paired gains."""
    return pair.gain > 0 and pair.gain > float(pair.gains.std(ddof=1)) / math.sqrt(pair.rows)


def ease(pair: Pair, budget: Budget) -> bool:
    """ease.ml/ci (Renggli et al., MLSys 2019) for `n - o > 0 +/- e`: the e that these rows afford, answers told.

    With its "pattern 1" (Bennett's inequality on the rows where the two differ), the better of its two bounds.
    """
    gain, differ = pair.accuracy
    return differ > 0 and gain > ease_tolerance(pair.rows, round(differ, 3) or 0.001, budget.runs)


@lru_cache(maxsize=100_000)
def ease_tolerance(rows: int, differ: float, runs: int) -> float:
    """The accuracy that ease.ml/ci's Bennett bound can resolve at 1 - delta = .95; `differ` is the share that differs.

    n = (ln M + ln(4 / delta)) / (p h(e / p)), h(u) = (1 + u) ln(1 + u) - u, with M the number of histories: 1 for a
    single run, 2^H for H runs whose answers are told ("full").
    """
    from scipy.optimize import brentq

    wanted = (histories(runs) + math.log(4 / ALPHA)) / (rows * differ)
    ratio: float = brentq(lambda u: (1 + u) * math.log1p(u) - u - wanted, 0, 10 + 2 * wanted)
    return ratio * differ


def hoeffding_rows(*, tolerance: float, delta: float, runs: int, full: bool) -> float:
    """ease.ml/ci's plain sample size for `n - o > c +/- tolerance`: two variables, each given half the tolerance."""
    split = math.log(2) + (histories(runs) if full else math.log(runs))
    return (math.log(1 / delta) + split) / (2 * (tolerance / 2) ** 2)


def bennett_rows(*, tolerance: float, differ: float, delta: float, runs: int, full: bool) -> float:
    """ease.ml/ci's sample size by "pattern 1", where at most a share `differ` of the predictions differs."""
    ratio = tolerance / differ
    said = (histories(runs) if full else math.log(runs)) + math.log(4 / delta)
    return said / (differ * ((1 + ratio) * math.log1p(ratio) - ratio))


def histories(runs: int) -> float:
    """Logarithm of the number of histories of answers: 2^runs, and 1 where nothing was told before."""
    return runs * math.log(2) if runs > 1 else 0.0


def area(target: Ints, scores: Floats) -> float:
    """Area under the ROC curve by ranks."""
    from scipy.stats import rankdata

    positive = target == 1
    many, rest = int(positive.sum()), int((~positive).sum())
    return float((rankdata(scores)[positive].sum() - many * (many + 1) / 2) / (many * rest))


NAIVE, MLFLOW, ROW, DELONG, EASE = "naive", "mlflow", "row t", "DeLong", "ease.ml/ci"
BONFERRONI, LADDER = "Bonferroni", "Ladder"
SINGLE: Final[Mapping[str, Rule]] = {
    OURS: ours,
    NAIVE: naive,
    MLFLOW: mlflow,
    ROW: row_t,
    DELONG: delong_auc,
    EASE: ease,
}
"""For one decision on fresh rows."""
REPEATED: Final[Mapping[str, Rule]] = {
    OURS: ours,
    NAIVE: naive,
    MLFLOW: mlflow,
    ROW: row_t,
    DELONG: delong_auc,
    EASE: ease,
    BONFERRONI: bonferroni,
    LADDER: ladder,
}
"""For many decisions on the same rows."""
