"""Broken raw rows: each is refused with its position, column, rule and value, and none is ever a prediction."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Body = dict[str, Any]
RawBody = Callable[[int, int], Body]

CHANGES: list[tuple[dict[str, Any], int, str]] = [
    ({"kind": "horse"}, 400, "rows.kind: is none of bike, car (1 row, for example row 1: 'horse')"),
    ({"weight": 51}, 400, "rows.weight: is above 50 kg (1 row, for example row 1: 51.0)"),
    ({"weight": "12"}, 400,
     "rows.weight: must be a JSON number that fits a 64-bit float (1 row, for example row 1: '12')"),
    ({"weight": None}, 400, "rows.weight: must not be null (1 row, for example row 1: null)"),
    ({"weight": 10**400}, 400, "rows.weight: must be a JSON number that fits a 64-bit float (1 row, for example row 1: "
     "a number of more than 308 digits)"),
    ({"parcel": None}, 400, "rows.parcel: must not be null"),
    ({"parcel": 2**63}, 400, "rows.parcel: must be a JSON integer of 64 bits"),
    ({"parcel": 9.3e18}, 400, "rows.parcel: must be a JSON integer of 64 bits"),
    ({"items": 2.5}, 400, "rows.items: must be a JSON integer of 64 bits (1 row, for example row 1: 2.5)"),
    ({"items": True}, 400, "rows.items: must be a JSON integer of 64 bits (1 row, for example row 1: true)"),
    ({"gift": 1}, 400, "rows.gift: must be a JSON boolean (1 row, for example row 1: 1)"),
    ({"town": ["x"]}, 400, "rows.town: must be a JSON string (1 row, for example row 1: a list)"),
    ({"placed": "2024-01-05"}, 400, "rows.placed: must be a JSON string without a time zone, such as 2013-07-04T09:30"),
    ({"placed": "2024-01-05T10:00:00Z"}, 400, "rows.placed: must be a JSON string without a time zone"),
    ({"placed": "2024-02-30T10:00:00"}, 400,
     "rows.placed: is not of type timestamp (1 row, for example row 1: '2024-02-30T10:00:00')"),
    ({"placed": "0000-01-01T10:00:00"}, 400, "rows.placed: must be a JSON string"),
    ({"minutes": 3}, 400, "rows.minutes: is unknown here: it is an outcome, known only afterwards"),
    ({"wieght": 3}, 400, "rows.wieght: is unknown, did you mean weight?"),
    ({"weight": 5, "items": 7}, 422, "rows.weight+items: does not keep the rule weight >= items"),
    ({"town": "ZÃ¼rich"}, 422, "rows.town: was decoded wrongly (1 row, for example row 1: 'ZÃ¼rich')"),
    ({"town": "a\x00b"}, 422, "rows.town: holds a control character"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "said"), CHANGES)
def test_a_broken_row_is_named(
    change: dict[str, Any], status: int, said: str, raw_client: httpx.Client, raw_body: RawBody
) -> None:
    """One row of three is broken: 400 where the JSON Schema says so, 422 where another rule of schema.yaml does."""
    body = raw_body(0, 3)
    body["rows"][1] = body["rows"][1] | change
    answer = raw_client.post("/predict/raw", content=json.dumps(body), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"].startswith(f"the rows are refused: {said}")) == (status, True), (
        answer.text
    )
    [field] = [field for field in answer.json()["fields"] if field["field"] in said]
    assert (field["rows"], field["examples"][0].startswith("row 1")) == (1, True)


LOOKUPS: list[tuple[object, int, str]] = [
    (
        [{"hour": 3, "rain": 0}, {"hour": 3, "rain": 1}],
        422,
        "the rows are refused: sky.hour: key is not unique (2 rows",
    ),
    ([{"hour": 3, "rain": 101}], 400, "the rows are refused: sky.rain: is above 100 (1 row, for example row 0: 101.0)"),
    ([{"hour": 3}], 400, "the rows are refused: sky.rain: is missing (1 row, for example row 0)"),
    ([3], 400, "sky row 0 is 3, not an object of field: value"),
    ({"hour": [3]}, 400, "sky must be a list of objects, not an object"),
    ([{"hour": hour % 24, "rain": None} for hour in range(51)], 413, "lookup sky has 51 rows; one request may have 50"),
]


@pytest.mark.parametrize(("sky", "status", "said"), LOOKUPS)
def test_a_broken_lookup_is_named(
    sky: object, status: int, said: str, raw_client: httpx.Client, raw_body: RawBody
) -> None:
    """The rows of a lookup keep the rules of its table, have unique keys, and are limited like rows."""
    answer = raw_client.post("/predict/raw", json={**raw_body(0, 1), "lookups": {"sky": sky}})
    assert (answer.status_code, answer.json()["error"][: len(said)]) == (status, said)
    assert {field["table"] for field in answer.json()["fields"]} <= {"sky"}


SHAPES: list[tuple[Callable[[Body], object], int, str]] = [
    (lambda body: {"rows": body["rows"]}, 400, "the body must be an object with rows and lookups, and nothing else"),
    (lambda body: {**body, "more": 1}, 400, "the body must be an object with rows and lookups, and nothing else"),
    (lambda body: {**body, "lookups": {}}, 400, "lookups must be an object with sky, and nothing else"),
    (
        lambda body: {**body, "lookups": {"sky": [], "towns": []}},
        400,
        "lookups must be an object with sky, and nothing",
    ),
    (lambda body: {**body, "rows": []}, 400, "the request has no rows"),
    (lambda body: {**body, "rows": body["rows"] * 51}, 413, "the request has 51 rows; one request may have 50"),
    (lambda body: [body], 400, "the body must be an object with rows and lookups, and nothing else, not a list"),
]


@pytest.mark.parametrize(("change", "status", "said"), SHAPES)
def test_another_shape_is_refused(
    change: Callable[[Body], object], status: int, said: str, raw_client: httpx.Client, raw_body: RawBody
) -> None:
    """The body has its rows and exactly the lookups that arrive with a batch."""
    answer = raw_client.post("/predict/raw", json=change(raw_body(0, 1)))
    assert (answer.status_code, answer.json()["error"][: len(said)]) == (status, said)


@pytest.mark.parametrize("content", [b'{"rows": [1e999]}', b"[" * 100_000, b'{"rows": [NaN]}', b'"\\ud800"', b""])
def test_what_is_no_json_is_refused(content: bytes, raw_client: httpx.Client) -> None:
    """Numbers beyond all floats, endless nesting, NaN, half a character, nothing: each is a 400."""
    answer = raw_client.post("/predict/raw", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"].startswith("the body is not JSON: ")) == (400, True)


def test_all_that_is_wrong_is_told_at_once(raw_client: httpx.Client, raw_body: RawBody) -> None:
    """Broken rules of all tables are in one answer; a rule of the JSON Schema among them makes it a 400."""
    body = raw_body(0, 2)
    body["rows"][0] = body["rows"][0] | {"weight": 0, "kind": "horse"}
    body["lookups"] = {"sky": [{"hour": 1, "rain": -1}]}
    answer = raw_client.post("/predict/raw", json=body)
    broken = {(field.get("table", "rows"), field["field"], field["rule"]) for field in answer.json()["fields"]}
    assert answer.status_code == 400
    assert broken >= {("rows", "kind", "is none of bike, car"), ("sky", "rain", "is below 0")}


def test_rows_that_are_answered_may_have_notes(raw_client: httpx.Client, raw_body: RawBody) -> None:
    """What is only warned of, not found in a lookup, or never seen in training, is noted of the row, and answered."""
    body = raw_body(0, 3)
    body["rows"][0] = body["rows"][0] | {"town": "low", "items": 3}
    body["rows"][1] = body["rows"][1] | {"town": "nowhere", "items": 3, "speed": 101}
    body["rows"][2] = body["rows"][2] | {"town": "low", "weight": 2, "items": 1}
    answer = raw_client.post("/predict/raw", json=body).json()
    assert len(answer["predictions"]) == 3
    assert [(note["row"], note["field"], note["note"]) for note in answer["notes"]] == [
        (1, "speed", "is above 100"),
        (1, "town", "is not in towns"),
        (1, "town", "'nowhere' is in none of the training rows"),
        (2, "weight", answer["notes"][3]["note"]),
    ]
    assert answer["notes"][3]["note"].startswith("2 is outside of what training saw, ")


def test_nothing_observed_is_an_empty_lookup(raw_client: httpx.Client, raw_body: RawBody) -> None:
    """A lookup without rows is no error: what it would have given is missing."""
    answer = raw_client.post("/predict/raw", json={**raw_body(0, 2), "lookups": {"sky": []}})
    assert (answer.status_code, len(answer.json()["predictions"])) == (200, 2)
