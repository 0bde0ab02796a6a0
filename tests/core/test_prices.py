"""Metrics that `evaluate.costs` declares: what they come to, row by row, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from ratchet.core.cost_params import PricedBy
from ratchet.core.evaluation import Scored, evaluate_rows
from ratchet.core.metrics import METRICS, is_loss, measure, metrics_for, row_losses
from ratchet.core.params import Task
from ratchet.core.prices import Prices
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

SEEDS = st.integers(0, 2**32 - 1)
BINARY = ["false", "true"]
CLASSES = ["a", "b", "c"]


def by_matrix(matrix: object, labels: list[str], *, name: str = "cost_x", threshold: float | None = None) -> Prices:
    declared = {name: PricedBy.model_validate({"matrix": matrix, "threshold": threshold})}
    return Prices(task="binary" if len(labels) == 2 else "multiclass", declared=declared, labels=labels)


class Given(NamedTuple):
    """What a function is given."""

    truth: pd.Series
    chance: Any
    rows: pd.DataFrame


def by_function(
    function: Callable[[Given], object], rows: pd.DataFrame, *, task: Task = "binary", name: str = "cost_x"
) -> Prices:
    labels: Mapping[str, list[str]] = {"binary": BINARY, "multiclass": CLASSES, "regression": []}
    declared = {name: PricedBy(function="costs:ours")}
    return Prices(
        task=task,
        declared=declared,
        labels=labels[task],
        functions={name: lambda *given: function(Given(*given))},
        rows=rows,
    )


def positive(*chances: float) -> Scores:
    return np.column_stack([1 - np.array(chances), np.array(chances)])


def sample(seed: int, classes: int, rows: int = 60) -> tuple[np.ndarray, Scores]:
    random = np.random.default_rng(seed)
    return random.integers(0, classes, rows), random.dirichlet(np.ones(classes), size=rows)


def test_known_decisions_cost_what_the_matrix_says() -> None:
    """A false alarm costs 1, a miss 5, a hit 0.5: yes pays where (1 - p) + p / 2 is below 5 p, from 2/11 on."""
    scores, target = positive(0.18, 0.18, 0.19, 0.19), np.array([0, 1, 0, 1])
    prices = by_matrix([[0, 1], [5, 0.5]], BINARY)
    assert row_losses("cost_x", target, scores, prices).tolist() == [0, 5, 1, 0.5]
    assert measure("binary", target, scores, ["cost_x"], prices)["cost_x"] == 6.5 / 4


def test_a_declared_threshold_decides_instead() -> None:
    """Then the probabilities are only compared with it, as somebody does who decides by 0.5 whatever it costs."""
    scores, target = positive(0.49, 0.5), np.array([1, 0])
    prices = by_matrix({False: {True: 1}, True: {False: 5}}, BINARY, threshold=0.5)
    assert row_losses("cost_x", target, scores, prices).tolist() == [5, 1]


def test_a_profit_is_better_higher() -> None:
    """The metric is what was earned, its losses are minus that, and the gain is in money."""
    prices = by_matrix([[0, -1], [-5, 10]], BINARY, name="profit_x")
    target, before, after = np.array([1, 0]), positive(0.01, 0.99), positive(0.99, 0.01)
    assert row_losses("profit_x", target, after, prices).tolist() == [-10, 0]
    assert measure("binary", target, after, ["profit_x"], prices)["profit_x"] == 5
    rows = Scored(
        target=target, models={"a": before, "b": after}, clusters=None, pair=("a", "b"), alpha=0.1, prices=prices
    )
    (row,) = [each for each in evaluate_rows("binary", rows, ["profit_x"]) if each.name == "profit_x"]
    assert (row.direction, row.models["a"].value, row.models["b"].value) == ("higher", -3, 5)
    assert row.gain is not None
    assert (row.gain.value, METRICS["profit_x"].gain(-3, 5)) == (8, 8)


@given(seed=SEEDS, classes=st.integers(2, 5), threshold=st.none() | st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_the_sum_is_the_confusion_matrix_times_the_costs(seed: int, classes: int, threshold: float | None) -> None:
    """scikit-learn counts the decisions; each is the class of least expected cost, or what the threshold says."""
    threshold = threshold if classes == 2 else None
    target, scores = sample(seed, classes)
    matrix = np.random.default_rng(seed).integers(1, 20, (classes, classes)) * (1 - np.eye(classes))
    labels = BINARY if classes == 2 else list("abcde"[:classes])
    losses = row_losses("cost_x", target, scores, by_matrix(matrix.tolist(), labels, threshold=threshold))
    expected = [
        [sum(row[true] * matrix[true, said] for true in range(classes)) for said in range(classes)] for row in scores
    ]
    said = np.argmin(expected, axis=1) if threshold is None else scores[:, 1] >= threshold
    counts = confusion_matrix(target, said, labels=range(classes))
    assert losses.sum() == pytest.approx((counts * matrix).sum())


@given(seed=SEEDS, factor=st.floats(0.01, 100), added=st.floats(-10, 10))
@settings(max_examples=40, deadline=None)
def test_units_of_money_change_no_decision(seed: int, factor: float, added: float) -> None:
    """Costs in cents are a hundred times those in euros; what every outcome costs more is added to every row."""
    target, scores = sample(seed, 3)
    matrix = np.random.default_rng(seed).integers(1, 20, (3, 3)) * (1 - np.eye(3))
    losses = row_losses("cost_x", target, scores, by_matrix(matrix.tolist(), CLASSES))
    other = row_losses("cost_x", target, scores, by_matrix((matrix * factor + added).tolist(), CLASSES))
    np.testing.assert_allclose(other, losses * factor + added, atol=1e-9)


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_and_of_named_classes_says_nothing(seed: int) -> None:
    """Losses move with their rows, and classes by name may stand in any order."""
    random = np.random.default_rng(seed)
    target, scores = sample(seed, 3)
    matrix = random.integers(1, 20, (3, 3))
    named = {
        true: {said: int(matrix[i, j]) for j, said in enumerate(CLASSES) if i != j} for i, true in enumerate(CLASSES)
    }
    by_name = by_matrix({true: named[true] for true in ("c", "a", "b")}, CLASSES)
    losses = row_losses("cost_x", target, scores, by_name)
    order = random.permutation(len(target))
    by_order = by_matrix((matrix * (1 - np.eye(3))).tolist(), CLASSES)
    np.testing.assert_array_equal(row_losses("cost_x", target[order], scores[order], by_order), losses[order])


def test_costs_by_class_missed_are_the_family_of_that_name() -> None:
    """`cost_1_5` is the matrix [[0, 1], [5, 0]]."""
    target, scores = sample(7, 2, rows=500)
    prices = by_matrix([[0, 1], [5, 0]], BINARY)
    np.testing.assert_array_equal(row_losses("cost_x", target, scores, prices), row_losses("cost_1_5", target, scores))


def test_a_score_that_is_none_costs_nothing_that_is_known() -> None:
    """Its loss is NaN, which no gate passes, by a matrix and by a function alike."""
    scores, target = positive(0.2, np.nan), np.array([0, 1])
    matrix = by_matrix([[0, 1], [5, 0]], BINARY).metric("cost_x")
    function = by_function(lambda given: given.chance.fillna(9.0), pd.DataFrame(index=range(2))).metric("cost_x")
    for metric in (matrix, function):
        assert metric is not None
        assert metric.row_loss is not None
        found = metric.row_loss(target, scores)
        assert (np.isnan(found).tolist(), np.isnan(metric.function(target, scores))) == ([False, True], True)


@pytest.mark.parametrize(
    ("task", "target", "scores", "expected"),
    [
        ("binary", np.array([0, 1]), positive(0.25, 0.5), ([False, True], [0.25, 0.5])),
        ("regression", np.array([3.0, 4.0]), np.array([[1.0], [2.0]]), ([3.0, 4.0], [1.0, 2.0])),
        (
            "multiclass",
            np.array([2, 0]),
            np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]),
            (["c", "a"], {"a": [0.1, 0.5], "b": [0.2, 0.25], "c": [0.7, 0.25]}),
        ),
    ],
)
def test_a_function_is_given_what_the_room_calls_things(task: Task, target: Any, scores: Scores, expected: Any) -> None:
    """Truth as `label` says it, the prediction in the project's terms, and the rows; all of one index."""
    rows, given = pd.DataFrame({"distance": [100, 200]}, index=[7, 9]), list[Given]()

    def ours(each: Given) -> object:
        given.append(each)
        return each.rows["distance"] * 2

    prices = by_function(ours, rows, task=task)
    assert row_losses("cost_x", target, scores, prices).tolist() == [200, 400]
    truth, prediction, table = given[0]
    plain = prediction.to_dict("list") if task == "multiclass" else prediction.tolist()
    assert (truth.tolist(), plain) == expected
    assert truth.index.equals(table.index)
    assert prediction.index.equals(table.index)


