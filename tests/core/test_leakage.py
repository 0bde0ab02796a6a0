"""Leakage between training and holdout: every planted leak is found and named, and honest data has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.core.leakage.condition import leakage
from ratchet.core.leakage.finding import find
from ratchet.core.leakage.hashes import cell_hashes, key_hashes
from ratchet.core.leakage.index import Index, repeated
from ratchet.core.leakage.leaks import Leak, leaks
from ratchet.core.leakage.limits import Leakage
from ratchet.core.leakage.order import misplaced
from ratchet.core.leakage.records import EXAMPLES, STRONGEST, LeakageCheck
from ratchet.core.leakage.reproduction import strongest
from ratchet.core.leakage.rows import Rows, joined
from ratchet.core.params import Task

LIMITS = Leakage()
ROWS = 1_500
BATCHES = ("2020-01", "2020-02", "2020-03", "2020-04")
"""The last one judges."""

Batches = list[Rows]


def batch(name: str, *, rows: int = ROWS, task: Task = "binary") -> Rows:
    """Rows of one month with four numbers, of which one is sometimes missing, a category and a label that follows."""
    month = BATCHES.index(name)
    rng = np.random.default_rng(month)
    x = rng.normal(size=(rows, 3))
    kind = rng.choice(["a", "b", "c"], size=rows)
    signal = x[:, 0] + (kind == "a") + rng.normal(size=rows)
    target = signal if task == "regression" else signal > 0.5 if task == "binary" else np.digitize(signal, [0, 1])
    features = pa.table(
        {
            "x": x[:, 0],
            "y": pa.array(np.where(rng.random(rows) < 0.1, np.nan, x[:, 1]), from_pandas=True),
            "z": x[:, 2],
            "hour": rng.integers(0, 24, size=rows),
            "kind": kind,
        }
    )
    return Rows(
        features=features,
        target=pa.chunked_array([pa.array(target.astype(str) if task == "multiclass" else target)]),
        keys=pa.table({"order": np.arange(rows) + 100_000 * month}),
        time=pa.chunked_array([pa.array(np.datetime64(name, "s") + np.sort(rng.integers(0, 2_400_000, size=rows)))]),
        timed_key=False,
        batches=((name, rows),),
    )


def months(*, rows: int = ROWS, task: Task = "binary") -> Batches:
    return [batch(name, rows=rows, task=task) for name in BATCHES]


def check(parts: Batches, task: Task = "binary", limits: Leakage = LIMITS) -> LeakageCheck:
    """The last part judges what the others trained."""
    return find(parts[-1], parts[:-1], task=task, limits=limits)


def kinds(parts: Batches, task: Task = "binary") -> set[str]:
    return {leak.kind for leak in leaks(check(parts, task), LIMITS, task)}


def some(rows: Rows, share: float = 0.05) -> Rows:
    """A part of the rows, evenly spread."""
    return taken(rows, np.arange(0, len(rows), round(1 / share)))


def taken(rows: Rows, places: NDArray[np.int64]) -> Rows:
    assert rows.time is not None
    return replace(
        rows,
        features=rows.features.take(places),
        target=rows.target.take(places),
        keys=rows.keys.take(places),
        time=rows.time.take(places),
        batches=((rows.batches[0][0], len(places)),),
    )


def planted(parts: Batches, rows: Rows, into: int = 1) -> Batches:
    """The batches with more rows in one of the training batches."""
    both = joined([parts[into], rows])
    whole = replace(both, batches=((parts[into].batches[0][0], len(both)),))
    return [whole if place == into else part for place, part in enumerate(parts)]


def disguised(rows: Rows) -> Rows:
    """Other keys, and a time within the first training month."""
    early = np.full(len(rows), np.datetime64("2020-01-02", "us"))
    keys = pa.table({"order": np.arange(len(rows)) + 9_000_000})
    return replace(rows, keys=keys, time=pa.chunked_array([pa.array(early)]))


def with_feature(rows: Rows, name: str, values: Any) -> Rows:
    column = pa.array(values, from_pandas=True)
    names = rows.features.column_names
    if name in names:
        return replace(rows, features=rows.features.set_column(names.index(name), name, column))
    return replace(rows, features=rows.features.append_column(name, column))


def jittered(rows: Rows, size: float) -> Rows:
    """All fractions are a little off, in standard deviations."""
    rng = np.random.default_rng(7)
    for name in ("x", "y", "z"):
        values = rows.features.column(name).to_numpy()
        rows = with_feature(rows, name, values + rng.normal(scale=size, size=len(values)))
    return rows


@pytest.mark.parametrize("rows", [60, ROWS])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_honest_batches_have_no_leak(task: Task, rows: int) -> None:
    """Neither small nor larger months of any task are accused, and the sentence says what was found."""
    found = check(months(rows=rows, task=task), task)
    condition = leakage(found, LIMITS, task)
    assert (True, False, rows) == (condition.passed, condition.harm, condition.rows)
    assert "no leak is shown: 0 of" in condition.sentence
    assert (rows, 3 * rows) == (found.rows, found.training_rows)


NEAR = {"near_duplicates"}
COPIES: Mapping[str, tuple[Callable[[Rows], Rows], set[str]]] = {
    "as they are": (lambda rows: rows, {"duplicates", "keys", "overlap"}),
    "with another key": (lambda rows: replace(disguised(rows), time=rows.time), {"duplicates", "overlap"}),
    "with another time": (lambda rows: replace(disguised(rows), keys=rows.keys), {"duplicates", "keys"}),
    "with another key and time": (disguised, {"duplicates"}),
    "with one number changed": (lambda rows: with_feature(disguised(rows), "z", np.zeros(len(rows))), NEAR),
    "with one category changed": (lambda rows: with_feature(disguised(rows), "kind", ["q"] * len(rows)), NEAR),
    "with one value lost": (lambda rows: with_feature(disguised(rows), "x", [None] * len(rows)), NEAR),
    "rounded to three digits": (
        lambda rows: with_feature(disguised(rows), "x", np.round(rows.features.column("x").to_numpy(), 3)),
        NEAR,
    ),
    "with a little noise": (lambda rows: jittered(disguised(rows), 0.001), NEAR),
    "with more noise": (lambda rows: jittered(disguised(rows), 0.02), NEAR),
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_copies_of_judging_rows_in_training_are_found(name: str, task: Task) -> None:
    """One judging row in twenty in a training batch is a leak of the kind that its disguise leaves."""
    disguise, expected = COPIES[name]
    parts = months(task=task)
    assert kinds(planted(parts, disguise(some(parts[-1]))), task) == expected


def test_rows_of_a_copy_are_shown_side_by_side() -> None:
    """Of many copies a few pairs are shown, each with the batch and the key of both rows, and they are the same row."""
    parts = months()
    copies = some(parts[-1])
    shown = check(planted(parts, disguised(copies))).exact.shown
    assert len(shown) == EXAMPLES
    orders = copies.keys.column("order").to_pylist()
    for pair in shown:
        judging, training = dict(pair.holdout), dict(pair.training)
        assert ("2020-04", "2020-02") == (judging["batch"], training["batch"])
        assert orders[int(training["order"]) - 9_000_000] == int(judging["order"])


def test_rows_are_kept_to_what_leaks() -> None:
    """Where nothing goes beyond its limit no key is written down: the record of a decision lies in git."""
    parts = months()
    found = check(planted(parts, disguised(taken(parts[-1], np.array([3])))))
    assert found.exact.rows == 1
    bare = (found.exact, found.near, found.keys, found.disorder, *found.telling)
    assert [each.shown for each in bare if each is not None] == [()] * (4 + STRONGEST)


def test_a_near_twin_names_what_differs() -> None:
    """The sentence says which feature two rows do not share."""
    parts = months()
    copies = with_feature(disguised(some(parts[-1])), "kind", ["q"] * 75)
    assert "are training rows but for kind" in leakage(check(planted(parts, copies)), LIMITS, "binary").sentence


@settings(max_examples=25, deadline=None)
@given(
    values=st.integers(2, 12), columns=st.integers(1, 6), rows=st.integers(40, 400), batches=st.integers(2, 8),
    seed=st.integers(0, 10_000),
)  # fmt: skip
def test_coarse_features_have_twins_by_chance(values: int, columns: int, rows: int, batches: int, seed: int) -> None:
    """Independent rows of few possible features have many twins, and no near miss of chance is called a leak."""
    rng = np.random.default_rng(seed)

    def coarse(place: int) -> Rows:
        features = pa.table({f"c{each}": rng.integers(0, values, size=rows) for each in range(columns)})
        target = pa.chunked_array([pa.array(rng.random(rows) < 0.4)])
        keys = pa.table({"id": np.arange(rows) + place * rows})
        return Rows(features, target, keys, None, timed_key=False, batches=((str(place), rows),))

    found = check([coarse(place) for place in range(batches)])
    beyond = max(each.rows - each.expected for each in (found.exact, found.near)) / rows
    assert beyond <= 0.03  # chance has tails: the limit itself is passed by one case in a thousand
    assert (found.keys.rows, found.disorder) == (0, None)


def test_a_key_that_recurs_in_training_may_recur_in_the_holdout() -> None:
    """Customers come every month; but an order that never came twice, and then does, is one that was seen before."""
    parts = months()
    customers = [replace(part, keys=pa.table({"customer": np.arange(ROWS) % 700})) for part in parts]
    assert kinds(customers) == set()
    once = [*parts[:-1], replace(parts[-1], keys=parts[0].keys)]
    assert kinds(once) == {"keys"}


def test_a_key_that_holds_the_time_never_recurs() -> None:
    """However often events came twice in training, one that comes again in the holdout was seen before."""
    parts = [replace(part, keys=pa.table({"event": np.arange(ROWS)}), timed_key=True) for part in months()]
    assert kinds(parts) == {"keys"}


def test_times_of_different_units_are_the_same_key() -> None:
    """Seconds in one file and nanoseconds in another tell one event, and large whole numbers are not rounded."""
    seconds = pa.array([1_600_000_000, 1_600_000_001], pa.timestamp("s", "UTC"))
    nanos = seconds.cast(pa.timestamp("ns", "UTC"))
    assert key_hashes(pa.table({"t": seconds})).tolist() == key_hashes(pa.table({"t": nanos})).tolist()
    assert len(set(key_hashes(pa.table({"id": [2**60, 2**60 + 1]})).tolist())) == 2


def test_shuffled_months_run_backwards() -> None:
    """Rows dealt to batches at random judge by their own past: the sentence has both ends."""
    parts = months()
    whole = joined(parts)
    dealt = np.array_split(np.random.default_rng(3).permutation(len(whole)), len(parts))
    shuffled = [
        replace(taken(whole, places), batches=((name, ROWS),)) for name, places in zip(BATCHES, dealt, strict=True)
    ]
    assert kinds(shuffled) == {"overlap"}
    assert "training goes on to 2020-04-" in leakage(check(shuffled), LIMITS, "binary").sentence


def test_swapped_months_run_backwards() -> None:
    """A batch whose name sorts before its time is newer than what judges."""
    parts = months()
    found = check([parts[0], parts[3], parts[2]])
    assert found.disorder is not None
    assert found.disorder.rows == ROWS
    pair = found.disorder.shown[0]
    assert (dict(pair.holdout)["batch"], dict(pair.training)["batch"]) == ("2020-03", "2020-04")


def test_one_wrong_clock_does_not_turn_time_around() -> None:
    """A single training row of the future is one row, not a holdout that lies before it."""
    parts = months()
    late = replace(some(parts[0], 1 / ROWS), time=pa.chunked_array([pa.array([np.datetime64("2030-01-01", "us")])]))
    found = check(planted(parts, replace(late, keys=pa.table({"order": [77_777_777]})), into=0))
    assert found.disorder is not None
    assert found.disorder.rows == 1
    assert "2030" in found.disorder.newest_training


@settings(max_examples=100, deadline=None)
@given(training=st.lists(st.integers(0, 8), max_size=12), holdout=st.lists(st.integers(0, 8), max_size=12))
def test_misplaced_rows_are_the_fewest(training: list[int], holdout: list[int]) -> None:
    """No instant parts the two with fewer rows on the wrong side, by trying them all."""
    tried = [sum(t > at for t in training) + sum(h < at for h in holdout) for at in range(-1, 10)]
    expected = min(tried) if training and holdout else 0
    assert misplaced(np.array(training), np.array(holdout)) == expected


def of_label(label: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, Any]:
    """Features that give a yes or no away, each in its own way."""
    size = len(label)
    return {
        "the label itself": label,
        "the label with noise": label + rng.normal(scale=0.15, size=size),
        "the label upside down": 1.0 - label,
        "the label as a text": np.where(label, "late", "on time").astype(object),
        "a code per label": np.where(label, rng.integers(0, 5, size) * 2, rng.integers(0, 5, size) * 2 + 1),
        "far from zero if true": np.where(label, 2 + rng.random(size), rng.random(size)) * rng.choice([-1, 1], size),
        "missing if true": np.where(label, np.nan, rng.normal(size=size)),
        "a text missing if true": np.where(label, np.array(None), np.array("there", dtype=object)),
        "the label, where it is known": np.where(rng.random(size) < 0.7, np.nan, label),
        "one category for most of the true": np.where(label & (rng.random(size) > 0.01), "x", "y").astype(object),
    }


@pytest.mark.parametrize("name", of_label(np.array([True, False]), np.random.default_rng(0)))
def test_a_feature_that_gives_the_label_away_is_named(name: str) -> None:
    """A number, a category or a gap that tells a class is a leak, with its area under the curve and rows to look at."""
    rng = np.random.default_rng(5)
    parts = [with_feature(p, "secret", of_label(p.target.to_numpy(), rng)[name]) for p in months()]
    (leak,) = leaks(check(parts), LIMITS, "binary")
    assert leak.kind == "feature"
    assert "secret" in leak.sentence
    assert "ROC AUC" in leak.sentence
    shown = [dict(pair.holdout) for pair in leak.shown]
    assert {row["label"] for row in shown} == {"True", "False"}
    assert all(row["secret"] and row["batch"] == "2020-04" for row in shown)


HONEST: Mapping[str, Callable[[NDArray[np.bool_], np.random.Generator], Any]] = {
    "a name for each row": lambda label, rng: [f"r{each}" for each in rng.permutation(len(label))],
    "noise": lambda label, rng: rng.normal(size=len(label)),
    "constant": lambda label, _: np.ones(len(label)),
    "all missing": lambda label, _: np.full(len(label), np.nan),
    "strong, but no copy": lambda label, rng: label + rng.normal(scale=0.4, size=len(label)),
    "missing at random": lambda label, rng: np.where(rng.random(len(label)) < 0.5, np.nan, 1.0),
    "known of three rows": lambda label, _: np.where(np.arange(len(label)) < 3, label, np.nan),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_features_are_not_accused(name: str) -> None:
    """Neither noise, nor a name for each row, nor a good feature gives the label away."""
    rng = np.random.default_rng(6)
    assert kinds([with_feature(p, "honest", HONEST[name](p.target.to_numpy(), rng)) for p in months()]) == set()


def test_a_class_of_many_is_given_away() -> None:
    """With more than two classes, a feature that tells all of them is a leak; one that tells one of them is none."""
    parts = months(task="multiclass")
    codes = {"0": 5.0, "1": 1.0, "2": 3.0}
    told = [with_feature(p, "secret", [codes[label] for label in p.target.to_pylist()]) for p in parts]
    assert kinds(told, "multiclass") == {"feature"}
    half = [with_feature(p, "half", [float(label == "0") for label in p.target.to_pylist()]) for p in parts]
    assert kinds(half, "multiclass") == set()


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (lambda y, _: y, {"correlation"}),
        (lambda y, _: -np.exp(y / 4), {"correlation"}),
        (lambda y, rng: y + rng.normal(scale=0.02, size=len(y)), {"correlation"}),
        (lambda y, rng: y + rng.normal(scale=0.5, size=len(y)), set()),
        (lambda y, _: np.zeros(len(y)), set()),
    ],
    ids=["copy", "curve", "little noise", "much noise", "constant"],
)  # fmt: skip
def test_a_number_that_ranks_as_the_label_does_is_a_leak(
    secret: Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]], expected: set[str]
) -> None:
    """For a numeric label it is the rank correlation that gives it away, whatever the curve."""
    rng = np.random.default_rng(8)
    parts = [with_feature(p, "secret", secret(p.target.to_numpy(), rng)) for p in months(task="regression")]
    assert kinds(parts, "regression") == expected


def test_a_small_holdout_is_not_trusted_alone() -> None:
    """Of few rows a good feature may tell all by luck: the newest training batches are looked at with them."""
    parts = months()
    rng = np.random.default_rng(9)
    good = [with_feature(p, "good", p.target.to_numpy() + rng.normal(scale=0.4, size=ROWS)) for p in parts]
    label = good[-1].target.to_numpy()
    lucky = with_feature(good[-1], "good", np.where(label, 2.0, 0.0))
    few = taken(lucky, np.arange(100))
    assert strongest(few.features, few.target, "binary")[0].value == 1.0
    assert kinds([*good[:-1], few]) == set()
    assert kinds([*good[:-1], joined([lucky, lucky])]) >= {"feature"}


def test_too_few_rows_of_a_class_tell_nothing() -> None:
    """Where no feature can be judged the sentence says so."""
    parts = [with_feature(p, "late", p.target) for p in months(rows=20)]
    condition = leakage(check([parts[0], parts[1]]), LIMITS, "binary")
    assert condition.passed
    assert "too few rows to tell" in condition.sentence


def test_what_is_allowed_is_no_leak() -> None:
    """A limit of 1 allows all of its kind."""
    parts = [with_feature(p, "secret", p.target) for p in months()]
    leaking = planted(parts, some(parts[-1]))
    every = Leakage(duplicates=1, near_duplicates=1, keys=1, overlap=1, feature=1, correlation=1)
    assert kinds(leaking) == {"duplicates", "keys", "overlap", "feature"}
    assert leakage(check(leaking, limits=every), every, "binary").passed


@pytest.mark.parametrize("found", [None, "no holdout", "no training"])
def test_no_check_is_no_pass(found: str | None) -> None:
    """Where nobody looked, or there was nothing to look at, nothing is shown: it fails, and harm is not claimed."""
    looked = check(months()).model_copy(update={"rows" if found == "no holdout" else "training_rows": 0})
    condition = leakage(None if found is None else looked, LIMITS, "binary")
    assert (False, False) == (condition.passed, condition.harm)
    assert condition.remedy


def test_a_record_reads_back_equal() -> None:
    """What is written to the decision decides the same when it is read again."""
    parts = [with_feature(p, "secret", p.target) for p in months()]
    found = check(planted(parts, some(parts[-1])))
    read = LeakageCheck.model_validate_json(found.model_dump_json())
    assert found == read
    assert [*leaks(found, LIMITS, "binary")] == [*leaks(read, LIMITS, "binary")]
    assert all(isinstance(leak, Leak) and leak.shown for leak in leaks(read, LIMITS, "binary"))


def test_it_does_not_matter_how_a_column_is_stored() -> None:
    """Whole numbers, fractions, categories by code or by name, negative zero: what the model sees alike is alike."""
    one = pa.table({"n": pa.array([1, 0, None], pa.int64()), "c": pa.array(["a", None, "b"])})
    other = pa.table({"n": pa.array([1.0, -0.0, np.nan]), "c": pa.array(["a", None, "b"]).dictionary_encode()})
    assert cell_hashes(one).tolist() == cell_hashes(other).tolist()


@settings(max_examples=100, deadline=None)
@given(
    own=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50),
    others=st.lists(st.integers(0, 2**64 - 1), max_size=50),
    shared=st.lists(st.integers(0, 49), max_size=10),
)
def test_the_index_finds_exactly_what_is_there(own: list[int], others: list[int], shared: list[int]) -> None:
    """The filter in front of it changes no answer."""
    asked = others + [own[place % len(own)] for place in shared]
    index, hashes = Index(np.array(own, dtype=np.uint64)), np.array(asked, dtype=np.uint64)
    assert index.among(hashes).tolist() == [place for place, each in enumerate(asked) if each in set(own)]
    found = hashes[index.among(hashes)]
    assert sorted(index.rows(found).tolist()) == [row for row, each in enumerate(own) if each in set(found.tolist())]
    assert repeated(hashes) == sum(asked.count(each) > 1 for each in asked)


@pytest.mark.filterwarnings("error")
def test_odd_columns_are_taken_as_they_are() -> None:
    """Nothing but nulls, truths with gaps, infinities, texts by code: each is compared, none ends the run."""
    odd: Mapping[str, pa.Array] = {
        "nothing": pa.nulls(ROWS),
        "truth": pa.array([None, True, False] * (ROWS // 3)),
        "infinite": pa.array(np.where(np.arange(ROWS) % 2, np.inf, 1.0)),
        "coded": pa.array(["a", None, "b"] * (ROWS // 3)).dictionary_encode(),
        "large": pa.array(["a", None, "b"] * (ROWS // 3), pa.large_string()),
    }
    for task in ("binary", "multiclass", "regression"):
        parts = months(task=task)
        for name, values in odd.items():
            parts = [with_feature(part, name, values) for part in parts]
        assert kinds(parts, task) == set()
        assert kinds(planted(parts, disguised(some(parts[-1]))), task) == {"duplicates"}
