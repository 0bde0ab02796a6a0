"""What the endpoints answer, and what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.core import scoring
from ratchet.core.params import Task
from ratchet.serving.app import create_app
from ratchet.serving.bodies import SMALLEST_LIMIT
from ratchet.serving.predictor import Predictor
from ratchet.serving.serving_state import ServingState

Rows = list[dict[str, Any]]
Serving = Callable[[ServingState], AbstractContextManager[str]]
GOOD = {"delay": 1.0, "wind": None, "carrier": "UA", "gate": "x"}
MAX_ROWS = 50
TASKS: list[Task] = ["binary", "multiclass", "regression"]


def expected_scores(predictor: Predictor, rows: Rows) -> scoring.Scores:
    """The scores that evaluation computes for `rows`."""
    columns = {feature.name: [row[feature.name] for row in rows] for feature in predictor.record.features}
    table = scoring.frame(predictor.record.features, columns)
    return scoring.score(predictor._pipeline, predictor.record.task, table)


def told(prediction: dict[str, Any]) -> list[Any]:
    """The numbers in one prediction of /predict."""
    if "probabilities" in prediction:
        return list(prediction["probabilities"].values())
    return [prediction.get("probability", prediction.get("value"))]


@pytest.mark.parametrize("task", TASKS)
def test_predict_answers_what_evaluation_computes(
    task: Task, clients: dict[Task, httpx.Client], predictors: dict[Task, Predictor], rows: Rows
) -> None:
    """Each row's answer equals its score to the last bit, whether the row comes alone or with others."""
    scores = expected_scores(predictors[task], rows)
    wanted = (scores[:, 1:] if task == "binary" else scores).tolist()
    together = clients[task].post("/predict", json={"rows": rows}).json()
    assert [told(prediction) for prediction in together["predictions"]] == wanted
    alone = [clients[task].post("/predict", json={"rows": [row]}).json() for row in rows]
    assert [told(answer["predictions"][0]) for answer in alone] == wanted
    assert together["model"] == {"name": "flights-late", "version": 1}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "inputs", "instances", "columns"])
def test_invocations_answers_what_evaluation_computes(
    form: str, task: Task, clients: dict[Task, httpx.Client], predictors: dict[Task, Predictor], rows: Rows
) -> None:
    """Every form of MLflow's protocol gives the rows of predict_proba, or the values of predict, to the last bit."""
    names = list(rows[0])
    bodies: dict[str, Any] = {
        "dataframe_split": {
            "columns": names,
            "data": [list(row.values()) for row in rows],
            "index": [*range(len(rows))],
        },
        "columns": {name: [row[name] for row in rows] for name in names},
    }
    key = "inputs" if form == "columns" else form
    scores = expected_scores(predictors[task], rows)
    answer = clients[task].post("/invocations", json={key: bodies.get(form, rows)})
    assert answer.json() == {"predictions": (scores[:, 0] if task == "regression" else scores).tolist()}


def test_a_label_follows_the_recorded_threshold(clients: dict[Task, httpx.Client], rows: Rows) -> None:
    """Binary: positive at or above the threshold; multiclass: the likeliest class."""
    binary = clients["binary"].post("/predict", json={"rows": rows}).json()["predictions"]
    assert [answer["label"] for answer in binary] == [answer["probability"] >= 0.4 for answer in binary]
    assert {answer["label"] for answer in binary} == {True, False}
    several = clients["multiclass"].post("/predict", json={"rows": rows}).json()["predictions"]
    likeliest = [max(answer["probabilities"], key=answer["probabilities"].get) for answer in several]
    assert [answer["label"] for answer in several] == likeliest


