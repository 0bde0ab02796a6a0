"""Which rows may be looked at, and which models may be scored on them."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.core.looked_at import LookedAt, batches_of, kind_of, require_unseen
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Params, Project, parse_params
from ratchet.core.split import plan_split
from ratchet.errors import DataRefused, UsageError

PLAN = plan_split(["2013-01", "2013-02", "2013-03"], holdout=1, folds=1)
RECORD = ModelRecord(
    task="regression",
    target="y",
    features=[Feature(name="x", kind="number", nullable=False)],
    labels=[],
    baseline=[1.0],
    threshold=0.5,
    recipe=Recipe(
        project=Project(name="m", room="little", task="regression", target="y"),
        features=Features(),
        model=Model(estimator="ridge"),
    ),
    trained_on={"2013-01": "a", "2013-02": "b"},
    rows=9,
    open=0.2,
    open_by="day of t",
    model_digest="d",
    libraries={},
)
OPEN = LookedAt(kind="open", batches={"2013-01": "a", "2013-02": "b"}, rows=5, clusters=2)


def params(share: float, policy: str) -> Params:
    return parse_params(
        {
            "project": {"name": "m", "room": "r", "task": "regression", "target": "y"},
            "split": {"open": share},
            "features": {},
            "model": {"estimator": "ridge"},
            "evaluate": {},
            "gate": {"metric": "squared_error", "reuse": {"policy": policy}},
        }
    )


@pytest.mark.parametrize(
    ("policy", "share", "kind", "batches"),
    [
        ("ledger", 0.2, "open", ("2013-01", "2013-02")),
        ("fresh", 0.2, "open", ("2013-01", "2013-02")),
        ("open", 0.2, "holdout", ("2013-03",)),
        ("open", 0.0, "holdout", ("2013-03",)),
    ],
)
def test_what_is_sealed_is_not_looked_at(policy: str, share: float, kind: str, batches: tuple[str, ...]) -> None:
    """Open rows are looked at where the policy seals the newest batches, and these everywhere else."""
    found = params(share, policy)
    assert (kind_of(found), batches_of(PLAN, found)) == (kind, batches)


@pytest.mark.parametrize("policy", ["ledger", "fresh"])
def test_to_seal_everything_is_refused(policy: str) -> None:
    """A policy that seals needs open rows: without them nobody could see anything."""
    with pytest.raises(UsageError, match=r"split\.open is 0: nothing could be looked at"):
        params(0.0, policy)


@pytest.mark.parametrize("share", [0.2, 0.1])
def test_a_model_that_has_not_seen_the_open_rows_passes(share: float) -> None:
    """It was trained without these rows, and maybe without some that are not open any more."""
    require_unseen(RECORD, looked_at=OPEN, share=share, dealt_by="day of t")


@pytest.mark.parametrize(
    ("record", "share", "by"),
    [({}, 0.3, "day of t"), ({}, 0.2, "week of t"), ({"open": 0.0, "open_by": ""}, 0.2, "day of t")],
    ids=["a larger share now", "dealt in another way", "an older model"],
)
def test_a_model_that_has_seen_open_rows_is_refused(record: dict[str, Any], share: float, by: str) -> None:
    """Its numbers on these rows would be those of a pupil who knows the answers."""
    with pytest.raises(DataRefused, match="it was trained on rows that are open now"):
        require_unseen(RECORD.model_copy(update=record), looked_at=OPEN, share=share, dealt_by=by)


@pytest.mark.parametrize(("batches", "seen"), [({"2013-02": "z"}, "2013-02"), ({"late": "b"}, "late")])
def test_a_model_that_was_trained_on_a_held_out_batch_is_refused(batches: dict[str, str], seen: str) -> None:
    """By its name or by what is in it."""
    held_out = LookedAt(kind="holdout", batches=batches, rows=5, clusters=None)
    with pytest.raises(DataRefused, match=f"it was trained on {seen}"):
        require_unseen(RECORD, looked_at=held_out, share=0.2, dealt_by="day of t")


def test_the_rows_are_told_in_words() -> None:
    """How many, that they are open, and of when."""
    assert OPEN.text == "5 open rows of 2013-01 to 2013-02"
    one = OPEN.model_copy(update={"batches": {"2013-01": "a"}})
    assert one.text == "5 open rows of 2013-01"
    assert OPEN.model_copy(update={"kind": "holdout"}).text == "5 rows of 2013-01, 2013-02"