def test_a_function_on_part_of_the_rows_prices_those() -> None:
    """Masks and positions choose the rows that go with them, as slices and samples do."""
    prices = by_function(lambda given: given.rows["fee"] * given.chance, pd.DataFrame({"fee": [1.0, 2.0, 4.0, 8.0]}))
    target, scores = np.array([0, 1, 0, 1]), positive(0.5, 0.5, 0.5, 0.25)
    whole = row_losses("cost_x", target, scores, prices)
    mask = np.array([False, True, False, True])
    assert row_losses("cost_x", target[mask], scores[mask], prices.only(mask)).tolist() == whole[mask].tolist()
    places = np.array([3, 0, 0])
    found = row_losses("cost_x", target[places], scores[places], prices.only(places))
    assert found.tolist() == [2.0, 0.5, 0.5]


ROWS = pd.DataFrame({"fee": np.arange(1.0, 41.0)})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda given: given.chance.iloc[1:], r"returned Series of shape \(39,\) for 40 rows"),
        (lambda _given: 1.0, r"returned float of shape \(\) for 40 rows"),
        (lambda _given: None, r"returned NoneType of shape \(\) for 40 rows"),
        (lambda given: given.rows, r"returned DataFrame of shape \(40, 1\)"),
        (lambda given: given.truth.map({True: "dear", False: "cheap"}), "which are no numbers"),
        (lambda given: given.rows["fee"].where(given.rows["fee"] > 1, -np.inf), "says -inf of row 0 and 0 more"),
        (lambda given: given.rows["fee"].where(given.rows["fee"] > 2), "says nan of row 0 and 1 more"),
        (lambda given: given.rows["fee"].shift(fill_value=0.0), "priced by itself alone"),
        (lambda given: given.chance - given.chance.mean(), "priced by itself alone"),
        (lambda given: given.rows["fee"].cumsum(), "priced by itself alone"),
        (lambda given: given.rows["fee"].rank(), "priced by itself alone"),
        (lambda given: given.rows.index * 1.0, "priced by itself alone"),
        (lambda given: given.rows["fee"] / len(given.rows), "priced by itself alone"),
        (lambda given: np.sort(given.chance.to_numpy()), "priced by itself alone"),
    ],
)
def test_a_function_that_breaks_its_contract_is_refused(function: Callable[[Given], object], message: str) -> None:
    """One finite number per row, and of a row by that row alone; the message names the metric, rule and value."""
    target, scores = sample(1, 2, rows=40)
    with pytest.raises(UsageError, match=rf"evaluate\.costs\.cost_x: costs:ours .*{message}"):
        row_losses("cost_x", target, scores, by_function(function, ROWS))