def test_mlflow_clients_may_send_nan(client: httpx.Client) -> None:
    """The word NaN, which is not JSON but what MLflow's client writes, is a missing value for /invocations only."""
    record = json.dumps({**GOOD, "wind": float("nan"), "gate": float("nan")})
    json_type = {"content-type": "application/json"}
    with_nan = client.post("/invocations", content=f'{{"dataframe_records": [{record}]}}', headers=json_type)
    with_null = client.post("/invocations", json={"dataframe_records": [{**GOOD, "gate": None}]})
    assert (with_nan.status_code, with_nan.json()) == (200, with_null.json())
    assert client.post("/predict", content=f'{{"rows": [{record}]}}', headers=json_type).status_code == 400
    infinite = record.replace("1.0", "Infinity")
    refused = client.post("/invocations", content=f'{{"dataframe_records": [{infinite}]}}', headers=json_type)
    assert refused.json()["message"].startswith("the body is not JSON: Infinity is not a finite number")


ROWS_ALONE = "the body must be an object with rows, and nothing else, not"
BAD_ROWS: list[tuple[object, int, str]] = [
    ({"rows": []}, 400, "the request has no rows"),
    ({"rows": [GOOD] * (MAX_ROWS + 1)}, 413, "the request has 51 rows; one request may have 50"),
    ({"rows": GOOD}, 400, "rows must be a list of objects, not an object"),
    ({"row": [GOOD]}, 400, f"{ROWS_ALONE} an object with row"),
    ({"rows": [GOOD], "extra": 1}, 400, f"{ROWS_ALONE} an object with extra, rows"),
    ([GOOD], 400, f"{ROWS_ALONE} a list"),
    ({}, 400, f"{ROWS_ALONE} an object with nothing"),
    ({"rows": [{**GOOD, "delay": "1"}]}, 400,
     "the rows are refused: rows.delay: must be a JSON number (1 row, for example row 0: '1')"),
    ({"rows": [{**GOOD, "carrier": None}]}, 400,
     "the rows are refused: rows.carrier: must not be null (1 row, for example row 0)"),
    ({"rows": [{"delay": 1, "wind": 1, "gate": "x", "carier": "UA"}]}, 400,
     "the rows are refused: rows.carrier: is missing (1 row, for example row 0); "
     "rows.carier: is unknown, did you mean carrier? (1 row, for example row 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "said"), BAD_ROWS)
def test_bad_rows_are_refused_with_one_clear_message(
    body: object, status: int, said: str, client: httpx.Client
) -> None:
    """Every bad body has its status, its message, and a next step."""
    answer = client.post("/predict", json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, said)
    assert answer.json()["next"]


def test_refused_fields_are_listed_one_by_one(client: httpx.Client) -> None:
    """A program can read which fields broke which rule, in how many rows."""
    answer = client.post("/predict", json={"rows": [{**GOOD, "delay": "1"}, {**GOOD, "delay": "2"}]})
    assert answer.json()["fields"] == [
        {"field": "delay", "rule": "must be a JSON number", "rows": 2, "examples": ["row 0: '1'", "row 1: '2'"]}
    ]


BAD_FORMS: list[tuple[object, str]] = [
    ([], "the body is a list, not an object with one of"),
    ({}, "the body must hold exactly one of dataframe_split, dataframe_records, inputs, instances, not nothing"),
    ({"inputs": [GOOD], "instances": [GOOD]}, "the body must hold exactly one of"),
    ({"dataframe_records": [GOOD], "params": {"x": 1}}, "the model takes no params"),
    ({"dataframe_records": GOOD}, "the records are an object, not a list of rows"),
    ({"dataframe_records": []}, "the request has no rows"),
    ({"dataframe_split": [[1]]}, "dataframe_split must be an object of columns, data and perhaps index"),
    ({"dataframe_split": {"data": [[1]]}}, "dataframe_split.columns must be a list of field names"),
    ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 1]]}}, "dataframe_split.columns names a field twice"),
    ({"dataframe_split": {"columns": ["a"], "data": 1}}, "dataframe_split.data is 1, not a list of rows"),
    ({"dataframe_split": {"columns": ["a"], "data": [[1]], "index": [1, 2]}}, "dataframe_split.index must be a list"),
    (
        {"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}},
        "row 1 of dataframe_split.data is not a list of 1",
    ),
    ({"dataframe_split": {"columns": [], "data": [[]]}}, "the rows are refused: rows.delay: is missing (1 row"),
    ({"inputs": {"delay": [1], "wind": [1, 2]}}, "the columns must be lists of one length"),
    ({"inputs": {}}, "the columns must be lists of one length"),
    ({"inputs": {"delay": [1, 2]}}, "the rows are refused: rows.wind: is missing (2 rows"),
]


