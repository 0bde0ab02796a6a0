"""Preprocessing inside of the pipeline: what each step promises, for training rows and for rows it never saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ratchet.core.estimators import build_pipeline, plan_for, usable
from ratchet.core.feature_params import Features
from ratchet.core.model_record import Feature
from ratchet.core.params import Model, Task
from ratchet.core.preprocess.learnt import survey
from ratchet.core.scoring import frame, score

INPUTS = [
    Feature(name="x", kind="number", nullable=True),
    Feature(name="hour", kind="number", nullable=True),
    Feature(name="kind", kind="category", nullable=True),
]
TREES = Model(estimator="hist_gradient_boosting", params={"max_iter": 5, "min_samples_leaf": 2})
FILLED = {"number": "median", "category": "most_frequent", "indicator": True}
SECTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "scaled": {"numeric": "scaled", "categorical": "onehot"},
    "clipped": {"outliers": {"action": "clip", "low": 0.1, "high": 0.9}, "missing": {"number": "mean"}},
    "flagged": {"outliers": {"action": "flag", "rule": "tukey"}, "missing": FILLED, "rare": {"min_count": 15}},
    "onehot rare": {"categorical": "onehot", "rare": {"min_share": 0.2}, "missing": {"category": "constant"}},
    "target": {"categorical": "target", "rare": {"min_count": 15}, "missing": {"number": "constant"}},
    "periodic": {"columns": {"hour": {"periodic": {"period": 24}}, "x": {"numeric": "scaled"}}},
    "periodic, filled and clipped": {
        "columns": {"hour": {"periodic": {"period": 24}, "missing": "mean", "outliers": {"action": "clip"}}}
    },
}
ODD = frame(
    INPUTS,
    {
        "x": [None, 1e9, -1e9, 0.0],
        "hour": [None, 99.0, -5.0, 24.0],
        "kind": ["never seen", None, "rare", "a"],
    },
)


def training(seed: int = 0, rows: int = 60) -> pd.DataFrame:
    """Rows in which every tenth value is missing, "rare" is a category of two rows, and "d" a less frequent one."""
    random = np.random.default_rng(seed)
    x = [None if row % 10 == 0 else float(value) for row, value in enumerate(random.normal(size=rows))]
    hours = [None if row % 10 == 5 else float(row % 24) for row in range(rows)]
    kinds = random.choice(["a", "b", "d"], p=[0.5, 0.4, 0.1], size=rows).tolist()
    return frame(INPUTS, {"x": x, "hour": hours, "kind": ["rare", "rare", None, *kinds[3:]]})


def labels(task: Task, rows: int = 60) -> NDArray[Any]:
    return np.arange(rows) % {"binary": 2, "multiclass": 3, "regression": rows}[task] * 1


def fitted(section: dict[str, Any], table: pd.DataFrame, *, task: Task = "binary", model: Model = TREES) -> Pipeline:
    features = Features.model_validate(section)
    plan = plan_for(INPUTS, task=task, features=features, model=model)
    target = labels(task, len(table))
    learnt = replace(survey(table, plan).learnt, classes=len(np.unique(target)) if task != "regression" else 0)
    pipeline = build_pipeline(INPUTS, task=task, features=features, model=model, learnt=learnt)
    return pipeline.fit(table, target)


def prepared(pipeline: Pipeline, table: pd.DataFrame) -> NDArray[np.float64]:
    """What the estimator sees."""
    return np.asarray(pipeline.named_steps["preprocess"].transform(table), dtype=np.float64)


def only(name: str, section: dict[str, Any], table: pd.DataFrame, odd: pd.DataFrame) -> NDArray[np.float64]:
    """What the estimator sees of one feature of `odd`."""
    inputs = [feature for feature in INPUTS if feature.name == name]
    features = Features.model_validate(section)
    learnt = survey(table[[name]], plan_for(inputs, task="binary", features=features, model=TREES)).learnt
    pipeline = build_pipeline(inputs, task="binary", features=features, model=TREES, learnt=learnt)
    return prepared(pipeline.fit(table[[name]], labels("binary", len(table))), odd[[name]])


def test_the_defaults_add_nothing() -> None:
    """Numbers pass and categories are encoded by one encoder: models of before these keys stay what they were."""
    steps = fitted({}, training()).named_steps["preprocess"].transformers
    assert [(name, type(step).__name__, columns) for name, step, columns in steps] == [
        ("numbers", "str", ["x", "hour"]),
        ("categories", "OrdinalEncoder", ["kind"]),
    ]


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_section_scores_rows_it_never_saw(section: dict[str, Any], task: Task) -> None:
    """Values missing, far out and never seen have a finite score, and the same alone as among others."""
    pipeline = fitted(section, training(), task=task)
    together = score(pipeline, task, pd.concat([ODD, training(1)], ignore_index=True))
    alone = np.concatenate([score(pipeline, task, ODD.iloc[[row]]) for row in range(len(ODD))])
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(alone, together[: len(ODD)])


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
@pytest.mark.parametrize(("name", "task"), [*((n, "binary") for n in usable("binary")), ("ridge", "regression")])
def test_every_estimator_gets_what_it_takes(section: dict[str, Any], name: str, task: Task) -> None:
    """One that takes no missing values is given none."""
    few: dict[str, Any] = {"n_estimators": 3} if name.endswith(("forest", "trees")) else {}
    few = TREES.params if name == TREES.estimator else few
    pipeline = fitted(section, training(), task=task, model=Model(estimator=name, params=few))
    assert np.isfinite(score(pipeline, task, ODD)).all()


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_a_column_of_nothing_can_be_trained_on(section: dict[str, Any]) -> None:
    """A failed join leaves one: nothing is learnt from it, and values that come later are taken."""
    empty = training().assign(x=np.nan, kind=pd.array([None] * 60, dtype="str"))
    pipeline = fitted(section, empty)
    assert np.isfinite(score(pipeline, "binary", ODD)).all()


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), min_size=1, max_size=20),
    strategy=st.sampled_from(["median", "mean", "constant"]),
)
def test_no_missing_value_is_left_where_one_is_filled(values: list[float | None], strategy: str) -> None:
    """Whatever the training rows hold, and whatever comes later."""
    rows = frame(INPUTS[:1], {"x": values})
    table = pd.concat([rows, rows], ignore_index=True)
    odd = frame(INPUTS[:1], {"x": [None, *values]})
    found = only("x", {"missing": {"number": strategy}}, table, odd)
    assert np.isfinite(found).all()


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20),
    later=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20),
    low=st.floats(0, 0.45),
)
def test_clipped_values_keep_the_bounds_of_the_training_rows(
    values: list[float], later: list[float], low: float
) -> None:
    """Later values are clipped exactly to them; those within, and missing ones, are as they were."""
    section = {"outliers": {"action": "clip", "low": low, "high": 1 - low}}
    table, odd = frame(INPUTS[:1], {"x": values}), frame(INPUTS[:1], {"x": np.array(later)})
    found = only("x", section, table, odd)[:, 0]
    np.testing.assert_array_equal(found, np.clip(later, *np.quantile(values, [low, 1 - low])))


@settings(max_examples=40, deadline=None)
@given(
    bounds=st.tuples(st.one_of(st.none(), st.floats(-1e300, 0)), st.one_of(st.none(), st.floats(1e-9, 1e300))),
    later=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20),
)
def test_a_flag_is_one_beyond_the_bounds_and_zero_elsewhere(
    bounds: tuple[float | None, float | None], later: list[float]
) -> None:
    """Also at a bound itself, at infinity, and where the value is missing; the value stays as it is."""
    if bounds == (None, None):
        bounds = (-1.0, None)
    section = {"outliers": {"action": "flag", "rule": "bounds", "low": bounds[0], "high": bounds[1]}}
    table = frame(INPUTS[:1], {"x": np.array([-np.inf, 0.0, np.inf])})
    edges = [edge for edge in bounds if edge is not None]
    values = np.array([*later, *edges])
    found = only("x", section, table, frame(INPUTS[:1], {"x": values}))
    low, high = -np.inf if bounds[0] is None else bounds[0], np.inf if bounds[1] is None else bounds[1]
    np.testing.assert_array_equal(found[:, 0], values)
    np.testing.assert_array_equal(found[:, 1], (values < low) | (values > high))


def test_where_nothing_is_far_out_no_flag_is_added() -> None:
    """A flag that is zero in every training row would teach nothing."""
    section = {"outliers": {"action": "flag", "rule": "bounds", "high": 1e6}}
    assert only("x", section, training(), ODD).shape == (4, 1)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ordinal", [[-1.0], [-2.0], [-1.0], [0.0]]),
        ("onehot", [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
    ],
)
def test_rare_and_unseen_categories_are_one(encoding: str, expected: list[list[float]]) -> None:
    """Of "never seen", missing, "rare" and "a", the first and the third look the same; the missing one is its own."""
    found = only("kind", {"categorical": encoding, "rare": {"min_count": 15}}, training(), ODD)
    assert found.tolist() == expected


def test_target_encoding_knows_rare_ones_as_the_mean() -> None:
    """Half of the rows are positive; a frequent category has another number."""
    found = only("kind", {"categorical": "target", "rare": {"min_count": 15}}, training(), ODD)[:, 0]
    assert (found[0], found[2]) == (0.5, 0.5)
    assert found[3] != 0.5


def test_target_encoding_never_shows_a_row_its_own_label() -> None:
    """Where each row is a category of its own, training rows carry nothing: each is the mean of the other blocks."""
    inputs = [Feature(name="id", kind="category", nullable=False)]
    table = frame(inputs, {"id": [f"row {row}" for row in range(50)]})
    target = np.array([0, 1] * 25)
    features = Features(categorical="target")
    pipeline = build_pipeline(inputs, task="binary", features=features, model=TREES)
    seen = pipeline.named_steps["preprocess"].fit_transform(table, target)[:, 0]
    assert seen.tolist() == [0.5] * 50


@settings(max_examples=25, deadline=None)
@given(hour=st.floats(0, 24), turns=st.integers(-3, 3))
def test_a_period_goes_around(hour: float, turns: int) -> None:
    """A whole number of periods later it is the same moment, and the splines of a moment sum to one."""
    section = {"columns": {"hour": {"periodic": {"period": 24}}}}
    odd = frame(INPUTS[1:2], {"hour": [hour, hour + 24 * turns]})
    now, then = only("hour", section, training(), odd)
    np.testing.assert_allclose(now, then, atol=1e-9)
    assert now.sum() == pytest.approx(1)


def test_midnight_is_close_to_eleven_at_night() -> None:
    """As close as any hour is to the next one; a missing hour sets no spline."""
    section = {"columns": {"hour": {"periodic": {"period": 24, "splines": 8}}}}
    odd = frame(INPUTS[1:2], {"hour": [23.0, 0.0, 3.0, 2.0, None]})
    found = only("hour", section, training(), odd)
    assert found.shape == (5, 8)
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(np.linalg.norm(found[2] - found[3]))
    assert found[4].tolist() == [0.0] * 8


def test_an_indicator_marks_what_was_filled() -> None:
    """One column more, for the one feature that lacks values."""
    found = only("x", {"missing": {"number": "constant", "fill_number": -9.0, "indicator": True}}, training(), ODD)
    assert found.tolist() == [[-9.0, 1.0], [1e9, 0.0], [-1e9, 0.0], [0.0, 0.0]]


def test_features_treated_alike_share_a_step() -> None:
    """A row that is served alone pays for each step."""
    steps = fitted({"outliers": {"action": "clip"}, "missing": {"number": "median"}}, training())
    assert [name for name, _, _ in steps.named_steps["preprocess"].transformers] == ["numbers", "categories"]
