"""Numbers in another unit: earlier batches fit once a known conversion is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratchet.core.schema import Level
from ratchet.core.validation.anomalies.compared import Compared, Pair, batches
from ratchet.core.validation.anomalies.conversions import Conversion, conversions, is_known
from ratchet.core.validation.anomalies.distances import distances, noise, quantiles, usual
from ratchet.core.validation.profile import DECIMALS, PROBABILITIES, ColumnProfile
from ratchet.core.validation.records import Finding

Floats = NDArray[np.float64]

FAR = 0.15
"""A column closer to an earlier batch than this is in its old unit, unless its values say otherwise."""
NEAR = 0.12
"""Taken back, a column may lie so far from an earlier batch, or as far as those lie from one another."""
MOVING = 0.5
"""Earlier batches so far from one another are of a column that always moves, such as a number that counts on."""
CLEAR = 0.25
"""Without evidence from the values a column must lie so far off, and the schema must name its unit."""
NEAREST = 0.25
"""However far earlier batches lie from one another: what lies farther is not what it was."""
GAIN = 2.5
"""How many times closer to earlier batches the old unit must bring a column."""
LARGE = 5.0
"""A factor that no season brings about; for smaller ones the values themselves must be evidence."""
SAMPLE = 1000
"""Different values that are taken back to see whether they are round again."""
ROUND = 0.95
"""Share of values that must be round again."""
AGAIN, AS_SUCH = 0.6, 0.3
"""Least share of the commonest values that are known ones once taken back, and the most that are so without."""
MIDDLE = len(PROBABILITIES) // 2
"""Where the median is among the quantiles."""
EXACT = 1e-6
"""What division may leave of a value, as a share of it."""
ALMOST = (0.93, 0.97, 1.04, 1.08)
"""Factors a little off: what they find among the known values is chance."""
COMMON = 2
"""Rows that the commonest values have on average, if they are common at all."""
COARSEST = 0.5
"""Factors that make numbers smaller than this take too much away by rounding for values to be known again."""
SOME = 5
"""Different common values, beside 0, without which they are no evidence."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A conversion, how far the column lies from earlier batches with and without it, and what else speaks for it."""

    conversion: Conversion
    raw: float
    fitted: float
    proven: bool

    @property
    def level(self) -> Level:
        """Refuse where nothing but another unit can have done it."""
        factor = self.conversion.factor
        large = factor < 0 or not 1 / LARGE < factor < LARGE
        clear = (self.raw >= 0.5 and large) or (self.raw >= 0.9 and self.conversion.offset != 0)
        return "refuse" if self.proven or clear or factor < 0 else "warn"


def changed_units(compared: Compared) -> Iterator[Finding]:
    """Columns of numbers that fit earlier batches once a unit, a decimal point or a sign is changed back.

    Refused where the factor is large, or where the values themselves are old ones once taken back (round again, or
    the commonest ones again); a warning where only the distribution says so, and the schema names the unit.
    """
    for pair in compared.pairs():
        unit = compared.table.columns[pair.column].unit
        if _is_name(pair, unit, compared.table.key):
            continue
        fit = best_fit(pair, unit, compared.frame)
        if fit is None:
            continue
        now, old = median(pair.now), float(np.median([median(each) for each in pair.before]))
        sentence = (
            f"looks like {fit.conversion.words(named=is_known(unit))}: its median is {now:.6g}, it was {old:.6g} in "
            f"{batches(len(pair.before))}; {100 * fit.raw:.0f}% of rows lie differently from the nearest of them, "
            f"{100 * fit.fitted:.0f}% after taking it back"
        )
        yield compared.finding(fit.conversion.rule, fit.level, pair.column, sentence, count=pair.rows)


def _is_name(pair: Pair, unit: str, key: Sequence[str]) -> bool:
    """Whether the numbers only name things: those of the key do, and whole ones without a unit, all different."""
    whole = pair.now.numbers is not None and pair.now.numbers.decimals[0] == 1
    return pair.column in key or (whole and not unit and pair.now.distinct == pair.rows)


