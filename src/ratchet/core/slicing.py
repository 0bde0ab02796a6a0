"""A column cut into slices, and the mean gain in each with its clustered standard error, all slices at once.

Every category is a slice, every number gives its quartiles (or its values, where it has few), and so do rows whose
value is missing. Everything is linear in the rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from ratchet.core.clusters import Groups
from ratchet.core.comparison import ROUND_OFF

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

FEW_VALUES = 8
"""A number with no more values than this is sliced by value: quartiles of engines or of weekdays say nothing."""
SIGNIFICANT = 4
"""Digits of a number in a slice's name, or more where edges could not be told apart."""
MISSING = "missing"


@dataclass(frozen=True)
class Cut:
    """A column's slices in words ('= UA', 'above 3', 'missing'), and each row's slice by number; -1: in none."""

    column: str
    texts: Sequence[str]
    codes: Codes

    def name(self, one: int) -> str:
        """A slice's name: 'colour = red'."""
        return f"{self.column} {self.texts[one]}"

    def value(self, one: int) -> str:
        """What the column is there: 'red', 'above 3', 'missing'."""
        return self.texts[one].removeprefix("= ")


@dataclass(frozen=True, kw_only=True)
class Gains:
    """By slice, (k,) each: rows, mean gain (NaN without rows), its standard error (NaN with one cluster), clusters."""

    rows: Codes
    mean: Floats
    error: Floats
    clusters: Codes


def gains_of(reference: Floats, challenger: Floats) -> Floats:
    """(n,) the reference's loss minus the challenger's; a difference that is rounding is none."""
    gains = reference - challenger
    dust = ROUND_OFF * float(np.mean(np.abs(reference) / 2 + np.abs(challenger) / 2))
    return np.where(np.abs(gains) <= dust, 0.0, gains)


def gains_by(codes: Codes, count: int, gains: Floats, groups: Groups) -> Gains:
    """Of each of `count` slices, from (n,) `codes`; the rows of a cluster in a slice are one observation."""
    inside = codes >= 0
    codes, gains, clusters = codes[inside], gains[inside], groups.codes[inside]
    rows = np.bincount(codes, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(codes, weights=gains, minlength=count) / rows
        error, found = _errors(codes, clusters, gains, means)
    return Gains(rows=rows, mean=means, error=error, clusters=found)


def _errors(codes: Codes, clusters: Codes, gains: Floats, means: Floats) -> tuple[Floats, Codes]:
    """Sums over pairs of slice and cluster, of which there are no more than rows."""
    width = int(clusters.max(initial=0)) + 1
    pairs, values = pd.factorize(codes * width + clusters)
    slices = values // width
    deviations = np.bincount(pairs, weights=gains) - means[slices] * np.bincount(pairs)
    count = np.bincount(slices, minlength=len(means))
    rows = np.bincount(codes, minlength=len(means))
    squares = np.bincount(slices, weights=deviations**2, minlength=len(means))
    error = np.sqrt(squares * count / (count - 1)) / rows
    return np.where(count > 1, error, np.nan), count


def cut(column: str, values: pd.Series) -> Cut:
    """The slices of one column: its categories, or the quartiles or few values of its numbers, and what is missing."""
    if is_numeric_dtype(values) and values.dtype.kind != "b":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        present = np.unique(numbers[np.isfinite(numbers)])
        if len(present) > FEW_VALUES:
            return _quartiles(column, numbers)
        codes, found = pd.factorize(numbers)
        return _named(column, codes, [number_text(value) for value in found])
    codes, categories = pd.factorize(values)
    return _named(column, codes, [_text(value) for value in categories])


def _named(column: str, codes: Codes, values: list[str]) -> Cut:
    """One slice per value, and one for what is missing."""
    return Cut(column, [*(f"= {value}" for value in values), MISSING], np.where(codes < 0, len(values), codes))


def _quartiles(column: str, numbers: Floats) -> Cut:
    """Edges are values that occur, and belong to the slice below them; equal edges are one."""
    finite = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(finite, [0.25, 0.5, 0.75], method="inverted_cdf"))
    numbers_as_text = _edge_texts(edges)
    between = [f"above {low} and up to {high}" for low, high in pairwise(numbers_as_text)]
    texts = [f"up to {numbers_as_text[0]}", *between, f"above {numbers_as_text[-1]}", MISSING]
    codes = np.where(np.isnan(numbers), len(texts) - 1, np.searchsorted(edges, numbers, side="left"))
    return Cut(column, texts, codes)


def _edge_texts(edges: Floats) -> list[str]:
    texts: list[str] = []
    for digits in range(SIGNIFICANT, 18):
        texts = [number_text(edge, digits) for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def number_text(value: float, digits: int = SIGNIFICANT) -> str:
    """A number for people: whole ones whole, others with `digits` significant digits, thousands apart.

    >>> number_text(1089.0), number_text(0.12345), number_text(1234.56)
    ('1,089', '0.1235', '1,235')
    """
    if not value or not math.isfinite(value):
        return f"{value:g}".removeprefix("-") if not value else f"{value}"
    size = math.floor(math.log10(abs(value)))
    if not -6 < size < 15:
        return f"{value:.{digits}g}"
    if value.is_integer():
        return f"{value:,.0f}"
    text = f"{value:,.{max(0, digits - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: object) -> str:
    """A category as it is; with quotes where it would not be seen otherwise, or taken for what is missing."""
    text = str(value)
    plain = text.strip() == text and text not in ("", MISSING)
    return text if plain else f'"{text}"'
