"""skrub's TableReport of a table, as a part of a page: rows, summary, distributions, similar columns.

It is made of at most SAMPLE rows, drawn with a fixed seed, and of the first TEXT characters of a text. Its scripts are
compared with those of a table without data: one that skrub did not write is not among those that the page lets run,
whatever the data hold.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import markupsafe
import polars as pl

from ratchet.core.schema import Column

SAMPLE = 50_000
"""Rows of a report at most; its time hardly depends on them below that."""
SEED = 0
TEXT = 200
"""Characters of a text at most."""

_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
_NAME = re.compile(r"report_[0-9a-f]{8}")


@dataclass(frozen=True)
class TableReport:
    """A table's report as HTML, the scripts in it that are skrub's, the rows it is of, and the table's own."""

    html: markupsafe.Markup
    scripts: tuple[str, ...]
    rows: int
    whole: int


def table_report(frame: pl.DataFrame, columns: Mapping[str, Column]) -> TableReport:
    """The report of a table; its filter offers the columns that are known before the outcome, and after it."""
    part = _plain(sample(frame))
    known = {
        f"Known {when} the outcome": [place for place, name in enumerate(part.columns) if columns[name].known == when]
        for when in ("before", "after")
    }
    html = _snippet(part, known if all(known.values()) else {})
    scripts = tuple(script for script in _SCRIPT.findall(html) if _unnamed(script) in _own_scripts())
    return TableReport(markupsafe.Markup(html), scripts, part.height, frame.height)  # noqa: S704  # skrub escapes


def sample(frame: pl.DataFrame, most: int = SAMPLE) -> pl.DataFrame:
    """At most so many rows, in their order; the same for the same number of rows."""
    if frame.height <= most:
        return frame
    import numpy as np

    drawn = np.random.default_rng(SEED).choice(frame.height, most, replace=False, shuffle=False)
    return frame[np.sort(drawn)]


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Without infinite numbers, of which no histogram can be drawn, and with texts of bounded length."""
    floats = [name for name, kind in frame.schema.items() if kind.is_float()]
    return frame.with_columns(
        *(pl.when(pl.col(name).is_finite()).then(pl.col(name)).otherwise(None).alias(name) for name in floats),
        pl.col(pl.String).str.head(TEXT),
    )


def _snippet(frame: pl.DataFrame, filters: Mapping[str, list[int]]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fonts without a letter, and of columns that do not vary
        import skrub  # type: ignore[import-untyped]  # it has no types

        html: str = skrub.TableReport(frame, verbose=0, column_filters=filters).html_snippet()
    return html


@functools.cache
def _own_scripts() -> frozenset[str]:
    return frozenset(_unnamed(script) for script in _SCRIPT.findall(_snippet(pl.DataFrame({"a": [1, 2]}), {})))


def _unnamed(script: str) -> str:
    """A script without the report's random name."""
    return _NAME.sub("report", script)