def test_a_function_may_do_as_it_likes_with_what_it_is_given() -> None:
    """They are copies: neither the rows nor the scores are changed."""

    def ours(given: Given) -> object:
        given.rows["fee"] *= given.chance
        given.chance[:] = 0.0
        given.truth[:] = False
        return given.rows["fee"]

    rows = ROWS.copy()
    target, scores = sample(2, 2, rows=40)
    before = target.copy(), scores.copy()
    row_losses("cost_x", target, scores, by_function(ours, rows))
    pd.testing.assert_frame_equal(rows, ROWS)
    np.testing.assert_array_equal(target, before[0])
    np.testing.assert_array_equal(scores, before[1])


def test_a_function_of_other_rows_is_refused() -> None:
    """There must be one row for each score."""
    target, scores = sample(3, 2, rows=39)
    with pytest.raises(UsageError, match="39 rows are scored, and 40 are there"):
        row_losses("cost_x", target, scores, by_function(lambda given: given.chance, ROWS))


def test_a_matrix_of_other_classes_is_refused() -> None:
    """By name or by number, every class of the model is priced, and no other."""
    target, scores = sample(4, 3)
    two = {"a": {"b": 1}, "b": {"a": 1}}
    other = {"a": {"b": 1, "d": 1}, "b": {"a": 1, "d": 1}, "d": {"a": 1, "b": 1}}
    for matrix, message in (
        ([[0, 1], [5, 0]], "matrix of 2 classes, and the model knows 3: a, b, c"),
        (two, r"2 classes \(a, b\), and the model knows 3"),
        (other, r"\(a, b, d\), and the model knows 3: a, b, c"),
    ):
        with pytest.raises(UsageError, match=message):
            row_losses("cost_x", target, scores, by_matrix(matrix, CLASSES))


def test_names_alone_say_what_a_gate_has_to_know() -> None:
    """Without the declaration: it is a mean of losses, its direction, and that its rows cannot be priced here."""
    assert is_loss("cost_delay", "regression")
    assert [METRICS[name].direction for name in ("cost_delay", "profit_delay")] == ["lower", "higher"]
    with pytest.raises(UsageError, match=r"cost_delay cannot be measured here: evaluate\.costs"):
        row_losses("cost_delay", *sample(5, 2))
    assert "cost_delay" not in [metric.name for metric in metrics_for("binary")]


def test_what_needs_rows_is_not_measurable_without_them() -> None:
    """Cross-validation, which has features alone, measures matrices and leaves functions out."""
    declared = {"cost_m": PricedBy.model_validate({"matrix": [[0, 1], [1, 0]]}), "cost_f": PricedBy(function="a:b")}
    prices = Prices(task="binary", declared=declared, labels=BINARY)
    assert prices.measurable(["log_loss", "cost_m", "cost_f"]) == ("log_loss", "cost_m")
