"""Where a model is worse, found without being told where to look: regions of one or two columns.

Of many regions some look bad by luck, and the worst ones most of all. So one half of the clusters finds: every slice of
every column, and every two slices of two columns, ranked by how surely they are worse. The other half, which had no say
in the choice, tests the few that were found, by Holm's test over them: the risk of naming any region in which the
model is not worse is at most alpha (sample splitting; Cox, Biometrika 62, 1975). That the same rows do not choose
and judge also keeps the named losses honest.

Two questions are asked so: where a challenger loses against what it is compared with, and where its own loss is above
its loss on all rows. The bounds of the gains hold for all regions that were tested, by Bonferroni's inequality; where
Holm's test says more than they do, an upper bound is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ratchet.core.clusters import Floats, bounds
from ratchet.core.comparison import ROUND_OFF, p_values
from ratchet.core.evidence.regions import Region, Regions
from ratchet.core.evidence.rows import Bools, JudgedRows, Pair
from ratchet.core.evidence.sliced import SURE, Place, Sliced
from ratchet.core.findings import Estimate
from ratchet.core.holm import adjusted
from ratchet.core.metrics import METRICS, row_losses
from ratchet.core.slicing import Cut, Gains, cut, gains_of

FOUND = 10
"""Regions that are tested; each one more makes the others harder to show."""
LOOKED_AT = 100
"""Regions, the surest ones, that are looked at again without the rows of those that were chosen before."""
NEARLY_ALL = 0.9
"""A slice with more of the rows than this says nothing of where, also not beside another one."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The risk of any false name, the least rows of a region, half of them in each half, and its clusters in each.

    A t test over very few clusters finds too much.
    """

    alpha: float
    min_rows: int
    min_clusters: int


class Discovered(NamedTuple):
    """Where the challenger loses against the reference, and where its own loss is above its loss on all rows."""

    losing: Regions
    hardest: Regions


def discover(rows: JudgedRows, metric: str, pair: Pair, limits: Limits) -> Discovered:
    """Look for regions of `rows.table` in which the challenger is shown to be worse.

    An answer says why nobody looked if a model has no scores, a loss is not finite, or there are too few clusters.
    Raises UsageError if `metric` has no loss per row, or on a missing cluster.
    """
    scored = [name for name in pair if name in rows.scores]
    losses = {name: row_losses(metric, rows.target, rows.scores[name], rows.prices) for name in scored}
    cuts = [_large(cut(str(name), rows.table[name]), limits.min_rows) for name in rows.table.columns]
    search = _Search(rows, [each for each in cuts if each.texts], metric, limits)
    unscored = next((name for name in reversed(pair) if name not in scored), "")
    if unscored == pair.challenger:
        nothing = search.unanswered(f"the {unscored} has no scores on these rows")
        return Discovered(nothing, nothing)
    challenger = losses[pair.challenger]
    hardest = search.answer(np.full(len(challenger), challenger.mean()), challenger, own=True)
    if unscored:
        return Discovered(search.unanswered(f"the {unscored} has no scores on these rows"), hardest)
    return Discovered(search.answer(losses[pair.reference], challenger, own=False), hardest)


@dataclass(frozen=True)
class _Search:
    """The rows, and their columns cut into slices."""

    rows: JudgedRows
    cuts: Sequence[Cut]
    metric: str
    limits: Limits

    def unanswered(self, reason: str) -> Regions:
        """Nobody looked."""
        groups = self.rows.groups
        return Regions(
            metric=self.metric,
            alpha=self.limits.alpha,
            min_rows=self.limits.min_rows,
            rows=len(groups.codes),
            clusters=None if groups.independent else groups.count,
            reason=reason,
        )

    def answer(self, reference: Floats, challenger: Floats, *, own: bool) -> Regions:
        """Of (n,) losses; with `own` the reference is the challenger's mean."""
        if not (np.isfinite(challenger).all() and np.isfinite(reference).all()):
            return self.unanswered(f"{self.metric} is not finite in some row")
        if (half := self.rows.groups.count // 2) < self.limits.min_clusters:
            return self.unanswered(f"a half has {half:,} clusters, and {self.limits.min_clusters:,} are needed")
        sliced = self._sliced(gains_of(reference, challenger))
        scan = sliced.half(0).scan()
        test = _Test(sliced.half(1), self.rows.groups.codes % 2 == 1, (reference, challenger), own=own)
        tested = [each for each in map(test.of, _chosen(sliced.half(0), scan.found)) if each]
        return self.unanswered("").model_copy(
            update={
                "looked_at": scan.looked_at,
                "tested": len(tested),
                "found": tuple(self._shown(tested, sliced)),
            }
        )

    def _sliced(self, gains: Floats) -> Sliced:
        return Sliced(
            gains=gains,
            groups=self.rows.groups,
            slices=[each.codes + 1 for each in self.cuts],
            widths=[len(each.texts) for each in self.cuts],
            least=(self.limits.min_rows + 1) // 2,
            few=self.limits.min_clusters,
        )

    def _shown(self, tested: Sequence[_Tested], sliced: Sliced) -> Sequence[Region]:
        """Those that are shown to be worse, by Holm's test."""
        better = -1 if METRICS[self.metric].direction == "higher" else 1
        worse = zip(tested, adjusted([each.p_worse for each in tested]), strict=True)
        found = [
            Region(
                where=tuple(self._words(each.place)),
                rows=int(sliced.inside(each.place).sum()),
                reference=better * each.reference,
                challenger=better * each.challenger,
                gain=self._estimate(each, self.limits.alpha / len(tested)),
                p=p,
            )
            for each, p in worse
            if p <= self.limits.alpha
        ]
        return sorted(found, key=lambda each: (each.gain.value or 0.0, each.name))

    def _words(self, place: Place) -> Iterator[tuple[str, str]]:
        for one, which in zip(place.cuts, place.slices, strict=True):
            yield self.cuts[one].column, self.cuts[one].texts[which - 1]

    def _estimate(self, tested: _Tested, alpha: float) -> Estimate:
        low, high = bounds(tested.gain, tested.error, tested.clusters - 1, alpha)
        return Estimate(
            value=tested.gain,
            low=low,
            high=None if high is None else min(high, 0.0),
            standard_error=tested.error,
            rows=tested.rows,
            clusters=tested.clusters,
            assumed_independent=self.rows.groups.independent,
        )


@dataclass(frozen=True, kw_only=True)
class _Tested:
    """A place in the half that tests: mean losses there, the gain with its error, and how sure it is that it is one."""

    place: Place
    rows: int
    clusters: int
    reference: float
    challenger: float
    gain: float
    error: float
    p_worse: float


@dataclass(frozen=True)
class _Test:
    """The half that tests, which of all rows it has, and both losses of all rows."""

    half: Sliced
    rows: Bools
    losses: tuple[Floats, Floats]
    own: bool

    def of(self, place: Place) -> _Tested | None:
        """None if the place is too small in this half."""
        inside = self.half.inside(place)
        here = self.half.gain(inside)
        if not self.half.enough(here).all():
            return None
        reference, challenger = (each[self.rows] for each in self.losses)
        by = self._contrast(inside) if self.own else here
        gain, error, clusters = float(by.mean[0]), float(by.error[0]), int(here.clusters[0])
        dust = ROUND_OFF * float(np.mean(np.abs(reference) / 2 + np.abs(challenger) / 2))
        return _Tested(
            place=place,
            rows=int(here.rows[0]),
            clusters=clusters,
            reference=float(challenger.mean() if self.own else reference[inside].mean()),
            challenger=float(challenger[inside].mean()),
            gain=gain,
            error=error,
            p_worse=p_values(gain, error, clusters - 1, dust)[1],
        )

    def _contrast(self, inside: Bools) -> Gains:
        """The gain there less that of all rows: both move with the clusters, and a ratio's error is linear in them."""
        centred = self.half.gains - self.half.gains.mean()
        there = float(centred[inside].mean())
        pull = np.where(inside, (centred - there) * (len(centred) / inside.sum()), 0.0)
        return replace(self.half, gains=there + pull - centred).gain(np.ones(len(centred), dtype=np.bool_))


def _large(one: Cut, least: int) -> Cut:
    """Only slices of at least so many rows, as the parts of smaller ones are smaller still, and not of nearly all."""
    counts = np.bincount(one.codes, minlength=len(one.texts))
    kept = np.flatnonzero((counts >= least) & (counts <= NEARLY_ALL * len(one.codes)))
    number = np.full(len(counts), -1)
    number[kept] = np.arange(len(kept))
    return Cut(one.column, [one.texts[which] for which in kept.tolist()], number[one.codes])


def _chosen(half: Sliced, found: Sequence[Place]) -> Iterator[Place]:
    """The surest place, then the surest without the rows of those before: what is bad only by them is not named."""
    left = {each: each.p_worse for each in sorted(found, key=lambda each: each.p_worse)[:LOOKED_AT]}
    inside = {each: half.inside(each) for each in left}
    free = np.ones(len(half.gains), dtype=np.bool_)
    for _ in range(FOUND):
        if not left:
            return
        best = min(left, key=lambda each: left[each])
        yield best
        free &= ~inside[best]
        again = {each: float(half.p_worse(half.gain(inside[each] & free))[0]) for each in left if each != best}
        left = {each: p_worse for each, p_worse in again.items() if p_worse < SURE}
