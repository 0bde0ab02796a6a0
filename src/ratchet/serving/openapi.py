"""`GET /openapi.json`: what can be asked of the champion that serves, in OpenAPI 3.1.

The raw rows come from the `schema.yaml` that the model was trained with, the features from the model's record: nothing
in it is written by hand that another file says.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from ratchet.core.model_record import Feature, ModelRecord
from ratchet.core.schema import ROWS
from ratchet.serving.raw.json_schema import NUMBERS, closed_object, component, request_schema

if TYPE_CHECKING:
    from ratchet.serving.predictor import Predictor

Json = dict[str, Any]

REFUSED = {
    "400": "Not JSON, or not what the schema of the body allows",
    "413": "More rows or bytes than one request may have",
    "415": "The content type is not application/json",
    "503": "No champion serves",
}
CLIENT: Json = {
    "name": "x-client-id",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "who asks, in any words: the same name is answered by the same version as long as one is on trial",
}
LOGGED: Json = {
    "x-prediction-id": {
        "schema": {"type": "string"},
        "description": "the answer's id in the log, if there is one; row i is ID/i",
    }
}
RAW_SUMMARY = "Predictions from raw rows, checked by schema.yaml and made into features by the model's own code"
RAW_REFUSED = {
    "422": "Rows that the schema of the body allows, and that break another rule of schema.yaml",
    "500": "The room failed on these rows",
    "501": "This model takes no raw rows",
}


def document(predictor: Predictor, *, max_rows: int) -> Json:
    """The OpenAPI document for the model that serves; one request may have `max_rows` rows."""
    features = _predict("predict", "Predictions from features", "FeatureRequest", REFUSED)
    paths = {"/predict": features, **_reading(), **_mlflow(predictor.record)}
    schemas = {**_answers(predictor.record), **_features(predictor.record.features, max_rows)}
    if (raw := predictor.raw.description) is not None:
        paths["/predict/raw"] = _predict("predictRaw", RAW_SUMMARY, "RawRequest", {**REFUSED, **RAW_REFUSED})
        schemas["RawRequest"] = request_schema(raw.schemas, max_rows=max_rows)
        schemas |= {component(name): schema for name, schema in raw.schemas.items()}
        if (example := predictor.raw.example()) is not None:
            schemas["RawRequest"]["examples"] = [example]
    schemas["FeatureRequest"]["examples"] = [predictor.card["example"]]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": predictor.champion.model,
            "version": str(predictor.champion.version),
            "description": f"Predicts {predictor.record.target} ({predictor.record.task}), served by Ratchet "
            f"{metadata.version('ratchet')}.",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _predict(name: str, summary: str, body: str, refused: dict[str, str]) -> Json:
    refusals = {status: _content(description, "Refusal") for status, description in refused.items()}
    operation = {
        "operationId": name,
        "summary": summary,
        "parameters": [CLIENT],
        "requestBody": {"required": True, "content": _json_content(_ref(body))},
        "responses": {"200": {**_content("The predictions", "Predictions"), "headers": LOGGED}, **refusals},
    }
    return {"post": operation}


def _mlflow(record: ModelRecord) -> Json:
    scores = _list({"type": "number"} if record.task == "regression" else _list({"type": "number"}))
    answer = _json_content({"type": "object", "required": ["predictions"], "properties": {"predictions": scores}})
    return {
        "/invocations": {
            "post": {
                "operationId": "invocations",
                "summary": "MLflow's scoring protocol: dataframe_split, dataframe_records, inputs or instances",
                "parameters": [CLIENT],
                "requestBody": {"required": True, "content": _json_content({"type": "object"})},
                "responses": {
                    "200": {
                        "description": "The rows of predict_proba, or values",
                        "content": answer,
                        "headers": LOGGED,
                    },
                    "400": _content("Refused, in MLflow's words", "MlflowError"),
                },
            }
        }
    }


def _reading() -> Json:
    told = {
        "/model": "What serves, who put it there and why, its features and an example",
        "/skew": "How far what came in is from what training saw, by feature",
        "/openapi.json": "This document",
        "/health": "Which version serves, and what hinders a newer one",
    }
    return {
        path: {
            "get": {
                "operationId": path.strip("/").removesuffix(".json"),
                "summary": summary,
                "responses": {
                    "200": {"description": summary, "content": _json_content({"type": "object"})},
                    "503": _content(REFUSED["503"], "Refusal"),
                },
            }
        }
        for path, summary in told.items()
    }


def _features(features: list[Feature], max_rows: int) -> Json:
    row = closed_object({feature.name: _feature(feature) for feature in features})
    rows = {"minItems": 1, "maxItems": max_rows, **_list(_ref("FeatureRow"))}
    return {"FeatureRow": row, "FeatureRequest": closed_object({ROWS: rows})}


def _feature(feature: Feature) -> Json:
    kind = "number" if feature.kind == "number" else "string"
    bounds = {"minimum": NUMBERS[0], "maximum": NUMBERS[1]} if feature.kind == "number" else {}
    return {"type": [kind, "null"] if feature.nullable else kind, **bounds}


def _answers(record: ModelRecord) -> Json:
    note = {"row": {"type": "integer"}, "field": {"type": "string"}, "note": {"type": "string"}}
    model = {"name": {"type": "string"}, "version": {"type": "integer"}}
    broken = {
        "table": {"type": "string", "description": "the lookup; absent for the rows themselves"},
        "field": {"type": "string"},
        "rule": {"type": "string"},
        "rows": {"type": "integer", "description": "how many rows break it"},
        "examples": _list({"type": "string"}),
    }
    answers = {
        "model": closed_object(model),
        "predictions": _list(_ref("Prediction")),
        "notes": _list(closed_object(note)),
        "more_notes": {"type": "boolean"},
    }
    refusal = {
        "error": {"type": "string"},
        "fields": _list(closed_object(broken, optional=["table"])),
        "next": {"type": "string"},
    }
    return {
        "Prediction": closed_object(_prediction(record)),
        "Predictions": closed_object(answers),
        "Refusal": closed_object(refusal),
        "MlflowError": closed_object({"error_code": {"type": "string"}, "message": {"type": "string"}}),
    }


def _prediction(record: ModelRecord) -> Json:
    chance = {"type": "number", "minimum": 0, "maximum": 1}
    if record.task == "regression":
        return {"value": {"type": "number"}}
    if record.task == "binary":
        return {"probability": chance, "label": {"type": ["boolean", "string"]}}
    label = {"type": "string", "enum": list(record.labels)}
    return {"label": label, "probabilities": closed_object(dict.fromkeys(record.labels, chance))}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(description: str, name: str) -> Json:
    return {"description": description, "content": _json_content(_ref(name))}


def _json_content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