def best_fit(pair: Pair, unit: str, frame: pl.DataFrame) -> Fit | None:
    """The conversion that explains how a column in `unit` has changed; None where none is needed or none explains."""
    before = pair.numbers_before
    if pair.now.numbers is None or not before or pair.now.distinct < SOME:
        return None
    now, old = quantiles([pair.now.numbers]), quantiles(before)
    raw = float(distances(now, old).min())
    known = conversions(unit)
    again = _commonest_again(pair, known)
    far = usual(old) <= MOVING and raw >= max(FAR, usual(old), noise(pair.rows, pair.rows_before))
    if not far and not any(again):
        return None
    fitted = distances(np.concatenate([np.sort(each.taken_back(now)) for each in known]), old).min(axis=1)
    near = min(max(NEAR, usual(old), noise(pair.rows, pair.rows_before) / 2), NEAREST)
    fits = [
        Fit(conversion=each, raw=raw, fitted=float(fit), proven=bool(seen) or _round_again(pair, each, frame))
        for each, fit, seen in zip(known, fitted, again, strict=True)
        if (seen and fit <= raw) or (far and fit <= near and fit * GAIN <= raw)
    ]
    if any(fit.conversion.factor < 0 for fit in fits):
        # A symmetric column that has moved to the other side of 0 looks as if its sign had been turned round.
        moved = float(distances(now - now[:, MIDDLE, None] + old[:, MIDDLE, None], old).min())
        fits = [fit for fit in fits if fit.conversion.factor > 0 or fit.fitted * GAIN <= moved]
    best = min(fits, key=lambda fit: (not fit.proven, fit.fitted), default=None)
    guessed = best is not None and not best.proven and (best.level == "warn" or best.conversion.offset != 0)
    return None if guessed and (raw < CLEAR or not is_known(unit)) else best


def _commonest_again(pair: Pair, known: Sequence[Conversion]) -> NDArray[np.bool_]:
    """For each conversion whether most of the commonest values are known ones once taken back, and not as such.

    They may be off by what rounding takes away, if a slightly other factor finds far fewer. 0 is left out: most
    conversions leave it alone.
    """
    old = np.unique([float(value.value) for each in pair.before for value in each.top])
    top = [each for each in pair.now.top if float(each.value) != 0]
    if len(top) < SOME or pair.now.numbers is None or sum(each.count for each in top) < COMMON * len(top):
        return np.zeros(len(known), dtype=np.bool_)
    now = np.array([float(each.value) for each in top])
    weights = np.array([each.count for each in top]) / sum(each.count for each in top)
    if weights[_off(now, old) <= EXACT * np.abs(now)].sum() > AS_SUCH:
        return np.zeros(len(known), dtype=np.bool_)
    places = _places([pair.now.numbers.decimals])
    rounded = 0.0 if places is None else 0.5 * 10.0**-places
    return np.array(
        [_known(now, weights, old, each, rounded if abs(each.factor) > COARSEST else 0.0) for each in known]
    )


def _known(now: Floats, weights: Floats, old: Floats, conversion: Conversion, rounded: float) -> bool:
    """Whether most of `now` are among `old` once taken back, and with the factor a little off are not."""
    back = conversion.taken_back(now)
    exact = EXACT * np.abs(back)
    if weights[_off(back, old) <= exact].sum() >= AGAIN:
        return True
    near = exact + rounded / abs(conversion.factor)
    chance = [float(weights[_off(back * off, old) <= near].sum()) for off in ALMOST]
    return bool(weights[_off(back, old) <= near].sum() >= AGAIN and np.mean(chance) <= AS_SUCH)


def _off(values: Floats, known: Floats) -> Floats:
    """How far each of `values` lies from the nearest of `known`, which ascend."""
    right = np.clip(np.searchsorted(known, values), 0, len(known) - 1)
    return np.minimum(np.abs(known[right] - values), np.abs(known[np.maximum(right - 1, 0)] - values))


def _round_again(pair: Pair, conversion: Conversion, frame: pl.DataFrame) -> bool:
    """Whether the values have as few decimals as before once taken back, which others would not have by chance."""
    places = _places([each.decimals for each in pair.numbers_before])
    if places is None or pair.now.numbers is None or conversion.rule != "unit-change":
        return False
    # Smaller units make round numbers of round ones: that they are round again says nothing if they are so now.
    if abs(conversion.factor) < LARGE and pair.now.numbers.decimals[places] > 1 - ROUND:
        return False
    distinct = frame[pair.column].drop_nulls().unique().sort().cast(pl.Float64)
    values = distinct.gather(np.unique(np.linspace(0, len(distinct) - 1, SAMPLE).astype(np.int64))).to_numpy()
    scaled = conversion.taken_back(values) * 10.0**places
    return bool(np.mean(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(np.abs(scaled), 1)) >= ROUND)


def _places(decimals: Sequence[Sequence[float]]) -> int | None:
    """The decimals that nearly all values of every earlier batch did with."""
    return next((place for place in range(DECIMALS) if all(each[place] >= ROUND for each in decimals)), None)


def median(column: ColumnProfile) -> float:
    """The median of a column of numbers; 0 of any other."""
    return column.numbers.quantiles[MIDDLE] if column.numbers else 0.0
