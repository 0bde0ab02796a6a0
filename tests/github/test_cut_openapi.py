"""The script that cuts GitHub's document, and what it cut."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
SCRIPT = runpy.run_path(str(Path(__file__).with_name("cut_openapi.py")))


def whole() -> dict[str, Any]:
    """A document with every operation, a schema that refers on, and things that nobody uses."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1", "license": {"name": "MIT"}, "contact": {}},
        "paths": {
            f"/{name}": {
                "get": {
                    "operationId": name,
                    "description": "words",
                    "x-github": {"a": 1},
                    "responses": {"200": {"content": {"j": {"schema": {"$ref": "#/components/schemas/used"}}}}},
                }
            }
            for name in (*SCRIPT["OPERATIONS"], "other/operation")
        },
        "components": {
            "schemas": {
                "used": {
                    "example": 1,
                    "required": ["description"],
                    "properties": {
                        "description": {"description": "w", "type": "string"},
                        "x-y": {"$ref": "#/components/schemas/too"},
                    },
                },
                "too": {"items": {"$ref": "#/components/schemas/used"}},
                "unused": {},
            }
        },
    }


def test_what_is_used_is_kept() -> None:
    """Operations, and what they refer to, however far; prose goes, properties of that name stay."""
    done = SCRIPT["cut"](whole())
    assert {each["get"]["operationId"] for each in done["paths"].values()} == set(SCRIPT["OPERATIONS"])
    assert done["components"]["schemas"] == {
        "used": {
            "required": ["description"],
            "properties": {"description": {"type": "string"}, "x-y": {"$ref": "#/components/schemas/too"}},
        },
        "too": {"items": {"$ref": "#/components/schemas/used"}},
    }


def test_an_operation_that_is_gone_is_an_error() -> None:
    """A newer document may have renamed one: then nothing is cut."""
    document = whole()
    del document["paths"]["/pulls/get"]
    with pytest.raises(KeyError, match="pulls/get"):
        SCRIPT["cut"](document)


def test_the_vendored_document_is_such_a_cut() -> None:
    """Cutting it again changes nothing but its own words, and it says whose it is."""
    again = SCRIPT["cut"](DOCUMENT)
    assert {**again, "info": DOCUMENT["info"]} == DOCUMENT
    assert "MIT" in DOCUMENT["info"]["description"]
