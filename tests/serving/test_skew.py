"""Serving skew: counts are exact, notes name the values, and the worst feature comes first."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime

import httpx
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.params import Task
from ratchet.core.seen import SeenFeature
from ratchet.serving.notes import MOST_NOTES, told
from ratchet.serving.predictor import Predictor
from ratchet.serving.skew import EXAMPLES, Skew

SEEN = {
    "wind": SeenFeature(missing=0.25, low=-1.0, high=5.0, inner_low=0.0, inner_high=4.0, tails=0.02),
    "carrier": SeenFeature(missing=0.0, categories=("AA", "UA")),
    "tail": SeenFeature(missing=0.5),
}
NUMBERS = st.one_of(st.none(), st.floats(-10, 10), st.sampled_from([-1.0, 0.0, 4.0, 5.0]))
NAMES = st.one_of(st.none(), st.sampled_from(["AA", "UA", "ZZ", ""]))


@given(batches=st.lists(st.lists(st.tuples(NUMBERS, NAMES), min_size=1), min_size=1))
def test_counts_are_those_of_a_plain_loop(batches: list[list[tuple[float | None, str | None]]]) -> None:
    """However the rows are cut into requests; a note is made of exactly the values that are outside."""
    skew = Skew(SEEN)
    noted = []
    for rows in batches:
        wind, carrier = [row[0] for row in rows], [row[1] for row in rows]
        noted += [note.field for note in skew.see({"wind": wind, "carrier": carrier, "tail": [None] * len(rows)})]
    rows = [row for batch in batches for row in batch]
    winds = [wind for wind, _ in rows if wind is not None]
    summary = skew.summary()
    found = {each["feature"]: each for each in summary["features"]}
    assert summary["rows"] == len(rows)
    assert found["wind"]["outside_rows"] == sum(not -1 <= wind <= 5 for wind in winds) == noted.count("wind")
    assert found["wind"]["tails"] == sum(not 0 <= wind <= 4 for wind in winds) / max(len(winds), 1)
    assert found["wind"]["missing"] == (len(rows) - len(winds)) / len(rows)
    new = [name for _, name in rows if name not in ("AA", "UA", None)]
    assert found["carrier"]["outside"] == len(new) / len(rows)
    assert noted.count("carrier") == len(new)
    assert found["carrier"]["missing"] == sum(name is None for _, name in rows) / len(rows)
    assert (found["tail"]["missing"], found["tail"]["outside"], found["tail"]["tails"]) == (1.0, 0.0, None)


def test_the_worst_feature_comes_first_with_examples() -> None:
    """By the share of rows outside, then by how the missing ones differ; a few distinct values are kept."""
    skew = Skew(SEEN)
    skew.see({"wind": [9.0, 9.0, 1.0, 1.0], "carrier": ["UA"] * 4, "tail": ["x", None, None, None]})
    skew.see({"wind": [float(value) for value in range(10, 20)], "carrier": ["ZZ"] + ["UA"] * 9, "tail": [None] * 10})
    first, second, third = skew.summary()["features"]
    assert (first["feature"], first["examples"]) == ("wind", ["9.0", "10.0", "11.0", "12.0", "13.0"])
    assert (second["feature"], second["examples"]) == ("carrier", ["'ZZ'"])
    assert third["feature"] == "tail"
    assert len(first["examples"]) == EXAMPLES


def test_an_answer_has_a_bounded_number_of_notes() -> None:
    """However many rows are odd, and it says that there are more."""
    skew = Skew(SEEN)

    def odd(count: int) -> dict[str, list[object]]:
        return {"wind": [9.0] * count, "carrier": ["UA"] * count, "tail": [None] * count}

    assert [len(told(skew.see(odd(3)))["notes"]), told(skew.see(odd(3)))["more_notes"]] == [3, False]
    answer = told(skew.see(odd(5000)))
    assert (len(answer["notes"]), answer["more_notes"]) == (MOST_NOTES, True)
    assert skew.summary()["rows"] == 5006


def test_no_row_is_lost_between_threads() -> None:
    """Requests are scored in several threads at once."""
    skew = Skew(SEEN)

    def work() -> None:
        for _ in range(200):
            skew.see({"wind": [9.0], "carrier": ["ZZ"], "tail": ["x"]})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each["outside_rows"] for each in skew.summary()["features"]} == {800, 0}


def test_a_model_without_a_profile_counts_nothing(clients: dict[Task, httpx.Client]) -> None:
    """An older record does not say what training saw: the answer says so, and has no notes."""
    body = {"rows": [{"delay": 1e9, "wind": None, "carrier": "new", "gate": "new"}]}
    assert clients["binary"].post("/predict", json=body).json()["notes"] == []
    skew = clients["binary"].get("/skew").json()
    assert (skew["features"], "does not say what training saw" in skew["reason"]) == ([], True)


def test_the_counts_say_whose_they_are(predictors: dict[Task, Predictor]) -> None:
    """Several servers behind one address count each for itself: the process, and since when it has counted."""
    told = predictors["binary"].told_skew()
    assert told["process"] == os.getpid()
    assert datetime.fromisoformat(told["since"]) <= datetime.now(UTC)
