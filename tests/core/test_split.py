"""Which batches train and which judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.split import Fold, Plan, plan_split
from ratchet.errors import DataRefused

BATCHES = st.lists(st.from_regex(r"20[0-9]{2}-(0[1-9]|1[0-2])", fullmatch=True), unique=True, min_size=2, max_size=14)


@given(batches=BATCHES, folds=st.integers(1, 5), data=st.data())
def test_the_newest_judge_and_everything_older_trains(batches: list[str], folds: int, data: st.DataObject) -> None:
    """Every batch has one part, in time order, whatever order they came in."""
    holdout = data.draw(st.integers(1, len(batches) - 1))
    plan = plan_split(batches, holdout=holdout, folds=folds)
    assert (*plan.train, *plan.holdout) == tuple(sorted(batches))
    assert len(plan.holdout) == holdout


@given(batches=BATCHES, folds=st.integers(1, 5), data=st.data())
def test_folds_walk_forward_over_the_training_batches(batches: list[str], folds: int, data: st.DataObject) -> None:
    """Each fold is scored on the batch right after those it trains on; no fold touches the judges' batches."""
    plan = plan_split(batches, holdout=data.draw(st.integers(1, len(batches) - 1)), folds=folds)
    assert len(plan.folds) == min(folds, len(plan.train) - 1)
    assert all((*fold.train, *fold.test) == plan.train[: len(fold.train) + 1] for fold in plan.folds)
    assert [fold.test for fold in plan.folds] == [(name,) for name in plan.train[len(plan.train) - len(plan.folds) :]]


def test_a_single_training_batch_has_no_fold() -> None:
    """There is nothing to walk over, and that is no error."""
    assert plan_split(["b", "a"], holdout=1, folds=3) == Plan(train=("a",), holdout=("b",), folds=())


def test_three_training_batches_and_two_folds() -> None:
    """The folds are the newest ones, oldest first."""
    folds = plan_split(["1", "2", "3", "4"], holdout=1, folds=2).folds
    assert folds == (Fold(("1",), ("2",)), Fold(("1", "2"), ("3",)))


@given(
    late=st.dictionaries(st.sampled_from(["2024-01", "2024-02", "2024-03", "2024-04"]), st.integers(0, 12)),
    holdout=st.integers(1, 3),
    data=st.data(),
)
def test_late_rows_go_with_their_batch(late: dict[str, int], holdout: int, data: st.DataObject) -> None:
    """They train, judge and score a fold where their batch does, and change nothing of who else does."""
    whole = ["2024-01", "2024-02", "2024-03", "2024-04"]
    rows = [f"{name}.late-{number}" for name, many in late.items() for number in range(1, many + 1)]
    plan = plan_split(data.draw(st.permutations([*whole, *rows])), holdout=holdout, folds=2)
    alone = plan_split(whole, holdout=holdout, folds=2)

    def with_late(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            each for name in names for each in (name, *(f"{name}.late-{n}" for n in range(1, late.get(name, 0) + 1)))
        )

    assert (plan.train, plan.holdout) == (with_late(alone.train), with_late(alone.holdout))
    assert plan.folds == tuple(Fold(with_late(fold.train), with_late(fold.test)) for fold in alone.folds)


def test_late_rows_alone_are_no_second_batch() -> None:
    """A batch and what came late for it cannot be split: the rows would judge their own batch."""
    with pytest.raises(DataRefused, match=r"there is 1 batch \(2024-01\), and 1 is held out"):
        plan_split(["2024-01", "2024-01.late-1"], holdout=1, folds=3)


@pytest.mark.parametrize(
    ("batches", "holdout", "message"),
    [
        ([], 1, "there are 0 batches (none), and 1 is held out: at least 2 are needed"),
        (["a"], 1, "there is 1 batch (a), and 1 is held out: at least 2 are needed"),
        (["b", "a"], 2, "there are 2 batches (a, b), and 2 are held out: at least 3 are needed"),
    ],
)
def test_nothing_left_to_train_on_is_refused(batches: list[str], holdout: int, message: str) -> None:
    """The refusal names the batches, and how many are needed."""
    with pytest.raises(DataRefused) as refused:
        plan_split(batches, holdout=holdout, folds=3)
    assert refused.value.message == message