@pytest.mark.parametrize(("body", "said"), BAD_FORMS)
def test_bad_invocations_are_refused_in_mlflows_words(body: object, said: str, client: httpx.Client) -> None:
    """Every bad body is a BAD_REQUEST whose message names what is wrong."""
    answer = client.post("/invocations", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")
    assert answer.json()["message"].startswith(said)


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"rows": [', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"NaN": ' + b"[" * 100_000, "application/json", 400),
        (b'{"rows": [{"delay": 1e999}]}', "application/json", 400),
        (b'{"NaN": ' + b"1" * 10_000 + b"}", "application/json", 400),
        (b'{"rows": []}', "text/csv", 415),
        (b'{"rows": []}', "application/json; charset=latin-1", 415),
        (b'{"rows": []}', "", 415),
        (b" " * (SMALLEST_LIMIT + 1), "application/json", 413),
    ],
)
def test_bodies_that_are_no_json_are_refused(
    path: str, content: bytes, kind: str, status: int, client: httpx.Client
) -> None:
    """Not JSON, not called JSON, not in UTF-8, or too long: each has its status, on both endpoints."""
    answer = client.post(path, content=content, headers={"content-type": kind} if kind else {})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"


def test_a_body_of_unknown_length_is_cut_off(client: httpx.Client) -> None:
    """A body that does not say how long it is is refused once it is too long."""
    chunks = (b" " * 100_000 for _ in range(11))
    answer = client.post("/predict", content=chunks, headers={"content-type": "application/json; charset=UTF-8"})
    assert (answer.status_code, answer.json()["error"]) == (413, f"the body is longer than {SMALLEST_LIMIT:,} bytes")


class Model:
    """A model that gives each row the same answer, or raises."""

    def __init__(self, answer: float | Exception) -> None:
        self.answer = answer

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """The answer, once per row."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return np.full((len(X), 2), self.answer)

    predict_proba = predict


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ValueError("Input X contains infinity.\nMore words."), "Input X contains infinity."),
        (float("nan"), "row 0 has no finite score"),
        (float("inf"), "row 0 has no finite score"),
    ],
)
def test_values_that_the_model_cannot_score_are_the_callers_to_mend(
    answer: float | Exception, said: str, serving: Serving, predictors: dict[Task, Predictor]
) -> None:
    """A value that the estimator refuses is a 400 that says so, and what is not finite is never answered as null."""
    good = predictors["binary"]
    state = ServingState(Predictor(good.record, Model(answer), good.champion))
    with serving(state) as url:
        told = httpx.post(f"{url}/predict", json={"rows": [GOOD]})
    assert (told.status_code, told.json()["error"]) == (400, f"the model cannot score these rows: {said}")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/predict", 405), ("POST", "/model", 405)]
)
def test_wrong_paths_and_methods_are_told_the_right_ones(
    method: str, path: str, status: int, client: httpx.Client
) -> None:
    """404 and 405 are JSON too, and list the endpoints."""
    answer = client.request(method, path)
    assert answer.status_code == status
    assert "POST /predict" in answer.json()["next"]


def test_model_says_what_serves_who_put_it_there_and_why(
    client: httpx.Client, predictors: dict[Task, Predictor]
) -> None:
    """The card holds the record and the ledger entry, and its example is a request that works."""
    card = client.get("/model").json()
    assert (card["digest"], card["seal"]) == (
        predictors["binary"].record.model_digest,
        predictors["binary"].champion.seal,
    )
    assert {key: card[key] for key in ("name", "version", "by", "reason", "since", "metrics", "trained_on")} == {
        "name": "flights-late", "version": 1, "by": "ada", "reason": "better by 0.01",
        "since": "2013-08-01T00:00:00+00:00", "metrics": {"log_loss": 0.4}, "trained_on": ["2013-01", "2013-02"],
    }  # fmt: skip
    assert card["features"][1] == {"name": "wind", "kind": "number", "nullable": True, "example": None}
    assert card["example"] == {"rows": [{"delay": 0.25, "wind": None, "carrier": "a", "gate": None}]}
    assert client.post("/predict", json=card["example"]).status_code == 200


def test_health_names_the_version_that_serves(client: httpx.Client) -> None:
    """200 with the version when there is a champion; MLflow's /ping and /version agree."""
    health = client.get("/health")
    assert (health.status_code, health.json()["status"], health.json()["version"]) == (200, "ok", 1)
    assert (client.get("/ping").status_code, client.get("/ping").text) == (200, "\n")
    assert client.get("/version").text[:2] == "3."


