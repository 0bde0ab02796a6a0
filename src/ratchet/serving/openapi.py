"""`GET /openapi.json`: what can be asked of the champion that serves, in OpenAPI 3.1.

The raw rows come from the `schema.yaml` that the model was trained with, the features from the model's record: nothing
in it is written by hand that another file says.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from ratchet.core.model_record import Feature, ModelRecord
from ratchet.core.schema import ROWS
from ratchet.serving.raw.json_schema import NUMBERS, component, request_schema

if TYPE_CHECKING:
    from ratchet.serving.predictor import Predictor

Json = dict[str, Any]

REFUSED = {
    "400": "Not JSON, or not what the schema of the body allows",
    "413": "More rows or bytes than one request may have",
    "415": "The content type is not application/json",
    "503": "No champion serves",
}
RAW_REFUSED = {
    "422": "Rows that the schema of the body allows, and that break another rule of schema.yaml",
    "500": "The room failed on these rows",
    "501": "This model takes no raw rows",
}


def document(predictor: Predictor, *, max_rows: int) -> Json:
    """The OpenAPI document for the model that serves; one request may have `max_rows` rows."""
    paths = {"/predict": {"post": _predict()}, **_reading(), **_mlflow(predictor.record)}
    schemas = {**_answers(predictor.record), **_features(predictor.record.features, max_rows)}
    if (raw := predictor.raw.description) is not None:
        paths["/predict/raw"] = {"post": _predict_raw()}
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


def _predict() -> Json:
    return {
        "operationId": "predict",
        "summary": "Predictions from features",
        "requestBody": _body("FeatureRequest"),
        "responses": {"200": _content("The predictions", "Predictions"), **_refusals(REFUSED)},
    }


def _predict_raw() -> Json:
    return {
        "operationId": "predictRaw",
        "summary": "Predictions from raw rows, checked by schema.yaml and made into features by the model's own code",
        "requestBody": _body("RawRequest"),
        "responses": {"200": _content("The predictions", "Predictions"), **_refusals({**REFUSED, **RAW_REFUSED})},
    }


def _mlflow(record: ModelRecord) -> Json:
    scores = _list({"type": "number"} if record.task == "regression" else _list({"type": "number"}))
    answer = _json_content({"type": "object", "required": ["predictions"], "properties": {"predictions": scores}})
    return {
        "/invocations": {
            "post": {
                "operationId": "invocations",
                "summary": "MLflow's scoring protocol: dataframe_split, dataframe_records, inputs or instances",
                "requestBody": {"required": True, "content": _json_content({"type": "object"})},
                "responses": {
                    "200": {"description": "The rows of predict_proba, or values", "content": answer},
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
    row = {
        "type": "object",
        "additionalProperties": False,
        "required": [feature.name for feature in features],
        "properties": {feature.name: _feature(feature) for feature in features},
    }
    rows = {"type": "array", "minItems": 1, "maxItems": max_rows, "items": _ref("FeatureRow")}
    request = {"type": "object", "additionalProperties": False, "required": [ROWS], "properties": {ROWS: rows}}
    return {"FeatureRow": row, "FeatureRequest": request}


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
        "model": _object(model),
        "predictions": _list(_ref("Prediction")),
        "notes": _list(_object(note)),
        "more_notes": {"type": "boolean"},
    }
    refusal = {"error": {"type": "string"}, "fields": _list(_object(broken, but=["table"])), "next": {"type": "string"}}
    return {
        "Prediction": _object(_prediction(record)),
        "Predictions": _object(answers),
        "Refusal": _object(refusal),
        "MlflowError": _object({"error_code": {"type": "string"}, "message": {"type": "string"}}),
    }


def _prediction(record: ModelRecord) -> Json:
    chance = {"type": "number", "minimum": 0, "maximum": 1}
    if record.task == "regression":
        return {"value": {"type": "number"}}
    if record.task == "binary":
        return {"probability": chance, "label": {"type": ["boolean", "string"]}}
    label = {"type": "string", "enum": list(record.labels)}
    return {"label": label, "probabilities": _object(dict.fromkeys(record.labels, chance))}


def _object(properties: Json, *, but: list[str] | None = None) -> Json:
    required = [name for name in properties if name not in (but or [])]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(name: str) -> Json:
    return {"required": True, "content": _json_content(_ref(name))}


def _content(description: str, name: str) -> Json:
    return {"description": description, "content": _json_content(_ref(name))}


def _json_content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _refusals(statuses: dict[str, str]) -> Json:
    return {status: _content(description, "Refusal") for status, description in statuses.items()}
