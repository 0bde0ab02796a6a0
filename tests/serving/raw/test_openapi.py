"""The OpenAPI document: valid, complete, and exactly what the server does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator
from openapi_schema_validator import OAS31Validator

from ratchet.core.params import Task
from ratchet.serving.app import create_app
from ratchet.serving.serving_state import ServingState

RawBody = Callable[[int, int], dict[str, Any]]
Json = dict[str, Any]
JSON_TYPE = {"content-type": "application/json"}
NOT_IN_SCHEMA = ("/", "/ping", "/version")
"""Routes for people, or that only MLflow's clients ask."""


def told(client: httpx.Client) -> Json:
    """The document."""
    document: Json = client.get("/openapi.json").json()
    return document


def validator(document: Json, name: str) -> Draft202012Validator:
    """Checks a value against a component of the document; formats are left to patterns."""
    return OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def references(node: object) -> Iterator[str]:
    """Every `$ref` in the document."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"]
    for child in children:
        yield from references(child)


@pytest.fixture(params=["raw", "binary", "multiclass", "regression"])
def any_client(
    request: pytest.FixtureRequest, raw_client: httpx.Client, clients: dict[Task, httpx.Client]
) -> httpx.Client:
    """A server of each task, and one that takes raw rows."""
    return raw_client if request.param == "raw" else clients[request.param]


def test_the_document_is_openapi(any_client: httpx.Client) -> None:
    """Each schema is a schema, each reference is one to something, each operation has an id of its own and answers."""
    document = told(any_client)
    assert document["openapi"] == "3.1.0"
    assert set(document["info"]) >= {"title", "version"}
    for schema in document["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)
    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} <= set(
        document["components"]["schemas"]
    )
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all("200" in operation["responses"] for operation in operations)


def test_every_route_is_in_the_document(raw_client: httpx.Client) -> None:
    """What the server answers, and by which method, is what the document lists."""
    routes = {
        (path, method.lower())
        for route in create_app(ServingState(), max_rows=1).routes
        if (path := getattr(route, "path", "")) not in NOT_IN_SCHEMA
        for method in set(getattr(route, "methods", ())) - {"HEAD"}
    }
    assert {(path, method) for path, item in told(raw_client)["paths"].items() for method in item} == routes


def test_answers_are_as_the_document_says(any_client: httpx.Client) -> None:
    """The examples of the document are accepted by its own schemas and by the server, and so are the answers."""
    document = told(any_client)
    for path, name in (("/predict", "FeatureRequest"), ("/predict/raw", "RawRequest")):
        if path not in document["paths"]:
            continue
        [example] = document["components"]["schemas"][name]["examples"]
        validator(document, name).validate(example)
        answer = any_client.post(path, json=example)
        assert answer.status_code == 200
        validator(document, "Predictions").validate(answer.json())
        refused = any_client.post(path, json={"rows": [{"x": 1}]})
        validator(document, "Refusal").validate(refused.json())
        assert str(refused.status_code) in document["paths"][path]["post"]["responses"]


def test_the_raw_row_is_the_schema_of_the_room(raw_client: httpx.Client) -> None:
    """Types, ranges, values, what may be null, units and descriptions; what is only warned of is no rule."""
    row = told(raw_client)["components"]["schemas"]["RawRow"]
    columns = row["properties"]
    assert columns["weight"] == {
        "type": "number", "description": "number, in kg", "x-unit": "kg", "minimum": 0, "maximum": 50,
    }  # fmt: skip
    assert (columns["items"]["type"], columns["items"]["minimum"], columns["items"]["maximum"]) == (
        ["integer", "null"], 1, 9,
    )  # fmt: skip
    assert columns["kind"]["enum"] == ["bike", "car"]
    assert (columns["placed"]["type"], columns["placed"]["format"]) == ("string", "date-time-local")
    assert columns["speed"]["maximum"] > 1e308
    assert columns["parcel"]["description"] == "its number"
    assert "minutes" not in columns
    assert [each["rule"] for each in row["x-relations"]] == ["weight >= items"]


MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(["2024-01-05T10:00:00", "2024-02-30T10:00:00", "2024-01-05T10:00:00Z", "2024-01-05", "now"]),
)
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=5), st.lists(st.none(), max_size=1), st.just({}),
)  # fmt: skip
PLAUSIBLE: dict[str, st.SearchStrategy[object]] = {
    "parcel": st.integers(-(2**64), 2**64) | st.floats(-1e19, 1e19).map(round).map(float),
    "placed": MOMENTS,
    "kind": st.sampled_from(["bike", "car", "horse"]),
    "town": st.none() | st.text(st.characters(codec="utf-8"), max_size=6),
    "weight": st.floats(-1, 51) | st.integers(0, 50),
    "items": st.none() | st.integers(0, 10) | st.sampled_from([2.0, 2.5]),
    "gift": st.booleans(),
    "speed": st.none() | st.floats(-200, 200),
}
ROW = st.fixed_dictionaries({name: values | ANYTHING for name, values in PLAUSIBLE.items()})
GOOD_ROW = st.fixed_dictionaries(
    {
        **PLAUSIBLE,
        "parcel": st.integers(-(2**63), 2**63 - 1),
        "placed": st.just("2024-01-05T10:00:00.5"),
        "kind": st.sampled_from(["bike", "car"]),
        "weight": st.floats(9, 50),
        "items": st.none() | st.integers(1, 9) | st.just(3.0),
    }
)
LACKING = st.builds(
    lambda row, name: {key: row[key] for key in row if key != name}, GOOD_ROW, st.sampled_from([*PLAUSIBLE])
)
WITH_MORE = st.builds(lambda row, name: {**row, name: 1}, GOOD_ROW, st.sampled_from(["minutes", "x", ""]))
BODY = st.fixed_dictionaries(
    {
        "rows": st.lists(GOOD_ROW | ROW | LACKING | WITH_MORE, min_size=1, max_size=2),
        "lookups": st.just({"sky": [{"hour": 10, "rain": 1}]})
        | st.fixed_dictionaries(
            {"sky": st.lists(st.fixed_dictionaries({"hour": st.integers(-1, 24), "rain": ANYTHING}), max_size=2)}
        ),
    }
)
FEATURE_NAMES = ("kind", "town", "weight", "gift", "items", "hour", "rain", "height")
ONLY_IN_WORDS = re.compile(
    r"does not keep the rule weight >= items|key is not unique|was decoded wrongly|holds a control character"
)
"""The rules that JSON Schema has no words for: breaking one of them alone is a 422."""


def is_moment(body: Json) -> bool:
    """Whether each moment is one of the calendar: the format `date-time-local`, which the validator does not know."""
    return all("02-30" not in str(row["placed"]) for row in body["rows"])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODY)
def test_rows_are_refused_exactly_as_the_schema_says(body: Json, raw_client: httpx.Client) -> None:
    """What the JSON Schema does not allow is a 400; what it allows is answered, or a 422 for a rule beyond it."""
    allowed = validator(told_once(raw_client), "RawRequest").is_valid(body) and is_moment(body)
    answer = raw_client.post("/predict/raw", content=json.dumps(body), headers=JSON_TYPE)
    event(f"{answer.status_code}")
    if not allowed:
        assert answer.status_code == 400, answer.text
    elif answer.status_code == 422:
        assert all(ONLY_IN_WORDS.match(field["rule"]) for field in answer.json()["fields"]), answer.text
    else:
        assert (answer.status_code, len(answer.json()["predictions"])) == (200, len(body["rows"])), answer.text


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.fixed_dictionaries(dict.fromkeys(FEATURE_NAMES, ANYTHING)))
def test_features_are_refused_exactly_as_the_schema_says(row: Json, raw_client: httpx.Client) -> None:
    """The same for rows of features; a model may find no finite score for a value that is allowed."""
    body = {"rows": [row]}
    allowed = validator(told_once(raw_client), "FeatureRequest").is_valid(body)
    answer = raw_client.post("/predict", content=json.dumps(body), headers=JSON_TYPE)
    if allowed:
        unscorable = answer.status_code == 400 and "cannot score these rows" in answer.text
        assert answer.status_code == 200 or unscorable, answer.text
    else:
        assert answer.status_code == 400, answer.text


DOCUMENTS: dict[str, Json] = {}


def told_once(client: httpx.Client) -> Json:
    """The document of a server, asked for once."""
    return DOCUMENTS.setdefault(str(client.base_url), told(client) if str(client.base_url) not in DOCUMENTS else {})


json_values = st.recursive(
    ANYTHING, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=json_values | st.fixed_dictionaries({"rows": json_values, "lookups": json_values}))
def test_no_json_value_makes_the_room_fail(body: object, raw_client: httpx.Client) -> None:
    """Whatever JSON comes as raw rows, the answer is a refusal in JSON, as no such rows are drawn by chance."""
    answer = raw_client.post("/predict/raw", content=json.dumps(body), headers=JSON_TYPE)
    assert answer.status_code in (400, 413), answer.text
    assert answer.json()["error"]
