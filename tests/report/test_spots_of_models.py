"""Really fitted models in a report: a challenger that cannot tell some rows is found out, and an equal one is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ratchet.core.evidence.discovered import Limits, discover
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.judged import Evaluation
from ratchet.core.report.build import Report, with_weak_spots
from ratchet.io.render import render_markdown

ROWS, DAYS = 8_000, 50
LIMITS = Limits(alpha=0.1, min_rows=200, min_clusters=7)
EVALUATION = Evaluation(
    task="binary", labels=["no", "yes"], reference="champion", champion=3, champion_entry="e",
    challenger_is_champion=False, refit=False, no_comparison="", holdout={"2013-07": "a"}, contaminated=[], rows=ROWS,
    clusters=DAYS, metrics=[],
)  # fmt: skip


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Features that tell the label, and some that do not."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({f"x{each}": random.normal(size=ROWS) for each in range(6)})
    odds = 1.5 * table["x0"] - table["x1"] + 0.5 * table["x2"]
    return table, (random.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(np.int64)


def fitted(table: pd.DataFrame, label: np.ndarray[tuple[int], np.dtype[np.int64]], *, c: float = 1.0) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(table, label)


def spots(champion: Pipeline, challenger: Pipeline, seen: pd.DataFrame | None = None) -> WeakSpots:
    """Of two models on new rows; the challenger is given `seen` of them."""
    table, target = drawn(1)
    rows = JudgedRows(
        task="binary", target=target, clusters=np.arange(ROWS) % DAYS, table=table,
        scores={"champion": champion.predict_proba(table),
                "challenger": challenger.predict_proba(table if seen is None else seen)},
    )  # fmt: skip
    found = discover(rows, "log_loss", Pair("champion", "challenger"), LIMITS)
    return WeakSpots(losing=found.losing, hardest=found.hardest, switched=None)


@pytest.fixture(scope="module")
def champion() -> Pipeline:
    return fitted(*drawn(0))


def broken(table: pd.DataFrame) -> pd.DataFrame:
    """A feature whose sign was lost where x4 is large: 16 % of the rows."""
    return table.assign(x0=table["x0"].where(table["x4"] < 1, -table["x0"]))


def test_rows_that_a_challenger_cannot_tell_are_named(champion: Pipeline, reports: dict[str, Report]) -> None:
    """The upper quarter of x4 holds them all and is the worst region, alone; the model lost a little elsewhere too."""
    table, label = drawn(0)
    found = spots(champion, fitted(broken(table), label), broken(drawn(1)[0]))
    text = render_markdown(with_weak_spots(reports["promote-gate-only"], found, EVALUATION, None))
    ((column, there),) = found.losing.found[0].where
    assert (column, there[:10]) == ("x4", "above 0.66")
    assert f"<code>{found.losing.found[0].name}</code>" in text
    assert "shown to be worse, the worst" in text


def test_an_equal_challenger_loses_nowhere(champion: Pipeline, reports: dict[str, Report]) -> None:
    """A model of all but the same recipe has no region named, and the sentence says among how many."""
    found = spots(champion, fitted(*drawn(0), c=0.99))
    text = render_markdown(with_weak_spots(reports["promote-gate-only"], found, EVALUATION, None))
    assert found.losing.looked_at > 100
    assert (
        "no region of 200 rows or more is shown to be worse than the champion, after correction for the "
        f"{found.losing.looked_at:,} that were looked at"
    ) in text