def test_without_a_champion_everything_says_so(serving: Serving) -> None:
    """Before the first promotion each endpoint answers 503 with the next step, and none fails."""
    with serving(ServingState()) as url, httpx.Client(base_url=url) as client:
        answers = [client.get("/health"), client.get("/model"), client.post("/predict", json={"rows": [GOOD]})]
        assert [answer.status_code for answer in answers] == [503, 503, 503]
        assert {answer.json()["error"] for answer in answers} == {"no champion has been promoted yet"}
        assert client.get("/ping").status_code == 404
        invoked = client.post("/invocations", json={"inputs": [GOOD]})
        assert (invoked.status_code, invoked.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


def test_a_crash_is_a_500_in_json(serving: Serving, predictors: dict[Task, Predictor]) -> None:
    """A bug in a model is not blamed on the caller, shows no trace, and the server goes on."""
    good = predictors["binary"]
    state = ServingState(Predictor(good.record, Model(KeyError("secret")), good.champion))
    with serving(state) as url, httpx.Client(base_url=url) as client:
        answer = client.post("/predict", json={"rows": [GOOD]})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert client.get("/health").status_code == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=4,
)
almost_rows = st.fixed_dictionaries(
    {"delay": json_values, "carrier": st.text() | json_values}, optional={"wind": json_values, "gate": json_values}
)
almost_bodies = st.one_of(
    json_values,
    st.fixed_dictionaries({"rows": st.lists(almost_rows | json_values, max_size=3) | json_values}),
    st.fixed_dictionaries(
        {},
        optional={name: st.lists(almost_rows) | json_values for name in ("inputs", "instances", "dataframe_records")},
    ),
    st.fixed_dictionaries(
        {"dataframe_split": st.fixed_dictionaries({"columns": json_values, "data": st.lists(st.lists(json_values))})}
    ),
)


@settings(deadline=None)
@given(body=almost_bodies)
def test_no_json_value_makes_the_server_fail(body: object, client: httpx.Client) -> None:
    """Whatever JSON comes, the answer is a prediction or a refusal in JSON."""
    for path in ("/predict", "/invocations"):
        answer = client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400, 413), answer.text
        assert answer.json()


def test_the_application_is_light_to_import() -> None:
    """Nothing that costs a second is imported before a model is loaded, and MLflow never."""
    heavy = "{'pandas', 'sklearn', 'skops', 'scipy', 'mlflow', 'numpy'}"
    code = f"import sys, ratchet.serving.server; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_room_for_rows_follows_their_limit() -> None:
    """The application can be made without a server around it, for any limit."""
    assert {route.path for route in create_app(ServingState(), max_rows=1).routes if hasattr(route, "path")} == {
        "/predict", "/predict/raw", "/invocations", "/health", "/model", "/skew", "/openapi.json", "/ping", "/version",
    }  # fmt: skip
